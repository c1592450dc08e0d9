#include "mining/corpus/sort/exchange.h"

#include "common/parallel/stop.h"

#include <stdlib.h>

/* ---- splitters ---- */

typedef struct sample {
    const char *text;
    size_t len;
    uint64_t weight; /* bytes it stands for */
} sample;

static int exchange_by_text(const void *left, const void *right)
{
    const sample *a = left, *b = right;
    return nb_bytes_compare(a->text, a->len, b->text, b->len);
}

/* Appends to *out `parts` - 1 of the samples that cut their weight into equal parts; fewer when a sample is heavy. */
static nb_status exchange_cut_evenly(nb_strings *out, sample *samples, size_t count, size_t parts, nb_error *err)
{
    uint64_t total = 0, seen = 0;
    nb_status status = NB_OK;
    qsort(samples, count, sizeof *samples, exchange_by_text);
    for (size_t i = 0; i < count; i++) {
        total += samples[i].weight;
    }
    size_t cut = 1;
    for (size_t i = 0; i < count; i++) {
        for (; cut < parts && (double)seen >= (double)total * (double)cut / (double)parts; cut++) {
            NB_TRY(nb_strings_push(out, samples[i].text, samples[i].len, err));
        }
        seen += samples[i].weight;
    }
    /* texts that no sample is before go to the last rank with a splitter */
    for (; cut < parts && count; cut++) {
        NB_TRY(nb_strings_push(out, samples[count - 1].text, samples[count - 1].len, err));
    }
    for (; cut < parts; cut++) {
        NB_TRY(nb_strings_push(out, "", 0, err));
    }
done:
    return status;
}

/* This rank's samples, evenly spread over its bytes: each as its weight u64, length u16, text. */
static nb_status exchange_pack_samples(nb_buffer *out, const nb_sorter *sorter, size_t want, nb_error *err)
{
    sample *all = NULL;
    nb_strings chosen = {0};
    size_t count = 0, total = 0;
    uint64_t bytes = 0;
    nb_status status;
    out->max = SIZE_MAX / 2;
    for (size_t i = 0; i < sorter->run_count; i++) {
        total += sorter->indices[i].texts.count;
    }
    NB_TRY_NEW(all, total);
    for (size_t i = 0; i < sorter->run_count; i++) {
        const nb_strings *texts = &sorter->indices[i].texts;
        uint64_t run_bytes = sorter->indices[i].bytes;
        bytes += run_bytes;
        for (size_t k = 0; k < texts->count; k++) {
            all[count++] = (sample){nb_strings_get(texts, k), nb_strings_len(texts, k), run_bytes / texts->count + 1};
        }
    }
    if (count) {
        NB_TRY(exchange_cut_evenly(&chosen, all, count, want + 1, err));
    }
    for (size_t i = 0; i < chosen.count; i++) {
        uint64_t weight = bytes / chosen.count + 1;
        uint16_t len = (uint16_t)nb_strings_len(&chosen, i);
        NB_TRY(nb_buffer_append(out, &weight, sizeof weight, err));
        NB_TRY(nb_buffer_append(out, &len, sizeof len, err));
        NB_TRY(nb_buffer_append(out, nb_strings_get(&chosen, i), len, err));
    }
done:
    nb_strings_free(&chosen);
    free(all);
    return status;
}

/* The splitters out of all ranks' samples, packed: each as its length u16, text. */
static nb_status exchange_choose_splitters(nb_buffer *out, const char *all, uint64_t len, size_t parts, nb_error *err)
{
    enum { HEAD = sizeof(uint64_t) + sizeof(uint16_t) };
    sample *samples = NULL;
    nb_strings chosen = {0};
    size_t count = 0;
    nb_status status;
    NB_TRY_NEW(samples, (size_t)len / HEAD + 1);
    for (uint64_t at = 0; at < len; count++) {
        uint16_t text_len;
        memcpy(&samples[count].weight, all + at, sizeof(uint64_t));
        memcpy(&text_len, all + at + sizeof(uint64_t), sizeof text_len);
        samples[count].text = all + at + HEAD;
        samples[count].len = text_len;
        at += (uint64_t)HEAD + text_len;
    }
    NB_TRY(exchange_cut_evenly(&chosen, samples, count, parts, err));
    for (size_t i = 0; i < chosen.count; i++) {
        uint16_t text_len = (uint16_t)nb_strings_len(&chosen, i);
        NB_TRY(nb_buffer_append(out, &text_len, sizeof text_len, err));
        NB_TRY(nb_buffer_append(out, nb_strings_get(&chosen, i), text_len, err));
    }
done:
    nb_strings_free(&chosen);
    free(samples);
    return status;
}

