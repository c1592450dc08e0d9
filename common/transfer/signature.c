#include "common/transfer/signature.h"

#include "common/base/text.h"

#include <sodium.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define UNTRUSTED "untrusted comment: "
#define TRUSTED   "trusted comment: "

enum { BLOB_BYTES = 74, BLOB_TEXT = 105, GLOBAL_TEXT = 89 };

/* Line after line of a text; a CR before the LF is dropped. False at the end. */
static bool signature_next_line(const char **at, const char *end, const char **line, size_t *len)
{
    if (*at >= end) {
        return false;
    }
    const char *stop = memchr(*at, '\n', (size_t)(end - *at));
    stop = stop ? stop : end;
    *line = *at;
    *len = (size_t)(stop - *at);
    *at = stop < end ? stop + 1 : end;
    if (*len && (*line)[*len - 1] == '\r') {
        (*len)--;
    }
    return true;
}

static bool signature_decode(unsigned char *out, size_t want, const char *line, size_t len)
{
    size_t got = 0;
    return sodium_base642bin(out, want, line, len, NULL, &got, NULL, sodium_base64_VARIANT_ORIGINAL) == 0 &&
           got == want;
}

static bool signature_begins(const char *line, size_t len, const char *with)
{
    size_t n = strlen(with);
    return len >= n && memcmp(line, with, n) == 0;
}

static nb_status signature_no_signature(nb_error *err, const char *name, const char *why)
{
    return nb_fail(err, NB_ERR_VERIFY, "'%s' is no minisign signature: %s", name, why);
}

nb_status nb_signature_parse(nb_signature *out, const char *name, const char *text, size_t len, nb_error *err)
{
    const char *at = text, *end = text + len, *line;
    size_t n;
    unsigned char blob[BLOB_BYTES];
    *out = (nb_signature){0};
    if (len > NB_SIGNATURE_MAX) {
        return signature_no_signature(err, name, "it is too long");
    }
    if (!signature_next_line(&at, end, &line, &n) || !signature_begins(line, n, UNTRUSTED)) {
        return signature_no_signature(err, name, "line 1 does not begin with '" UNTRUSTED "'");
    }
    if (!signature_next_line(&at, end, &line, &n) || !signature_decode(blob, sizeof blob, line, n)) {
        return signature_no_signature(err, name, "line 2 is not 74 bytes in base64");
    }
    if (blob[0] != 'E' || (blob[1] != 'D' && blob[1] != 'd')) {
        return signature_no_signature(err, name, "the algorithm is neither ED nor Ed");
    }
    out->prehashed = blob[1] == 'D';
    memcpy(out->id, blob + 2, sizeof out->id);
    memcpy(out->signature, blob + 10, sizeof out->signature);
    if (!signature_next_line(&at, end, &line, &n) || !signature_begins(line, n, TRUSTED)) {
        return signature_no_signature(err, name, "line 3 does not begin with '" TRUSTED "'");
    }
    line += strlen(TRUSTED);
    n -= strlen(TRUSTED);
    if (n > NB_TRUSTED_COMMENT_MAX || memchr(line, '\0', n)) {
        return signature_no_signature(err, name, "its trusted comment is too long or holds a NUL");
    }
    memcpy(out->trusted, line, n);
    if (!signature_next_line(&at, end, &line, &n) || !signature_decode(out->global, sizeof out->global, line, n)) {
        return signature_no_signature(err, name, "line 4 is not 64 bytes in base64");
    }
    while (signature_next_line(&at, end, &line, &n)) {
        if (n) {
            return signature_no_signature(err, name, "something follows line 4");
        }
    }
    return NB_OK;
}

bool nb_signature_field(const nb_signature *s, const char *key, char *value, size_t size)
{
    size_t n = strlen(key);
    for (const char *at = s->trusted, *end; *at; at = end + (*end == '\t')) {
        end = at + strcspn(at, "\t");
        if (strncmp(at, key, n) == 0 && at[n] == ':') {
            snprintf(value, size, "%.*s", (int)(end - at - (ptrdiff_t)n - 1), at + n + 1);
            return true;
        }
    }
    return false;
}

