/** @file
 * Sums whose bits do not depend on the order or grouping of their terms, over a range far beyond that of a double: the
 * partition sums of the responsibilities, added up tile by tile on any number of ranks.
 *
 * A sum is a window of 32-bit digits, each held in 64 bits without carrying, below the highest digit any term has
 * reached. Terms lose what lies below the window; as digits never carry before the end, what is lost depends on the
 * highest term alone. Up to 2^31 terms a window.
 *
 * Nothing here allocates, fails or is collective. */
#ifndef NB_COMMON_LINEAR_EXACT_EXACT_SUM_H
#define NB_COMMON_LINEAR_EXACT_EXACT_SUM_H

#include <stdbool.h>
#include <stdint.h>

/** Digits of the window, 32 bits each. */
enum { NB_EXACT_DIGITS = 6 };

/** A sum. The digits' weights are 2^(32 (top - 1)), 2^(32 (top - 2)), ...; {0} is the empty sum. */
typedef struct nb_exact_sum {
    int64_t top;                    /**< valid when any digit is not 0 */
    int64_t digit[NB_EXACT_DIGITS]; /**< highest first */
} nb_exact_sum;

/** sum += factor exp(exponent), rounded once to 53 bits.
 * @param[in,out] sum of at most 2^31 terms
 * @param factor finite; nothing is added unless it is over 0
 * @param exponent |exponent| < 1e9 */
void nb_exact_add(nb_exact_sum *sum, double factor, double exponent);

/** Whether nothing was added that the window still holds.
 * @param sum of any terms */
bool nb_exact_is_empty(const nb_exact_sum *sum);

/** Moves the window up to `top`, dropping what falls out below; a lower `top` changes nothing, but an empty sum takes
 * any. Two sums of one `top` are added digit by digit.
 * @param[in,out] sum keeps the digits that are still in the window
 * @param top of the window afterwards, unless it is higher already */
void nb_exact_raise(nb_exact_sum *sum, int64_t top);

/** The natural logarithm of the sum; -INFINITY for an empty one.
 * @param sum of any terms */
double nb_exact_log(const nb_exact_sum *sum);

#endif
