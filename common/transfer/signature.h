/* Detached signatures and keys in the format of minisign (https://jedisct1.github.io/minisign/): Ed25519, of the
 * BLAKE2b-512 of a file ("ED") or, when reading, of the file itself ("Ed"). All numbers are little-endian, all blobs
 * base64 on a line of their own:
 *
 *   public key  = comment line, "Ed" id[8] key[32]
 *   secret key  = comment line, "Ed" kdf[2] "B2" salt[32] ops[8] memory[8] ( id[8] key[64] checksum[32] )
 *                 kdf "Sc": what is in parentheses is XORed with scrypt of the password; "\0\0": it is plain
 *                 checksum = BLAKE2b-256("Ed" id key); in plain keys it may be zeros
 *   signature   = comment line, "ED" id[8] signature[64],
 *                 "trusted comment: " text, signature[64] of (the signature before, text) */
#ifndef NB_TRANSFER_SIGNATURE_H
#define NB_TRANSFER_SIGNATURE_H

#include "common/base/memory.h"

enum {
    NB_KEY_ID_BYTES = 8,
    NB_PUBLIC_KEY_TEXT = 57,  /* with the NUL */
    NB_SIGNATURE_MAX = 16384, /* bytes of a signature file */
    NB_TRUSTED_COMMENT_MAX = 8192,
    NB_PASSWORD_MAX = 1024
};

typedef struct nb_public_key {
    unsigned char id[8], key[32];
} nb_public_key;

/* Wipe it with nb_secret_key_wipe. */
typedef struct nb_secret_key {
    unsigned char id[8], key[64];
} nb_secret_key;

typedef struct nb_signature {
    bool prehashed;
    unsigned char id[8], signature[64], global[64];
    char trusted[NB_TRUSTED_COMMENT_MAX + 1]; /* signed too */
} nb_signature;

/* Readies libsodium: called by what makes keys, signs or speaks to servers. */
void nb_signing_start(void);

/* ---- public keys ---- */

/* `text` is the key itself ("RW..." of 56 characters) or the path of its file. NB_ERR_INPUT for what is neither. */
nb_status nb_public_key_read(nb_public_key *out, const char *text, nb_error *err);
/* The key itself, without comment; false when it is none. */
bool nb_public_key_parse(nb_public_key *out, const char *line, size_t len);
void nb_public_key_text(char out[NB_PUBLIC_KEY_TEXT], const nb_public_key *key);
/* "1A2B3C4D5E6F7788", as minisign prints it. */
void nb_key_id_text(char out[17], const unsigned char id[8]);
nb_status nb_public_key_write(const nb_public_key *key, const char *path, bool force, nb_error *err);

/* ---- secret keys ---- */

void nb_secret_key_create(nb_secret_key *out);
void nb_secret_key_wipe(nb_secret_key *key);
nb_public_key nb_secret_key_public(const nb_secret_key *key);

/* How hard a password is made to guess: scrypt with 1 GiB and some seconds (as minisign does), or 16 MiB. */
typedef enum nb_key_strength { NB_KEY_SENSITIVE, NB_KEY_INTERACTIVE } nb_key_strength;

/* Writes the file with mode 0600. A NULL password leaves it plain. */
nb_status nb_secret_key_write(const nb_secret_key *key, const char *path, bool force, const char *password,
                              nb_key_strength strength, nb_error *err);

/* Gives a password when the key wants one; writes at most NB_PASSWORD_MAX - 1 characters. */
typedef nb_status (*nb_password_source)(void *state, const char *path, char out[NB_PASSWORD_MAX], nb_error *err);

/* NB_ERR_INPUT for a file that is no key, NB_ERR_VERIFY for a wrong password. Warns of nothing; `encrypted` (may be
 * NULL) says whether there was a password. */
nb_status nb_secret_key_read(nb_secret_key *out, const char *path, nb_password_source source, void *state,
                             bool *encrypted, nb_error *err);

/* The password: the first line of `file` when it is not NULL, else NEGBANK_KEY_PASSWORD, else asked for at the
 * terminal without showing it (twice when `twice`). NB_ERR_USAGE when there is none of these. */
nb_status nb_password_get(char out[NB_PASSWORD_MAX], const char *file, const char *prompt, bool twice, nb_error *err);

/* ---- signatures ---- */

/* `name` is for messages. NB_ERR_VERIFY for what is no signature. */
nb_status nb_signature_parse(nb_signature *out, const char *name, const char *text, size_t len, nb_error *err);

/* Appends the text of a signature of bytes [len]; `trusted` is one line. */
nb_status nb_signature_make(nb_buffer *out, const nb_secret_key *key, const void *bytes, size_t len,
                            const char *trusted, nb_error *err);

/* NB_OK when one of keys [count] made the signature and it fits bytes [len] and the trusted comment; else
 * NB_ERR_VERIFY, naming `what`. */
nb_status nb_signature_check(const nb_signature *signature, const nb_public_key *keys, size_t count, const void *bytes,
                             size_t len, const char *what, nb_error *err);

#endif
