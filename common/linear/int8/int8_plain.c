/* Products of 8-bit numbers in plain C: the reference, and what CPUs without AVX512-VNNI get. */
#include "common/linear/int8/int8.h"

#include <string.h>

static void int8_block(int32_t *restrict out, const uint8_t *restrict rows, size_t count, size_t stride,
                       const int8_t *restrict panel, size_t groups)
{
    memset(out, 0, count * NB_INT8_PANEL * sizeof *out);
    for (size_t r = 0; r < count; r++, out += NB_INT8_PANEL) {
        const uint8_t *row = rows + r * stride;
        for (size_t g = 0; g < groups; g++) {
            const int8_t *of_group = panel + g * NB_INT8_PANEL * NB_INT8_GROUP;
            for (size_t n = 0; n < NB_INT8_PANEL; n++) {
                for (size_t i = 0; i < NB_INT8_GROUP; i++) {
                    out[n] += (int32_t)row[g * NB_INT8_GROUP + i] * of_group[n * NB_INT8_GROUP + i];
                }
            }
        }
    }
}

static void int8_begin(void)
{
}

static void int8_end(void)
{
}

#define NB_INT8_TABLE     nb_int8_plain
#define NB_INT8_NAME      "plain C"
#define NB_INT8_MOST_ROWS NB_INT8_ROWS
#include "common/linear/int8/int8_forms.h"
