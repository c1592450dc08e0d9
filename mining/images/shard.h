/* A shard: a tar file of images, as the webdataset convention lays it out, and the index of its images.
 *
 * Members named *.jpg, *.jpeg, *.png or *.webp in any case are images; what they hold decides how they are decoded. The
 * members of one sample share their name up to the first dot behind the last '/': `a/0001.jpg` has its label in
 * `a/0001.cls`, `a/0001.txt` or under a key of `a/0001.json`, before or behind it in the tar.
 *
 * Left out, counted by reason: images whose names are absolute, contain `..`, control characters or no UTF-8, or are
 * longer than NB_SHARD_NAME_MAX; that are links or devices; that are sparse; that are over the limit of bytes. */
#ifndef NB_IMAGES_SHARD_H
#define NB_IMAGES_SHARD_H

#include "common/base/pack.h"

enum { NB_SHARD_NAME_MAX = 4096, NB_SHARD_LABEL_MAX = 255 };
/* Bytes of a .json member that is looked into. */
#define NB_SHARD_JSON_MAX ((size_t)1 << 20)

typedef enum nb_shard_skip { NB_SKIP_NAME, NB_SKIP_KIND, NB_SKIP_SPARSE, NB_SKIP_BYTES, NB_SKIPS } nb_shard_skip;

/* "unsafe names", ... */
const char *nb_shard_skip_name(nb_shard_skip why);

/* What to look for beside the images. */
typedef struct nb_shard_ask {
    const char *label_suffix; /* "cls", "txt", "json"; NULL: no labels */
    const char *label_key;    /* of a JSON object */
    size_t bytes;             /* an image may have */
} nb_shard_ask;

typedef struct nb_shard {
    bool compressed;
    nb_strings names;  /* of the images, in the tar's order, without "./" */
    nb_strings labels; /* trimmed text; "" where an image has none */
    uint64_t *at;      /* [count] plain: offset in the file; compressed: number of the member */
    uint64_t *size;    /* [count] */
    size_t count, room;
    uint64_t skipped[NB_SKIPS];
    nb_strings examples; /* "name: reason" of the first few that were left out */
} nb_shard;

/* True for names that end in .tar, .tar.gz, .tgz, .tar.zst or .tzst. */
bool nb_shard_named(const char *path);

/* Reads the index of a shard; the caller frees *out, which is {0} on failure. NB_ERR_INPUT for a tar that is damaged or
 * cut short, or a label that is no short text. */
nb_status nb_shard_read(nb_shard *out, const char *path, const nb_shard_ask *ask, nb_error *err);
void nb_shard_free(nb_shard *shard);

/* The index as bytes for other ranks, appended; and back again from bytes made by nb_shard_pack. */
nb_status nb_shard_pack(nb_buffer *out, const nb_shard *shard, nb_error *err);
nb_status nb_shard_unpack(nb_shard *out, nb_unpack *in, nb_error *err);

#endif
