/** @file
 * Image inputs of a command line: folders, image lists, tar shards and single files become one list of images with
 * labels, the same on all ranks.
 *
 * - A folder is walked with its subfolders, symbolic links followed (a link back to a folder above is passed over).
 *   Files named as images are (mining/images/image_name.h) count, hidden files and folders do not; those whose name is
 *   no text, that are a link to nothing or no file, folders that cannot be read, and images of formats that are not
 *   read, are left out and counted. Names are the paths under the folder, in bytewise order, so that the order does not
 *   depend on the file system.
 * - A tar shard (*.tar, *.tar.gz, *.tgz, *.tar.zst, *.tzst, or what begins so; mining/images/shard.h) gives its images
 *   in the tar's order. Names are the shard's file name, '/' and the member's name.
 * - An image list (any other file) is UTF-8 text with a line `path` or `path label` an image, as OpenOOD's: the last
 *   field is the label when it is an integer from -1 on and a path stands before it. Relative paths start at the list's
 *   folder. Blank lines and lines beginning with '#' are skipped, names that are no text are left out and counted.
 *   Names are the paths as written, in the list's order.
 * - A file with an image suffix, or that begins as an image, is one image, named as written.
 * - An input that does not exist and holds `*`, `?` or `[` stands for the files it matches, in bytewise order; `{a,b}`
 *   within it for either.
 * - nb_image_inputs_share alone: `-`, a named pipe and an http(s):// or s3:// address give a list, a shard or an image,
 *   and so may the lines of a list (mining/images/image_sources.h).
 *
 * Inputs keep the order given. Names are UTF-8 without control characters, so that they fit one field of a line.
 * Limits: NB_IMAGE_INPUTS_MAX images, lines of 8192 bytes, folders 64 deep. */
#ifndef NB_MINING_IMAGES_IMAGE_INPUTS_H
#define NB_MINING_IMAGES_IMAGE_INPUTS_H

#include "common/base/log.h"
#include "common/image/decode.h"
#include "common/parallel/queue.h"
#include "mining/images/image_sources.h"
#include "mining/images/shard.h"

#define NB_IMAGE_INPUTS_MAX ((size_t)INT32_MAX)
#define NB_IMAGE_NO_SHARD   UINT64_MAX

/** Where an image's bytes lie. */
typedef struct nb_image_place {
    uint64_t shard; /**< NB_IMAGE_NO_SHARD: the file of its path */
    uint64_t at;    /**< plain shard: offset; compressed: number of the member */
    uint64_t size;
} nb_image_place;

/** The list of images. */
typedef struct nb_image_inputs {
    nb_strings paths;       /**< to open; of an image in a shard, to name it in messages: SHARD/MEMBER */
    nb_strings names;       /**< shown and stored */
    int32_t *labels;        /**< [count], -1 unknown */
    nb_strings classes;     /**< label names, where labels are names: label i is named classes[i] */
    nb_image_place *places; /**< [count]; NULL: all are files */
    nb_strings shards;      /**< paths */
    uint8_t *compressed;    /**< [shards.count] */
    uint64_t skipped[NB_SKIPS];
    uint64_t others[NB_IMAGE_OTHER_SUFFIXES]; /**< images of formats that are not read, by suffix */
    nb_strings examples;                      /**< where it was built: some that are left out, in words */
    nb_image_limits limits;                   /**< for all who decode them */
    size_t count;
} nb_image_inputs;

/** Where labels come from, and which images are too large. */
typedef struct nb_image_choice {
    const char *labels_from; /**< see nb_image_inputs_read */
    const char *label_key;   /**< for "json" */
    nb_image_limits limits;
    nb_image_sources *sources; /**< of nb_image_inputs_share: opened, to be closed by the caller; NULL: files only */
    bool strict;               /**< of nb_image_inputs_share: what would be left out is an error */
} nb_image_choice;

/** Reads all inputs, within the usual limits. Not collective. Images that have no label where labels come from get -1:
 *
 *   "folder"  the first part of a path under its folder, or of a member's name in its shard, is its class; classes of
 *             all inputs together are numbered from 0 in bytewise order, until nb_class_numbers_match numbers them as
 *             labels are
 *   "list"    the numbers in the lists
 *   "cls", "txt", "json"  the member of that suffix beside an image in its shard (json: the value of label_key): whole
 *             numbers from -1 on, or, where one of them is none, class names numbered as those of folders
 *   "none"    nowhere
 *   "auto"    lists where one has labels, else .cls members, else folders where one has subfolders, else nowhere
 *
 * @param out becomes the list, {0} on failure; freed by the caller with nb_image_inputs_free
 * @param inputs folders, lists, shards, files, patterns
 * @param labels_from one of the words above
 * @return NB_OK; NB_ERR_INPUT for an input or an image of a list that is missing (list, line and path named; all are
 * checked here), an empty folder, list or shard, a damaged shard, a name that is no text, labels asked for where no
 * input has them; NB_ERR_USAGE for another labels_from, an address, no inputs, or two kinds of labels in one call with
 * "auto", since their numberings have nothing to do with each other; NB_ERR_IO when a file cannot be read; NB_ERR_LIMIT
 * without memory or for more than NB_IMAGE_INPUTS_MAX images. */
nb_status nb_image_inputs_read(nb_image_inputs *out, const nb_strings *inputs, const char *labels_from, nb_error *err);

/** The same once for all ranks. Collective: the same list and status on all of them; shards are indexed by all, the
 * rest is read by rank 0, which also says what was left out of shards.
 * @param out becomes the list, {0} on failure; freed by the caller with nb_image_inputs_free
 * @param comm the ranks
 * @param log for what was left out
 * @param inputs as for nb_image_inputs_read, the same on all ranks
 * @param choice the same on all ranks
 * @return as nb_image_inputs_read and nb_image_sources_open; NB_ERR_INPUT also for what would be left out, when that is
 * an error. */
nb_status nb_image_inputs_share(nb_image_inputs *out, const nb_comm *comm, const nb_log *log, const nb_strings *inputs,
                                const nb_image_choice *choice, nb_error *err);

/** Names some of the images that were left out, and counts all of them, by reason and suffix. Not collective.
 * @param log takes the warnings
 * @param in a list, as built */
void nb_image_inputs_tell(const nb_log *log, const nb_image_inputs *in);

/** Frees the list. Not collective.
 * @param in a list or {0} */
void nb_image_inputs_free(nb_image_inputs *in);

/** Neighbouring tiles that a rank should take at once: a fixed number where shards are compressed, which a rank unpacks
 * from their beginning. Not collective.
 * @param in the list
 * @param tile images of a tile
 * @param ranks how many share the work
 * @return tiles */
nb_tile_run nb_image_inputs_run(const nb_image_inputs *in, size_t tile, size_t ranks);

#endif
