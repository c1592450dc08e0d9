/* Seals: any bytes are read or refused (first byte even); what is sealed is whole, and one changed byte outside the
 * hole is noticed (odd: 6 bytes say which byte and where the hole lies, the rest is the file). */
#include "fuzz/fuzz.h"

#include "common/store/seal.h"

static void read_any(const uint8_t *data, size_t size)
{
    nb_error err = {0};
    nb_seal seal;
    const char *path = memory_file(data, size);
    nb_status status = nb_seal_verify(&seal, path, NULL, &err);
    require_message(status, &err);
    require(status != NB_OK || (seal.size == size && strlen(seal.kind) <= NB_SEAL_KIND_MAX));
}

static size_t number(const uint8_t *at)
{
    return (size_t)at[0] << 8 | at[1];
}

static void seal_and_break(const uint8_t *data, size_t size)
{
    static uint8_t bytes[1 << 16];
    nb_error err = {0};
    nb_seal seal;
    nb_digest digest;
    size_t len = size - 6, at = number(data), begin = number(data + 2), end = number(data + 4);
    if (len > sizeof bytes) {
        return;
    }
    const char *path = memory_file(data + 6, len);
    nb_status status = nb_seal_write(path, "fuzz", begin, end, &digest, &err);
    require_message(status, &err);
    if (status != NB_OK) {
        return;
    }
    require(nb_seal_verify(&seal, path, "fuzz", &err) == NB_OK && strcmp(seal.digest.hex, digest.hex) == 0);
    FILE *f = fopen(path, "rb");
    require(f != NULL);
    require(fread(bytes, 1, len, f) == len);
    fclose(f);
    if (at < len && (at < begin || at >= end)) {
        bytes[at] ^= 0x40;
        nb_error_clear(&err);
        status = nb_seal_verify(&seal, memory_file(bytes, len), "fuzz", &err);
        require(status == NB_ERR_INPUT || status == NB_ERR_VERIFY);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size && data[0] % 2 == 0) {
        read_any(data + 1, size - 1);
    } else if (size >= 7) {
        seal_and_break(data + 1, size - 1);
    }
    return 0;
}
