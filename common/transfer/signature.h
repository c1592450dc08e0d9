/* Detached signatures in the format of minisign (https://jedisct1.github.io/minisign/): Ed25519, of the BLAKE2b-512 of
 * a file ("ED") or, when reading, of the file itself ("Ed"). Keys are in common/transfer/key.h.
 *
 *   signature   = comment line, "ED" id[8] signature[64],
 *                 "trusted comment: " text, signature[64] of (the signature before, text)
 *
 * Nothing here is collective. */
#ifndef NB_COMMON_TRANSFER_SIGNATURE_H
#define NB_COMMON_TRANSFER_SIGNATURE_H

#include "common/transfer/key.h"

/** Most bytes of a signature file, and of the trusted comment in it. */
enum { NB_SIGNATURE_MAX = 16384, NB_TRUSTED_COMMENT_MAX = 8192 };

/** A signature file as it was read. */
typedef struct nb_signature {
    bool prehashed;                           /**< of the file's BLAKE2b-512, not of the file itself */
    unsigned char id[8];                      /**< of the key */
    unsigned char signature[64];              /**< of the file */
    unsigned char global[64];                 /**< of `signature` and `trusted` */
    char trusted[NB_TRUSTED_COMMENT_MAX + 1]; /**< the trusted comment, which is signed too */
} nb_signature;

/** The keys whose signatures are accepted; borrowed. */
typedef struct nb_trusted_keys {
    const nb_public_key *keys; /**< [count] */
    size_t count;
} nb_trusted_keys;

/** Reads the text of a signature file.
 *
 * @param out  the signature
 * @param name of the file, for messages
 * @param text [len]
 * @param len  its bytes
 * @return NB_OK, or NB_ERR_VERIFY for what is no signature. */
NB_CHECKED nb_status nb_signature_parse(nb_signature *out, const char *name, const char *text, size_t len,
                                        nb_error *err);

/** A field "KEY:VALUE" of the trusted comment, whose fields are parted by tabs.
 *
 * @param signature one that was checked
 * @param key       its name: "file"
 * @param value     [size] receives it with a NUL, cut where it does not fit
 * @param size      bytes of `value`
 * @return false without such a field. */
bool nb_signature_field(const nb_signature *signature, const char *key, char *value, size_t size);

/** Signs bytes.
 *
 * @param out     the text of the signature file is put behind what it holds
 * @param key     the key
 * @param bytes   [len]
 * @param len     their number
 * @param trusted the trusted comment: one line
 * @return NB_OK, NB_ERR_INPUT for a comment of several lines or over NB_TRUSTED_COMMENT_MAX bytes, or NB_ERR_LIMIT when
 *         memory is out. */
NB_CHECKED nb_status nb_signature_make(nb_buffer *out, const nb_secret_key *key, const void *bytes, size_t len,
                                       const char *trusted, nb_error *err);

/** Checks a signature against bytes and its own trusted comment.
 *
 * @param signature the signature
 * @param trusted   the keys one of which must have made it
 * @param bytes     [len]
 * @param len       their number
 * @param what      what the bytes are, for messages
 * @return NB_OK, or NB_ERR_VERIFY when no key of them made it, or the bytes or the comment are not those that were
 *         signed. */
NB_CHECKED nb_status nb_signature_check(const nb_signature *signature, const nb_trusted_keys *trusted,
                                        const void *bytes, size_t len, const char *what, nb_error *err);

#endif
