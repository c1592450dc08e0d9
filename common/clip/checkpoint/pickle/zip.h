/** @file
 * Zip archives whose members lie in them as they are (stored), read in place: what torch.save and torch.jit.save write,
 * zip64 included. The directory at the end is believed only as far as it agrees with the headers in front of the
 * members: every member inside the file, none over another, no name twice. Nothing here is collective; an open archive
 * is read-only. */
#ifndef NB_COMMON_CLIP_CHECKPOINT_PICKLE_ZIP_H
#define NB_COMMON_CLIP_CHECKPOINT_PICKLE_ZIP_H

#include "common/base/file.h"

enum { NB_ZIP_MEMBERS_MAX = 1 << 18 /**< most members */ };

/** A member; borrows name and data from the archive's bytes. */
typedef struct nb_zip_member {
    const char *name;            /**< [name_len], no NUL behind it */
    size_t name_len;             /**< bytes of the name */
    const unsigned char *header; /**< its header in the archive */
    const unsigned char *data;   /**< [stored] */
    uint64_t stored, size;       /**< bytes in the archive, and of the content */
    uint32_t crc;                /**< of the content */
    unsigned method;             /**< 0: as it is */
    bool encrypted;              /**< its data mean nothing to us */
} nb_zip_member;

/** An open archive. */
typedef struct nb_zip {
    nb_zip_member *members; /**< [count], by name */
    size_t count;           /**< members */
    const char *path;       /**< for messages; borrowed */
} nb_zip;

/** Reads an archive's directory.
 * @param[out] out closed by nb_zip_close; {0} on failure
 * @param bytes [len], borrowed until close
 * @param len bytes
 * @param path for messages; borrowed until close
 * @return NB_OK, or NB_ERR_INPUT naming the path, and the member, for what is no archive, is cut short, in several
 * parts, has over NB_ZIP_MEMBERS_MAX members, one beyond the file, two that overlap or two of one name; NB_ERR_LIMIT
 * without memory */
nb_status nb_zip_open(nb_zip *out, const unsigned char *bytes, size_t len, const char *path, nb_error *err);

/** The member of a name; NULL when there is none.
 * @param zip an open archive
 * @param name whole
 * @param len bytes of the name */
const nb_zip_member *nb_zip_find(const nb_zip *zip, const char *name, size_t len);

/** Checks that a member can be used in place and is whole: stored, not encrypted, its checksum that of its data.
 * @param zip an open archive
 * @param member one of its members
 * @param map the memory of its pages is given back as they are read; {0} where the bytes are no map
 * @return NB_OK, or NB_ERR_INPUT naming the member */
nb_status nb_zip_check(const nb_zip *zip, const nb_zip_member *member, const nb_map *map, nb_error *err);

/** Frees the list of members and clears the struct. Takes {0}.
 * @param zip as nb_zip_open left it, or {0} */
void nb_zip_close(nb_zip *zip);

#endif
