/* Embedding stores through the public library. */
#include "scoring/negbank_internal.h"

#include "common/base/memory.h"
#include "common/base/tag.h"
#include "common/base/version.h"
#include "common/linear/reference/kernels.h"
#include "common/store/embeddings.h"

#include <fcntl.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* As `negbank store import` has them. */
enum { TILE_ROWS = 1024 };
/* Rounding to half precision moves the norm of a unit vector by far less than this. */
static const double half_norm_slack = 2e-3;

struct negbank_store {
    nb_store store;
    const void *rows; /* verified */
};

/* ---- reading ---- */

static nb_status negbank_store_read(negbank_store *s, const char *path, nb_error *err)
{
    const unsigned char *rows;
    nb_status status;
    if (!path) {
        return nb_fail(err, NB_ERR_USAGE, "no path is given");
    }
    pthread_mutex_lock(&negbank_hdf5_lock);
    status = nb_store_open(&s->store, path, true, err);
    pthread_mutex_unlock(&negbank_hdf5_lock);
    if (status == NB_OK) { /* all tiles are verified: nothing in the store changes from here on */
        status = nb_store_mapped_rows(&s->store, 0, s->store.plan.count, &rows, err);
        s->rows = status == NB_OK ? rows : NULL;
    }
    return status;
}

int negbank_store_open(negbank_store **out, const char *path, char *message, size_t message_size)
{
    nb_error err = {0};
    negbank_store *s = nb_alloc(1, sizeof *s, &err);
    nb_status status = s ? negbank_store_read(s, path, &err) : NB_ERR_LIMIT;
    if (status != NB_OK) {
        negbank_store_close(s);
        s = NULL;
    }
    *out = s;
    return negbank_report(status, &err, message, message_size);
}

void negbank_store_close(negbank_store *s)
{
    if (s) {
        nb_store_close(&s->store);
        free(s);
    }
}

size_t negbank_store_count(const negbank_store *s)
{
    return s->store.plan.count;
}

size_t negbank_store_width(const negbank_store *s)
{
    return s->store.plan.width;
}

size_t negbank_store_element_bytes(const negbank_store *s)
{
    return s->store.plan.half ? 2 : 4;
}

const void *negbank_store_rows(const negbank_store *s)
{
    return s->rows;
}

int negbank_store_floats(const negbank_store *s, size_t begin, size_t count, float *out, char *message,
                         size_t message_size)
{
    nb_error err = {0};
    nb_status status;
    size_t all = s->store.plan.count;
    if (begin > all || count > all - begin) {
        status = nb_fail(&err, NB_ERR_USAGE, "rows %zu + %zu are beyond the store's %zu", begin, count, all);
    } else { /* tiles that were verified are only read */
        status = nb_store_rows_float((nb_store *)&s->store, begin, count, out, &err);
    }
    return negbank_report(status, &err, message, message_size);
}

const char *negbank_store_name(const negbank_store *s, size_t row)
{
    return row < s->store.names.count ? nb_strings_get(&s->store.names, row) : NULL;
}

const int32_t *negbank_store_labels(const negbank_store *s)
{
    return s->store.labels;
}

size_t negbank_store_class_count(const negbank_store *s)
{
    return s->store.classes.count;
}

const char *negbank_store_class(const negbank_store *s, size_t index)
{
    return index < s->store.classes.count ? nb_strings_get(&s->store.classes, index) : NULL;
}

const char *negbank_store_tag(const negbank_store *s, size_t row)
{
    return s->store.tags && row < s->store.plan.count ? nb_tag_name((nb_tag)s->store.tags[row]) : NULL;
}

const char *negbank_store_provenance(const negbank_store *s)
{
    return s->store.provenance;
}

/* ---- writing ---- */

/* A store under way. */
typedef struct draft {
    const negbank_store_content *content;
    nb_strings names, classes;
    float *norms; /* [count] */
    char *provenance;
    bool keep; /* the rows are normalised but for the rounding of half precision, and stay as they are */
} draft;

static nb_status negbank_store_check(const char *path, const negbank_store_content *c, nb_error *err)
{
    if (!path || !*path) {
        return nb_fail(err, NB_ERR_USAGE, "no path is given");
    }
    if (c->bytes != sizeof *c) {
        return nb_fail(err, NB_ERR_USAGE, "the content is one of %zu bytes, this library knows %zu", c->bytes,
                       sizeof *c);
    }
    if (!c->count || !c->width || !c->rows) {
        return nb_fail(err, NB_ERR_USAGE, "there are no rows to store");
    }
    if (c->width > NB_STORE_WIDTH_MAX || c->count > SIZE_MAX / c->width / sizeof *c->rows) {
        return nb_fail(err, NB_ERR_LIMIT, "%zu rows of width %zu are too many", c->count, c->width);
    }
    if (c->checkpoint && (strlen(c->checkpoint) != 64 || strspn(c->checkpoint, "0123456789abcdef") != 64)) {
        return nb_fail(err, NB_ERR_USAGE, "checkpoint: '%.80s' is not 64 hexadecimal digits in lower case",
                       c->checkpoint);
    }
    for (size_t i = 0; c->labels && i < c->count; i++) {
        if (c->labels[i] < -1) {
            return nb_fail(err, NB_ERR_USAGE, "label %zu is %d, a class number or -1 is needed", i, (int)c->labels[i]);
        }
    }
    if (!c->replace && access(path, F_OK) == 0) {
        nb_fail(err, NB_ERR_USAGE, "output '%s' exists", path);
        return nb_hint(err, "choose another name, or ask to replace it");
    }
    return NB_OK;
}

