/* .npy files: whatever is opened has all its elements. The first byte chooses: odd, the bytes are a header's text and,
 * behind a NUL, the data; even, the whole file. */
#include "fuzz/fuzz.h"

#include "common/store/npy.h"

static size_t with_header(uint8_t *out, size_t room, const uint8_t *data, size_t size)
{
    static const uint8_t magic[] = {0x93, 'N', 'U', 'M', 'P', 'Y', 1, 0};
    const uint8_t *cut = memchr(data, 0, size);
    size_t text = cut ? (size_t)(cut - data) : size, rest = cut ? size - text - 1 : 0;
    if (sizeof magic + 2 + size > room) {
        return 0;
    }
    memcpy(out, magic, sizeof magic);
    out[8] = (uint8_t)text;
    out[9] = (uint8_t)(text >> 8);
    memcpy(out + 10, data, text);
    if (rest) {
        memcpy(out + 10 + text, cut + 1, rest);
    }
    return 10 + text + rest;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t bytes[1 << 16];
    nb_error err = {0};
    nb_npy npy;
    if (!size) {
        return 0;
    }
    const char *path;
    if (data[0] & 1) {
        path = memory_file(bytes, with_header(bytes, sizeof bytes, data + 1, size - 1));
    } else {
        path = memory_file(data + 1, size - 1);
    }
    nb_status status = nb_npy_open(&npy, path, &err);
    require_message(status, &err);
    if (status == NB_OK) {
        double sum = 0;
        require(npy.rank == 1 || npy.rank == 2);
        for (size_t i = 0; i < npy.rows * npy.columns; i++) {
            sum += nb_npy_at(&npy, i);
        }
        require(sum == sum || sum != sum);
        nb_npy_close(&npy);
    }
    return 0;
}
