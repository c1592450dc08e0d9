#include "mining/corpus/sort/sorter.h"

#include "common/parallel/stop.h"

#include <stdlib.h>
#include <sys/mman.h>

enum { PAGE = 4096, LARGE_PAGE = 2 << 20 };

nb_status nb_sorter_open(nb_sorter *s, size_t capacity, const char *folder, nb_error *err)
{
    *s = (nb_sorter){.scratch = nb_scratch_file_in(folder)};
    capacity = capacity < NB_SORTER_CAPACITY_MIN ? NB_SORTER_CAPACITY_MIN
                                                 : capacity / NB_SORTER_CAPACITY_MIN * NB_SORTER_CAPACITY_MIN;
    /* not zeroed, so that what is never used is never there; large pages, as entries are read in any order */
    size_t page = capacity < LARGE_PAGE ? PAGE : LARGE_PAGE;
    s->area = aligned_alloc(page, (capacity + page - 1) / page * page);
    if (!s->area) {
        nb_fail(err, NB_ERR_LIMIT, "out of memory: %zu bytes for sorting", capacity);
        return nb_hint(err, "--memory SIZE asks for less");
    }
    madvise(s->area, capacity, MADV_HUGEPAGE);
    s->capacity = capacity;
    return NB_OK;
}

static void sorter_free_indices(nb_run_index *m)
{
    nb_strings_free(&m->texts);
    free(m->at);
    *m = (nb_run_index){0};
}

void nb_sorter_free(nb_sorter *s)
{
    for (size_t i = 0; i < s->run_count; i++) {
        nb_spool_free(&s->spools[i]);
        sorter_free_indices(&s->indices[i]);
    }
    free(s->spools);
    free(s->runs);
    free(s->indices);
    free(s->area);
    if (s->capacity) {
        nb_scratch_file_close(&s->scratch);
    }
    *s = (nb_sorter){0};
}

static nb_record *sorter_records_of(const nb_sorter *s)
{
    return (nb_record *)(void *)(s->area + s->capacity) - s->count;
}

/* A further run, empty. */
static nb_status sorter_add_run(nb_sorter *s, nb_error *err)
{
    if (s->run_count == s->run_cap) {
        size_t cap = s->run_cap ? 2 * s->run_cap : 16;
        nb_spool *spools = nb_grow(s->spools, cap, sizeof *spools, err);
        s->spools = spools ? spools : s->spools;
        nb_run *runs = spools ? nb_grow(s->runs, cap, sizeof *runs, err) : NULL;
        s->runs = runs ? runs : s->runs;
        nb_run_index *indices = runs ? nb_grow(s->indices, cap, sizeof *indices, err) : NULL;
        s->indices = indices ? indices : s->indices;
        if (!indices) {
            return NB_ERR_LIMIT;
        }
        s->run_cap = cap;
    }
    s->spools[s->run_count] = nb_spool_in(&s->scratch, &s->no_budget);
    s->runs[s->run_count] = (nb_run){0};
    s->indices[s->run_count] = (nb_run_index){0};
    s->run_count++;
    return NB_OK;
}

static nb_status sorter_mark(nb_run_index *m, const nb_entry *e, uint64_t at, nb_error *err)
{
    nb_status status;
    NB_TRY_ROOM(m->at, m->texts.count, m->cap, 64);
    m->at[m->texts.count] = at;
    NB_TRY(nb_strings_push(&m->texts, e->text, e->len, err));
done:
    return status;
}

/* Sorts what is in memory and removes duplicates; the records move to the end of the area. */
static void sorter_sort_area(nb_sorter *s)
{
    nb_record *records = sorter_records_of(s);
    nb_sort_records(records, s->count, s->area);
    size_t kept = nb_sort_unique(records, s->count, s->area, &s->unique);
    memmove(records + (s->count - kept), records, kept * sizeof *records);
    s->duplicates += s->count - kept;
    s->count = kept;
}

static nb_status sorter_spill(nb_sorter *s, nb_error *err)
{
    nb_status status;
    sorter_sort_area(s);
    NB_TRY(sorter_add_run(s, err));
    nb_spool *spool = &s->spools[s->run_count - 1];
    const nb_record *records = sorter_records_of(s);
    uint64_t next_mark = 0, step = s->used / NB_SORTER_INDEX + 1;
    for (size_t i = 0; i < s->count; i++) {
        if (i + NB_RECORDS_AHEAD < s->count) {
            nb_record_fetch(&records[i + NB_RECORDS_AHEAD], s->area);
        }
        nb_entry e = nb_entry_get(s->area + records[i].at);
        if (spool->size >= next_mark) {
            NB_TRY(sorter_mark(&s->indices[s->run_count - 1], &e, spool->size, err));
            next_mark = spool->size + step;
        }
        NB_TRY(nb_spool_append(spool, s->area + records[i].at, nb_entry_size(&e), err));
    }
    NB_TRY(nb_spool_finish(spool, err));
    s->runs[s->run_count - 1] = (nb_run){.spool = NULL, .begin = 0, .end = spool->size};
    s->indices[s->run_count - 1].bytes = spool->size;
    s->spilled += spool->size;
    s->count = s->used = 0;
done:
    return status;
}

