/** @file
 * The demo world's wild text corpus: everyday words, names and near synonyms of what the pictures show, other
 * combinations of shape and colour, and the ID labels themselves, so that mining has something to reject. As wild text
 * is, the lists are untidy: duplicates, blank lines, odd blanks, two spellings of the same accent, an overlong line. */
#ifndef NB_DEMO_WORDS_H
#define NB_DEMO_WORDS_H

#include "common/base/memory.h"

/** The lists. */
typedef enum nb_demo_words { NB_DEMO_NOUNS, NB_DEMO_ADJECTIVES } nb_demo_words;

/** Pushes the lines of a list in an order drawn from the seed.
 * @param lines appended to
 * @param list which
 * @param seed of the order
 * @return NB_OK, or NB_ERR_LIMIT without memory. */
nb_status nb_demo_words_push(nb_strings *lines, nb_demo_words list, uint64_t seed, nb_error *err);

#endif
