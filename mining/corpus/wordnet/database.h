/** @file
 * What WordNet says of a word: its lexicographer files, whether it is a proper name, whether it names a kind of what a
 * label names. Read from the database files index.noun, data.noun, index.adj and data.adj (wndb(5)); words that are not
 * in it pass. Nothing here is collective. */
#ifndef NB_MINING_CORPUS_WORDNET_DATABASE_H
#define NB_MINING_CORPUS_WORDNET_DATABASE_H

#include "common/base/tag.h"
#include "mining/corpus/text/normalise.h"
#include "mining/corpus/wordnet/lexnames.h"

/** Where Debian's package wordnet-base has it. */
#define NB_WORDNET_FOLDER "/usr/share/wordnet"

/** Which words are dropped. All borrowed. */
typedef struct nb_wordnet_rules {
    const char *folder;       /**< of the database; NULL: NB_WORDNET_FOLDER */
    nb_lexnames excluded;     /**< words all of whose synsets belong to these */
    bool proper;              /**< words all of whose synsets are instances ("Paris": a city), which have no kinds */
    const nb_strings *labels; /**< words with a synset that is one of a label's or, at any remove, a kind or an instance
                               * of one of them; NULL: none */
} nb_wordnet_rules;

/** The database with rules. */
typedef struct nb_wordnet nb_wordnet;

/** Reads the database.
 * @param out becomes it, NULL on failure; close with nb_wordnet_close
 * @param rules what it is to drop
 * @param unknown becomes the number of labels that it does not have
 * @return NB_OK; NB_ERR_INPUT when a file is missing or is none of WordNet; NB_ERR_IO when one cannot be read;
 * NB_ERR_LIMIT without memory. */
nb_status nb_wordnet_open(nb_wordnet **out, const nb_wordnet_rules *rules, size_t *unknown, nb_error *err);

/** Frees it.
 * @param w may be NULL */
void nb_wordnet_close(nb_wordnet *w);

/** What becomes of a word.
 * @param w the database
 * @param n working memory
 * @param text [len] canonical
 * @param len bytes
 * @param tag NB_TAG_ADJ: looked up among adjectives, else among nouns
 * @return NB_KEPT, NB_DROP_LEXNAME, NB_DROP_PROPER or NB_DROP_SUBCATEGORY */
nb_drop nb_wordnet_judge(const nb_wordnet *w, nb_normaliser *n, const char *text, size_t len, nb_tag tag);

#endif
