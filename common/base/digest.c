#include "common/base/digest.h"

#include "common/base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <unistd.h>

enum { BLOCK = 1 << 20 };

void nb_digest_begin(nb_digest_stream *s)
{
    s->fast = EVP_MD_CTX_new();
    if (s->fast && EVP_DigestInit_ex(s->fast, EVP_sha256(), NULL) != 1) {
        EVP_MD_CTX_free(s->fast);
        s->fast = NULL;
    }
    if (!s->fast) {
        crypto_hash_sha256_init(&s->by);
    }
}

void nb_digest_add(nb_digest_stream *s, const void *bytes, size_t len)
{
    if (s->fast) {
        EVP_DigestUpdate(s->fast, bytes, len); /* of SHA-256 it fails for no input */
    } else {
        crypto_hash_sha256_update(&s->by, bytes, len);
    }
}

void nb_digest_end(nb_digest_stream *s, unsigned char out[NB_DIGEST_BYTES])
{
    unsigned char hash[NB_DIGEST_BYTES];
    if (s->fast) {
        EVP_DigestFinal_ex(s->fast, out ? out : hash, NULL);
        EVP_MD_CTX_free(s->fast);
        s->fast = NULL;
    } else {
        crypto_hash_sha256_final(&s->by, out ? out : hash);
    }
}

/* Ends a digest as hex. */
static nb_digest digest_end_hex(nb_digest_stream *s)
{
    unsigned char hash[NB_DIGEST_BYTES];
    nb_digest out;
    nb_digest_end(s, hash);
    sodium_bin2hex(out.hex, sizeof out.hex, hash, sizeof hash);
    return out;
}

nb_digest nb_digest_bytes(const void *bytes, size_t len)
{
    nb_digest_stream stream;
    nb_digest_begin(&stream);
    nb_digest_add(&stream, bytes, len);
    return digest_end_hex(&stream);
}

nb_status nb_digest_file(nb_digest *out, const char *path, nb_error *err)
{
    return nb_digest_file_progress(out, path, NULL, NULL, err);
}

nb_status nb_digest_file_progress(nb_digest *out, const char *path, nb_progress_callback progress, void *progress_state,
                                  nb_error *err)
{
    nb_digest_stream stream;
    nb_digest digest;
    char *block = NULL;
    ssize_t got = 0;
    uint64_t bytes = 0;
    int fd = -1;
    nb_status status;
    nb_digest_begin(&stream);
    NB_TRY(nb_file_check(path, err));
    NB_TRY_NEW(block, BLOCK);
    fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) {
        status = nb_fail_errno(err, NB_ERR_INPUT, "cannot open '%s'", path);
        goto done;
    }
    while ((got = read(fd, block, BLOCK)) > 0 || (got < 0 && errno == EINTR)) {
        nb_digest_add(&stream, block, got > 0 ? (size_t)got : 0);
        bytes += got > 0 ? (uint64_t)got : 0;
        NB_TRY(progress ? progress(progress_state, bytes) : NB_OK);
    }
    if (got < 0) {
        status = nb_fail_errno(err, NB_ERR_IO, "cannot read '%s'", path);
        goto done;
    }
done:
    digest = digest_end_hex(&stream);
    if (status == NB_OK) {
        *out = digest;
    }
    if (fd >= 0) {
        close(fd);
    }
    free(block);
    return status;
}
