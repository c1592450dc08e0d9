/* Writing corpus files. */
#include "mining/corpus/file/corpus_file.h"

#include "common/base/file.h"
#include "common/base/text.h"
#include "common/parallel/sealing.h"
#include "common/parallel/stop.h"
#include "common/store/hdf5/h5.h"
#include "mining/corpus/file/columns.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { COPY_BYTES = 1 << 20 };

static char *corpus_file_write_counts_text(const nb_corpus_counts *counts)
{
    json_t *dropped = json_object();
    for (size_t r = 0; r < NB_DROP_COUNT; r++) {
        if (counts->dropped[r]) {
            json_object_set_new(dropped, nb_drop_name((nb_drop)r), json_integer((json_int_t)counts->dropped[r]));
        }
    }
    json_t *root = json_pack("{s:I, s:I, s:I, s:o}", "read", (json_int_t)counts->read, "kept", (json_int_t)counts->kept,
                             "mended", (json_int_t)counts->sanitised, "dropped", dropped);
    char *text = json_dumps(root, JSON_PRESERVE_ORDER);
    json_decref(root);
    return text;
}

static nb_status corpus_file_write_put_inputs(hid_t file, const nb_strings *inputs, nb_error *err)
{
    nb_strings names = {0};
    nb_status status = NB_OK;
    for (size_t i = 0; i < inputs->count; i++) {
        const char *base = nb_path_base(nb_strings_get(inputs, i));
        char *name = nb_alloc(strlen(base) + 1, 1, err);
        if (!name) {
            status = NB_ERR_LIMIT;
            goto done;
        }
        memcpy(name, base, strlen(base));
        nb_text_sanitise(name);
        status = nb_strings_push(&names, name, strlen(name), err);
        free(name);
        NB_TRY(status);
    }
    NB_TRY(nb_h5_put_strings(file, "inputs", &names, err));
done:
    nb_strings_free(&names);
    return status;
}

/* What is written beside the columns, and where. */
typedef struct writer {
    const nb_comm *comm;
    const nb_corpus_counts *counts;
    const nb_strings *inputs;
    const nb_corpus_target *target;
    nb_output output; /* rank 0's */
    nb_columns columns;
    uint64_t *chunks; /* [all chunks] their lengths, then their places in the file */
} writer;

static nb_status corpus_file_write_place_chunks(writer *w, hid_t file, nb_error *err)
{
    nb_status status = NB_OK;
    for (size_t i = 0; i < NB_COLUMN_COUNT && status == NB_OK; i++) {
        uint64_t begin = nb_columns_chunks(&w->columns, i), end = nb_columns_chunks(&w->columns, i + 1);
        hid_t dataset;
        const nb_h5_chunking chunking = {nb_column_type(i), w->columns.column[i].total, NB_COLUMN_ZSTD_LEVEL};
        status = nb_h5_chunked(&dataset, file, nb_column_name(i), &chunking, err);
        if (status != NB_OK) {
            break;
        }
        for (uint64_t k = begin; k < end && status == NB_OK; k++) {
            const nb_h5_chunk chunk = {dataset, k - begin, (size_t)w->chunks[k]};
            status = nb_h5_place(file, w->output.partial, &chunk, &w->chunks[k], err);
        }
        H5Dclose(dataset);
    }
    return status;
}

/* Rank 0: the file with everything but the bytes of the columns' chunks. */
static nb_status corpus_file_write_frame(writer *w, nb_error *err)
{
    hid_t file = -1;
    char *text = corpus_file_write_counts_text(w->counts);
    nb_status status;
    if (!text) {
        return nb_fail(err, NB_ERR_LIMIT, "out of memory for counts");
    }
    NB_TRY(nb_output_begin(&w->output, w->target->path, w->target->force, err));
    NB_TRY(nb_h5_create(&file, w->output.partial, NB_CORPUS_KIND, NB_CORPUS_FORMAT, err));
    NB_TRY(corpus_file_write_place_chunks(w, file, err));
    NB_TRY(corpus_file_write_put_inputs(file, w->inputs, err));
    NB_TRY(nb_h5_put_text(file, "counts", text, err));
    NB_TRY(nb_h5_put_long_text(file, "provenance", w->target->provenance, err));
    NB_TRY(nb_h5_save(&file, w->output.partial, err));
done:
    nb_h5_close(&file);
    free(text);
    return status;
}

