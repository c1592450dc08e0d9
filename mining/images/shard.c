#include "mining/images/shard.h"

#include "common/base/file.h"
#include "common/base/json_scan.h"
#include "common/base/text.h"
#include "mining/images/image_name.h"
#include "mining/images/tar.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { EXAMPLES_MAX = 5 };

/* Labels found beside images, joined to them by sample at the end. */
typedef struct labels {
    nb_strings samples, texts;
} labels;

/* A sample and its label's number among the labels. */
typedef struct sample {
    const char *name;
    size_t len, label;
} sample;

const char *nb_shard_skip_name(nb_shard_skip why)
{
    static const char *const skip_names[] = {"unsafe or unreadable names",
                                             "links or devices",
                                             "sparse members",
                                             "over the limit of bytes",
                                             "members that stand again behind them",
                                             "links to nothing",
                                             "folders that cannot be read or lie too deep",
                                             "hidden files, of macOS for instance"};
    return why < NB_SKIPS ? skip_names[why] : "unknown";
}

bool nb_shard_named(const char *path)
{
    static const char *const suffixes[] = {".tar", ".tar.gz", ".tgz", ".tar.zst", ".tzst"};
    size_t len = strlen(path);
    for (size_t i = 0; i < sizeof suffixes / sizeof suffixes[0]; i++) {
        size_t n = strlen(suffixes[i]);
        if (len > n && strcasecmp(path + len - n, suffixes[i]) == 0) {
            return true;
        }
    }
    return false;
}

/* Bytes of a name that all members of its sample share. */
static size_t shard_sample_len(const char *name)
{
    const char *base = nb_path_base(name), *dot = strchr(base, '.');
    return dot ? (size_t)(dot - name) : strlen(name);
}

static bool shard_safe(const char *name)
{
    size_t len = strlen(name);
    if (!len || len > NB_SHARD_NAME_MAX || name[0] == '/' || !nb_image_name_is_text(name, len)) {
        return false;
    }
    for (const char *part = name; part; part = strchr(part, '/')) {
        part += *part == '/';
        if (strncmp(part, "..", 2) == 0 && (part[2] == '/' || !part[2])) {
            return false;
        }
    }
    return true;
}

nb_status nb_shard_example(nb_strings *examples, const char *name, const char *why, nb_error *err)
{
    nb_buffer text = {0};
    if (examples->count >= EXAMPLES_MAX) {
        return NB_OK;
    }
    nb_status status = nb_buffer_printf(&text, err, "%.200s: %s", name, why);
    if (status == NB_OK) {
        nb_text_sanitise(text.data);
        status = nb_strings_push(examples, text.data, strlen(text.data), err);
    }
    nb_buffer_free(&text);
    return status;
}

static nb_status shard_leave_out(nb_shard *s, const char *name, nb_shard_skip why, nb_error *err)
{
    s->skipped[why]++;
    return nb_shard_example(&s->examples, name, nb_shard_skip_name(why), err);
}

static nb_status shard_add_image(nb_shard *s, const nb_tar_member *m, const char *name, bool compressed, nb_error *err)
{
    nb_status status = NB_OK;
    if (s->count == s->capacity) {
        size_t capacity = s->capacity ? 2 * s->capacity : 256;
        uint64_t *at = nb_grow(s->at, capacity, sizeof *at, err);
        s->at = at ? at : s->at;
        uint64_t *size = at ? nb_grow(s->size, capacity, sizeof *size, err) : NULL;
        if (!size) {
            return NB_ERR_LIMIT;
        }
        s->size = size;
        s->capacity = capacity;
    }
    NB_TRY(nb_strings_push(&s->names, name, strlen(name), err));
    s->at[s->count] = compressed ? m->number : m->at;
    s->size[s->count++] = m->size;
done:
    return status;
}

static nb_status shard_check_image(nb_shard *s, const nb_shard_ask *ask, const nb_tar_member *m, const char *name,
                                   bool compressed, nb_error *err)
{
    if (nb_image_name_hidden(name)) {
        s->skipped[NB_SKIP_HIDDEN]++;
        return NB_OK;
    }
    if (!shard_safe(name)) {
        return shard_leave_out(s, name, NB_SKIP_NAME, err);
    }
    if (m->kind != NB_TAR_FILE) {
        return shard_leave_out(s, name, m->kind == NB_TAR_SPARSE ? NB_SKIP_SPARSE : NB_SKIP_KIND, err);
    }
    if (m->size > ask->bytes) {
        return shard_leave_out(s, name, NB_SKIP_BYTES, err);
    }
    return shard_add_image(s, m, name, compressed, err);
}

/* ---- labels ---- */

