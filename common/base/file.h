/* Files: whole reads with a limit, read-only maps, and outputs that never look complete before they are. Nothing here
 * is collective.
 *
 * An output is written as NAME.partial, flushed, synced and renamed to NAME; the partial is removed on failure. */
#ifndef NB_BASE_FILE_H
#define NB_BASE_FILE_H

#include "common/base/memory.h"

#include <stdio.h>

/* ---- reading ---- */

/** Reads a regular file whole.
 *
 * @param path the file
 * @param max  bytes it may have
 * @param data [*len] and a NUL, freed by the caller; NULL on failure
 * @param len  its bytes
 * @return NB_OK, NB_ERR_INPUT when it is missing, no regular file or larger than `max`, NB_ERR_IO when it cannot be
 * read or becomes shorter meanwhile, or NB_ERR_LIMIT when memory is out. */
NB_CHECKED nb_status nb_file_read(const char *path, size_t max, char **data, size_t *len, nb_error *err);

/** Reads the lines of a UTF-8 text file: a byte order mark in front and line ends (LF or CRLF) removed, blank lines
 * kept.
 *
 * @param path     the file
 * @param max_line bytes a line may have
 * @param lines    the lines are appended, freed by the caller, also on failure
 * @return NB_OK, NB_ERR_INPUT, with the number of the line, for a NUL byte, invalid UTF-8 a carriage return
 * elsewhere, or a line that is too long, and for a file that holds no lines (nb_foreign_refuse); or as nb_map_open. */
NB_CHECKED nb_status nb_file_lines(const char *path, size_t max_line, nb_strings *lines, nb_error *err);

/** Copies the bytes of an open file, from its place to its end.
 *
 * @param from   read
 * @param name   of it, for messages
 * @param to     written
 * @param target its name in messages
 * @return NB_OK, NB_ERR_IO saying which of them failed, or NB_ERR_LIMIT when memory is out. */
NB_CHECKED nb_status nb_copy_bytes(int from, const char *name, int to, const char *target, nb_error *err);

/** Looks whether `path` is a regular file that can be read.
 *
 * @param path the file
 * @return NB_OK, NB_ERR_INPUT saying what is wrong with it, or NB_ERR_IO when the system does not tell. */
NB_CHECKED nb_status nb_file_check(const char *path, nb_error *err);

/** True when `path` is a folder, or a link to one. */
bool nb_file_is_directory(const char *path);

/** A read-only private map of a whole regular file. An empty file maps to data NULL, len 0. */
typedef struct nb_map {
    const unsigned char *data; /**< [len] */
    size_t len;
} nb_map;

/** Maps a file.
 *
 * @param map  closed by the caller; {0} on failure
 * @param path the file
 * @return NB_OK, NB_ERR_INPUT when it is missing or no regular file, NB_ERR_IO when it cannot be mapped, or
 * NB_ERR_LIMIT when memory is out. */
NB_CHECKED nb_status nb_map_open(nb_map *map, const char *path, nb_error *err);

/** Unmaps `map`, which becomes {0}. Takes NULL and {0}. */
void nb_map_close(nb_map *map);

/** Lets the system take back the memory of whole pages, which count as this process's until then; touched again, they
 * are read again.
 *
 * @param map   an open map
 * @param begin in it
 * @param len   bytes from there; pages that lie in [begin, begin + len) whole are given back */
void nb_map_drop(const nb_map *map, const void *begin, size_t len);

/* ---- folders that several users write into ---- */

/** Opens a file to read and write it, made when it is missing. What another user may have put under its name is not
 * written into: a link, a file of theirs, or one that has a second name.
 *
 * @param fd   closed by the caller; -1 on failure
 * @param path the file
 * @return NB_OK, or NB_ERR_IO. */
NB_CHECKED nb_status nb_file_open_own(int *fd, const char *path, nb_error *err);

/** Whose a file is. */
typedef enum nb_owner {
    NB_OWNER_NONE, /**< it is not there */
    NB_OWNER_OURS, /**< this user's or root's: to be believed */
    NB_OWNER_OTHER /**< another user's, a link or no regular file: what it holds has to be verified */
} nb_owner;

/** Whose the file at `path` is; links are not followed. */
nb_owner nb_file_owner(const char *path);

