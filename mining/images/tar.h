/* Tar files, read member by member through libarchive: plain, gzip or zstd, as the content says.
 *
 * POSIX (pax), ustar, GNU and old formats. Nothing is ever written to a disk under a member's name. A file that is cut
 * short is NB_ERR_INPUT, even where it is cut between two members: a whole tar ends with blocks of zeros. Members of
 * more than NB_TAR_MEMBER_MAX bytes are NB_ERR_INPUT too. */
#ifndef NB_IMAGES_TAR_H
#define NB_IMAGES_TAR_H

#include "common/base/status.h"

#include <stdbool.h>
#include <stdint.h>

#define NB_TAR_MEMBER_MAX ((uint64_t)1 << 36)

typedef enum nb_tar_kind { NB_TAR_FILE, NB_TAR_SPARSE, NB_TAR_OTHER } nb_tar_kind;

typedef struct nb_tar_member {
    const char *name; /* UTF-8 where the tar says so, else its bytes; valid until the next member */
    nb_tar_kind kind; /* OTHER: a folder, link or device */
    uint64_t number;  /* of the member, from 0 */
    uint64_t at;      /* offset of its content in the unpacked tar */
    uint64_t size;
} nb_tar_member;

typedef struct nb_tar nb_tar;

/* *out is NULL on failure. */
nb_status nb_tar_open(nb_tar **out, const char *path, nb_error *err);
void nb_tar_close(nb_tar *tar);

/* The next member; *more is false behind the last. */
nb_status nb_tar_next(nb_tar *tar, nb_tar_member *member, bool *more, nb_error *err);
/* The content of the member that nb_tar_next gave last: exactly its `size` bytes. Once a member. */
nb_status nb_tar_read(nb_tar *tar, void *bytes, uint64_t size, nb_error *err);
/* Known once nb_tar_next was called: contents are not found by their offset in the file. */
bool nb_tar_compressed(const nb_tar *tar);

#endif
