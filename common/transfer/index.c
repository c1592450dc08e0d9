#include "common/transfer/index.h"

#include "common/base/json.h"
#include "common/base/text.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define FORMAT "negbank index"
static const char opening[] = "{\n", member[] = " \"signature\": ";

void nb_index_free(nb_index *index)
{
    if (index) {
        json_decref(index->root);
        free(index->signature);
        nb_buffer_free(&index->payload);
        *index = (nb_index){0};
    }
}

bool nb_index_word(const char *word)
{
    size_t len = strlen(word);
    for (size_t i = 0; i < len; i++) {
        if (!isalnum((unsigned char)word[i]) && !strchr("._-+", word[i])) {
            return false;
        }
    }
    return len >= 1 && len <= 128 && word[0] != '.' && word[0] != '-';
}

const char *nb_index_text_of(const json_t *bank, const char *key)
{
    const char *text = json_string_value(json_object_get(bank, key));
    return text ? text : "";
}

/* ---- reading ---- */

static bool index_hex_digest(const char *text)
{
    return strlen(text) == 64 && strspn(text, "0123456789abcdef") == 64;
}

static nb_status index_bad_bank(nb_error *err, const char *name, size_t i, const char *why)
{
    return nb_fail(err, NB_ERR_INPUT, "'%s': bank %zu: %s", name, i + 1, why);
}

static bool index_strings_only(const json_t *bank, const char *const *keys, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const json_t *value = json_object_get(bank, keys[i]);
        if (value &&
            (!json_is_string(value) || !nb_text_printable(json_string_value(value), json_string_length(value)))) {
            return false;
        }
    }
    return true;
}

static nb_status index_check_bank(const json_t *bank, const char *name, size_t i, nb_error *err)
{
    static const char *const texts[] = {"signature", "card",       "published", "criterion",
                                        "score",     "checkpoint", "corpus",    "licence"};
    static const char *const counts[] = {"label_count", "negatives", "dimensions"};
    const json_t *bytes = json_object_get(bank, "bytes"), *labels = json_object_get(bank, "labels");
    size_t at;
    const json_t *label;
    if (!json_is_object(bank)) {
        return index_bad_bank(err, name, i, "it is no object");
    }
    if (!nb_index_word(nb_index_text_of(bank, "name")) || !nb_index_word(nb_index_text_of(bank, "version"))) {
        return index_bad_bank(err, name, i,
                              "\"name\" or \"version\" is missing or not made of letters, digits and . _ - +");
    }
    if (!index_hex_digest(nb_index_text_of(bank, "sha256"))) {
        return index_bad_bank(err, name, i, "\"sha256\" is not 64 hexadecimal digits");
    }
    if (!json_is_integer(bytes) || json_integer_value(bytes) < 0) {
        return index_bad_bank(err, name, i, "\"bytes\" is no size");
    }
    if (!*nb_index_text_of(bank, "file") ||
        !nb_text_printable(nb_index_text_of(bank, "file"), strlen(nb_index_text_of(bank, "file")))) {
        return index_bad_bank(err, name, i, "\"file\" is missing, or holds control characters");
    }
    if (!index_strings_only(bank, texts, sizeof texts / sizeof *texts)) {
        return index_bad_bank(err, name, i, "a text is something else, or holds control characters");
    }
    for (size_t k = 0; k < sizeof counts / sizeof *counts; k++) {
        const json_t *count = json_object_get(bank, counts[k]);
        if (count && (!json_is_integer(count) || json_integer_value(count) < 0)) {
            return index_bad_bank(err, name, i, "a count is something else");
        }
    }
    if (labels && !json_is_array(labels)) {
        return index_bad_bank(err, name, i, "\"labels\" is no list");
    }
    json_array_foreach((json_t *)(uintptr_t)labels, at, label)
    {
        if (!json_is_string(label) || !nb_text_printable(json_string_value(label), json_string_length(label))) {
            return index_bad_bank(err, name, i, "a label is no text, or holds control characters");
        }
    }
    return NB_OK;
}

