/* Text: UTF-8 checks and strict number parsing. Nothing here is collective. */
#ifndef NB_BASE_TEXT_H
#define NB_BASE_TEXT_H

#include "common/base/memory.h"

#include <stdbool.h>
#include <stdint.h>

/** True when `bytes` [len] are well-formed UTF-8 (no surrogates, no overlong forms, at most U+10FFFF). */
bool nb_utf8_valid(const char *bytes, size_t len);

/** Bytes of the byte order mark that `bytes` [len] begin with: 3, or 0. */
size_t nb_text_mark_len(const char *bytes, size_t len);

/** Bytes of the control character (category Cc: U+0000 to U+001F, U+007F to U+009F) or separator of lines (U+2028,
 * U+2029) that `text`, which ends with a NUL, begins with; 0 when it begins with none. A terminal takes some of them
 * for commands. */
size_t nb_text_control(const char *text);

/** True when `bytes` [len] are what `mine` lets be a label: well-formed UTF-8 without what nb_text_control finds. */
bool nb_text_printable(const char *bytes, size_t len);

/** Checks the texts of a file, each with nb_text_printable.
 *
 * @param list the texts
 * @param what where they stand: "labels/names"
 * @return NB_OK, or NB_ERR_INPUT naming the first that is none. */
NB_CHECKED nb_status nb_strings_check_printable(const nb_strings *list, const char *what, nb_error *err);

/** Replaces control characters and bytes that are not UTF-8 in `text` by '?', so that a terminal or a JSON parser can
 * take it. */
void nb_text_sanitise(char *text);

/** Names that stand for others in what a user reads: from[i] is written as to[i]. */
typedef struct nb_renames {
    nb_strings from, to; /**< of one length */
} nb_renames;

/** Writes every `from` that `text` holds as its `to`; `names` NULL: none.
 *
 * @param text  a NUL at its end
 * @param size  bytes there is room for; what is longer is cut
 * @param names the names */
void nb_text_rename(char *text, size_t size, const nb_renames *names);

/** The name that stands for `text`, itself where none does; `names` may be NULL. Borrowed from one of them. */
const char *nb_renamed(const nb_renames *names, const char *text);

/** Frees what `names` holds and makes it {0}. */
void nb_renames_free(nb_renames *names);

/** Takes user, password and query, where secrets may be, out of an address ("https://user:word@host/path?key"); other
 * `text` stays as it is. */
void nb_text_hide_secrets(char *text);

/** Takes user and password out of every address in a message; the rest of `text` stays as it is. */
void nb_text_hide_passwords(char *text);

/** The whole `text` as a whole number in *out: no blanks, no rest, no overflow. False, *out untouched, otherwise. */
bool nb_parse_int(const char *text, int64_t *out);

/** The whole `text` as a number in *out: no blanks, no rest, no overflow, no nan or inf. False, *out untouched,
 * otherwise.
 */
bool nb_parse_real(const char *text, double *out);

/** The whole `text` as a size in bytes in *out: a whole number, or one with K, M, G or T (1024, 1024^2, ...) behind it.
 * False, *out untouched, otherwise. */
bool nb_parse_bytes(const char *text, uint64_t *out);

/** Writes `count` into `out` with a decimal prefix: "4.56 k". */
void nb_format_count(char out[32], double count);

/** Writes `bytes` into `out` with a decimal prefix: "12.3 MB". */
void nb_format_bytes(char out[32], double bytes);

/** Writes `seconds` into `out`: "1 h 02 min", "3 min 20 s", "12 s", "0.4 s". */
void nb_format_seconds(char out[32], double seconds);

#endif
