/* What mining found out, looked up and written down: the selected texts, the explain table. */
#include "mining/select/explain.h"
#include "common/base/file.h"
#include "scoring/files/score_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A selected candidate and its row in the bank. */
typedef struct place {
    uint64_t id;
    size_t position;
} place;

static int explain_by_id(const void *a, const void *b)
{
    const place *x = a, *y = b;
    return (x->id > y->id) - (x->id < y->id);
}

static nb_status explain_sort_places(const nb_mined *m, place **out, nb_error *err)
{
    nb_status status;
    NB_TRY_NEW(*out, m->selection.count);
    for (size_t i = 0; i < m->selection.count; i++) {
        (*out)[i] = (place){m->selection.ids[i], i};
    }
    qsort(*out, m->selection.count, sizeof **out, explain_by_id);
done:
    return status;
}

nb_status nb_mined_texts(const nb_mined *m, nb_store *texts, nb_strings *names, uint8_t *tags, nb_error *err)
{
    size_t count = m->selection.count, *row = NULL;
    place *places = NULL;
    nb_strings found = {0}, part = {0};
    uint8_t part_tags[NB_AFFINITY_TEXTS];
    nb_status status;
    *names = (nb_strings){0};
    NB_TRY(explain_sort_places(m, &places, err));
    NB_TRY_NEW(row, count);
    for (size_t i = 0; i < count;) { /* all of a tile at once: names are stored in compressed blocks */
        size_t tile = (size_t)places[i].id / NB_AFFINITY_TEXTS, begin = tile * NB_AFFINITY_TEXTS;
        nb_strings_free(&part);
        NB_TRY(nb_store_names(texts, begin, nb_ledger_rows(&m->ledger, tile), &part, part_tags, err));
        for (; i < count && (size_t)places[i].id / NB_AFFINITY_TEXTS == tile; i++) {
            size_t at = (size_t)places[i].id - begin;
            row[places[i].position] = i;
            tags[places[i].position] = part_tags[at];
            NB_TRY(nb_strings_push(&found, nb_strings_get(&part, at), nb_strings_len(&part, at), err));
        }
    }
    for (size_t i = 0; i < count; i++) {
        NB_TRY(nb_strings_push(names, nb_strings_get(&found, row[i]), nb_strings_len(&found, row[i]), err));
    }
done:
    free(places);
    free(row);
    nb_strings_free(&found);
    nb_strings_free(&part);
    return status;
}

/* A table being written. */
typedef struct table {
    const nb_mined *mined;
    const char *path;
    FILE *file;
    nb_buffer text;
    const nb_strings *names; /* of the tile at hand, as the next two */
    const nb_ledger_tile *tile;
    size_t begin;
    const place *next; /* the selected candidate of the smallest id not yet written */
    size_t left;
} table;

/* The line of the tile's text i; `chosen` is the candidate's place in the bank, or NULL. */
static nb_status explain_line(table *t, size_t i, const place *chosen, nb_error *err)
{
    const nb_mined *m = t->mined;
    const nb_ledger_tile *tile = t->tile;
    nb_buffer *b = &t->text;
    nb_status status;
    NB_TRY(nb_buffer_printf(b, err, "%zu\t", t->begin + i));
    NB_TRY(nb_score_escape(b, nb_strings_get(t->names, i), nb_strings_len(t->names, i), err));
    NB_TRY(nb_buffer_printf(b, err, "\t%s\t", nb_tag_name((nb_tag)tile->tags[i])));
    if (chosen) {
        NB_TRY(nb_buffer_printf(b, err, "selected\t%zu", chosen->position));
    } else if (tile->reasons[i] == NB_ACCEPTED) {
        NB_TRY(nb_buffer_printf(b, err, "candidate\t"));
    } else {
        NB_TRY(
            nb_buffer_printf(b, err, "rejected:%s\t", nb_reason_name((nb_reason)tile->reasons[i], m->rejection->name)));
    }
    for (size_t k = 0; k < m->column_count; k++) {
        /* perhaps by a more exact value */
        bool decided = chosen && !m->criterion->list_count && k + 1 == m->criterion->column_count;
        NB_TRY(
            nb_buffer_printf(b, err, "\t%.9g", decided ? m->selection.values[chosen->position] : tile->columns[k][i]));
    }
    NB_TRY(nb_buffer_append(b, "\n", 1, err));
done:
    return status;
}

