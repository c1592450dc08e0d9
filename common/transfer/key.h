/* Keys in the files of minisign (https://jedisct1.github.io/minisign/): Ed25519. All numbers are little-endian, all
 * blobs base64 on a line of their own:
 *
 *   public key  = comment line, "Ed" id[8] key[32]
 *   secret key  = comment line, "Ed" kdf[2] "B2" salt[32] ops[8] memory[8] ( id[8] key[64] checksum[32] )
 *                 kdf "Sc": what is in parentheses is XORed with scrypt of the password; "\0\0": it is plain
 *                 checksum = BLAKE2b-256("Ed" id key); in plain keys it may be zeros
 *
 * Nothing here is collective. */
#ifndef NB_COMMON_TRANSFER_KEY_H
#define NB_COMMON_TRANSFER_KEY_H

#include "common/base/memory.h"

/** Sizes of keys. NB_PUBLIC_KEY_TEXT counts the NUL, NB_PASSWORD_MAX too. */
enum { NB_KEY_ID_BYTES = 8, NB_PUBLIC_KEY_TEXT = 57, NB_PASSWORD_MAX = 1024 };

/** A public key and the number by which signatures name it. */
typedef struct nb_public_key {
    unsigned char id[8], key[32];
} nb_public_key;

/** A secret key: a seed and the public key that follows from it. Wipe it with nb_secret_key_wipe. */
typedef struct nb_secret_key {
    unsigned char id[8], key[64];
} nb_secret_key;

/** How hard a password is made to guess: scrypt with 1 GiB and some seconds (as minisign does), or 16 MiB. */
typedef enum nb_key_strength { NB_KEY_SENSITIVE, NB_KEY_INTERACTIVE } nb_key_strength;

/** Readies libsodium: picks the vector code of this processor. Harmless when done twice; called by what makes keys,
 * signs or speaks to servers. */
void nb_signing_start(void);

/* ---- public keys ---- */

/** Reads a public key from the text of the key itself, or from its file.
 *
 * @param out  the key
 * @param text "RW..." of 56 characters, or the path of a file
 * @return NB_OK, NB_ERR_INPUT for what is neither, NB_ERR_IO when the file cannot be read, or NB_ERR_LIMIT when memory
 * is out. */
NB_CHECKED nb_status nb_public_key_read(nb_public_key *out, const char *text, nb_error *err);

/** Reads the key itself, without comment.
 *
 * @param out  the key; untouched when the result is false
 * @param line base64 text [len]
 * @param len  its bytes
 * @return false when it is no key. */
bool nb_public_key_parse(nb_public_key *out, const char *line, size_t len);

/** Writes `key` into `out` as nb_public_key_parse reads it, with a NUL. */
void nb_public_key_text(char out[NB_PUBLIC_KEY_TEXT], const nb_public_key *key);

/** Writes a key's `id` into `out` as minisign prints it, "1A2B3C4D5E6F7788", with a NUL. */
void nb_key_id_text(char out[17], const unsigned char id[8]);

/** Writes a public key's file.
 *
 * @param key   the key
 * @param path  the file
 * @param force replace one that is there
 * @return as nb_file_write. */
NB_CHECKED nb_status nb_public_key_write(const nb_public_key *key, const char *path, bool force, nb_error *err);

/* ---- secret keys ---- */

/** Makes a new secret key at random into `out`. */
void nb_secret_key_create(nb_secret_key *out);

/** Overwrites `key` with zeros. */
void nb_secret_key_wipe(nb_secret_key *key);

/** The public key that belongs to `key`. */
nb_public_key nb_secret_key_public(const nb_secret_key *key);

/** Writes a secret key's file, readable by its owner alone (mode 0600) from the first byte on.
 *
 * @param key      the key
 * @param path     the file
 * @param force    replace one that is there
 * @param password what the key is sealed with; NULL leaves it plain
 * @param strength how much memory and time a guess of the password takes
 * @return NB_OK, NB_ERR_LIMIT when there is no memory to derive a key from the password, or as nb_output_begin and
 *         nb_output_commit. */
NB_CHECKED nb_status nb_secret_key_write(const nb_secret_key *key, const char *path, bool force, const char *password,
                                         nb_key_strength strength, nb_error *err);

/** Gives the password of the key at `path` when it wants one: at most NB_PASSWORD_MAX - 1 characters and a NUL into
 * `out`. What it returns but NB_OK ends the reading of the key. */
typedef nb_status (*nb_password_source)(void *state, const char *path, char out[NB_PASSWORD_MAX], nb_error *err);

/** Reads a secret key's file, which must be its owner's alone. The text is wiped from memory.
 *
 * @param out       the key, wiped by the caller; untouched on failure
 * @param path      the file
 * @param source    asked for the password when the key is sealed
 * @param state     what `source` is given
 * @param encrypted set to whether there was a password; may be NULL
 * @return NB_OK, NB_ERR_INPUT for a file that is no key, asks for over 1 GiB or that others can read, NB_ERR_VERIFY for
 * a wrong password, NB_ERR_IO, NB_ERR_LIMIT when memory is out, or the status of `source`. */
NB_CHECKED nb_status nb_secret_key_read(nb_secret_key *out, const char *path, nb_password_source source, void *state,
                                        bool *encrypted, nb_error *err);

/** Gets a password: the first line of a file, else NEGBANK_KEY_PASSWORD of the environment, else asked for at the
 * terminal without showing it.
 *
 * @param out    the password with a NUL; the caller wipes it
 * @param file   path of the file, NULL for none
 * @param prompt what the terminal shows
 * @param twice  ask twice, and compare
 * @return NB_OK, NB_ERR_USAGE when there is none of these, it is empty or too long, or the two differ, NB_ERR_IO when
 *         the terminal cannot hide what is typed, or as nb_file_read. */
NB_CHECKED nb_status nb_password_get(char out[NB_PASSWORD_MAX], const char *file, const char *prompt, bool twice,
                                     nb_error *err);

#endif