/* ---- names ---- */

/** directory "/" name.
 *
 * @param out       freed by the caller; NULL on failure
 * @param directory without or with a '/' at its end; "" adds none
 * @param name      put behind it
 * @return NB_OK, or NB_ERR_LIMIT when memory is out. */
NB_CHECKED nb_status nb_path_join(char **out, const char *directory, const char *name, nb_error *err);

/** The part of `path` behind the last '/', inside it. */
const char *nb_path_base(const char *path);

/** Makes a folder and its parents, as mkdir -p.
 *
 * @param path the folder
 * @return NB_OK, also when it is there, NB_ERR_IO, or NB_ERR_LIMIT when memory is out. */
NB_CHECKED nb_status nb_make_directories(const char *path, nb_error *err);

/** Syncs the folder a file stands in: a rename to `path` is on the disk behind this.
 *
 * @param path the file
 * @return NB_OK, also where the file system does not sync folders, NB_ERR_IO, or NB_ERR_LIMIT when memory is out. */
NB_CHECKED nb_status nb_sync_folder_of(const char *path, nb_error *err);

/* ---- outputs ---- */

/** One output under its partial name. {0}: none. */
typedef struct nb_output {
    char *path;    /**< the final name */
    char *partial; /**< the name written to until commit */
} nb_output;

/** Looks whether an output can be made, and removes a stale partial. Nothing is created yet.
 *
 * @param out   ended by the caller with nb_output_end; {0} on failure
 * @param path  the final name
 * @param force a file of that name may be there
 * @return NB_OK, NB_ERR_USAGE for a path that exists (without `force`), a folder, a device or no name, NB_ERR_IO when
 * its folder is missing or not writable, or NB_ERR_LIMIT when memory is out. */
NB_CHECKED nb_status nb_output_begin(nb_output *out, const char *path, bool force, nb_error *err);

/** As nb_output_begin, but keeps a partial that an interrupted run left.
 *
 * @param out   ended by the caller with nb_output_end; {0} on failure
 * @param path  the final name
 * @param force a file of that name may be there
 * @param left  set to whether there is a partial
 * @return as nb_output_begin. */
NB_CHECKED nb_status nb_output_resume(nb_output *out, const char *path, bool force, bool *left, nb_error *err);

/** Creates the partial of an output that was begun. A link that somebody puts there is not followed.
 *
 * @param file closed by the caller; NULL on failure
 * @param out  the output
 * @return NB_OK, or NB_ERR_IO. */
NB_CHECKED nb_status nb_output_file(FILE **file, const nb_output *out, nb_error *err);

/** Closes it.
 *
 * @param file  of nb_output_file
 * @param wrote whether all that was to be written into it was
 * @param out   the output
 * @return NB_OK, or NB_ERR_IO when it was not, or what was buffered cannot be written. */
NB_CHECKED nb_status nb_output_close(FILE *file, bool wrote, const nb_output *out, nb_error *err);

/** Syncs the partial, renames it and syncs the folder.
 *
 * @param out becomes {0} once it is renamed
 * @return NB_OK, NB_ERR_IO, or NB_ERR_LIMIT when memory is out. */
NB_CHECKED nb_status nb_output_commit(nb_output *out, nb_error *err);

/** Removes the partial of `out`, when there is one, and frees. Harmless after commit, on NULL and {0}. */
void nb_output_end(nb_output *out);

/** Frees `out` without touching the file: the partial stays. Takes NULL and {0}. */
void nb_output_release(nb_output *out);

/** Writes bytes as a whole output: begin, write, commit.
 *
 * @param path  the file
 * @param force replace one that is there
 * @param bytes [len]
 * @param len   how many
 * @return as nb_output_begin and nb_output_commit; NB_ERR_IO also when it cannot be written. */
NB_CHECKED nb_status nb_file_write(const char *path, bool force, const void *bytes, size_t len, nb_error *err);

/** Writes strings as lines.
 *
 * @param path  the file
 * @param force replace one that is there
 * @param lines the list
 * @param begin the first of them
 * @param end   the one behind the last
 * @return as nb_file_write. */
NB_CHECKED nb_status nb_file_write_lines(const char *path, bool force, const nb_strings *lines, size_t begin,
                                         size_t end, nb_error *err);

#endif