static nb_status corpus_file_write_put_at(int fd, const char *bytes, size_t len, uint64_t at, const char *path,
                                          nb_error *err)
{
    while (len) {
        ssize_t done = pwrite(fd, bytes, len, (off_t)at);
        if (done < 0 && errno == EINTR) {
            continue;
        }
        if (done <= 0) {
            return nb_fail_errno(err, NB_ERR_IO, "cannot write '%s'", path);
        }
        bytes += done;
        len -= (size_t)done;
        at += (uint64_t)done;
    }
    return NB_OK;
}

static nb_status corpus_file_write_chunks(const writer *w, nb_error *err)
{
    const nb_columns *c = &w->columns;
    nb_spool_reader reader = {0};
    nb_buffer partial = {0};
    int fd = -1;
    nb_status status;
    NB_TRY(nb_buffer_printf(&partial, err, "%s.partial", w->target->path));
    fd = open(partial.data, O_WRONLY | O_CLOEXEC);
    if (fd < 0) {
        nb_fail_errno(err, NB_ERR_IO, "cannot open '%s'", partial.data);
        status = nb_hint(err, "the folder of the output must be the same for all ranks");
        goto done;
    }
    NB_TRY(nb_spool_reader_open(&reader, &c->spool, 0, c->spool.size, COPY_BYTES, err));
    for (size_t i = 0; i < c->packed_count; i++) {
        uint64_t at = w->chunks[c->packed[i].number], left = c->packed[i].len;
        while (left) {
            const char *bytes;
            size_t len;
            NB_TRY(nb_spool_peek(&reader, left < COPY_BYTES ? (size_t)left : COPY_BYTES, &bytes, &len, err));
            len = len < left ? len : (size_t)left;
            NB_TRY(corpus_file_write_put_at(fd, bytes, len, at, partial.data, err));
            nb_spool_skip(&reader, len);
            at += len;
            left -= len;
        }
    }
    if (w->comm->size > 1 && fsync(fd) != 0 && errno != EINVAL) {
        status = nb_fail_errno(err, NB_ERR_IO, "cannot sync '%s'", partial.data);
    }
done:
    if (fd >= 0 && close(fd) != 0 && status == NB_OK) {
        status = nb_fail_errno(err, NB_ERR_IO, "cannot write '%s'", partial.data);
    }
    nb_spool_reader_close(&reader);
    nb_buffer_free(&partial);
    return status;
}

/* Collective. */
static nb_status corpus_file_write_seal(const writer *w, nb_digest *digest, nb_error *err)
{
    nb_buffer partial = {0};
    nb_status status;
    NB_TRY(nb_comm_agree(w->comm, nb_buffer_printf(&partial, err, "%s.partial", w->target->path), err));
    const nb_seal_order order = {.path = partial.data, .kind = NB_CORPUS_KIND};
    NB_TRY(nb_comm_seal_write(w->comm, &order, digest, err));
done:
    nb_buffer_free(&partial);
    return status;
}

