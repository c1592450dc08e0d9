/* make_texts COUNT DUPLICATES SEED: COUNT lines of one to five words on standard output, words drawn as in a language
 * (the n-th most frequent with a probability of about 1/n). DUPLICATES in percent repeat an earlier line; the others
 * are all different, since each ends in its own number in a system of syllables. The same arguments give the same
 * bytes. */
#include "common/base/random.h"

#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

enum { WORDS = 50000, WORD_MAX = 24, LINE_MAX_BYTES = 256 };

static const char *const syllables[] = {"ka", "lo", "mi", "ren", "sta", "tu", "vor", "el", "an",  "is", "por", "che",
                                        "ul", "da", "fe", "gri", "ho",  "ni", "pa",  "qu", "sol", "ti", "um",  "bra"};
enum { SYLLABLES = sizeof syllables / sizeof *syllables };

/* Numbers in syllables, lowest digit first: different numbers below 24^8 give different words of the same count. */
static int spell(char *out, uint64_t number, int digits)
{
    int len = 0;
    for (int i = 0; i < digits; i++, number /= SYLLABLES) {
        len += snprintf(out + len, WORD_MAX, "%s", syllables[number % SYLLABLES]);
    }
    return len;
}

/* Line `i` of the different ones. */
static size_t compose(char *out, uint64_t seed, uint64_t i)
{
    size_t len = 0;
    uint64_t words = nb_random_below(seed, 0, i, 3);
    for (uint64_t w = 0; w < words; w++) {
        double u = (double)nb_random_below(seed, 1 + w, i, 1u << 30) / (1u << 30);
        uint64_t rank = (uint64_t)exp(u * log((double)WORDS));
        len += (size_t)spell(out + len, rank * 7919, rank < 400 ? 2 : 3);
        out[len++] = ' ';
    }
    /* an odd factor shuffles the numbers of 24^6 without joining two */
    uint64_t number = i * 88172645 % 191102976;
    len += (size_t)spell(out + len, number, 6);
    out[len++] = '\n';
    return len;
}

int main(int argc, char *argv[])
{
    char line[LINE_MAX_BYTES];
    if (argc != 4) {
        fputs("usage: make_texts COUNT DUPLICATES SEED\n", stderr);
        return 2;
    }
    uint64_t count = strtoull(argv[1], NULL, 10), percent = strtoull(argv[2], NULL, 10);
    uint64_t seed = strtoull(argv[3], NULL, 10), different = 0;
    for (uint64_t i = 0; i < count; i++) {
        bool again = different && nb_random_below(seed, 9, i, 100) < percent;
        uint64_t which = again ? nb_random_below(seed, 10, i, different) : different++;
        if (fwrite(line, 1, compose(line, seed, which), stdout) == 0) {
            return 4;
        }
    }
    return fflush(stdout) == 0 ? 0 : 4;
}
