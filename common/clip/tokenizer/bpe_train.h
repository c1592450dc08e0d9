/* Learns a small byte-pair vocabulary in CLIP's form from counted words (Sennrich, Haddow, Birch: Neural Machine
 * Translation of Rare Words with Subword Units, ACL 2016; over bytes as in GPT-2, with CLIP's "</w>" at the end of a
 * word's last symbol).
 *
 * Meant for vocabularies of thousands of distinct words and at most some thousand merges: every merge recounts all
 * pairs. */
#ifndef NB_COMMON_CLIP_TOKENIZER_BPE_TRAIN_H
#define NB_COMMON_CLIP_TOKENIZER_BPE_TRAIN_H

#include "common/base/memory.h"

enum { NB_BPE_BASE_SYMBOLS = 512, NB_BPE_MERGES_MAX = 65536 - 514, NB_BPE_WORD_MAX = 4096 };

/* Words as the tokenizer would cut them, each once, with how often it occurs. Start from {0}. */
typedef struct nb_word_counts {
    nb_strings words; /* sorted bytewise once nb_word_counts_finish has run */
    uint64_t *counts; /* [words.count]; NULL before nb_word_counts_finish */
} nb_word_counts;

/* Adds the words of a text: ASCII letters lower-cased; runs of letters and bytes over 127, single digits, and runs of
 * other printable characters are words of their own, as CLIP's pattern cuts English text (contractions aside). */
nb_status nb_word_counts_add(nb_word_counts *counts, const char *text, size_t len, nb_error *err);
/* Sorts and counts what was added. Call once. */
nb_status nb_word_counts_finish(nb_word_counts *counts, nb_error *err);
void nb_word_counts_free(nb_word_counts *counts);

/* Learns up to `limit` merges (at most NB_BPE_MERGES_MAX) and pushes them to `merges` as lines of merges.txt, "left
 * right" in the byte-to-unicode spelling. Each takes the pair with the highest count, on a tie the one whose line is
 * smallest bytewise; pairs counted less than min_count times, or whose joined text is a symbol already, are not
 * merged. counts: [words->count]. Words over NB_BPE_WORD_MAX bytes are NB_ERR_LIMIT. */
nb_status nb_bpe_train(nb_strings *merges, const nb_strings *words, const uint64_t *counts, size_t limit,
                       uint64_t min_count, nb_error *err);

/* Writes vocab.json and merges.txt into a directory: 256 byte symbols, the same with </w>, the merges' joined texts,
 * <|startoftext|>, <|endoftext|>: NB_BPE_BASE_SYMBOLS + merges->count + 2 ids. */
nb_status nb_bpe_write(const char *directory, bool force, const nb_strings *merges, nb_error *err);

#endif