static nb_status index_check_root(nb_index *x, const char *name, nb_error *err)
{
    const json_t *version = json_object_get(x->root, "version"), *serial = json_object_get(x->root, "serial");
    size_t i;
    const json_t *bank;
    if (strcmp(nb_index_text_of(x->root, "format"), FORMAT) != 0) {
        return nb_fail(err, NB_ERR_INPUT, "'%s' is no index: \"format\" is not \"" FORMAT "\"", name);
    }
    if (!json_is_integer(version) || json_integer_value(version) != NB_INDEX_VERSION) {
        nb_fail(err, NB_ERR_INPUT, "'%s' is an index of a version this program does not read", name);
        return nb_hint(err, "a newer negbank may");
    }
    if (!json_is_integer(serial) || json_integer_value(serial) < 0 ||
        json_integer_value(serial) > NB_INDEX_SERIAL_MAX) {
        return nb_fail(err, NB_ERR_INPUT, "'%s': \"serial\" is no number from 0 to %lld", name, NB_INDEX_SERIAL_MAX);
    }
    x->serial = json_integer_value(serial);
    x->banks = json_object_get(x->root, "banks");
    if (!json_is_array(x->banks) || json_array_size(x->banks) > NB_INDEX_BANKS_MAX) {
        return nb_fail(err, NB_ERR_INPUT, "'%s': \"banks\" is no list, or has over %d entries", name,
                       NB_INDEX_BANKS_MAX);
    }
    json_array_foreach(x->banks, i, bank)
    {
        nb_status status = index_check_bank(bank, name, i, err);
        if (status != NB_OK) {
            return status;
        }
    }
    return NB_OK;
}

/* Takes line 2 out when it is the signature; what is left are the bytes it is of. */
static nb_status index_split(nb_index *x, const char *name, const char *text, size_t len, nb_error *err)
{
    size_t open = strlen(opening), n = strlen(member);
    nb_status status;
    if (len < open + n || memcmp(text, opening, open) != 0 || memcmp(text + open, member, n) != 0) {
        return nb_buffer_append(&x->payload, text, len, err);
    }
    const char *value = text + open + n, *end = memchr(value, '\n', len - open - n);
    json_error_t at;
    json_t *signature = NULL;
    if (end && end > value && end[-1] == ',') {
        signature = json_loadb(value, (size_t)(end - 1 - value), JSON_DECODE_ANY, &at);
    }
    if (!json_is_string(signature)) {
        status = nb_fail(err, NB_ERR_VERIFY, "'%s' line 2: the signature is no text", name);
        goto done;
    }
    NB_TRY_NEW(x->signature, 1);
    NB_TRY(nb_signature_parse(x->signature, name, json_string_value(signature), json_string_length(signature), err));
    NB_TRY(nb_buffer_append(&x->payload, text, open, err));
    NB_TRY(nb_buffer_append(&x->payload, end + 1, len - (size_t)(end + 1 - text), err));
done:
    json_decref(signature);
    return status;
}

nb_status nb_index_parse(nb_index *out, const char *name, const char *text, size_t len, nb_error *err)
{
    json_error_t at;
    nb_status status;
    *out = (nb_index){.digest = nb_digest_bytes(text, len)};
    if (len > NB_INDEX_TEXT_MAX) {
        return nb_fail(err, NB_ERR_INPUT, "'%s' has %zu bytes, an index has at most %d", name, len, NB_INDEX_TEXT_MAX);
    }
    NB_TRY(index_split(out, name, text, len, err));
    status = nb_json_parse(&out->root, out->payload.len ? out->payload.data : "", out->payload.len,
                           JSON_REJECT_DUPLICATES, &at, err);
    if (status != NB_OK) {
        nb_context(err, "'%s'", name);
        goto done;
    }
    if (!json_is_object(out->root)) {
        status = nb_fail(err, NB_ERR_INPUT, "'%s' line %d is not JSON of an index: %s", name, out->root ? 1 : at.line,
                         out->root ? "it is no object" : at.text);
        goto done;
    }
    if (json_object_get(out->root, "signature")) {
        status = nb_fail(err, NB_ERR_VERIFY, "'%s': \"signature\" is not where a signature has to be (line 2)", name);
        goto done;
    }
    NB_TRY(index_check_root(out, name, err));
done:
    if (status != NB_OK) {
        nb_index_free(out);
    }
    return status;
}

nb_status nb_index_empty(nb_index *out, nb_error *err)
{
    *out = (nb_index){.root = json_pack("{s:s, s:i, s:i, s:s, s:[]}", "format", FORMAT, "version", NB_INDEX_VERSION,
                                        "serial", 0, "updated", "", "banks")};
    out->banks = json_object_get(out->root, "banks");
    return out->banks ? NB_OK : nb_fail(err, NB_ERR_LIMIT, "out of memory for an index");
}

nb_status nb_index_verify(const nb_index *x, const char *name, const nb_trusted_keys *trusted, nb_error *err)
{
    if (!x->signature) {
        nb_fail(err, NB_ERR_VERIFY, "index '%s' is not signed", name);
        return nb_hint(err, "without --verify it is taken as it is");
    }
    return nb_signature_check(x->signature, trusted, x->payload.data, x->payload.len, name, err);
}