static void signature_prehash(unsigned char out[crypto_generichash_BYTES_MAX], const void *bytes, size_t len)
{
    crypto_generichash(out, crypto_generichash_BYTES_MAX, bytes, len, NULL, 0);
}

nb_status nb_signature_make(nb_buffer *out, const nb_secret_key *key, const void *bytes, size_t len,
                            const char *trusted, nb_error *err)
{
    unsigned char hash[crypto_generichash_BYTES_MAX], blob[BLOB_BYTES], global[64];
    char blob_text[BLOB_TEXT], global_text[GLOBAL_TEXT];
    nb_buffer both = {0};
    nb_status status;
    if (strlen(trusted) > NB_TRUSTED_COMMENT_MAX || strpbrk(trusted, "\r\n")) {
        return nb_fail(err, NB_ERR_INPUT, "a trusted comment is one line of at most %d bytes", NB_TRUSTED_COMMENT_MAX);
    }
    signature_prehash(hash, bytes, len);
    memcpy(blob, "ED", 2);
    memcpy(blob + 2, key->id, sizeof key->id);
    crypto_sign_detached(blob + 10, NULL, hash, sizeof hash, key->key);
    NB_TRY(nb_buffer_append(&both, blob + 10, 64, err));
    NB_TRY(nb_buffer_append(&both, trusted, strlen(trusted), err));
    crypto_sign_detached(global, NULL, (const unsigned char *)both.data, both.len, key->key);
    sodium_bin2base64(blob_text, sizeof blob_text, blob, sizeof blob, sodium_base64_VARIANT_ORIGINAL);
    sodium_bin2base64(global_text, sizeof global_text, global, sizeof global, sodium_base64_VARIANT_ORIGINAL);
    NB_TRY(nb_buffer_printf(out, err, UNTRUSTED "signature from negbank secret key\n%s\n" TRUSTED "%s\n%s\n", blob_text,
                            trusted, global_text));
done:
    nb_buffer_free(&both);
    return status;
}

static bool signature_global_holds(const nb_signature *s, const nb_public_key *key)
{
    unsigned char both[64 + NB_TRUSTED_COMMENT_MAX];
    size_t len = strlen(s->trusted);
    memcpy(both, s->signature, 64);
    memcpy(both + 64, s->trusted, len);
    return crypto_sign_verify_detached(s->global, both, 64 + len, key->key) == 0;
}

static bool signature_body_holds(const nb_signature *s, const nb_public_key *key, const void *bytes, size_t len)
{
    unsigned char hash[crypto_generichash_BYTES_MAX];
    if (!s->prehashed) {
        return crypto_sign_verify_detached(s->signature, bytes, len, key->key) == 0;
    }
    signature_prehash(hash, bytes, len);
    return crypto_sign_verify_detached(s->signature, hash, sizeof hash, key->key) == 0;
}

nb_status nb_signature_check(const nb_signature *s, const nb_trusted_keys *trusted, const void *bytes, size_t len,
                             const char *what, nb_error *err)
{
    char id[17];
    nb_key_id_text(id, s->id);
    for (size_t i = 0; i < trusted->count; i++) {
        const nb_public_key *key = &trusted->keys[i];
        if (memcmp(key->id, s->id, sizeof s->id) != 0) {
            continue;
        }
        if (!signature_body_holds(s, key, bytes, len)) {
            return nb_fail(err, NB_ERR_VERIFY, "'%s' is not what key %s signed", what, id);
        }
        return signature_global_holds(s, key)
                   ? NB_OK
                   : nb_fail(err, NB_ERR_VERIFY, "the signature of '%s' had its trusted comment changed", what);
    }
    nb_fail(err, NB_ERR_VERIFY, "'%s' is signed by key %s, which is not among the keys to trust", what, id);
    return nb_hint(err, "--verify names the keys to trust");
}
