#include "mining/corpus/corpus_inputs.h"

#include "common/base/file.h"
#include "common/transfer/url.h"

#include <ctype.h>
#include <glob.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* NAME_BYTES_MAX leaves room for what a download puts behind a name. */
enum { LINE_MAX_BYTES = 8192, DIGEST_LEN = 64, NAME_BYTES_MAX = 240 };

typedef struct item {
    const char *path, *name, *digest, *address;
    const char *key, *base; /* what the list holds once; the last part of the path, "" before there is one */
    int64_t size;
    size_t named; /* its place in what was given */
} item;

static nb_status corpus_inputs_add(nb_inputs *out, const item *one, nb_error *err)
{
    nb_status status;
    NB_TRY(nb_strings_push(&out->paths, one->path, strlen(one->path), err));
    NB_TRY(nb_strings_push(&out->names, one->name, strlen(one->name), err));
    NB_TRY(nb_strings_push(&out->digests, one->digest, strlen(one->digest), err));
    NB_TRY(nb_strings_push(&out->addresses, one->address, strlen(one->address), err));
done:
    return status;
}

static nb_status corpus_inputs_add_file(nb_inputs *out, const char *path, const char *digest, nb_error *err)
{
    struct stat st;
    nb_status status = nb_file_check(path, err);
    if (status == NB_ERR_INPUT && stat(path, &st) == 0 && S_ISFIFO(st.st_mode)) {
        return nb_hint(err, "pipes are read where they are named on the command line, not in patterns and manifests");
    }
    const item one = {.path = path, .name = path, .digest = digest, .address = ""};
    return status == NB_OK ? corpus_inputs_add(out, &one, err) : status;
}

static nb_status corpus_inputs_add_address(nb_inputs *out, const char *word, const char *digest, nb_error *err)
{
    nb_url url = {0};
    char *name = NULL;
    nb_status status;
    NB_TRY(nb_url_parse(&url, word, err));
    NB_TRY(nb_url_name(&name, &url, err));
    if (!nb_plain_name(name) || strlen(name) > NAME_BYTES_MAX) {
        nb_fail(err, NB_ERR_USAGE, "'%s' does not end in a file's name", url.shown);
        status = nb_hint(err, "give the address of each file: folders are not listed");
        goto done;
    }
    const item one = {.path = "", .name = url.shown, .digest = digest, .address = word};
    NB_TRY(corpus_inputs_add(out, &one, err));
done:
    nb_url_free(&url);
    free(name);
    return status;
}

static nb_status corpus_inputs_add_pattern(nb_inputs *out, const char *word, nb_error *err)
{
    glob_t found = {0};
    nb_status status = NB_OK;
    int code = glob(word, 0, NULL, &found);
    if (code == GLOB_NOSPACE) {
        status = nb_fail(err, NB_ERR_LIMIT, "out of memory for the files of '%s'", word);
    } else if (code != 0) {
        nb_fail(err, NB_ERR_INPUT, "no file matches '%s'", word);
        status = nb_hint(err, "quote a pattern so that the shell leaves it alone, and look at the folder");
    }
    for (size_t i = 0; status == NB_OK && i < found.gl_pathc; i++) {
        status = corpus_inputs_add_file(out, found.gl_pathv[i], "", err);
    }
    globfree(&found);
    return status;
}

static nb_status corpus_inputs_add_word(nb_inputs *out, const char *word, const char *digest, nb_error *err)
{
    if (nb_url_like(word)) {
        return corpus_inputs_add_address(out, word, digest, err);
    }
    bool pattern = strpbrk(word, "*?[") != NULL && access(word, F_OK) != 0;
    return pattern && !digest[0] ? corpus_inputs_add_pattern(out, word, err)
                                 : corpus_inputs_add_file(out, word, digest, err);
}

static bool corpus_inputs_begins_with_digest(const char *line, size_t len)
{
    if (len < DIGEST_LEN + 3 || line[DIGEST_LEN] != ' ' ||
        (line[DIGEST_LEN + 1] != ' ' && line[DIGEST_LEN + 1] != '*')) {
        return false;
    }
    for (size_t i = 0; i < DIGEST_LEN; i++) {
        if (!isxdigit((unsigned char)line[i])) {
            return false;
        }
    }
    return true;
}

static nb_status corpus_inputs_add_line(nb_inputs *out, const char *folder, const char *line, size_t len, nb_error *err)
{
    char digest[DIGEST_LEN + 1] = "";
    char *path = NULL;
    nb_status status;
    if (corpus_inputs_begins_with_digest(line, len)) {
        for (size_t i = 0; i < DIGEST_LEN; i++) {
            digest[i] = (char)tolower((unsigned char)line[i]);
        }
        line += DIGEST_LEN + 2;
    }
    NB_TRY(nb_path_join(&path, line[0] == '/' || nb_url_like(line) ? "" : folder, line, err));
    NB_TRY(corpus_inputs_add_word(out, path, digest, err));
done:
    free(path);
    return status;
}

