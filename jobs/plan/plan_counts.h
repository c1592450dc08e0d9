/* How much there is to do: rows of files that are there, and of those that earlier stages will make. */
#ifndef NB_JOBS_PLAN_PLAN_COUNTS_H
#define NB_JOBS_PLAN_PLAN_COUNTS_H

#include "jobs/run/stages.h"

/** How much there is of something. */
typedef struct nb_plan_count {
    double items,
        bytes;        /**< bytes: of the texts, or of the images' names; of a corpus' inputs, of the files unpacked */
    double width;     /**< of a store, else 0 */
    bool approximate; /**< extrapolated, or an upper bound */
} nb_plan_count;

/** Counts lines and bytes of corpus inputs, files and patterns; a file over 4 MiB is extrapolated from its beginning,
 * packed ones are taken to unpack to four times their size. Not collective.
 * @param out    receives the count; its width is 0
 * @param inputs files and patterns
 * @return NB_OK; NB_ERR_INPUT or NB_ERR_IO for an input that cannot be read; NB_ERR_LIMIT without memory */
nb_status nb_plan_count_lines(nb_plan_count *out, const nb_strings *inputs, nb_error *err);

/** Counts images of folders, lists, files and tar shards (those from their size, 64 KiB an image). Not collective.
 * @param out    receives the count and the bytes of their paths
 * @param inputs as `embed images` takes them
 * @return as nb_plan_count_lines */
nb_status nb_plan_count_images(nb_plan_count *out, const nb_strings *inputs, nb_error *err);

/** Counts rows of a corpus or of an embedding store that is there. Not collective.
 * @param out   receives rows, an estimate of the bytes, and a store's width
 * @param path  of the file
 * @param found receives false where there is none
 * @return NB_OK, or what opening the file returns */
nb_status nb_plan_count_rows(nb_plan_count *out, const char *path, bool *found, nb_error *err);

#endif
