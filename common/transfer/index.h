/* The index of a place where banks are published: index.json beside them.
 *
 *   {
 *    "signature": "untrusted comment: ...\n...",      only in a signed index, always line 2
 *    "format": "negbank index", "version": 1,
 *    "serial": 12,                                    one more at every change
 *    "updated": "2026-11-21T08:00:00Z",
 *    "banks": [{"name": "pets", "version": "1", "file": "pets.nbank", "bytes": 123456, "sha256": "...",
 *               "signature": "pets.nbank.minisig",    where there is one, beside the file as all that is named here
 *               "card": "pets.nbank.md", "published": "...", "labels": ["abyssinian", ...], "label_count": 24,
 *               "negatives": 500, "dimensions": 512, "criterion": "debiased", "score": "neglabel", "checkpoint": "...",
 *               "corpus": "...", "licence": "...", "quality": {"auroc": 0.966, "fpr95": 0.129}}, ...]
 *   }
 *
 * What is signed are the file's bytes without line 2, so that minisign can check it too: `sed 2d index.json`. Banks
 * stand in the order they were published: the last one of a name is its newest. Unknown keys are kept. */
#ifndef NB_TRANSFER_INDEX_H
#define NB_TRANSFER_INDEX_H

#include "common/transfer/cache.h"
#include "common/transfer/http.h"
#include "common/transfer/signature.h"

#include <jansson.h>

enum { NB_INDEX_VERSION = 1, NB_INDEX_TEXT_MAX = 64 << 20, NB_INDEX_BANKS_MAX = 100000 };

typedef struct nb_index {
    json_t *root;            /* all but the signature */
    json_t *banks;           /* borrowed from root: an array whose elements were checked */
    json_int_t serial;       /* 0: there is none yet */
    nb_signature *signature; /* NULL: not signed */
    nb_buffer payload;       /* the bytes that are signed */
    nb_digest digest;        /* of the whole text */
} nb_index;

/* Reads and checks the form, not the signature. NB_ERR_INPUT names what is wrong and where; NB_ERR_VERIFY for a
 * signature that is none. */
nb_status nb_index_parse(nb_index *out, const char *name, const char *text, size_t len, nb_error *err);
/* An index without banks and serial 0. */
nb_status nb_index_empty(nb_index *out, nb_error *err);
void nb_index_free(nb_index *index);

/* NB_OK for a signature of one of the keys; NB_ERR_VERIFY otherwise, also without any signature. */
nb_status nb_index_verify(const nb_index *index, const char *name, const nb_public_key *keys, size_t count,
                          nb_error *err);

/* The bank of that name and version (NULL: the newest); NULL when there is none. */
const json_t *nb_index_find(const nb_index *index, const char *name, const char *version);
/* A member of a checked bank as text, "" without. */
const char *nb_index_text_of(const json_t *bank, const char *key);

/* Adds a bank, or replaces the one of its name and version: NB_ERR_USAGE when that has another digest, unless `force`.
 * Raises the serial. `bank` is borrowed. */
nb_status nb_index_add(nb_index *index, json_t *bank, bool force, nb_error *err);

/* A word that can name a bank or its version: letters, digits, '.', '_', '-', '+', at most 128. */
bool nb_index_word(const char *word);

/* The text of the file, signed when key is not NULL. Renews payload, signature and digest. */
nb_status nb_index_write(nb_index *index, const nb_secret_key *key, nb_buffer *out, nb_error *err);

/* Fetches, parses and verifies: with `keys` where there is a signature, and NB_ERR_VERIFY where there is none unless
 * `unsigned_too`; count 0 verifies nothing. Then compares with what was last seen at this address, and remembers what
 * is seen now: NB_ERR_VERIFY for an older serial, for other content under the same serial, or for an index without
 * signature where there was one. `reply` is the server's answer; where it is 404 the index is empty, with serial 0. */
nb_status nb_index_load(nb_index *out, nb_http *http, const nb_url *url, const nb_cache *cache,
                        const nb_public_key *keys, size_t count, bool unsigned_too, nb_http_reply *reply,
                        nb_error *err);
/* Remembers an index this process has written, unless a newer one was seen since. */
nb_status nb_index_wrote(const nb_index *index, const nb_cache *cache, const nb_url *url, nb_error *err);

/* nb_index_load for pulling: there must be one; a copy is kept for use offline. */
nb_status nb_index_fetch(nb_index *out, nb_http *http, const nb_url *url, const nb_cache *cache,
                         const nb_public_key *keys, size_t count, nb_error *err);
/* The copy that was kept. */
nb_status nb_index_kept(nb_index *out, const nb_url *url, const nb_cache *cache, const nb_public_key *keys,
                        size_t count, nb_error *err);

typedef struct nb_index_change {
    const nb_url *url;
    const nb_cache *cache;
    json_t *bank; /* what is added */
    bool force;
    const nb_secret_key *key;  /* NULL: not signed; refused where the index is signed */
    const nb_public_key *keys; /* those whose signature is accepted on what is there, [key_count] */
    size_t key_count;
    double lock_stale; /* s after which the lock of a publisher that is gone is broken */
    bool unguarded;    /* write even where the server can do neither kind of guard */
} nb_index_change;

/* Adds a bank to the index of a server, such that of several publishers at once none loses its entry: by If-Match and
 * If-None-Match where the server heeds them (a harmless probe tells), else under a lock made by MKCOL, which is atomic.
 * `out` is the index that stands then. */
nb_status nb_index_change_at(nb_index *out, nb_http *http, const nb_index_change *change, nb_error *err);

#endif
