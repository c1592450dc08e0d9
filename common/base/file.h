/* Files: whole reads with a limit, read-only maps, and outputs that never look complete before they are.
 *
 * An output is written as NAME.partial, flushed, synced and renamed to NAME; the partial is removed on failure. */
#ifndef NB_BASE_FILE_H
#define NB_BASE_FILE_H

#include "common/base/memory.h"

/* Reads a regular file whole into *data (NUL-terminated, freed by the caller). NB_ERR_INPUT when it is missing, a
 * directory or larger than max bytes. */
nb_status nb_file_read(const char *path, size_t max, char **data, size_t *len, nb_error *err);

/* Reads the lines of a UTF-8 text file: line ends (LF or CRLF) removed, blank lines kept. A NUL byte, invalid UTF-8 or
 * a line over max_line bytes is NB_ERR_INPUT with its line number. */
nb_status nb_file_lines(const char *path, size_t max_line, nb_strings *lines, nb_error *err);

/* NB_OK when path is a readable regular file, else NB_ERR_INPUT saying what is wrong with it. */
nb_status nb_file_check(const char *path, nb_error *err);
bool nb_file_is_directory(const char *path);

/* A read-only private map of a whole regular file. An empty file maps to data NULL, len 0. */
typedef struct nb_map {
    const unsigned char *data;
    size_t len;
} nb_map;
nb_status nb_map_open(nb_map *map, const char *path, nb_error *err);
void nb_map_close(nb_map *map);
/* Lets the system take back the memory of the whole pages in [begin, begin + len) of the map, which count as this
 * process's until then; touched again, they are read again. */
void nb_map_drop(const nb_map *map, const void *begin, size_t len);

/* directory "/" name, into a new string the caller frees. */
nb_status nb_path_join(char **out, const char *directory, const char *name, nb_error *err);
/* The part behind the last '/'. */
const char *nb_path_base(const char *path);

/* Makes a directory and its parents, as mkdir -p. */
nb_status nb_make_directories(const char *path, nb_error *err);
/* A rename to `path` is on the disk behind this: syncs the folder it stands in. */
nb_status nb_sync_folder_of(const char *path, nb_error *err);

/* One output under its partial name. */
typedef struct nb_output {
    char *path;    /* the final name */
    char *partial; /* the name written to until commit */
} nb_output;

/* Refuses a path that exists (NB_ERR_USAGE, unless force), a directory or device, or a folder that is missing or not
 * writable; removes a stale partial. Nothing is created yet. */
nb_status nb_output_begin(nb_output *out, const char *path, bool force, nb_error *err);
/* As nb_output_begin, but keeps a partial that an interrupted run left; *left says whether there is one. */
nb_status nb_output_resume(nb_output *out, const char *path, bool force, bool *left, nb_error *err);
/* Syncs the partial, renames it and syncs the folder. */
nb_status nb_output_commit(nb_output *out, nb_error *err);
/* Removes what is left of the partial and frees; harmless after commit and on {0}. */
void nb_output_end(nb_output *out);
/* Forgets the output without touching the file: for ranks other than the one that owns it. */
void nb_output_release(nb_output *out);

/* Writes bytes as a whole output: begin, write, commit. */
nb_status nb_file_write(const char *path, bool force, const void *bytes, size_t len, nb_error *err);
/* Writes strings [begin, end) as lines. */
nb_status nb_file_write_lines(const char *path, bool force, const nb_strings *lines, size_t begin, size_t end,
                              nb_error *err);

#endif