/* The value of a JSON object's key as text, read as Python reads it; "" when it has none. */
static nb_status shard_value_of(nb_buffer *out, const char *json, size_t len, const char *key, nb_error *err)
{
    nb_json_found found = {0};
    nb_status status;
    NB_TRY(nb_json_scan(&found, json, len, key, err));
    if (found.kind == NB_JSON_BAD) {
        status = nb_fail(err, NB_ERR_INPUT, "it is no JSON object: %s", found.why);
        goto done;
    }
    nb_buffer_clear(out);
    if (found.kind != NB_JSON_MISSING && found.text.len) {
        status = nb_buffer_append(out, found.text.data, found.text.len, err);
    }
done:
    nb_buffer_free(&found.text);
    nb_buffer_free(&found.key);
    return status;
}

static nb_status shard_read_label(labels *l, nb_tar *tar, const nb_shard_ask *ask, const nb_tar_member *m,
                                  nb_error *err)
{
    bool json = strcasecmp(ask->label_suffix, "json") == 0;
    size_t max = json ? NB_SHARD_JSON_MAX : NB_SHARD_LABEL_MAX + 1;
    nb_buffer text = {0};
    char *raw = NULL;
    nb_status status = NB_OK;
    if (m->size > max) {
        status = nb_fail(err, NB_ERR_INPUT, "%llu bytes, at most %zu are accepted", (unsigned long long)m->size, max);
        goto done;
    }
    NB_TRY_NEW(raw, (size_t)m->size + 1);
    NB_TRY(nb_tar_read(tar, raw, m->size, err));
    size_t mark = nb_text_mark_len(raw, (size_t)m->size);
    NB_TRY(nb_buffer_append(&text, raw + mark, (size_t)m->size - mark, err));
    if (json) {
        NB_TRY(shard_value_of(&text, raw + mark, (size_t)m->size - mark, ask->label_key, err));
    }
    const char *begin = text.len ? text.data : "", *end = begin + text.len;
    while (begin < end && strchr(" \t\r\n", *begin)) {
        begin++;
    }
    while (end > begin && strchr(" \t\r\n", end[-1])) {
        end--;
    }
    if ((size_t)(end - begin) > NB_SHARD_LABEL_MAX || !nb_image_name_is_text(begin, (size_t)(end - begin))) {
        nb_fail(err, NB_ERR_INPUT, "it is no label: a number or a class name of up to %d bytes on one line",
                NB_SHARD_LABEL_MAX);
        status = nb_hint(err, "captions are no labels: choose --labels-from cls, json or none");
        goto done;
    }
    NB_TRY(nb_strings_push(&l->samples, m->name, shard_sample_len(m->name), err));
    NB_TRY(nb_strings_push(&l->texts, begin, (size_t)(end - begin), err));
done:
    nb_buffer_free(&text);
    free(raw);
    return status;
}

static int shard_by_sample(const void *a, const void *b)
{
    const sample *x = a, *y = b;
    return nb_bytes_compare(x->name, x->len, y->name, y->len);
}

/* Equal ones in the tar's order. */
static int shard_by_place(const void *a, const void *b)
{
    const sample *x = a, *y = b;
    int order = shard_by_sample(a, b);
    return order ? order : (x->label > y->label) - (x->label < y->label);
}

/* The last of equal names stays, as in tar. */
static nb_status shard_drop_doubles(nb_shard *s, nb_error *err)
{
    sample *sorted = NULL;
    uint8_t *dropped = NULL;
    nb_strings names = {0};
    size_t kept = 0;
    nb_status status;
    NB_TRY_NEW(sorted, s->count);
    NB_TRY_NEW(dropped, s->count);
    for (size_t i = 0; i < s->count; i++) {
        sorted[i] = (sample){nb_strings_get(&s->names, i), nb_strings_len(&s->names, i), i};
    }
    qsort(sorted, s->count, sizeof *sorted, shard_by_place);
    for (size_t i = 1; i < s->count; i++) {
        if (shard_by_sample(&sorted[i - 1], &sorted[i]) == 0) {
            dropped[sorted[i - 1].label] = 1;
            NB_TRY(shard_leave_out(s, sorted[i - 1].name, NB_SKIP_TWICE, err));
        }
    }
    if (!s->skipped[NB_SKIP_TWICE]) {
        goto done;
    }
    for (size_t i = 0; i < s->count; i++) {
        if (!dropped[i]) {
            NB_TRY(nb_strings_push(&names, nb_strings_get(&s->names, i), nb_strings_len(&s->names, i), err));
            s->at[kept] = s->at[i];
            s->size[kept++] = s->size[i];
        }
    }
    nb_strings_free(&s->names);
    s->names = names;
    s->count = kept;
    names = (nb_strings){0};
done:
    nb_strings_free(&names);
    free(sorted);
    free(dropped);
    return status;
}

