/* The index of a place where banks are published: index.json beside them.
 *
 *   {
 *    "signature": "untrusted comment: ...\n...",      only in a signed index, always line 2
 *    "format": "negbank index", "version": 1,
 *    "serial": 12,                                    one more at every change, at most 2^53
 *    "updated": "2026-11-21T08:00:00Z",
 *    "banks": [{"name": "pets", "version": "1", "file": "pets.nbank", "bytes": 123456, "sha256": "...",
 *               "signature": "pets.nbank.minisig",    where there is one, beside the file as all that is named here
 *               "card": "pets.nbank.md", "published": "...", "labels": ["abyssinian", ...], "label_count": 24,
 *               "negatives": 500, "dimensions": 512, "criterion": "debiased", "score": "neglabel", "checkpoint": "...",
 *               "corpus": "...", "licence": "...", "quality": {"auroc": 0.966, "fpr95": 0.129}}, ...]
 *   }
 *
 * What is signed are the file's bytes without line 2, so that minisign can check it too: `sed 2d index.json`. Banks
 * stand in the order they were published: the last one of a name is its newest. Unknown keys are kept.
 *
 * Nothing here is collective. */
#ifndef NB_COMMON_TRANSFER_INDEX_H
#define NB_COMMON_TRANSFER_INDEX_H

#include "common/transfer/cache.h"
#include "common/transfer/http.h"
#include "common/transfer/signature.h"

#include <jansson.h>

/** The version of the format, the most bytes a file has, and the most banks it lists. */
enum { NB_INDEX_VERSION = 1, NB_INDEX_TEXT_MAX = 64 << 20, NB_INDEX_BANKS_MAX = 100000 };

/** The largest serial: every reader of JSON has it exactly, and one more is no overflow. */
#define NB_INDEX_SERIAL_MAX (1LL << 53)

/** An index in memory; free with nb_index_free. */
typedef struct nb_index {
    json_t *root;            /**< all but the signature */
    json_t *banks;           /**< borrowed from root: an array whose elements were checked */
    json_int_t serial;       /**< 0: there is none yet */
    nb_signature *signature; /**< NULL: not signed */
    nb_buffer payload;       /**< the bytes that are signed */
    nb_digest digest;        /**< of the whole text */
} nb_index;

/** Where an index is kept, and whose signature on it is accepted; all of it is borrowed. */
typedef struct nb_index_place {
    const nb_url *url;       /**< of index.json */
    const nb_cache *cache;   /**< holds copies, and how new the index was when it was last seen */
    nb_trusted_keys trusted; /**< none: signatures are not looked at */
} nb_index_place;

/** Reads the text of an index and checks its form, not its signature.
 *
 * @param out  the index, {0} on failure
 * @param name of the file, for messages
 * @param text [len]
 * @param len  its bytes
 * @return NB_OK, NB_ERR_INPUT naming what is wrong and where, NB_ERR_VERIFY for a signature that is none or not in line
 *         2, or NB_ERR_LIMIT when memory is out. */
NB_CHECKED nb_status nb_index_parse(nb_index *out, const char *name, const char *text, size_t len, nb_error *err);

/** An index without banks and serial 0, in `out`.
 *
 * @return NB_OK, or NB_ERR_LIMIT when memory is out. */
NB_CHECKED nb_status nb_index_empty(nb_index *out, nb_error *err);

/** Frees what `index` holds. Takes NULL and {0}. */
void nb_index_free(nb_index *index);

/** Checks the signature.
 *
 * @param index   an index that was read
 * @param name    of the file, for messages
 * @param trusted the keys one of which must have signed it
 * @return NB_OK, or NB_ERR_VERIFY for another signature or none. */
NB_CHECKED nb_status nb_index_verify(const nb_index *index, const char *name, const nb_trusted_keys *trusted,
                                     nb_error *err);

/** The bank in `index` of that `name` and `version` (NULL: the newest), borrowed; NULL when there is none. */
const json_t *nb_index_find(const nb_index *index, const char *name, const char *version);

/** The member `key` of a checked `bank` as text, borrowed; "" without. */
const char *nb_index_text_of(const json_t *bank, const char *key);

/** Adds a bank, or replaces the one of its name and version, and raises the serial.
 *
 * @param index the index
 * @param bank  an entry as in the file; the index takes a reference of its own
 * @param force replace one of another digest
 * @return NB_OK, NB_ERR_INPUT for an entry that is none, NB_ERR_USAGE when the index has another digest under the name
 * and version, or NB_ERR_LIMIT when it is full or memory is out. */
