/* Score files: any bytes are read or refused, and what is read gives keys without NaN and survives writing. */
#include "fuzz/fuzz.h"

#include "common/base/file.h"
#include "scoring/files/score_file.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_keys(const nb_scores *s)
{
    nb_error err = {0};
    double *keys = nb_alloc(s->count, sizeof *keys, &err);
    if (!keys) {
        return;
    }
    for (int as_released = 0; as_released < 2; as_released++) {
        if (nb_scores_keys(s, as_released, keys, &err) != NB_OK) {
            abort();
        }
        for (size_t i = 0; i < s->count; i++) {
            if (isnan(keys[i])) {
                abort();
            }
        }
    }
    free(keys);
}

/* Files are slow: one input in 64 is written and read back. */
static void check_round_trip(const nb_scores *s)
{
    nb_error err = {0};
    nb_scores again;
    char path[96];
    snprintf(path, sizeof path, "%s/file.tsv", memory_folder());
    nb_status status = nb_scores_write(s, path, true, &err);
    /* escaping can push a name over the limit of a line */
    if (status == NB_OK) {
        if (nb_scores_read(&again, path, &err) != NB_OK || again.count != s->count) {
            abort();
        }
        for (size_t i = 0; i < s->count; i++) {
            if (nb_bytes_compare(nb_strings_get(&s->images, i), nb_strings_len(&s->images, i),
                                 nb_strings_get(&again.images, i), nb_strings_len(&again.images, i)) != 0) {
                abort();
            }
        }
        nb_scores_free(&again);
        unlink(path);
    } else if (status != NB_ERR_INPUT) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    nb_error err = {0};
    nb_scores s;
    if (nb_scores_parse(&s, "fuzz", (const char *)data, size, &err) == NB_OK) {
        (void)nb_scores_accuracy(&s);
        check_keys(&s);
        if (data[size - 1] % 64 == 10) {
            check_round_trip(&s);
        }
        nb_scores_free(&s);
    }
    return 0;
}
