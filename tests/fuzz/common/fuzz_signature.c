/* Signatures and keys: any bytes are read or refused; nothing random verifies, and what was signed does. */
#include "fuzz/fuzz.h"

#include "common/transfer/signature.h"

static nb_status no_password(void *state, const char *path, char out[NB_PASSWORD_MAX], nb_error *err)
{
    (void)state, (void)path, (void)out;
    return nb_fail(err, NB_ERR_USAGE, "a fuzzer knows no passwords");
}

static void read_any(const char *text, size_t len)
{
    static const nb_public_key nobody;
    nb_error err = {0};
    nb_signature s;
    nb_public_key public;
    nb_secret_key secret;
    nb_status status = nb_signature_parse(&s, "fuzz", text, len, &err);
    require_message(status, &err);
    require(status == NB_OK || status == NB_ERR_VERIFY);
    if (status == NB_OK) {
        require(strlen(s.trusted) <= NB_TRUSTED_COMMENT_MAX);
        require(nb_signature_check(&s, &(nb_trusted_keys){&nobody, 1}, text, len, "fuzz", &err) == NB_ERR_VERIFY);
    }
    const char *path = memory_file(text, len);
    nb_error_clear(&err);
    require_message(nb_public_key_read(&public, path, &err), &err);
    nb_error_clear(&err);
    require_message(nb_secret_key_read(&secret, path, no_password, NULL, NULL, &err), &err);
}

static void sign_and_check(const uint8_t *data, size_t size)
{
    static nb_secret_key key;
    static bool made;
    if (!made) {
        nb_secret_key_create(&key);
        made = true;
    }
    nb_error err = {0};
    nb_buffer text = {0};
    nb_signature s;
    nb_public_key public = nb_secret_key_public(&key);
    require(nb_signature_make(&text, &key, data, size, "trusted", &err) == NB_OK);
    require(nb_signature_parse(&s, "fuzz", text.data, text.len, &err) == NB_OK);
    require(nb_signature_check(&s, &(nb_trusted_keys){&public, 1}, data, size, "fuzz", &err) == NB_OK);
    nb_buffer_free(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size && data[0] == 's') {
        sign_and_check(data + 1, size - 1);
    }
    read_any((const char *)data, size);
    return 0;
}
