/** @file
 * Files that hold no text, recognised by their first bytes: they are named and refused, not read as lines. Nothing here
 * is collective. */
#ifndef NB_BASE_FOREIGN_H
#define NB_BASE_FOREIGN_H

#include "common/base/status.h"

#include <stdbool.h>

/** What a file is instead of a text. */
typedef struct nb_foreign {
    const char *name; /**< "a ZIP archive", ...; NULL: nothing is wrong */
    const char *hint; /**< what to do */
    bool text;        /**< it can be read as lines all the same: HTML, say */
} nb_foreign;

/** Tells what a file is that holds no text.
 * @param head [len] its first bytes, unpacked
 * @param len how many, up to some thousands
 * @return what it is */
nb_foreign nb_foreign_tell(const char *head, size_t len);

/** Refuses a file that holds no lines of text: what nb_foreign_tell finds, what is packed, and Parquet.
 * @param path of the file, for the message
 * @param head [len] its first bytes
 * @param len  how many
 * @return NB_OK, or NB_ERR_INPUT saying what it is */
NB_CHECKED nb_status nb_foreign_refuse(const char *path, const char *head, size_t len, nb_error *err);

#endif
