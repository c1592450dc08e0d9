#include "common/linear/exact/exact_sum.h"

#include <math.h>
#include <string.h>

static const double ln2_high = 0x1.62e42fefa38p-1, ln2_low = 0x1.ef35793c7673p-45;

bool nb_exact_is_empty(const nb_exact_sum *s)
{
    for (int i = 0; i < NB_EXACT_DIGITS; i++) {
        if (s->digit[i]) {
            return false;
        }
    }
    return true;
}

void nb_exact_raise(nb_exact_sum *s, int64_t top)
{
    if (nb_exact_is_empty(s)) {
        s->top = top;
    }
    if (top <= s->top) {
        return;
    }
    int64_t shift = top - s->top < NB_EXACT_DIGITS ? top - s->top : NB_EXACT_DIGITS;
    for (int64_t i = NB_EXACT_DIGITS - 1; i >= 0; i--) {
        s->digit[i] = i >= shift ? s->digit[i - shift] : 0;
    }
    s->top = top;
}

static int64_t exact_sum_floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

void nb_exact_add(nb_exact_sum *s, double factor, double exponent)
{
    if (!(factor > 0)) {
        return;
    }
    /* factor exp(exponent) = mantissa 2^power with 0.5 <= mantissa < 1 */
    double twos = rint(exponent / (ln2_high + ln2_low));
    double rest = (exponent - twos * ln2_high) - twos * ln2_low;
    int power;
    double mantissa = frexp(factor * exp(rest), &power);
    int64_t whole = (int64_t)ldexp(mantissa, 53), at = (int64_t)twos + power - 53; /* whole 2^at */
    int64_t lowest = exact_sum_floor_div(at, 32);
    int shift = (int)(at - 32 * lowest); /* whole << shift takes up to three digits from `lowest` on */
    uint64_t low = ((uint64_t)whole << shift) & 0xFFFFFFFFu;
    uint64_t above = (uint64_t)whole >> (32 - shift);
    const uint64_t digits[3] = {low, above & 0xFFFFFFFFu, above >> 32};
    nb_exact_raise(s, lowest + 3);
    for (int i = 0; i < 3; i++) {
        int64_t index = s->top - 1 - (lowest + i);
        if (index < NB_EXACT_DIGITS) {
            s->digit[index] += (int64_t)digits[i];
        }
    }
}

double nb_exact_log(const nb_exact_sum *s)
{
    nb_exact_sum carried = *s;
    int64_t carry = 0;
    double value = 0;
    for (int i = NB_EXACT_DIGITS - 1; i >= 0; i--) {
        int64_t digit = carried.digit[i] + carry;
        carry = digit >> 32;
        carried.digit[i] = digit & 0xFFFFFFFF;
    }
    value = (double)carry;
    for (int i = 0; i < NB_EXACT_DIGITS; i++) {
        value = value * 0x1p32 + (double)carried.digit[i];
    }
    return value > 0 ? log(value) + (double)(s->top - NB_EXACT_DIGITS) * 32 * log(2) : -INFINITY;
}
