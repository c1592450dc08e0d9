/* Files of torch.save: what is accepted has tensors whose bytes can all be read. The first byte chooses: 0, the whole
 * file; 1, an archive whose checksums are made right first; 2, what follows the system's properties in the old form:
 * the object's pickle, the keys and the storages. */
#include "fuzz/fuzz.h"

#include "common/clip/checkpoint/pickle/torch.h"

#include <zlib.h>

static void check(const nb_torch *t)
{
    nb_error err = {0};
    for (size_t i = 0; i < nb_torch_count(t); i++) {
        const nb_tensor *x = nb_torch_at(t, i);
        require(x->name[0] != '\0' && x->rank <= NB_TENSOR_RANK_MAX);
        float *values = malloc((x->count + 1) * sizeof *values);
        if (values) {
            (void)nb_tensor_to_float(x, values, &err);
        }
        free(values);
    }
}

static void read_file(const uint8_t *file, size_t len)
{
    nb_error err = {0};
    nb_torch *t = NULL;
    nb_status status = nb_torch_open_memory(&t, file, len, "fuzz", &err);
    require_message(status, &err);
    if (status == NB_OK) {
        check(t);
        nb_torch_close(t);
    }
}

static size_t number_at(const uint8_t *at, size_t bytes)
{
    size_t n = 0;
    for (size_t i = bytes; i-- > 0;) {
        n = n << 8 | at[i];
    }
    return n;
}

/* Every checksum that can be found where the directory should be. */
static void seal(uint8_t *file, size_t len)
{
    for (size_t at = 0; at + 46 <= len; at++) {
        if (number_at(file + at, 4) != 0x02014b50) {
            continue;
        }
        size_t local = number_at(file + at + 42, 4), size = number_at(file + at + 24, 4);
        if (local > len || len - local < 30) {
            continue;
        }
        size_t data = local + 30 + number_at(file + local + 26, 2) + number_at(file + local + 28, 2);
        if (data <= len && size <= len - data) {
            uint32_t crc = (uint32_t)crc32(0, file + data, (uInt)size);
            memcpy(file + at + 16, &crc, sizeof crc);
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint8_t head[] = {0x80, 2,   0x8a, 0x0a, 'l', 0xfc, 0x9c, 'F', 0xf9, ' ', 'j', 0xa8, 'P',  0x19, '.',
                                   0x80, 2,   'M',  0xe9, 3,   '.',  0x80, 2,   '}',  'X', 13,  0,    0,    0,    'l',
                                   'i',  't', 't',  'l',  'e', '_',  'e',  'n', 'd',  'i', 'a', 'n',  0x88, 's',  '.'};
    if (!size) {
        return 0;
    }
    size_t before = data[0] == 2 ? sizeof head : 0;
    uint8_t *file = malloc(before + size);
    require(file != NULL);
    memcpy(file, head, before);
    memcpy(file + before, data + 1, size - 1);
    if (data[0] == 1) {
        seal(file, size - 1);
    }
    read_file(file, before + size - 1);
    free(file);
    return 0;
}
