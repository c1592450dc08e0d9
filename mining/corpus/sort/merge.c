#include "mining/corpus/sort/merge.h"

#include "common/parallel/stop.h"

#include <stdlib.h>

enum { BUFFER_MAX = 1 << 20 };

nb_status nb_run_reader_open(nb_run_reader *r, const nb_run *run, size_t buffer, nb_error *err)
{
    *r = (nb_run_reader){.run = *run};
    return run->area ? NB_OK : nb_spool_reader_open(&r->spool, run->spool, run->begin, run->end, buffer, err);
}

void nb_run_reader_close(nb_run_reader *r)
{
    nb_spool_reader_close(&r->spool);
    *r = (nb_run_reader){0};
}

nb_status nb_run_next(nb_run_reader *r, bool *more, nb_error *err)
{
    const char *bytes = NULL;
    size_t len = 0;
    if (r->run.area) {
        *more = r->run.begin < r->run.end;
        if (*more) {
            bytes = r->run.area + r->run.records[r->run.begin++].at;
            if (r->run.begin + NB_RECORDS_AHEAD < r->run.end) {
                nb_record_fetch(&r->run.records[r->run.begin + NB_RECORDS_AHEAD], r->run.area);
            }
        }
    } else {
        nb_status status = nb_spool_peek(&r->spool, NB_ENTRY_MAX, &bytes, &len, err);
        if (status != NB_OK) {
            return status;
        }
        *more = len > 0;
    }
    if (!*more) {
        return NB_OK;
    }
    r->entry = nb_entry_get(bytes);
    r->key = nb_entry_key(r->entry.text, r->entry.len, 0);
    if (!r->run.area) {
        if (len < nb_entry_size(&r->entry)) {
            return nb_fail(err, NB_ERR_INTERNAL, "a run of sorted texts breaks off");
        }
        nb_spool_skip(&r->spool, nb_entry_size(&r->entry));
    }
    return NB_OK;
}

static bool merge_less(const nb_merge *m, uint32_t a, uint32_t b)
{
    const nb_run_reader *x = &m->readers[a], *y = &m->readers[b];
    return x->key != y->key ? x->key < y->key : nb_entry_compare(&x->entry, &y->entry) < 0;
}

static void merge_sift(nb_merge *m, size_t at)
{
    uint32_t moving = m->heap[at];
    for (size_t child = 2 * at + 1; child < m->left; child = 2 * at + 1) {
        child += child + 1 < m->left && merge_less(m, m->heap[child + 1], m->heap[child]);
        if (!merge_less(m, m->heap[child], moving)) {
            break;
        }
        m->heap[at] = m->heap[child];
        at = child;
    }
    m->heap[at] = moving;
}

nb_status nb_merge_open(nb_merge *m, const nb_run *runs, size_t count, size_t memory, nb_error *err)
{
    nb_status status = NB_OK;
    *m = (nb_merge){0};
    size_t buffer = count ? memory / count : memory;
    buffer = buffer < NB_RUN_BUFFER_MIN ? NB_RUN_BUFFER_MIN : buffer > BUFFER_MAX ? BUFFER_MAX : buffer;
    NB_TRY_NEW(m->readers, count);
    NB_TRY_NEW(m->heap, count);
    NB_TRY_NEW(m->text, NB_TEXT_BYTES_MAX);
    for (; m->count < count; m->count++) {
        bool more;
        NB_TRY(nb_run_reader_open(&m->readers[m->count], &runs[m->count], buffer, err));
        status = nb_run_next(&m->readers[m->count], &more, err);
        if (status != NB_OK) {
            m->count++;
            goto done;
        }
        if (more) {
            m->heap[m->left++] = (uint32_t)m->count;
        }
    }
    for (size_t i = m->left / 2; i-- > 0;) {
        merge_sift(m, i);
    }
done:
    if (status != NB_OK) {
        nb_merge_close(m);
    }
    return status;
}

void nb_merge_close(nb_merge *m)
{
    for (size_t i = 0; i < m->count; i++) {
        nb_run_reader_close(&m->readers[i]);
    }
    free(m->readers);
    free(m->heap);
    free(m->text);
    *m = (nb_merge){0};
}

nb_status nb_merge_next(nb_merge *m, bool *more, nb_error *err)
{
    nb_status status = NB_OK;
    for (;;) {
        *more = m->left > 0;
        if (!*more) {
            return NB_OK;
        }
        nb_run_reader *least = &m->readers[m->heap[0]];
        bool fresh = !m->started || !nb_entry_same(&m->entry, &least->entry);
        if (fresh) {
            m->entry = least->entry;
            memcpy(m->text, least->entry.text, least->entry.len);
            m->entry.text = m->text;
            m->started = true;
        }
        bool goes_on;
        NB_TRY(nb_run_next(least, &goes_on, err));
        if (!goes_on) {
            m->heap[0] = m->heap[--m->left];
        }
        if (m->left) {
            merge_sift(m, 0);
        }
        if (fresh) {
            return NB_OK;
        }
        m->duplicates++;
    }
done:
    return status;
}

nb_status nb_merge_into(nb_merge *m, nb_spool *out, uint64_t *count, uint64_t *text_bytes, nb_error *err)
{
    char bytes[NB_ENTRY_MAX];
    nb_status status;
    for (;;) {
        bool more;
        NB_TRY(nb_merge_next(m, &more, err));
        if (!more) {
            break;
        }
        const nb_entry *e = &m->entry;
        nb_entry_put(bytes, e->place, e->len, e->tag);
        memcpy(bytes + NB_ENTRY_HEAD, e->text, e->len);
        NB_TRY(nb_spool_append(out, bytes, nb_entry_size(e), err));
        NB_TRY(++*count % NB_STOP_EVERY ? NB_OK : nb_stop_check(err));
        *text_bytes += e->len;
    }
    NB_TRY(nb_spool_finish(out, err));
done:
    return status;
}
