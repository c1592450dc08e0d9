/** @file
 * IEEE half precision and bfloat16, exact conversions in plain C. Nothing here fails; any thread may call it. */
#ifndef NB_COMMON_LINEAR_REFERENCE_HALF_H
#define NB_COMMON_LINEAR_REFERENCE_HALF_H

#include <stddef.h>
#include <stdint.h>

/** The value of a half-precision number (IEEE 754 binary16), exactly; NaN payloads are kept.
 * @param bits its encoding */
float nb_half_to_float(uint16_t bits);

/** The nearest half-precision number, ties to even; overflow gives infinity, a NaN the quiet NaN of its sign.
 * @param value any float
 * @return its encoding */
uint16_t nb_float_to_half(float value);

/** The value of a bfloat16 number (the upper half of a float), exactly.
 * @param bits its encoding */
float nb_bfloat_to_float(uint16_t bits);

#endif