static nb_status corpus_inputs_add_manifest(nb_inputs *out, const char *path, const nb_renames *given, nb_error *err)
{
    nb_strings lines = {0};
    char *folder = NULL;
    nb_status status;
    const char *name = nb_renamed(given, path);
    bool no_folder = name != path && (strncmp(name, "/dev/", 5) == 0 || strncmp(name, "/proc/", 6) == 0);
    size_t folder_len = no_folder ? 0 : (size_t)(nb_path_base(name) - name);
    NB_TRY_NEW(folder, folder_len + 1);
    memcpy(folder, name, folder_len);
    NB_TRY(nb_file_lines(path, LINE_MAX_BYTES, &lines, err));
    for (size_t i = 0; i < lines.count; i++) {
        const char *line = nb_strings_get(&lines, i);
        size_t len = nb_strings_len(&lines, i);
        if (!len || line[0] == '#') {
            continue;
        }
        status = corpus_inputs_add_line(out, folder, line, len, err);
        if (status != NB_OK) {
            nb_context(err, "'%s' line %zu", path, i + 1);
            goto done;
        }
    }
done:
    nb_strings_free(&lines);
    free(folder);
    return status;
}

static int corpus_inputs_by_name(const void *left, const void *right)
{
    const item *a = left, *b = right;
    int order = strcmp(a->base, b->base);
    order = order ? order : (a->size > b->size) - (a->size < b->size);
    order = order ? order : strcmp(a->key, b->key);
    return order ? order : strcmp(b->digest, a->digest); /* one with a digest first */
}

/* `local`: the files of the addresses, in the order of the list; NULL: they are not there yet. */
static nb_status corpus_inputs_put_in_order(nb_inputs *in, const nb_strings *local, nb_error *err)
{
    nb_inputs out = {0};
    item *items = NULL;
    size_t placed = 0;
    nb_status status;
    NB_TRY_NEW(items, in->paths.count);
    NB_TRY_NEW(out.named, in->paths.count);
    for (size_t i = 0; i < in->paths.count; i++) {
        struct stat st = {0};
        const char *address = nb_strings_get(&in->addresses, i), *path = nb_strings_get(&in->paths, i);
        path = address[0] && local ? nb_strings_get(local, placed++) : path;
        if (path[0] && stat(path, &st) != 0) {
            status = nb_fail_errno(err, NB_ERR_INPUT, "cannot stat '%s'", path);
            goto done;
        }
        items[i] = (item){.path = path,
                          .name = nb_strings_get(&in->names, i),
                          .digest = nb_strings_get(&in->digests, i),
                          .address = address,
                          .key = address[0] ? address : path,
                          .base = nb_path_base(path),
                          .size = st.st_size,
                          .named = in->named ? in->named[i] : i};
    }
    qsort(items, in->paths.count, sizeof *items, corpus_inputs_by_name);
    for (size_t i = 0; i < in->paths.count; i++) {
        const item *last = i ? &items[i - 1] : NULL;
        size_t *named = &out.named[out.paths.count]; /* [-1] of the one added last */
        if (last && strcmp(last->key, items[i].key) == 0) {
            if (items[i].digest[0] && strcmp(last->digest, items[i].digest) != 0) {
                status = nb_fail(err, NB_ERR_INPUT, "'%s' is listed with two different digests", last->name);
                goto done;
            }
            named[-1] = items[i].named < named[-1] ? items[i].named : named[-1];
            continue;
        }
        *named = items[i].named;
        NB_TRY(corpus_inputs_add(&out, &items[i], err));
    }
    nb_inputs_free(in);
    *in = out;
    out = (nb_inputs){0};
done:
    nb_inputs_free(&out);
    free(items);
    return status;
}

nb_status nb_inputs_open(nb_inputs *out, const nb_strings *words, const char *manifest, const nb_renames *given,
                         nb_error *err)
{
    nb_status status = NB_OK;
    *out = (nb_inputs){0};
    for (size_t i = 0; i < words->count; i++) {
        const char *word = nb_strings_get(words, i);
        NB_TRY(word[0] == '@' ? corpus_inputs_add_manifest(out, word + 1, given, err)
                              : corpus_inputs_add_word(out, word, "", err));
    }
    if (manifest) {
        NB_TRY(corpus_inputs_add_manifest(out, manifest, given, err));
    }
    if (!out->paths.count) {
        status = nb_fail(err, NB_ERR_INPUT, "'%s' lists no file", manifest ? manifest : "the manifest");
        goto done;
    }
    NB_TRY(corpus_inputs_put_in_order(out, NULL, err));
done:
    if (status != NB_OK) {
        nb_inputs_free(out);
    }
    return status;
}

nb_status nb_inputs_place(nb_inputs *inputs, const nb_strings *paths, nb_error *err)
{
    return corpus_inputs_put_in_order(inputs, paths, err);
}

void nb_inputs_free(nb_inputs *inputs)
{
    nb_strings_free(&inputs->paths);
    nb_strings_free(&inputs->names);
    nb_strings_free(&inputs->addresses);
    nb_strings_free(&inputs->digests);
    free(inputs->named);
    inputs->named = NULL;
}