const json_t *nb_index_find(const nb_index *x, const char *name, const char *version)
{
    for (size_t i = json_array_size(x->banks); i-- > 0;) {
        const json_t *bank = json_array_get(x->banks, i);
        if (strcmp(nb_index_text_of(bank, "name"), name) == 0 &&
            (!version || strcmp(nb_index_text_of(bank, "version"), version) == 0)) {
            return bank;
        }
    }
    return NULL;
}

/* ---- writing ---- */

static size_t index_place_of(const nb_index *x, const json_t *bank)
{
    const json_t *old = nb_index_find(x, nb_index_text_of(bank, "name"), nb_index_text_of(bank, "version"));
    size_t i = 0;
    while (old && json_array_get(x->banks, i) != old) {
        i++;
    }
    return old ? i : json_array_size(x->banks);
}

nb_status nb_index_add(nb_index *x, json_t *bank, bool force, nb_error *err)
{
    nb_status status = index_check_bank(bank, "the new entry", 0, err);
    if (status != NB_OK) {
        return status;
    }
    size_t at = index_place_of(x, bank), count = json_array_size(x->banks);
    if (at < count && !force &&
        strcmp(nb_index_text_of(json_array_get(x->banks, at), "sha256"), nb_index_text_of(bank, "sha256")) != 0) {
        nb_fail(err, NB_ERR_USAGE, "the index has another bank '%s' of version '%s'", nb_index_text_of(bank, "name"),
                nb_index_text_of(bank, "version"));
        return nb_hint(err, "publish it under a new --version, or replace it with --force");
    }
    if (at == count && count >= NB_INDEX_BANKS_MAX) {
        return nb_fail(err, NB_ERR_LIMIT, "the index is full: it has %d banks", NB_INDEX_BANKS_MAX);
    }
    if (x->serial >= NB_INDEX_SERIAL_MAX) {
        return nb_fail(err, NB_ERR_LIMIT, "the index has the last serial there is, %lld", (long long)x->serial);
    }
    bool fine = at < count ? json_array_set(x->banks, at, bank) == 0 : json_array_append(x->banks, bank) == 0;
    char now[32];
    nb_clock_iso(now);
    x->serial++;
    fine = fine && json_object_set_new(x->root, "serial", json_integer(x->serial)) == 0 &&
           json_object_set_new(x->root, "updated", json_string(now)) == 0;
    return fine ? NB_OK : nb_fail(err, NB_ERR_LIMIT, "out of memory for an index");
}

static nb_status index_sign(nb_index *x, const nb_secret_key *key, nb_buffer *out, nb_error *err)
{
    nb_buffer signature = {0};
    char trusted[128], *quoted = NULL;
    json_t *text = NULL;
    nb_status status;
    snprintf(trusted, sizeof trusted, "serial:%lld\tfile:index.json\thashed", (long long)x->serial);
    NB_TRY(nb_signature_make(&signature, key, x->payload.data, x->payload.len, trusted, err));
    NB_TRY_NEW(x->signature, 1);
    NB_TRY(nb_signature_parse(x->signature, "index", signature.data, signature.len, err));
    text = json_string(signature.data);
    quoted = text ? json_dumps(text, JSON_ENCODE_ANY) : NULL;
    if (!quoted) {
        status = nb_fail(err, NB_ERR_LIMIT, "out of memory for an index");
        goto done;
    }
    NB_TRY(nb_buffer_printf(out, err, "%s%s%s,\n", opening, member, quoted));
    NB_TRY(nb_buffer_append(out, x->payload.data + strlen(opening), x->payload.len - strlen(opening), err));
done:
    free(quoted);
    json_decref(text);
    nb_buffer_free(&signature);
    return status;
}

nb_status nb_index_write(nb_index *x, const nb_secret_key *key, nb_buffer *out, nb_error *err)
{
    char *text = json_dumps(x->root, JSON_INDENT(1) | JSON_PRESERVE_ORDER | JSON_REAL_PRECISION(6));
    nb_status status;
    nb_buffer_clear(out);
    nb_buffer_clear(&x->payload);
    free(x->signature);
    x->signature = NULL;
    if (!text) {
        return nb_fail(err, NB_ERR_LIMIT, "out of memory for an index");
    }
    NB_TRY(nb_buffer_printf(&x->payload, err, "%s\n", text));
    if (key) {
        NB_TRY(index_sign(x, key, out, err));
    } else {
        NB_TRY(nb_buffer_append(out, x->payload.data, x->payload.len, err));
    }
    x->digest = nb_digest_bytes(out->data, out->len);
done:
    free(text);
    return status;
}