nb_status nb_exchange_splitters(nb_strings *out, const nb_comm *comm, const nb_sorter *sorter, nb_traffic *traffic,
                                nb_error *err)
{
    nb_buffer mine = {0}, chosen = {.max = SIZE_MAX / 2};
    char *all = NULL;
    uint64_t *offset = NULL, len = 0;
    size_t size = (size_t)comm->size;
    nb_status status;
    if (size == 1) {
        return NB_OK;
    }
    size_t want = 4 * size < NB_EXCHANGE_SAMPLES ? NB_EXCHANGE_SAMPLES : 4 * size < 4096 ? 4 * size : 4096;
    NB_TRY(nb_comm_agree(comm, exchange_pack_samples(&mine, sorter, want, err), err));
    NB_TRY(nb_comm_gather(comm, mine.data, mine.len, &all, &offset, err));
    if (comm->rank == 0) {
        status = exchange_choose_splitters(&chosen, all, offset[size], size, err);
        len = chosen.len;
    }
    NB_TRY(nb_comm_agree(comm, status, err));
    NB_TRY(nb_comm_broadcast(comm, &len, sizeof len, err));
    if (comm->rank != 0) {
        chosen.data = nb_alloc((size_t)len, 1, err);
        status = chosen.data ? NB_OK : NB_ERR_LIMIT;
    }
    NB_TRY(nb_comm_agree(comm, status, err));
    NB_TRY(nb_comm_broadcast(comm, chosen.data, (size_t)len, err));
    traffic->samples += comm->rank == 0 ? (size - 1) * len : mine.len;
    for (uint64_t at = 0; chosen.data && at < len;) {
        uint16_t text_len;
        memcpy(&text_len, chosen.data + at, sizeof text_len);
        at += sizeof text_len;
        NB_TRY(nb_strings_push(out, chosen.data + at, text_len, err));
        at += text_len;
    }
done:
    status = nb_comm_agree(comm, status, err);
    nb_buffer_free(&mine);
    free(chosen.data);
    free(all);
    free(offset);
    return status;
}

/* ---- the exchange ---- */

typedef struct exchange {
    const nb_comm *comm;
    const nb_sorter *sorter; /* finished */
    uint64_t *cuts;          /* [run_count, size + 1] where the part of each rank begins in each run */
    nb_run *part;            /* [run_count] what goes to one rank */
    char *out, *in;          /* [block] */
    size_t block;
    nb_traffic *traffic;
} exchange;

static nb_status exchange_find_cuts(exchange *x, const nb_strings *splitters, nb_error *err)
{
    size_t size = (size_t)x->comm->size;
    nb_status status = NB_OK;
    for (size_t i = 0; i < x->sorter->run_count; i++) {
        uint64_t *cut = x->cuts + i * (size + 1);
        cut[0] = x->sorter->runs[i].begin;
        for (size_t r = 1; r < size; r++) {
            NB_TRY(nb_sorter_cut(x->sorter, i, nb_strings_get(splitters, r - 1), nb_strings_len(splitters, r - 1),
                                 &cut[r], err));
        }
        cut[size] = x->sorter->runs[i].end;
    }
done:
    return status;
}

static nb_run exchange_part_of(const exchange *x, size_t run, size_t rank)
{
    const uint64_t *cut = x->cuts + run * ((size_t)x->comm->size + 1);
    nb_run part = x->sorter->runs[run];
    part.begin = cut[rank];
    part.end = cut[rank + 1];
    return part;
}

/* Fills the block for sending; *last says that nothing is left. After a failure it is empty and the last. */
static nb_status exchange_fill_block(exchange *x, nb_merge *merge, bool *waiting, size_t *len, bool *last,
                                     nb_error *err)
{
    nb_status status = nb_stop_check(err);
    *len = NB_BLOCK_HEAD;
    *last = status != NB_OK;
    if (*last) {
        return status;
    }
    for (;;) {
        if (!*waiting) {
            status = nb_merge_next(merge, waiting, err);
            *last = status != NB_OK || !*waiting;
        }
        if (*last || *len + nb_entry_size(&merge->entry) > x->block) {
            break;
        }
        const nb_entry *e = &merge->entry;
        nb_entry_put(x->out + *len, e->place, e->len, e->tag);
        memcpy(x->out + *len + NB_ENTRY_HEAD, e->text, e->len);
        *len += nb_entry_size(e);
        x->traffic->entries++;
        x->traffic->text_bytes += e->len;
        *waiting = false;
    }
    uint64_t head = *last;
    memcpy(x->out, &head, sizeof head);
    return status;
}