static nb_status explain_flush(table *t, nb_error *err)
{
    nb_status status = NB_OK;
    if (t->text.len && fwrite(t->text.data, t->text.len, 1, t->file) != 1) {
        status = nb_fail_errno(err, NB_ERR_IO, "cannot write '%s'", t->path);
        nb_hint(err, "is the disk full?");
    }
    nb_buffer_clear(&t->text);
    return status;
}

static nb_status explain_write_tiles(table *t, nb_store *texts, nb_error *err)
{
    const nb_mined *m = t->mined;
    nb_strings names = {0};
    nb_ledger_tile *tile;
    nb_status status;
    bool done;
    NB_TRY_NEW(tile, 1);
    for (size_t number = 0; number < m->ledger.tiles; number++) {
        size_t begin = number * NB_AFFINITY_TEXTS, rows = nb_ledger_rows(&m->ledger, number);
        nb_strings_free(&names);
        NB_TRY(nb_store_names(texts, begin, rows, &names, NULL, err));
        NB_TRY(nb_ledger_read(&m->ledger, number, tile, &done, err));
        if (!done) {
            status = nb_ledger_lost(&m->ledger, number, err);
            goto done;
        }
        t->names = &names;
        t->tile = tile;
        t->begin = begin;
        for (size_t i = 0; i < rows; i++) {
            bool chosen = t->left && t->next->id == begin + i;
            NB_TRY(explain_line(t, i, chosen ? t->next : NULL, err));
            t->next += chosen;
            t->left -= chosen;
        }
        NB_TRY(explain_flush(t, err));
    }
done:
    nb_strings_free(&names);
    free(tile);
    return status;
}

/* The sizes that were compared, as comments behind the candidates. */
static nb_status explain_write_sizes(table *t, nb_error *err)
{
    const nb_bank_findings *out = &t->mined->outcome.findings;
    nb_status status = NB_OK;
    for (size_t i = 0; i < out->size_count; i++) {
        const nb_size_step *step = &out->sizes[i];
        NB_TRY(nb_buffer_printf(&t->text, err, "# negatives %zu, ID images move %.6f, wild images move %.6f%s\n",
                                step->count, step->id_moves, step->wild_moves,
                                step->count == t->mined->outcome.kept ? ", chosen" : ""));
    }
    status = explain_flush(t, err);
done:
    return status;
}

nb_status nb_mined_explain(const nb_mined *m, nb_store *texts, const char *path, bool force, nb_error *err)
{
    nb_output out = {0};
    place *places = NULL;
    table t = {.mined = m, .path = path};
    nb_status status;
    NB_TRY(explain_sort_places(m, &places, err));
    t.next = places;
    t.left = m->selection.count;
    NB_TRY(nb_output_begin(&out, path, force, err));
    NB_TRY(nb_output_file(&t.file, &out, err));
    NB_TRY(nb_buffer_printf(&t.text, err, "id\ttext\ttag\tstatus\tposition"));
    for (size_t k = 0; k < m->column_count; k++) {
        NB_TRY(nb_buffer_printf(&t.text, err, "\t%s", m->column_names[k]));
    }
    NB_TRY(nb_buffer_append(&t.text, "\n", 1, err));
    NB_TRY(explain_write_tiles(&t, texts, err));
    NB_TRY(explain_write_sizes(&t, err));
    if (fclose(t.file) != 0) {
        t.file = NULL;
        status = nb_fail_errno(err, NB_ERR_IO, "cannot write '%s'", out.partial);
        nb_hint(err, "is the disk full?");
        goto done;
    }
    t.file = NULL;
    NB_TRY(nb_output_commit(&out, err));
done:
    if (t.file) {
        fclose(t.file);
    }
    nb_output_end(&out);
    nb_buffer_free(&t.text);
    free(places);
    return status;
}
