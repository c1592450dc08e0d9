#include "mining/corpus/wordnet/database.h"

#include "common/base/file.h"

#include <stdlib.h>
#include <string.h>

enum { LINE_MAX_BYTES = 1 << 16, LEXNAMES = 45, WORD_MAX_BYTES = 256 };

/* One part of speech. */
typedef struct part {
    size_t synset_count;
    uint32_t *offset; /* [synset_count] in the data file, ascending */
    uint8_t *lexname; /* [synset_count] number of the lexicographer file */
    bool *instance;   /* [synset_count] */
    bool *below;      /* [synset_count] of a label, or a kind of it */
    uint32_t *above;  /* [above_count] pairs (synset, offset of what it is a kind or an instance of) */
    size_t above_count;
    nb_label_set lemmas;
    uint32_t *first;  /* [lemmas + 1] in senses */
    uint32_t *senses; /* synsets of each lemma */
} part;

struct nb_wordnet {
    nb_lexnames excluded;
    bool proper, subcategory;
    part nouns, adjectives;
};

/* The fields of a line, between single blanks. */
typedef struct fields {
    const char *next;
} fields;

static const char *database_take(fields *f, size_t *len)
{
    const char *at = f->next;
    *len = strcspn(at, " ");
    f->next = at + *len + (at[*len] == ' ');
    return at;
}

/* The next field as a number; false when it is none. */
static bool database_number(fields *f, int base, unsigned long most, unsigned long *out)
{
    size_t len;
    const char *at = database_take(f, &len);
    char *end = NULL;
    *out = len && len <= 8 ? strtoul(at, &end, base) : 0;
    return end == at + len && *out <= most;
}

static bool database_is_licence(const char *line)
{
    return !line[0] || (line[0] == ' ' && line[1] == ' ');
}

/* ---- data files ---- */

static bool database_pointer(part *p, size_t synset, fields *f)
{
    size_t symbol_len, len;
    unsigned long offset;
    const char *symbol = database_take(f, &symbol_len);
    if (!symbol_len || !database_number(f, 10, UINT32_MAX, &offset)) {
        return false;
    }
    const char *of = database_take(f, &len);
    bool noun = len == 1 && of[0] == 'n', kind = symbol_len == 1 && symbol[0] == '@';
    bool instance = symbol_len == 2 && symbol[0] == '@' && symbol[1] == 'i';
    database_take(f, &len);
    if (noun && (kind || instance)) {
        p->above[2 * p->above_count] = (uint32_t)synset;
        p->above[2 * p->above_count++ + 1] = (uint32_t)offset;
        p->instance[synset] = p->instance[synset] || instance;
    }
    return len == 4;
}

/* One synset. `room` pointers more can be kept. */
static bool database_synset(part *p, const char *line, size_t room)
{
    fields f = {line};
    unsigned long offset, lexname, words, pointers;
    size_t len, s = p->synset_count;
    if (!database_number(&f, 10, UINT32_MAX, &offset) || !database_number(&f, 10, LEXNAMES - 1, &lexname)) {
        return false;
    }
    database_take(&f, &len); /* ss_type */
    if (len != 1 || !database_number(&f, 16, 255, &words)) {
        return false;
    }
    for (unsigned long i = 0; i < 2 * words; i++) {
        database_take(&f, &len);
        if (!len) {
            return false;
        }
    }
    if (!database_number(&f, 10, 999, &pointers) || pointers > room || (s && p->offset[s - 1] >= offset)) {
        return false;
    }
    p->offset[s] = (uint32_t)offset;
    p->lexname[s] = (uint8_t)lexname;
    for (unsigned long i = 0; i < pointers; i++) {
        if (!database_pointer(p, s, &f)) {
            return false;
        }
    }
    p->synset_count++;
    return true;
}

static nb_status database_refuse(const char *path, size_t line, nb_error *err)
{
    nb_fail(err, NB_ERR_INPUT, "'%s' line %zu is no line of a WordNet database file", path, line + 1);
    return nb_hint(err, "the database files of WordNet 3 are in Debian's package wordnet-base");
}

