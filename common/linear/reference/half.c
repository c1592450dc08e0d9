#include "common/linear/reference/half.h"

#include <math.h>
#include <string.h>

static float half_from_bits(uint32_t bits)
{
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

float nb_half_to_float(uint16_t bits)
{
    uint32_t sign = (uint32_t)(bits & 0x8000u) << 16;
    uint32_t exponent = (bits >> 10) & 0x1Fu;
    uint32_t mantissa = bits & 0x3FFu;
    if (exponent == 0x1F) {
        return half_from_bits(sign | 0x7F800000u | mantissa << 13);
    }
    if (exponent) {
        return half_from_bits(sign | (exponent + 112) << 23 | mantissa << 13);
    }
    float small = (float)mantissa * 0x1p-24f;
    return sign ? -small : small;
}

uint16_t nb_float_to_half(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    uint16_t sign = (uint16_t)(bits >> 16 & 0x8000u);
    uint32_t rest = bits & 0x7FFFFFFFu;
    if (rest > 0x7F800000u) {
        return (uint16_t)(sign | 0x7E00u);
    }
    if (rest >= 0x477FF000u) { /* 65520 and above round to infinity */
        return (uint16_t)(sign | 0x7C00u);
    }
    if (rest < 0x38800000u) { /* below the smallest normal: a multiple of 2^-24 */
        float magnitude = half_from_bits(rest);
        return (uint16_t)(sign | (uint16_t)lrintf(magnitude * 0x1p24f));
    }
    uint32_t rounded = rest + 0xFFFu + (rest >> 13 & 1u);
    return (uint16_t)(sign | (uint16_t)((rounded - 0x38000000u) >> 13));
}

float nb_bfloat_to_float(uint16_t bits)
{
    return half_from_bits((uint32_t)bits << 16);
}
