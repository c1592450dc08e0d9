/* Input files of a corpus: from bytes to raw candidates, one file a format, one line in the table of source.c.
 *
 * lines    one candidate a line.
 * wordnet  WordNet database files (wndb(5)): index.* give the lemma of a line, data.* all words of a synset, without
 *          adjective markers like "(a)". Lines beginning with two blanks are the licence, counted as comments.
 *
 * A byte order mark in front of a file is passed over; lines end in LF or CRLF and may have any length. Lines are
 * numbered from 1, and dealt to `parts` readers in blocks of NB_SOURCE_BLOCK lines, block number modulo parts. */
#ifndef NB_CORPUS_SOURCE_H
#define NB_CORPUS_SOURCE_H

#include "common/base/tag.h"
#include "mining/corpus/normalise.h"

#include <string.h>

enum { NB_SOURCE_BLOCK = 4096 };

/* Takes a raw candidate of a line. known: NB_KEPT for a text still to be normalised, else why it is none. */
typedef struct nb_sink {
    void *state;
    nb_status (*take)(void *state, nb_drop known, const char *bytes, size_t len, uint64_t line, nb_error *err);
} nb_sink;

/* The bytes of an input and the part of them to read. */
typedef struct nb_source_share {
    const char *path; /* for messages */
    const char *data;
    size_t len;
    size_t part, parts;
} nb_source_share;

typedef struct nb_source_format {
    const char *name;
    bool word_list; /* '_' stands for a blank whatever the tag */
    /* True when a file with this base name and these first bytes is surely of the format; NULL: never. */
    bool (*detect)(const char *base, const char *head, size_t len);
    /* Gives every candidate of the share to the sink, in the order of the file. NB_ERR_INPUT names file and line. */
    nb_status (*read)(const nb_source_share *share, const nb_sink *sink, nb_error *err);
} nb_source_format;

extern const nb_source_format nb_format_lines, nb_format_wordnet;

/* NULL for an unknown name. The choices of --format, and those of --tag. */
const nb_source_format *nb_source_format_find(const char *name);
#define NB_SOURCE_FORMATS "auto|lines|wordnet"
#define NB_SOURCE_TAGS    "by-file|noun|adj|none"

/* One input, inspected. */
typedef struct nb_source {
    const char *path; /* borrowed */
    const nb_source_format *format;
    nb_tag tag;
    bool underscores; /* '_' becomes a blank: words of WordNet and of tagged word lists */
    size_t bytes;     /* size of the file */
} nb_source;

/* Looks at a file. format "auto" takes the first format that detects it, else lines. tag "by-file": a base name that
 * starts with "noun." or ends in ".noun" is of nouns, likewise "adj", others are untagged. NB_ERR_INPUT when the file
 * is missing, no regular file, empty or compressed; NB_ERR_USAGE for an unknown format or tag. */
nb_status nb_source_open(nb_source *source, const char *path, const char *format, const char *tag, nb_error *err);

/* For formats made of lines: steps through the lines of a share. Start with nb_line_walk_start. */
typedef struct nb_line_walk {
    const char *next;
    size_t left, part, parts;
    uint64_t number; /* of the line last given */
    bool ours;       /* the block of that line is of this part */
} nb_line_walk;

nb_line_walk nb_line_walk_start(const nb_source_share *share);

/* The next line of this part without its line end; false at the end. */
static inline bool nb_line_walk_next(nb_line_walk *walk, const char **line, size_t *len)
{
    while (walk->left) {
        if (walk->number % NB_SOURCE_BLOCK == 0) {
            walk->ours = walk->number / NB_SOURCE_BLOCK % walk->parts == walk->part;
        }
        const char *begin = walk->next;
        const char *end = memchr(begin, '\n', walk->left);
        size_t size = end ? (size_t)(end - begin) : walk->left;
        size_t step = end ? size + 1 : size;
        walk->next += step;
        walk->left -= step;
        walk->number++;
        if (walk->ours) {
            *line = begin;
            *len = size && begin[size - 1] == '\r' ? size - 1 : size;
            return true;
        }
    }
    return false;
}

#endif