/* Pointers of all synsets at most: each takes 16 bytes of a line at least. */
static size_t database_pointers_at_most(const nb_strings *lines)
{
    size_t bytes = 0;
    for (size_t i = 0; i < lines->count; i++) {
        bytes += nb_strings_len(lines, i);
    }
    return bytes / 16 + 1;
}

static nb_status database_read_data(part *p, const char *path, nb_error *err)
{
    nb_strings lines = {0};
    nb_status status;
    NB_TRY(nb_file_lines(path, LINE_MAX_BYTES, &lines, err));
    size_t room = database_pointers_at_most(&lines);
    NB_TRY_NEW(p->offset, lines.count + 1);
    NB_TRY_NEW(p->lexname, lines.count + 1);
    NB_TRY_NEW(p->instance, lines.count + 1);
    NB_TRY_NEW(p->below, lines.count + 1);
    NB_TRY_NEW(p->above, 2 * room);
    for (size_t i = 0; i < lines.count; i++) {
        const char *line = nb_strings_get(&lines, i);
        if (!database_is_licence(line) && !database_synset(p, line, room - p->above_count)) {
            status = database_refuse(path, i, err);
            goto done;
        }
    }
done:
    nb_strings_free(&lines);
    return status;
}

/* The synset at an offset; synset_count when there is none. */
static size_t database_find(const part *p, uint32_t offset)
{
    size_t low = 0, high = p->synset_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (p->offset[middle] < offset) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low < p->synset_count && p->offset[low] == offset ? low : p->synset_count;
}

/* ---- index files ---- */

/* The senses of one lemma, behind those that are there; `room` more can be kept. */
static bool database_lemma(part *p, nb_normaliser *n, const char *line, size_t room, size_t *used, nb_error *err)
{
    fields f = {line};
    unsigned long count, pointers, offset;
    size_t len, index, before = p->lemmas.keys.count;
    const char *lemma = database_take(&f, &len);
    if (nb_normalise_key(n, lemma, len) != NB_KEPT || nb_label_set_add(&p->lemmas, n, &index, err) != NB_OK ||
        index != before) {
        return false;
    }
    database_take(&f, &len); /* pos */
    if (len != 1 || !database_number(&f, 10, 9999, &count) || !database_number(&f, 10, 999, &pointers) ||
        count > room) {
        return false;
    }
    for (unsigned long i = 0; i < pointers + 2; i++) { /* symbols, sense_cnt, tagsense_cnt */
        database_take(&f, &len);
    }
    for (unsigned long i = 0; i < count; i++) {
        if (!database_number(&f, 10, UINT32_MAX, &offset)) {
            return false;
        }
        size_t synset = database_find(p, (uint32_t)offset);
        if (synset == p->synset_count) {
            return false;
        }
        p->senses[(*used)++] = (uint32_t)synset;
    }
    p->first[p->lemmas.keys.count] = (uint32_t)*used;
    return true;
}

static nb_status database_read_index(part *p, nb_normaliser *n, const char *path, nb_error *err)
{
    nb_strings lines = {0};
    size_t used = 0;
    nb_status status;
    NB_TRY(nb_file_lines(path, LINE_MAX_BYTES, &lines, err));
    size_t room = database_pointers_at_most(&lines) * 2; /* an offset takes 9 bytes */
    NB_TRY(nb_label_set_open(&p->lemmas, lines.count, err));
    NB_TRY_NEW(p->first, lines.count + 1);
    NB_TRY_NEW(p->senses, room);
    for (size_t i = 0; i < lines.count; i++) {
        const char *line = nb_strings_get(&lines, i);
        if (!database_is_licence(line) && !database_lemma(p, n, line, room - used, &used, err)) {
            status = database_refuse(path, i, err);
            goto done;
        }
    }
done:
    nb_strings_free(&lines);
    return status;
}

