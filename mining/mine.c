#include "mining/mine.h"

#include "common/base/file.h"
#include "scoring/score_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Computes one more criterion's columns, unless they are there. */
static nb_status add_columns(nb_mined *m, const nb_criterion *c, const nb_evidence *e, nb_error *err)
{
    size_t n = (size_t)e->texts->plan.count;
    nb_status status = NB_OK;
    for (size_t k = 0; k < m->column_count; k++) {
        if (strcmp(m->column_names[k], c->columns[c->column_count - 1]) == 0) {
            return NB_OK;
        }
    }
    for (size_t k = 0; k < c->column_count && status == NB_OK; k++) {
        double *column = nb_alloc(n, sizeof *column, err);
        status = column ? NB_OK : NB_ERR_LIMIT;
        m->columns[m->column_count + k] = column;
        m->column_names[m->column_count + k] = c->columns[k];
    }
    status = nb_team_agree(e->team, status, err);
    if (status == NB_OK) {
        status = nb_criterion_compute(c, e, m->columns + m->column_count, err);
    }
    m->column_count += c->column_count;
    return status;
}

static nb_status find_reasons(nb_mined *m, const nb_evidence *e, bool reject_interneg, nb_error *err)
{
    size_t n = (size_t)e->texts->plan.count;
    uint8_t *rejected = NULL;
    nb_status status = NB_OK;
    m->reasons = nb_alloc(n, 1, err);
    rejected = nb_alloc(n, 1, err);
    NB_TRY(nb_team_agree(e->team, m->reasons && rejected ? NB_OK : NB_ERR_LIMIT, err));
    if (reject_interneg) {
        NB_TRY(nb_reject_interneg(e, rejected, err));
    }
    for (size_t u = 0; u < n; u++) {
        m->reasons[u] = e->ignored[u] ? NB_REJECTED_LABEL : rejected[u] ? NB_REJECTED_INTERNEG : NB_ACCEPTED;
    }
done:
    free(rejected);
    return status;
}

nb_status nb_mine(nb_mined *m, const nb_criterion *c, const nb_evidence *e, bool reject_interneg, bool all_columns,
                  nb_quota quota, bool clamp, nb_error *err)
{
    size_t n = (size_t)e->texts->plan.count, accepted = 0;
    nb_status status;
    *m = (nb_mined){.criterion = c};
    NB_TRY(find_reasons(m, e, reject_interneg, err));
    NB_TRY(add_columns(m, c, e, err));
    if (all_columns) {
        NB_TRY(add_columns(m, &nb_criterion_neglabel, e, err));
    }
    if (all_columns && e->prototypes) {
        NB_TRY(add_columns(m, &nb_criterion_interneg, e, err));
    }
    for (size_t u = 0; u < n; u++) {
        accepted += m->reasons[u] == NB_ACCEPTED;
    }
    if (clamp && accepted && quota.count > accepted) {
        nb_log_warn(e->log, "%zu candidates are accepted, fewer than the default %zu: all are kept", accepted,
                    quota.count);
        quota.count = accepted;
    }
    NB_TRY(nb_select(&m->selection, n, m->columns[c->column_count - 1], c->smallest, m->reasons, e->texts->tags, &quota,
                     err));
done:
    if (status != NB_OK) {
        nb_mined_free(m);
    }
    return status;
}

void nb_mined_free(nb_mined *m)
{
    if (m) {
        for (size_t k = 0; k < NB_MINE_COLUMNS_MAX; k++) {
            free(m->columns[k]);
        }
        free(m->reasons);
        nb_selection_free(&m->selection);
        *m = (nb_mined){0};
    }
}

/* One line of the table; `position` is the row in the bank plus one, 0 for a candidate that was not selected. */
static nb_status line(nb_buffer *b, const nb_mined *m, const nb_store *texts, size_t u, size_t position, nb_error *err)
{
    nb_status status;
    const char *tag = nb_tag_name(texts->tags ? (nb_tag)texts->tags[u] : NB_TAG_NONE);
    NB_TRY(nb_buffer_printf(b, err, "%zu\t", u));
    NB_TRY(nb_score_escape(b, nb_strings_get(&texts->names, u), nb_strings_len(&texts->names, u), err));
    NB_TRY(nb_buffer_printf(b, err, "\t%s\t", tag));
    if (position) {
        NB_TRY(nb_buffer_printf(b, err, "selected\t%zu", position - 1));
    } else if (m->reasons[u] == NB_ACCEPTED) {
        NB_TRY(nb_buffer_printf(b, err, "candidate\t"));
    } else {
        NB_TRY(nb_buffer_printf(b, err, "rejected:%s\t", nb_reason_name((nb_reason)m->reasons[u])));
    }
    for (size_t k = 0; k < m->column_count; k++) {
        NB_TRY(nb_buffer_printf(b, err, "\t%.9g", m->columns[k][u]));
    }
    NB_TRY(nb_buffer_append(b, "\n", 1, err));
done:
    return status;
}

nb_status nb_mined_explain(const nb_mined *m, const nb_store *texts, const char *path, bool force, nb_error *err)
{
    size_t n = (size_t)texts->plan.count;
    nb_buffer b = {.max = SIZE_MAX / 2};
    size_t *position = NULL;
    nb_status status;
    NB_TRY_NEW(position, n);
    for (size_t i = 0; i < m->selection.count; i++) {
        position[m->selection.ids[i]] = i + 1;
    }
    NB_TRY(nb_buffer_printf(&b, err, "id\ttext\ttag\tstatus\tposition"));
    for (size_t k = 0; k < m->column_count; k++) {
        NB_TRY(nb_buffer_printf(&b, err, "\t%s", m->column_names[k]));
    }
    NB_TRY(nb_buffer_append(&b, "\n", 1, err));
    for (size_t u = 0; u < n; u++) {
        NB_TRY(line(&b, m, texts, u, position[u], err));
    }
    NB_TRY(nb_file_write(path, force, b.data, b.len, err));
done:
    free(position);
    nb_buffer_free(&b);
    return status;
}
