#include "common/base/digest.h"

#include "common/base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdlib.h>
#include <unistd.h>

enum { BLOCK = 1 << 20 };

nb_digest nb_digest_bytes(const void *bytes, size_t len)
{
    nb_digest out;
    unsigned char hash[crypto_hash_sha256_BYTES];
    crypto_hash_sha256(hash, bytes, len);
    sodium_bin2hex(out.hex, sizeof out.hex, hash, sizeof hash);
    return out;
}

nb_status nb_digest_file(nb_digest *out, const char *path, nb_error *err)
{
    return nb_digest_file_progress(out, path, NULL, NULL, err);
}

nb_status nb_digest_file_progress(nb_digest *out, const char *path, nb_progress_callback progress, void *progress_state,
                                  nb_error *err)
{
    crypto_hash_sha256_state state;
    unsigned char hash[crypto_hash_sha256_BYTES];
    char *block = NULL;
    ssize_t got = 0;
    uint64_t bytes = 0;
    int fd = -1;
    nb_status status;
    NB_TRY(nb_file_check(path, err));
    NB_TRY_NEW(block, BLOCK);
    fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) {
        status = nb_fail_errno(err, NB_ERR_INPUT, "cannot open '%s'", path);
        goto done;
    }
    crypto_hash_sha256_init(&state);
    while ((got = read(fd, block, BLOCK)) > 0 || (got < 0 && errno == EINTR)) {
        crypto_hash_sha256_update(&state, (unsigned char *)block, got > 0 ? (unsigned long long)got : 0);
        bytes += got > 0 ? (uint64_t)got : 0;
        NB_TRY(progress ? progress(progress_state, bytes) : NB_OK);
    }
    if (got < 0) {
        status = nb_fail_errno(err, NB_ERR_IO, "cannot read '%s'", path);
        goto done;
    }
    crypto_hash_sha256_final(&state, hash);
    sodium_bin2hex(out->hex, sizeof out->hex, hash, sizeof hash);
done:
    if (fd >= 0) {
        close(fd);
    }
    free(block);
    return status;
}
