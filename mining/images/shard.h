/** @file
 * A shard: a tar file of images, as the webdataset convention lays it out, and the index of its images.
 *
 * Members named as nb_image_name_has_suffix has it are images; what they hold decides how they
 * are decoded. The members of one sample share their name up to the first dot behind the last '/': `a/0001.jpg` has its
 * label in `a/0001.cls`, `a/0001.txt` or under a key of `a/0001.json`, before or behind it in the tar.
 *
 * Left out, counted by reason: images whose names are absolute, contain `..`, control characters or no UTF-8, or are
 * longer than NB_SHARD_NAME_MAX; that are links or devices; that are sparse; that are over the limit of bytes. Nothing
 * here is collective. */
#ifndef NB_IMAGES_SHARD_H
#define NB_IMAGES_SHARD_H

#include "common/base/pack.h"
#include "mining/images/image_name.h"

/** Bytes at most. */
enum { NB_SHARD_NAME_MAX = 4096, NB_SHARD_LABEL_MAX = 255 };
/** Bytes of a .json member that is looked into. */
#define NB_SHARD_JSON_MAX ((size_t)1 << 20)

/** Why an image is left out. A member of a name that stands again behind it is, as tar lets the last one win. */
typedef enum nb_shard_skip {
    NB_SKIP_NAME,
    NB_SKIP_KIND,
    NB_SKIP_SPARSE,
    NB_SKIP_BYTES,
    NB_SKIP_TWICE,
    NB_SKIP_DANGLING,
    NB_SKIP_FOLDER, /**< a whole folder */
    NB_SKIP_HIDDEN, /**< beside the images, not one of them: nothing odd */
    NB_SKIPS
} nb_shard_skip;

/** A reason in words: "unsafe names", ...
 * @param why the reason
 * @return a constant string */
const char *nb_shard_skip_name(nb_shard_skip why);

/** What to look for beside the images. */
typedef struct nb_shard_ask {
    const char *label_suffix; /**< "cls", "txt", "json"; NULL: no labels */
    const char *label_key;    /**< of a JSON object */
    size_t bytes;             /**< an image may have */
} nb_shard_ask;

/** The index of a shard. */
typedef struct nb_shard {
    bool compressed;
    nb_strings names;  /**< of the images, in the tar's order, without "./" */
    nb_strings labels; /**< trimmed text; "" where an image has none */
    uint64_t *at;      /**< [count] plain: offset in the file; compressed: number of the member */
    uint64_t *size;    /**< [count] */
    size_t count, capacity;
    uint64_t skipped[NB_SKIPS];
    uint64_t others[NB_IMAGE_OTHER_SUFFIXES]; /**< images of formats that are not read, by suffix */
    nb_strings examples;                      /**< "name: reason" of the first few that were left out */
} nb_shard;

/** Names an image that is left out, unless enough are named.
 * @param examples appended to
 * @param name of the image
 * @param why it is left out, in words
 * @return NB_OK, or NB_ERR_LIMIT without memory. */
nb_status nb_shard_example(nb_strings *examples, const char *name, const char *why, nb_error *err);

/** Whether a name is that of a shard.
 * @param path the name
 * @return true when it ends in .tar, .tar.gz, .tgz, .tar.zst or .tzst */
bool nb_shard_named(const char *path);

/** Reads the index of a shard.
 * @param out becomes the index, {0} on failure; freed by the caller with nb_shard_free
 * @param path the shard
 * @param ask what to look for
 * @return NB_OK; NB_ERR_INPUT for a tar that is missing, damaged or cut short, or a label that is no short text;
 * NB_ERR_IO when it cannot be read; NB_ERR_LIMIT without memory; NB_ERR_INTERNAL when libarchive lacks a format. */
nb_status nb_shard_read(nb_shard *out, const char *path, const nb_shard_ask *ask, nb_error *err);

/** Frees an index.
 * @param shard an index or {0} */
void nb_shard_free(nb_shard *shard);

/** Appends an index as bytes for other ranks.
 * @param out appended to
 * @param shard the index
 * @return NB_OK, or NB_ERR_LIMIT without memory or over the limit of `out`. */
nb_status nb_shard_pack(nb_buffer *out, const nb_shard *shard, nb_error *err);

/** The reverse.
 * @param out becomes the index, {0} on failure; freed by the caller with nb_shard_free
 * @param in bytes made by nb_shard_pack
 * @return NB_OK; NB_ERR_INTERNAL for other bytes; NB_ERR_LIMIT without memory. */
nb_status nb_shard_unpack(nb_shard *out, nb_unpack *in, nb_error *err);

#endif
