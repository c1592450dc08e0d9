/* Safetensors headers: whatever is accepted must hold what the header promises (data inside the bytes, found by its
 * name, convertible when it is a float). */
#include "common/clip/safetensors.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    nb_error err = {0};
    nb_safetensors *s = NULL;
    if (nb_safetensors_open_memory(&s, data, size, "fuzz", &err) != NB_OK) {
        return 0;
    }
    for (size_t i = 0; i < nb_safetensors_count(s); i++) {
        const nb_tensor *t = nb_safetensors_at(s, i);
        const uint8_t *begin = t->data;
        if (nb_safetensors_find(s, t->name) != t || begin < data || t->count * nb_dtype_bits(t->dtype) / 8 > size ||
            begin + t->count * nb_dtype_bits(t->dtype) / 8 > data + size) {
            __builtin_trap();
        }
        float *values = malloc((t->count + 1) * sizeof *values);
        if (values) {
            (void)nb_tensor_to_float(t, values, &err);
        }
        free(values);
    }
    nb_safetensors_close(s);
    return 0;
}