static nb_status database_read_part(part *p, nb_normaliser *n, const char *folder, const char *name, nb_error *err)
{
    nb_buffer path = {0};
    nb_status status;
    NB_TRY(nb_buffer_printf(&path, err, "%s/data.%s", folder, name));
    NB_TRY(database_read_data(p, path.data, err));
    nb_buffer_clear(&path);
    NB_TRY(nb_buffer_printf(&path, err, "%s/index.%s", folder, name));
    NB_TRY(database_read_index(p, n, path.data, err));
done:
    nb_buffer_free(&path);
    return status;
}

/* ---- rules ---- */

/* Marks the labels' synsets, and what lies below what is marked until nothing changes: a kind stands a few levels below
 * its label. */
static size_t database_mark(part *p, nb_normaliser *n, const nb_strings *labels)
{
    size_t unknown = 0, index;
    for (size_t i = 0; i < labels->count; i++) {
        if (nb_normalise_key(n, nb_strings_get(labels, i), nb_strings_len(labels, i)) != NB_KEPT ||
            !nb_label_set_find(&p->lemmas, n, &index)) {
            unknown++;
            continue;
        }
        for (size_t k = p->first[index]; k < p->first[index + 1]; k++) {
            p->below[p->senses[k]] = true;
        }
    }
    for (bool changed = true; changed;) {
        changed = false;
        for (size_t i = 0; i < p->above_count; i++) {
            size_t above = database_find(p, p->above[2 * i + 1]);
            bool *mark = &p->below[p->above[2 * i]];
            if (!*mark && above < p->synset_count && p->below[above]) {
                *mark = changed = true;
            }
        }
    }
    return unknown;
}

nb_status nb_wordnet_open(nb_wordnet **out, const nb_wordnet_rules *rules, size_t *unknown, nb_error *err)
{
    const char *folder = rules->folder ? rules->folder : NB_WORDNET_FOLDER;
    nb_normaliser n = {0};
    nb_wordnet *w = NULL;
    nb_status status;
    *unknown = 0;
    NB_TRY_NEW(w, 1);
    w->excluded = rules->excluded;
    w->proper = rules->proper;
    w->subcategory = rules->labels != NULL;
    NB_TRY(nb_normaliser_open(&n, NB_TEXT_BYTES_MAX, err));
    NB_TRY(database_read_part(&w->nouns, &n, folder, "noun", err));
    NB_TRY(database_read_part(&w->adjectives, &n, folder, "adj", err));
    if (rules->labels) {
        *unknown = database_mark(&w->nouns, &n, rules->labels);
    }
done:
    nb_normaliser_close(&n);
    if (status != NB_OK) {
        nb_hint(err, "--wordnet DIR says where the database files of WordNet are (Debian's package wordnet-base)");
        nb_wordnet_close(w);
        w = NULL;
    }
    *out = w;
    return status;
}

static void database_free_part(part *p)
{
    free(p->offset);
    free(p->lexname);
    free(p->instance);
    free(p->below);
    free(p->above);
    free(p->first);
    free(p->senses);
    nb_label_set_close(&p->lemmas);
}

void nb_wordnet_close(nb_wordnet *w)
{
    if (w) {
        database_free_part(&w->nouns);
        database_free_part(&w->adjectives);
        free(w);
    }
}

nb_drop nb_wordnet_judge(const nb_wordnet *w, nb_normaliser *n, const char *text, size_t len, nb_tag tag)
{
    const part *p = tag == NB_TAG_ADJ ? &w->adjectives : &w->nouns;
    bool excluded = true, proper = w->proper && p == &w->nouns, below = false;
    size_t index;
    if (nb_normalise_key(n, text, len) != NB_KEPT || !nb_label_set_find(&p->lemmas, n, &index)) {
        return NB_KEPT;
    }
    for (size_t k = p->first[index]; k < p->first[index + 1]; k++) {
        size_t s = p->senses[k];
        excluded = excluded && w->excluded >> p->lexname[s] & 1;
        proper = proper && p->instance[s];
        below = below || p->below[s];
    }
    bool senses = p->first[index] < p->first[index + 1];
    return senses && excluded                  ? NB_DROP_LEXNAME
           : senses && proper                  ? NB_DROP_PROPER
           : w->subcategory && senses && below ? NB_DROP_SUBCATEGORY
                                               : NB_KEPT;
}
