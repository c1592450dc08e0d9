#include "mining/corpus/corpus.h"

#include <stdlib.h>

nb_status nb_corpus_push(nb_corpus *c, const nb_corpus_row *row, nb_error *err)
{
    if (c->count == c->cap) {
        size_t cap = c->cap ? c->cap * 2 : 64;
        uint8_t *tags = nb_grow(c->tags, cap, sizeof *tags, err);
        c->tags = tags ? tags : c->tags;
        uint32_t *sources = tags ? nb_grow(c->source, cap, sizeof *sources, err) : NULL;
        c->source = sources ? sources : c->source;
        uint64_t *lines = sources ? nb_grow(c->line, cap, sizeof *lines, err) : NULL;
        c->line = lines ? lines : c->line;
        if (!lines) {
            return NB_ERR_LIMIT;
        }
        c->cap = cap;
    }
    nb_status status = nb_strings_push(&c->texts, row->text, row->len, err);
    if (status == NB_OK) {
        c->tags[c->count] = row->tag;
        c->source[c->count] = row->source;
        c->line[c->count] = row->line;
        c->count++;
    }
    return status;
}

void nb_corpus_free(nb_corpus *c)
{
    if (c) {
        nb_strings_free(&c->texts);
        free(c->tags);
        free(c->source);
        free(c->line);
        *c = (nb_corpus){0};
    }
}
