/* Checkpoint folders in every layout, made of the golden one; for the tests of checkpoints. */
#ifndef NB_TESTS_CHECKPOINT_FOLDERS_H
#define NB_TESTS_CHECKPOINT_FOLDERS_H

#include "support/support.h"

#include "common/base/digest.h"
#include "common/clip/tokenizer/tokenizer_files.h"

/* What open_clip_config.json holds for the golden checkpoint. */
extern const char *const open_clip_config;

/* A file of the golden checkpoint, golden/tiny-quickgelu; other forms of its weights (support/weights/golden_weights.h)
 * are made when first asked for. */
const char *golden_file(const char *file);
/* FOLDER/FILE, freed by the caller. */
char *joined_path(const char *folder, const char *file);
/* A fresh empty folder. */
const char *fresh_folder(void);
/* Writes FOLDER/FILE. */
void put_text(const char *folder, const char *file, const char *text);
/* A whole file, freed by the caller. */
char *read_bytes(const char *path, size_t *len);
/* Copies a file into a folder, under that name. */
void copy_file(const char *folder, const char *path, const char *name);
/* Copies a golden file into a folder, under another name. */
void take_golden(const char *folder, const char *from, const char *to);
/* Removes FOLDER/FILE. */
void drop_file(const char *folder, const char *file);
/* Replaces the first `from` in FOLDER/FILE, which holds it. */
void edit_file(const char *folder, const char *file, const char *from, const char *to);
/* A folder with everything but the weights, as Hugging Face has it. */
const char *hugging_face_folder(void);
/* The same with these golden weights. */
const char *whole_folder(const char *weights);
/* Writes tokenizer.json from the golden vocab.json and merges.txt; the special tokens stand in added_tokens alone when
 * `apart`, merges are pairs when `pairs`. */
void put_tokenizer_json(const char *folder, bool pairs, bool apart);
/* Writes golden weights as `count` shards with an index of that name. */
void put_shards(const char *folder, const char *weights, const char *index, size_t count);
/* The digest of a checkpoint, which opens. */
nb_digest digest_of(const char *folder);

/* The tokenizer of a folder; closed by the caller. */
nb_tokenizer *opened_tokenizer(const char *folder);
/* Fails the test unless the folder's tokenizer is refused with `word` in the message. */
void tokenizer_refused(const char *folder, const char *word);

#endif