nb_status nb_sorter_add(nb_sorter *s, const char *text, size_t len, uint8_t tag, uint64_t place, nb_error *err)
{
    size_t size = NB_ENTRY_HEAD + len;
    if (s->used + size + (s->count + 1) * sizeof(nb_record) > s->capacity) {
        nb_status status = sorter_spill(s, err);
        if (status != NB_OK) {
            return status;
        }
    }
    char *at = s->area + s->used;
    nb_entry_put(at, place, (uint16_t)len, tag);
    memcpy(at + NB_ENTRY_HEAD, text, len);
    s->count++;
    *sorter_records_of(s) = (nb_record){.key = nb_entry_key(text, len, 0), .at = s->used};
    s->used += size;
    return NB_OK;
}

/* Spools move when their array grows, so runs point to them only once none is added any more. */
static void sorter_point_to_spools(nb_sorter *s)
{
    for (size_t i = 0; i < s->run_count; i++) {
        if (!s->runs[i].area) {
            s->runs[i].spool = &s->spools[i];
        }
    }
}

/* Merges the first `count` runs, all on disk, into one at the end. */
static nb_status sorter_merge_runs(nb_sorter *s, size_t count, nb_error *err)
{
    nb_merge merge = {0};
    nb_status status;
    NB_TRY(sorter_add_run(s, err));
    sorter_point_to_spools(s);
    size_t last = s->run_count - 1;
    nb_spool *spool = &s->spools[last];
    uint64_t total = 0, next_mark = 0, seen = 0;
    for (size_t i = 0; i < count; i++) {
        total += s->spools[i].size;
    }
    NB_TRY(nb_merge_open(&merge, s->runs, count, count * NB_RUN_BUFFER_MIN, err));
    for (;;) {
        bool more;
        char head[NB_ENTRY_HEAD];
        NB_TRY(nb_merge_next(&merge, &more, err));
        if (!more) {
            break;
        }
        NB_TRY(++seen % NB_STOP_EVERY ? NB_OK : nb_stop_check(err));
        if (spool->size >= next_mark) {
            NB_TRY(sorter_mark(&s->indices[last], &merge.entry, spool->size, err));
            next_mark = spool->size + total / NB_SORTER_INDEX + 1;
        }
        nb_entry_put(head, merge.entry.place, merge.entry.len, merge.entry.tag);
        NB_TRY(nb_spool_append(spool, head, sizeof head, err));
        NB_TRY(nb_spool_append(spool, merge.entry.text, merge.entry.len, err));
    }
    NB_TRY(nb_spool_finish(spool, err));
    s->runs[last].end = s->indices[last].bytes = spool->size;
    s->spilled += spool->size;
    s->duplicates += merge.duplicates;
    for (size_t i = 0; i < count; i++) {
        nb_spool_free(&s->spools[i]);
        sorter_free_indices(&s->indices[i]);
    }
    size_t rest = s->run_count - count;
    memmove(s->spools, s->spools + count, rest * sizeof *s->spools);
    memmove(s->runs, s->runs + count, rest * sizeof *s->runs);
    memmove(s->indices, s->indices + count, rest * sizeof *s->indices);
    s->run_count = rest;
done:
    nb_merge_close(&merge);
    return status;
}

nb_status nb_sorter_finish(nb_sorter *s, size_t fan_in, nb_error *err)
{
    nb_status status = NB_OK;
    fan_in = fan_in < 2 ? 2 : fan_in;
    while (s->run_count > fan_in) {
        size_t over = s->run_count - fan_in + 1;
        NB_TRY(sorter_merge_runs(s, over < fan_in ? over : fan_in, err));
    }
    sorter_sort_area(s);
    NB_TRY(sorter_add_run(s, err));
    nb_run *last = &s->runs[s->run_count - 1];
    *last = (nb_run){.records = sorter_records_of(s), .area = s->area, .begin = 0, .end = s->count};
    s->indices[s->run_count - 1].bytes = s->unique;
    for (size_t i = 0; i < s->count; i += s->count / NB_SORTER_INDEX + 1) {
        nb_entry e = nb_entry_get(s->area + last->records[i].at);
        NB_TRY(sorter_mark(&s->indices[s->run_count - 1], &e, i, err));
    }
    sorter_point_to_spools(s);
done:
    return status;
}

nb_status nb_sorter_cut(const nb_sorter *s, size_t i, const char *text, size_t len, uint64_t *place, nb_error *err)
{
    const nb_run_index *m = &s->indices[i];
    nb_run rest = s->runs[i];
    nb_run_reader reader = {0};
    nb_status status;
    size_t low = 0, high = m->texts.count; /* marks before `low` are before the text, those from `high` on are not */
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        bool is_before =
            nb_bytes_compare(nb_strings_get(&m->texts, middle), nb_strings_len(&m->texts, middle), text, len) < 0;
        low = is_before ? middle + 1 : low;
        high = is_before ? high : middle;
    }
    *place = low ? m->at[low - 1] : rest.begin;
    rest.begin = *place;
    NB_TRY(nb_run_reader_open(&reader, &rest, NB_RUN_BUFFER_MIN, err));
    for (;;) {
        bool more;
        NB_TRY(nb_run_next(&reader, &more, err));
        if (!more || nb_bytes_compare(reader.entry.text, reader.entry.len, text, len) >= 0) {
            break;
        }
        *place += rest.area ? 1 : nb_entry_size(&reader.entry);
    }
done:
    nb_run_reader_close(&reader);
    return status;
}
