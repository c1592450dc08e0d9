#include "scoring/streams/otsu.h"

#include <math.h>

enum { GRID = 100 };

static float otsu_at(size_t i)
{
    return (float)(0.01 * (double)i);
}

/* w_0 var_0 + w_1 var_1 when class 1 is what is `t` or more. */
static double otsu_within(const float *x, size_t n, float t, const size_t members[2])
{
    double mean[2] = {0}, squares[2] = {0};
    for (size_t i = 0; i < n; i++) {
        mean[x[i] >= t] += (double)x[i];
    }
    mean[0] /= (double)members[0];
    mean[1] /= (double)members[1];
    for (size_t i = 0; i < n; i++) {
        double off = (double)x[i] - mean[x[i] >= t];
        squares[x[i] >= t] += off * off;
    }
    return (squares[0] + squares[1]) / (double)n;
}

double nb_otsu_threshold(const float *x, size_t n)
{
    double within = 0, best = INFINITY;
    size_t minima[GRID], count = 0, last = 0;
    for (size_t i = 0; i < GRID; i++) {
        float t = otsu_at(i);
        size_t members[2] = {0};
        for (size_t k = 0; k < n; k++) {
            members[x[k] >= t]++;
        }
        if (!members[0] || !members[1]) {
            continue;
        }
        within = members[1] == last ? within : otsu_within(x, n, t, members); /* the same members, the same value */
        last = members[1];
        if (within < best) {
            best = within;
            count = 0;
        }
        if (!(within > best)) {
            minima[count++] = i;
        }
    }
    return count ? (double)otsu_at(minima[count / 2]) : 0.5;
}
