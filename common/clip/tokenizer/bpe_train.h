/** @file
 * Learns a small byte-pair vocabulary in CLIP's form from counted words (Sennrich, Haddow, Birch: Neural Machine
 * Translation of Rare Words with Subword Units, ACL 2016; over bytes as in GPT-2, with CLIP's "</w>" at the end of a
 * word's last symbol).
 *
 * Meant for vocabularies of thousands of distinct words and at most some thousand merges: every merge recounts all
 * pairs. Nothing here is collective. */
#ifndef NB_COMMON_CLIP_TOKENIZER_BPE_TRAIN_H
#define NB_COMMON_CLIP_TOKENIZER_BPE_TRAIN_H

#include "common/base/memory.h"

enum {
    NB_BPE_BASE_SYMBOLS = 512,       /**< symbols of the bytes */
    NB_BPE_MERGES_MAX = 65536 - 514, /**< most merges */
    NB_BPE_WORD_MAX = 4096           /**< most bytes of a word */
};

/** Words as the tokenizer would cut them, each once, with how often it occurs. Start from {0}. */
typedef struct nb_word_counts {
    nb_strings words; /**< sorted bytewise once nb_word_counts_finish has run */
    uint64_t *counts; /**< [words.count]; NULL before nb_word_counts_finish */
} nb_word_counts;

/** Adds the words of a text: ASCII letters lower-cased; runs of letters and bytes over 127, single digits, and runs of
 * other printable characters are words of their own, as CLIP's pattern cuts English text (contractions aside).
 * @param counts before nb_word_counts_finish
 * @param text [len]
 * @param len bytes
 * @return NB_OK, or NB_ERR_LIMIT without memory */
nb_status nb_word_counts_add(nb_word_counts *counts, const char *text, size_t len, nb_error *err);

/** Sorts and counts what was added. Call once.
 * @param counts what nb_word_counts_add made of the texts
 * @return NB_OK, or NB_ERR_LIMIT without memory */
nb_status nb_word_counts_finish(nb_word_counts *counts, nb_error *err);

/** Frees the memory and clears the struct. Takes {0}.
 * @param counts in any state */
void nb_word_counts_free(nb_word_counts *counts);

/** Learns merges. Each takes the pair with the highest count, on a tie the one whose line is smallest bytewise; pairs
 * whose joined text is a symbol already are not merged.
 * @param[in,out] merges gets them as lines of merges.txt, "left right" in the byte-to-unicode spelling
 * @param words each once
 * @param counts [words->count]
 * @param limit most merges
 * @param min_count pairs counted less often are not merged
 * @return NB_OK, or NB_ERR_LIMIT for a limit over NB_BPE_MERGES_MAX, words over NB_BPE_WORD_MAX bytes, or without
 * memory */
nb_status nb_bpe_train(nb_strings *merges, const nb_strings *words, const uint64_t *counts, size_t limit,
                       uint64_t min_count, nb_error *err);

/** Writes vocab.json and merges.txt into a folder: 256 byte symbols, the same with "</w>", the merges' joined texts,
 * "<|startoftext|>", "<|endoftext|>": NB_BPE_BASE_SYMBOLS + merges->count + 2 ids.
 * @param directory an existing folder
 * @param force replace files that exist
 * @param merges as nb_bpe_train gives them
 * @return NB_OK, or as nb_file_write (common/base/file.h): NB_ERR_USAGE for a file that exists, unless force, NB_ERR_IO
 * when writing fails; NB_ERR_INPUT for a merge without a blank or two that make the same symbol; NB_ERR_LIMIT without
 * memory */
nb_status nb_bpe_write(const char *directory, bool force, const nb_strings *merges, nb_error *err);

#endif