/* MPI fails here only when a rank or the network is gone, and then no agreement is possible. */
static void exchange_check(const exchange *x, int code)
{
    if (code != MPI_SUCCESS) {
        nb_comm_abort(x->comm, NB_ERR_INTERNAL);
    }
}

/* One step. Whatever fails on this rank, it goes on sending and receiving until both sides have seen a last block. */
static nb_status exchange_step(exchange *x, int k, nb_spool *received, nb_error *err)
{
    int size = x->comm->size, to = (x->comm->rank + k) % size, from = (x->comm->rank - k + size) % size;
    bool sent_last = false, got_last = false, waiting = false;
    nb_merge merge;
    for (size_t i = 0; i < x->sorter->run_count; i++) {
        x->part[i] = exchange_part_of(x, i, (size_t)to);
    }
    nb_status status =
        nb_merge_open(&merge, x->part, x->sorter->run_count, x->sorter->run_count * NB_RUN_BUFFER_MIN, err);
    while (!sent_last || !got_last) {
        MPI_Request requests[2] = {MPI_REQUEST_NULL, MPI_REQUEST_NULL};
        MPI_Status seen[2];
        if (!got_last) {
            exchange_check(x, MPI_Irecv(x->in, (int)x->block, MPI_BYTE, from, 0, x->comm->handle, &requests[0]));
        }
        if (!sent_last) {
            size_t len = NB_BLOCK_HEAD;
            if (status == NB_OK) {
                status = exchange_fill_block(x, &merge, &waiting, &len, &sent_last, err);
            }
            if (status != NB_OK) {
                const uint64_t head = sent_last = true;
                len = NB_BLOCK_HEAD;
                memcpy(x->out, &head, sizeof head);
            }
            exchange_check(x, MPI_Isend(x->out, (int)len, MPI_BYTE, to, 0, x->comm->handle, &requests[1]));
            x->traffic->blocks++;
            x->traffic->sent += len;
        }
        exchange_check(x, MPI_Waitall(2, requests, seen));
        if (!got_last) {
            int count = 0;
            uint64_t head;
            exchange_check(x, MPI_Get_count(&seen[0], MPI_BYTE, &count));
            memcpy(&head, x->in, sizeof head);
            got_last = head != 0;
            if (status == NB_OK) {
                status = nb_spool_append(received, x->in + NB_BLOCK_HEAD, (size_t)count - NB_BLOCK_HEAD, err);
            }
        }
    }
    if (status == NB_OK) {
        status = nb_spool_finish(received, err);
    }
    nb_merge_close(&merge);
    return status;
}

nb_status nb_exchange(nb_run *runs, nb_spool *spools, const nb_exchange_plan *plan, nb_traffic *traffic, nb_error *err)
{
    const nb_comm *comm = plan->comm;
    exchange x = {.comm = comm, .sorter = plan->sorter, .block = plan->block, .traffic = traffic};
    size_t count = plan->sorter->run_count, size = (size_t)comm->size;
    nb_status status;
    NB_TRY_NEW(x.cuts, count * (size + 1));
    NB_TRY_NEW(x.part, count);
    NB_TRY_NEW(x.out, plan->block);
    NB_TRY_NEW(x.in, plan->block);
    NB_TRY(exchange_find_cuts(&x, plan->splitters, err));
    for (size_t i = 0; i < count; i++) {
        runs[i] = exchange_part_of(&x, i, (size_t)comm->rank);
    }
done:
    status = nb_comm_agree(comm, status, err);
    for (int k = 1; k < comm->size && status == NB_OK; k++) {
        nb_spool *received = &spools[(comm->rank - k + comm->size) % comm->size];
        status = nb_comm_agree(comm, exchange_step(&x, k, received, err), err);
    }
    for (size_t r = 0; r < size && status == NB_OK; r++) {
        runs[count + r] = (nb_run){.spool = &spools[r], .begin = 0, .end = spools[r].size};
    }
    free(x.cuts);
    free(x.part);
    free(x.out);
    free(x.in);
    return status;
}
