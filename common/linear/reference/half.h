/* IEEE half precision and bfloat16, exact conversions in plain C. */
#ifndef NB_COMMON_LINEAR_REFERENCE_HALF_H
#define NB_COMMON_LINEAR_REFERENCE_HALF_H

#include <stddef.h>
#include <stdint.h>

float nb_half_to_float(uint16_t bits);
/* Rounds to nearest even; overflow gives infinity. */
uint16_t nb_float_to_half(float value);
float nb_bfloat_to_float(uint16_t bits);

#endif
