/* The part of speech of a text: it chooses the prompt and the share of the bank. Stored as one byte in our files. */
#ifndef NB_BASE_TAG_H
#define NB_BASE_TAG_H

#include <stdbool.h>

/** A part of speech. */
typedef enum nb_tag {
    NB_TAG_NONE = 0, /**< untagged: prompted as a noun */
    NB_TAG_NOUN = 1,
    NB_TAG_ADJ = 2
} nb_tag;

/** Number of tags. */
enum { NB_TAG_COUNT = 3 };

/** "none", "noun", "adj" for a `tag`; "unknown" for a number that is none. Not to be freed. Not collective. */
const char *nb_tag_name(nb_tag tag);

/** True, with the tag of that `name` in *out; false, *out untouched, when there is none. Not collective. */
bool nb_tag_parse(const char *name, nb_tag *out);

#endif