/* Copies of texts; without any, the numbers of `count` rows. */
static nb_status negbank_store_copy_texts(nb_strings *out, const char *const *texts, size_t count, nb_error *err)
{
    nb_status status = NB_OK;
    for (size_t i = 0; i < count && status == NB_OK; i++) {
        char number[24];
        snprintf(number, sizeof number, "%zu", i);
        const char *text = texts ? texts[i] : number;
        status = nb_strings_push(out, text, strlen(text), err);
    }
    return status;
}

static nb_status negbank_store_describe(draft *d, nb_error *err)
{
    json_t *inputs = json_array();
    if (d->content->checkpoint) {
        json_array_append_new(inputs, json_pack("{s:s, s:s}", "role", "model", "sha256", d->content->checkpoint));
    }
    json_t *all = json_pack("{s:s, s:s, s:s, s:s, s:{}, s:o}", "program", "libnegbank", "version", nb_version(),
                            "commit", nb_commit(), "command", "store write", "options", "inputs", inputs);
    d->provenance = all ? json_dumps(all, JSON_INDENT(1) | JSON_PRESERVE_ORDER) : NULL;
    json_decref(all);
    return d->provenance ? NB_OK : nb_fail(err, NB_ERR_LIMIT, "out of memory for provenance");
}

/* A row in double precision, normalised into `row`; returns its norm. */
static double negbank_store_normalise(const draft *d, size_t r, double *row)
{
    size_t width = d->content->width;
    const float *from = d->content->rows + r * width;
    for (size_t i = 0; i < width; i++) {
        row[i] = (double)from[i];
    }
    return nb_normalise_row(row, row, width);
}

static nb_status negbank_store_measure(draft *d, double *row, nb_error *err)
{
    d->keep = d->content->half;
    for (size_t r = 0; r < d->content->count; r++) {
        double norm = negbank_store_normalise(d, r, row);
        if (!(norm > 0) || !isfinite(norm)) {
            return nb_fail(err, NB_ERR_NUMERIC, "row %zu has norm %g: it cannot be normalised", r, norm);
        }
        d->norms[r] = (float)norm;
        d->keep = d->keep && fabs(norm - 1) < half_norm_slack;
    }
    return NB_OK;
}

static nb_status negbank_store_write_rows(const draft *d, const char *path, const nb_store_plan *plan, double *row,
                                          nb_error *err)
{
    size_t width = d->content->width;
    float *rows = NULL;
    nb_status status = NB_OK;
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0) {
        return nb_fail_errno(err, NB_ERR_IO, "cannot open '%s'", path);
    }
    NB_TRY_NEW(rows, (size_t)plan->tile_rows * width);
    for (size_t t = 0; t < plan->tile_count; t++) {
        size_t begin = nb_store_tile_begin(plan, t), count = nb_store_tile_rows(plan, t);
        for (size_t r = 0; !d->keep && r < count; r++) {
            negbank_store_normalise(d, begin + r, row);
            for (size_t i = 0; i < width; i++) {
                rows[r * width + i] = (float)row[i];
            }
        }
        NB_TRY(
            nb_store_write_tile(fd, plan, t, d->keep ? d->content->rows + begin * width : rows, d->norms + begin, err));
    }
done:
    close(fd);
    free(rows);
    return status;
}

/* The file in steps; HDF5 works in the first one and the last. */
static nb_status negbank_store_make(const draft *d, const char *path, double *row, nb_error *err)
{
    const negbank_store_content *c = d->content;
    const nb_store_spec spec = {.count = c->count,
                                .width = c->width,
                                .tile_rows = TILE_ROWS,
                                .half = c->half,
                                .names = &d->names,
                                .labels = c->labels,
                                .classes = &d->classes,
                                .provenance = d->provenance};
    nb_output out = {0};
    nb_store_plan plan;
    nb_digest digest;
    nb_status status;
    NB_TRY(nb_output_begin(&out, path, c->replace, err));
    pthread_mutex_lock(&negbank_hdf5_lock);
    status = nb_store_create(&plan, out.partial, &spec, err);
    pthread_mutex_unlock(&negbank_hdf5_lock);
    NB_TRY(status);
    NB_TRY(negbank_store_write_rows(d, out.partial, &plan, row, err));
    pthread_mutex_lock(&negbank_hdf5_lock);
    status = nb_store_seal(out.partial, &plan, &digest, err);
    pthread_mutex_unlock(&negbank_hdf5_lock);
    NB_TRY(status);
    NB_TRY(nb_output_commit(&out, err));
done:
    nb_output_end(&out);
    return status;
}

int negbank_store_write(const char *path, const negbank_store_content *content, char *message, size_t message_size)
{
    nb_error error = {0}, *err = &error;
    draft d = {.content = content};
    double *row = NULL;
    nb_status status;
    NB_TRY(negbank_store_check(path, content, err));
    NB_TRY_NEW(row, content->width);
    NB_TRY_NEW(d.norms, content->count);
    NB_TRY(negbank_store_measure(&d, row, err));
    NB_TRY(negbank_store_copy_texts(&d.names, content->names, content->count, err));
    NB_TRY(negbank_store_copy_texts(&d.classes, content->classes, content->classes ? content->class_count : 0, err));
    NB_TRY(negbank_store_describe(&d, err));
    NB_TRY(negbank_store_make(&d, path, row, err));
done:
    nb_strings_free(&d.names);
    nb_strings_free(&d.classes);
    free(d.provenance);
    free(d.norms);
    free(row);
    return negbank_report(status, err, message, message_size);
}