NB_CHECKED nb_status nb_index_add(nb_index *index, json_t *bank, bool force, nb_error *err);

/** True for a `word` that can name a bank or its version: 1 to 128 letters, digits, '.', '_', '-', '+', neither '.' nor
 * '-' first. */
bool nb_index_word(const char *word);

/** Makes the text of the file, and renews payload, signature and digest of the index.
 *
 * @param index the index
 * @param key   signs it; NULL: not signed
 * @param out   the text, in place of what it held
 * @return NB_OK, or NB_ERR_LIMIT when memory is out. */
NB_CHECKED nb_status nb_index_write(nb_index *index, const nb_secret_key *key, nb_buffer *out, nb_error *err);

/** Fetches, parses and verifies an index, compares it with what was last seen at its address, and remembers what is
 * seen now: a verified one is compared with verified ones alone. Processes that share the cache wait for one another
 * meanwhile.
 *
 * @param out          the index; where the server answers 404 it is empty, with serial 0
 * @param http         the connection
 * @param place        where it is
 * @param unsigned_too an index without signature is taken too, although place->trusted has keys
 * @param reply        the server's answer, freed by the caller
 * @return NB_OK, NB_ERR_VERIFY for a signature of another key, for none where one is needed, and for an index that is
 *         older than what was seen, has other content under the same serial or has lost its signature; NB_ERR_INPUT for
 *         one that is damaged, NB_ERR_IO when the cache cannot be written, or as nb_http_get and nb_http_refused. */
NB_CHECKED nb_status nb_index_load(nb_index *out, nb_http *http, const nb_index_place *place, bool unsigned_too,
                                   nb_http_reply *reply, nb_error *err);

/** Remembers an index this process has written, unless a newer one was seen since.
 *
 * @param index as it was written
 * @param place where
 * @return NB_OK, NB_ERR_VERIFY as nb_index_load, NB_ERR_IO when the cache cannot be written, or NB_ERR_LIMIT when
 * memory is out. */
NB_CHECKED nb_status nb_index_wrote(const nb_index *index, const nb_index_place *place, nb_error *err);

/** nb_index_load for pulling: there must be an index, signed where place->trusted has keys; a copy is kept for use
 * offline.
 *
 * @param out   the index
 * @param http  the connection
 * @param place where it is
 * @return as nb_index_load; NB_ERR_NETWORK when there is none. */
NB_CHECKED nb_status nb_index_fetch(nb_index *out, nb_http *http, const nb_index_place *place, nb_error *err);

/** The copy that nb_index_fetch kept.
 *
 * @param out   the index
 * @param place where it came from
 * @return NB_OK, NB_ERR_NETWORK when there is no copy, NB_ERR_VERIFY and NB_ERR_INPUT as nb_index_load, NB_ERR_IO when
 * the cache cannot be read, or NB_ERR_LIMIT when memory is out. */
NB_CHECKED nb_status nb_index_kept(nb_index *out, const nb_index_place *place, nb_error *err);

/** One bank more at a place; all of it is borrowed. */
typedef struct nb_index_change {
    nb_index_place place;     /**< with the keys whose signature is accepted on what is there */
    json_t *bank;             /**< what is added */
    bool force;               /**< replace a bank of that name and version */
    const nb_secret_key *key; /**< NULL: not signed; refused where the index is signed */
    double lock_stale;        /**< s after which the lock of a publisher that is gone is broken */
    bool adopt;               /**< sign an index that is there without a signature: its entries become the key's */
    bool unguarded;           /**< write even where the server can do neither kind of guard */
} nb_index_change;

/** Adds a bank to the index of a server, such that of several publishers at once none loses its entry: by If-Match and
 * If-None-Match where the server heeds them (a harmless probe tells), else under a lock made by MKCOL, which is atomic.
 *
 * @param out    the index that stands then
 * @param http   the connection
 * @param change what is added, and where
 * @return NB_OK, NB_ERR_NETWORK when the server has no guard, stays locked or changes too often, or as nb_index_load,
 *         nb_index_add and nb_upload_run; NB_ERR_USAGE also when the index is signed and `key` is NULL, NB_ERR_VERIFY
 *         when it is not, `key` is given and `adopt` is not. */
NB_CHECKED nb_status nb_index_change_at(nb_index *out, nb_http *http, const nb_index_change *change, nb_error *err);

#endif
