/* negbank store export: a store's rows as .npy and text, or as Parquet. */
#include "jobs/commands.h"

#include "common/base/text.h"
#include "common/store/npy.h"
#include "common/store/parquet_writer.h"

#include <stdlib.h>
#include <string.h>

typedef struct settings {
    nb_talk talk;
    const char *store, *embeddings, *names, *labels, *parquet, *rows;
    bool force;
} settings;

/* "a:b", with either side left out. */
static nb_status store_export_parse_rows(const char *text, size_t count, size_t *begin, size_t *end, nb_error *err)
{
    char first[32];
    int64_t a = 0, b = (int64_t)count;
    *begin = 0;
    *end = count;
    if (!text) {
        return NB_OK;
    }
    const char *colon = strchr(text, ':');
    size_t len = colon ? (size_t)(colon - text) : 0;
    if (colon && len < sizeof first) {
        memcpy(first, text, len);
        first[len] = '\0';
        bool read = (!len || nb_parse_int(first, &a)) && (!colon[1] || nb_parse_int(colon + 1, &b));
        if (read && a >= 0 && a < b && b <= (int64_t)count) {
            *begin = (size_t)a;
            *end = (size_t)b;
            return NB_OK;
        }
    }
    return nb_fail(err, NB_ERR_USAGE, "--rows '%s' is not a:b within 0:%zu", text, count);
}

/* Rows [begin, end) as Parquet, a row group at a time. */
static nb_status store_export_parquet(nb_store *store, const settings *s, size_t begin, size_t end, nb_error *err)
{
    size_t width = (size_t)store->plan.width, step = nb_parquet_group_rows(width);
    nb_parquet_writer *w = NULL;
    float *rows = NULL;
    nb_status status;
    NB_TRY_NEW(rows, (end - begin < step ? end - begin : step) * width);
    NB_TRY(nb_parquet_writer_open(&w, s->parquet, s->force, width, store->labels != NULL, err));
    for (size_t at = begin; at < end; at += step) {
        size_t count = end - at < step ? end - at : step;
        NB_TRY(nb_store_rows_float(store, at, count, rows, err));
        const nb_parquet_rows group = {.names = &store->names,
                                       .first = at,
                                       .count = count,
                                       .labels = store->labels ? store->labels + at : NULL,
                                       .tags = store->tags ? store->tags + at : NULL,
                                       .embeddings = rows};
        NB_TRY(nb_parquet_writer_add(w, &group, err));
    }
    NB_TRY(nb_parquet_writer_commit(w, err));
done:
    nb_parquet_writer_close(w);
    free(rows);
    return status;
}

/* Rows [begin, end) as .npy and text. */
static nb_status store_export_arrays(const nb_store *store, const settings *s, const float *rows, size_t begin,
                                     size_t end, nb_error *err)
{
    nb_status status = NB_OK;
    if (s->embeddings) {
        const nb_npy_shape shape = {.rows = end - begin, .columns = (size_t)store->plan.width};
        NB_TRY(nb_npy_write(s->embeddings, s->force, store->plan.half ? NB_NPY_F16 : NB_NPY_F32, shape, rows, err));
    }
    if (s->names) {
        NB_TRY(nb_file_write_lines(s->names, s->force, &store->names, begin, end, err));
    }
    if (s->labels) {
        NB_TRY(nb_npy_write(s->labels, s->force, NB_NPY_I32, (nb_npy_shape){.rows = end - begin}, store->labels + begin,
                            err));
    }
done:
    return status;
}

static nb_status store_export_run(nb_job *job, nb_error *err)
{
    const settings *s = job->settings;
    nb_store store = {0};
    float *rows = NULL;
    size_t begin, end;
    nb_status status;
    const char *const outputs[] = {s->embeddings, s->names, s->labels, s->parquet};
    if (!s->embeddings && !s->parquet) {
        nb_fail(err, NB_ERR_USAGE, "'store export' needs --embeddings or --parquet");
        return nb_hint(err, "'negbank store export --help' lists the options");
    }
    NB_TRY(nb_job_check_outputs(job, outputs, 4, s->force, err));
    NB_TRY(nb_store_open(&store, s->store, true, err));
    NB_TRY(store_export_parse_rows(s->rows, (size_t)store.plan.count, &begin, &end, err));
    size_t d = (size_t)store.plan.width, count = end - begin;
    if (s->labels && !store.labels) {
        status = nb_fail(err, NB_ERR_INPUT, "'%s' has no labels to export", s->store);
        goto done;
    }
    if (s->embeddings) {
        NB_TRY_NEW(rows, count * d);
        NB_TRY(nb_store_rows_float(&store, begin, count, rows, err));
    }
    NB_TRY(store_export_arrays(&store, s, rows, begin, end, err));
    if (s->parquet) {
        NB_TRY(store_export_parquet(&store, s, begin, end, err));
    }
    nb_log_info(&job->log, "%zu of %llu rows -> %s", count, (unsigned long long)store.plan.count,
                s->embeddings ? s->embeddings : s->parquet);
done:
    free(rows);
    nb_store_close(&store);
    return status;
}

static const nb_option options[] = {
    OPT_INPUT("inputs", store, "S.nbe", "embedding store", OPT_ARGUMENT, OPT_REQUIRED, OPT_PIPED),
    OPT_OUTPUT("embeddings", embeddings, "M.npy", "where the matrix goes, in the precision of the store", OPT_PIPED),
    OPT_OUTPUT("names", names, "F.txt", "where the names go", OPT_PIPED),
    OPT_OUTPUT("labels", labels, "L.npy", "where the labels go", OPT_PIPED),
    OPT_OUTPUT("parquet", parquet, "F.parquet", "where names, labels or tags, and embeddings go as Parquet", OPT_PIPED),
    OPT_TEXT("rows", rows, "A:B", NULL, "only rows A to B - 1"),
    OPT_FLAG("force", force, "overwrite the outputs", OPT_UNRECORDED),
    NB_TALK_OPTIONS,
};

NB_COMMAND(store_export, store_export_run, "store export", "write a store's rows as .npy and text, or as Parquet",
           "S.nbe --embeddings M.npy | --parquet F.parquet [options]",
           .description =
               "Writes the matrix of a store, its names and its labels as files that numpy and text tools read.\n"
               "Parquet has a row an embedding: name, label (null: unknown) or tag, and embedding, a list of floats.\n",
           .examples = "  negbank store export words.nbe --embeddings words.npy --names words.txt\n"
                       "  negbank store export id.nbe --embeddings first.npy --labels first-labels.npy --rows 0:100\n"
                       "  negbank store export words.nbe --parquet words.parquet\n");
