/** @file
 * Tar files, read member by member through libarchive: plain, gzip or zstd, as the content says.
 *
 * POSIX (pax), ustar, GNU and old formats. Nothing is ever written to a disk under a member's name. A file that is cut
 * short is NB_ERR_INPUT, even where it is cut between two members: a whole tar ends with blocks of zeros. Members of
 * more than NB_TAR_MEMBER_MAX bytes are NB_ERR_INPUT too. Nothing here is
 * collective. */
#ifndef NB_IMAGES_TAR_H
#define NB_IMAGES_TAR_H

#include "common/base/status.h"

#include <stdbool.h>
#include <stdint.h>

#define NB_TAR_MEMBER_MAX ((uint64_t)1 << 36)

/** What a member is. */
typedef enum nb_tar_kind { NB_TAR_FILE, NB_TAR_SPARSE, NB_TAR_OTHER } nb_tar_kind;

/** A member. */
typedef struct nb_tar_member {
    const char *name; /**< UTF-8 where the tar says so, else its bytes; valid until the next member */
    nb_tar_kind kind; /**< OTHER: a folder, link or device */
    uint64_t number;  /**< of the member, from 0 */
    uint64_t at;      /**< offset of its content in the unpacked tar */
    uint64_t size;
} nb_tar_member;

/** An open tar file. */
typedef struct nb_tar nb_tar;

/** Opens a tar file.
 * @param out closed by the caller with nb_tar_close; NULL on failure
 * @param path the file
 * @return NB_OK; NB_ERR_INPUT when it is missing, no regular file or empty; NB_ERR_LIMIT without memory;
 * NB_ERR_INTERNAL when libarchive lacks a format. */
nb_status nb_tar_open(nb_tar **out, const char *path, nb_error *err);

/** Closes a tar file.
 * @param tar may be NULL */
void nb_tar_close(nb_tar *tar);

/** Goes to the next member.
 * @param tar the file
 * @param member becomes the member
 * @param more becomes false behind the last
 * @return NB_OK; NB_ERR_INPUT when the file is no tar, damaged or cut short, or the member too large. */
nb_status nb_tar_next(nb_tar *tar, nb_tar_member *member, bool *more, nb_error *err);

/** The content of the member that nb_tar_next gave last. Once a member.
 * @param tar the file
 * @param bytes [size] filled
 * @param size exactly the member's
 * @return NB_OK, or NB_ERR_INPUT when the file is damaged or cut short. */
nb_status nb_tar_read(nb_tar *tar, void *bytes, uint64_t size, nb_error *err);

/** Whether contents are not found by their offset in the file. Known once nb_tar_next was called.
 * @param tar the file
 * @return true for a packed file */
bool nb_tar_compressed(const nb_tar *tar);

#endif
