#include "common/base/digest.h"

#include "common/base/file.h"

#include <sodium.h>

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
    nb_map map;
    nb_status status = nb_map_open(&map, path, err);
    if (status == NB_OK) {
        *out = nb_digest_bytes(map.data, map.len);
        nb_map_close(&map);
    }
    return status;
}
