#include "mining/corpus/text/superclasses.h"

#include "common/base/file.h"
#include "common/base/mersenne.h"

#include <stdlib.h>
#include <string.h>

enum { NAME_MAX_BYTES = 256 };

static const char *const paper[] = {"environment", "space", "object",  "scene",     "place",     "item",  "area",
                                    "view",        "thing", "pattern", "structure", "landscape", "vista", "creature"};

static nb_status superclasses_add(nb_strings *names, nb_normaliser *n, const char *line, size_t len, nb_error *err)
{
    nb_drop drop = nb_normalise(n, line, len, true);
    if (drop != NB_KEPT) {
        return nb_fail(err, NB_ERR_INPUT, "no text: %s", nb_drop_name(drop));
    }
    for (size_t i = 0; i < names->count; i++) {
        if (nb_bytes_compare(nb_strings_get(names, i), nb_strings_len(names, i), n->text, n->len) == 0) {
            return nb_fail(err, NB_ERR_INPUT, "'%s' stands there twice", nb_strings_get(names, i));
        }
    }
    if (names->count == NB_SUPERCLASSES_MAX) {
        return nb_fail(err, NB_ERR_INPUT, "more than %d superclasses", NB_SUPERCLASSES_MAX);
    }
    return nb_strings_push(names, n->text, n->len, err);
}

nb_status nb_superclasses_read(nb_strings *names, const char *choice, nb_error *err)
{
    nb_strings lines = {0};
    nb_normaliser n = {0};
    nb_status status = NB_OK;
    if (strcmp(choice, "default") == 0) {
        for (size_t i = 0; status == NB_OK && i < sizeof paper / sizeof *paper; i++) {
            status = nb_strings_push(names, paper[i], strlen(paper[i]), err);
        }
        return status;
    }
    NB_TRY(nb_normaliser_open(&n, NAME_MAX_BYTES, err));
    NB_TRY(nb_file_lines(choice, NAME_MAX_BYTES, &lines, err));
    for (size_t i = 0; i < lines.count; i++) {
        status = superclasses_add(names, &n, nb_strings_get(&lines, i), nb_strings_len(&lines, i), err);
        if (status != NB_OK) {
            nb_context(err, "'%s' line %zu", choice, i + 1);
            goto done;
        }
    }
    if (!lines.count) {
        status = nb_fail(err, NB_ERR_INPUT, "'%s' has no superclass", choice);
    }
done:
    nb_normaliser_close(&n);
    nb_strings_free(&lines);
    return status;
}

nb_status nb_superclasses_draw(nb_superclasses *s, const nb_strings *words, const uint8_t *tags, uint64_t seed,
                               nb_error *err)
{
    nb_mersenne generator;
    nb_status status;
    nb_mersenne_seed(&generator, seed);
    NB_TRY(nb_label_set_open(&s->words, words->count, err));
    NB_TRY_NEW(s->drawn, words->count + 1);
    for (size_t i = 0; i < words->count; i++) {
        const nb_normaliser word = {.text = nb_strings_get(words, i), .len = nb_strings_len(words, i)};
        size_t before = s->words.keys.count, index;
        NB_TRY(nb_label_set_add(&s->words, &word, &index, err));
        if (index == before) {
            s->drawn[index] =
                tags[i] == NB_TAG_ADJ ? nb_mersenne_choice(&generator, (uint32_t)s->names.count) : NB_SUPERCLASSES_MAX;
        }
    }
done:
    return status;
}

bool nb_superclasses_of(const nb_superclasses *s, const nb_normaliser *n, nb_tag tag, size_t *first, size_t *count)
{
    size_t index;
    bool adjective = tag == NB_TAG_ADJ;
    *first = 0;
    *count = adjective ? s->names.count : 0;
    if (!s->drawn || !s->names.count || !nb_label_set_find(&s->words, n, &index)) {
        return true;
    }
    if (adjective != (s->drawn[index] != NB_SUPERCLASSES_MAX)) {
        return false;
    }
    *first = adjective ? s->drawn[index] : 0;
    *count = adjective ? 1 : 0;
    return true;
}

void nb_superclasses_close(nb_superclasses *s)
{
    nb_strings_free(&s->names);
    nb_label_set_close(&s->words);
    free(s->drawn);
    *s = (nb_superclasses){0};
}
