/* Safetensors files: whatever is accepted must hold what the header promises (data inside the bytes, found by its name,
 * convertible when it is a float). The first byte chooses: odd, the bytes are a header's text and, behind a NUL, the
 * data; even, the whole file. */
#include "fuzz/fuzz.h"

#include "common/clip/checkpoint/safetensors.h"

/* The file of a header's text and its data; the caller frees. */
static uint8_t *with_length(const uint8_t *data, size_t size, size_t *len)
{
    const uint8_t *cut = memchr(data, 0, size);
    uint64_t text = cut ? (uint64_t)(cut - data) : size;
    size_t rest = cut ? size - (size_t)text - 1 : 0;
    uint8_t *file = malloc(sizeof text + size);
    require(file != NULL);
    memcpy(file, &text, sizeof text);
    memcpy(file + sizeof text, data, (size_t)text);
    if (rest) {
        memcpy(file + sizeof text + text, cut + 1, rest);
    }
    *len = sizeof text + (size_t)text + rest;
    return file;
}

static void check(const nb_safetensors *s, const uint8_t *file, size_t len)
{
    nb_error err = {0};
    for (size_t i = 0; i < nb_safetensors_count(s); i++) {
        const nb_tensor *t = nb_safetensors_at(s, i);
        const uint8_t *begin = t->data;
        size_t bytes = t->count * nb_dtype_bits(t->dtype) / 8;
        require(nb_safetensors_find(s, t->name) == t);
        require(begin >= file && bytes <= len && begin + bytes <= file + len);
        float *values = malloc((t->count + 1) * sizeof *values);
        if (values) {
            (void)nb_tensor_to_float(t, values, &err);
        }
        free(values);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    nb_error err = {0};
    nb_safetensors *s = NULL;
    if (!size) {
        return 0;
    }
    uint8_t *made = NULL;
    const uint8_t *file = data + 1;
    size_t len = size - 1;
    if (data[0] & 1) {
        file = made = with_length(data + 1, size - 1, &len);
    }
    nb_status status = nb_safetensors_open_memory(&s, file, len, "fuzz", &err);
    require_message(status, &err);
    if (status == NB_OK) {
        check(s, file, len);
        nb_safetensors_close(s);
    }
    free(made);
    return 0;
}