/* The label of every image, in the images' order. */
static nb_status shard_join(nb_shard *s, const labels *l, nb_error *err)
{
    sample *sorted = NULL;
    nb_status status = NB_OK;
    NB_TRY_NEW(sorted, l->samples.count);
    for (size_t i = 0; i < l->samples.count; i++) {
        sorted[i] = (sample){nb_strings_get(&l->samples, i), nb_strings_len(&l->samples, i), i};
    }
    qsort(sorted, l->samples.count, sizeof *sorted, shard_by_place);
    for (size_t i = 0; i < s->count; i++) {
        const char *name = nb_strings_get(&s->names, i);
        sample key = {name, shard_sample_len(name), 0};
        const sample *found = bsearch(&key, sorted, l->samples.count, sizeof *sorted, shard_by_sample);
        while (found && found + 1 < sorted + l->samples.count && shard_by_sample(found, found + 1) == 0) {
            found++; /* a label that stands twice: the last one, as of images */
        }
        const char *text = found ? nb_strings_get(&l->texts, found->label) : "";
        NB_TRY(nb_strings_push(&s->labels, text, strlen(text), err));
    }
done:
    free(sorted);
    return status;
}

static bool shard_is_label(const nb_shard_ask *ask, const char *name)
{
    if (!ask->label_suffix) {
        return false;
    }
    const char *rest = name + shard_sample_len(name);
    return *rest == '.' && strcasecmp(rest + 1, ask->label_suffix) == 0;
}

/* ---- the index ---- */

nb_status nb_shard_read(nb_shard *out, const char *path, const nb_shard_ask *ask, nb_error *err)
{
    nb_tar *tar = NULL;
    labels found = {0};
    nb_tar_member m;
    bool more = true;
    nb_status status;
    *out = (nb_shard){0};
    NB_TRY(nb_tar_open(&tar, path, err));
    for (;;) {
        NB_TRY(nb_tar_next(tar, &m, &more, err));
        if (!more) {
            break;
        }
        bool compressed = nb_tar_compressed(tar);
        m.name += strncmp(m.name, "./", 2) == 0 ? 2 : 0;
        out->compressed = compressed;
        int other = m.kind == NB_TAR_FILE ? nb_image_name_other(m.name) : -1;
        if (other >= 0 && !out->others[other]++) {
            NB_TRY(nb_shard_example(&out->examples, m.name, "of a format that is not read", err));
        }
        if (nb_image_name_has_suffix(m.name)) {
            NB_TRY(shard_check_image(out, ask, &m, m.name, compressed, err));
        } else if (m.kind == NB_TAR_FILE && shard_safe(m.name) && shard_is_label(ask, m.name)) {
            status = shard_read_label(&found, tar, ask, &m, err);
            if (status != NB_OK) {
                nb_context(err, "'%s': label '%s'", path, m.name);
                goto done;
            }
        }
    }
    NB_TRY(shard_drop_doubles(out, err));
    NB_TRY(shard_join(out, &found, err));
done:
    nb_tar_close(tar);
    nb_strings_free(&found.samples);
    nb_strings_free(&found.texts);
    if (status != NB_OK) {
        nb_shard_free(out);
    }
    return status;
}

void nb_shard_free(nb_shard *s)
{
    if (s) {
        nb_strings_free(&s->names);
        nb_strings_free(&s->labels);
        nb_strings_free(&s->examples);
        free(s->at);
        free(s->size);
        *s = (nb_shard){0};
    }
}

/* ---- for other ranks ---- */

nb_status nb_shard_pack(nb_buffer *out, const nb_shard *s, nb_error *err)
{
    uint64_t head[2] = {s->count, s->compressed};
    nb_status status;
    NB_TRY(nb_pack_words(out, head, 2, err));
    NB_TRY(nb_pack_words(out, s->skipped, NB_SKIPS, err));
    NB_TRY(nb_pack_words(out, s->others, NB_IMAGE_OTHER_SUFFIXES, err));
    NB_TRY(nb_pack_words(out, s->at, s->count, err));
    NB_TRY(nb_pack_words(out, s->size, s->count, err));
    NB_TRY(nb_pack_strings(out, &s->names, err));
    NB_TRY(nb_pack_strings(out, &s->labels, err));
    NB_TRY(nb_pack_strings(out, &s->examples, err));
done:
    return status;
}

nb_status nb_shard_unpack(nb_shard *out, nb_unpack *in, nb_error *err)
{
    uint64_t head[2] = {0};
    nb_status status;
    *out = (nb_shard){0};
    NB_TRY(nb_unpack_words(in, head, 2, err));
    out->count = out->capacity = (size_t)head[0];
    out->compressed = head[1] != 0;
    NB_TRY(nb_unpack_words(in, out->skipped, NB_SKIPS, err));
    NB_TRY(nb_unpack_words(in, out->others, NB_IMAGE_OTHER_SUFFIXES, err));
    NB_TRY_NEW(out->at, out->count);
    NB_TRY_NEW(out->size, out->count);
    NB_TRY(nb_unpack_words(in, out->at, out->count, err));
    NB_TRY(nb_unpack_words(in, out->size, out->count, err));
    NB_TRY(nb_unpack_strings(in, &out->names, err));
    NB_TRY(nb_unpack_strings(in, &out->labels, err));
    NB_TRY(nb_unpack_strings(in, &out->examples, err));
done:
    if (status != NB_OK) {
        nb_shard_free(out);
    }
    return status;
}