/* Collective; the columns are finished. */
static nb_status corpus_file_write_file(writer *w, nb_digest *digest, nb_error *err)
{
    const nb_columns *c = &w->columns;
    size_t count = (size_t)nb_columns_chunks(c, NB_COLUMN_COUNT);
    bool first = w->comm->rank == 0;
    nb_status status;
    w->chunks = nb_alloc(count, sizeof *w->chunks, err);
    NB_TRY(nb_comm_agree(w->comm, w->chunks ? NB_OK : NB_ERR_LIMIT, err));
    for (size_t i = 0; i < c->packed_count; i++) {
        w->chunks[c->packed[i].number] = c->packed[i].len;
    }
    NB_TRY(nb_comm_sum(w->comm, w->chunks, count, err));
    NB_TRY(nb_comm_agree(w->comm, first ? corpus_file_write_frame(w, err) : NB_OK, err));
    NB_TRY(nb_comm_broadcast(w->comm, w->chunks, count * sizeof *w->chunks, err));
    NB_TRY(nb_comm_agree(w->comm, corpus_file_write_chunks(w, err), err));
    NB_TRY(corpus_file_write_seal(w, digest, err));
    NB_TRY(nb_comm_agree(w->comm, first ? nb_output_commit(&w->output, err) : NB_OK, err));
done:
    nb_output_end(&w->output);
    free(w->chunks);
    return status;
}

static nb_status corpus_file_write_put_slice(nb_columns *c, const nb_corpus_slice *slice, const nb_corpus_plan *plan,
                                             nb_error *err)
{
    nb_corpus_rows rows = {0};
    uint64_t seen = 0;
    nb_status status;
    NB_TRY(nb_corpus_rows_open(&rows, slice, plan, err));
    for (;;) {
        nb_corpus_row row;
        bool more;
        NB_TRY(nb_corpus_rows_next(&rows, &row, &more, err));
        if (!more) {
            break;
        }
        NB_TRY(nb_columns_put(c, &row, err));
        NB_TRY(++seen % NB_STOP_EVERY ? NB_OK : nb_stop_check(err));
    }
done:
    nb_corpus_rows_close(&rows);
    return status;
}

nb_status nb_corpus_file_save(nb_corpus_slice *slice, const nb_comm *comm, const nb_corpus_plan *plan,
                              const nb_corpus_target *target, nb_digest *digest, nb_error *err)
{
    writer w = {.comm = comm, .counts = &slice->counts, .inputs = &plan->files.paths, .target = target};
    nb_status status;
    NB_TRY(nb_columns_open(&w.columns, comm, &slice->range, &slice->scratch, &slice->budget, err));
    status = corpus_file_write_put_slice(&w.columns, slice, plan, err);
    nb_spool_free(&slice->rows);
    NB_TRY(nb_comm_agree(comm, status, err));
    NB_TRY(nb_columns_finish(&w.columns, err));
    NB_TRY(corpus_file_write_file(&w, digest, err));
done:
    nb_columns_close(&w.columns);
    return status;
}

nb_status nb_corpus_file_write(const nb_corpus *c, const nb_corpus_counts *counts, const nb_strings *inputs,
                               const nb_corpus_target *target, nb_digest *digest, nb_error *err)
{
    const nb_comm alone = {.handle = MPI_COMM_NULL, .size = 1};
    nb_scratch_file scratch = nb_scratch_file_in("/tmp"); /* not needed: the budget has no end */
    size_t budget = SIZE_MAX;
    writer w = {.comm = &alone, .counts = counts, .inputs = inputs, .target = target};
    nb_status status;
    if (!c->count) {
        return nb_fail(err, NB_ERR_INPUT, "a corpus without texts is not written");
    }
    const nb_corpus_range rows = {.count = c->count, .total = c->count, .total_bytes = c->texts.offset[c->count]};
    NB_TRY(nb_columns_open(&w.columns, &alone, &rows, &scratch, &budget, err));
    for (size_t i = 0; i < c->count; i++) {
        const nb_corpus_row row = {.text = nb_strings_get(&c->texts, i),
                                   .len = nb_strings_len(&c->texts, i),
                                   .tag = c->tags[i],
                                   .source = c->source[i],
                                   .line = c->line[i]};
        NB_TRY(nb_columns_put(&w.columns, &row, err));
    }
    NB_TRY(nb_columns_finish(&w.columns, err));
    NB_TRY(corpus_file_write_file(&w, digest, err));
done:
    nb_columns_close(&w.columns);
    return status;
}
