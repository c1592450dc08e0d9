#include "scoring/streams/stream_order.h"

#include "common/base/file.h"
#include "common/base/random.h"
#include "common/base/text.h"
#include "common/store/npy.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { LINE_MAX_BYTES = 1 << 16, MIX_STREAM = 2 /* of the random numbers; the scorer permutes by 1 */ };

/* An order while it is read. */
typedef struct reader {
    const char *path;
    const nb_strings *names;
    size_t *order;
    size_t count;
    size_t *line_of; /* [names->count] the line that named an image, 0: none yet */
    size_t *sorted;  /* [names->count] images by name */
} reader;

static nb_status stream_order_take(reader *r, size_t image, size_t line, nb_error *err)
{
    if (r->line_of[image]) {
        return nb_fail(err, NB_ERR_INPUT, "'%s', line %zu: image %zu ('%.200s') stands in line %zu already", r->path,
                       line, image, nb_strings_get(r->names, image), r->line_of[image]);
    }
    r->line_of[image] = line;
    r->order[r->count++] = image;
    return NB_OK;
}

static nb_status stream_order_take_number(reader *r, int64_t number, size_t line, nb_error *err)
{
    if (number < 0 || (uint64_t)number >= r->names->count) {
        return nb_fail(err, NB_ERR_INPUT, "'%s', line %zu: row %lld is not within the %zu images", r->path, line,
                       (long long)number, r->names->count);
    }
    return stream_order_take(r, (size_t)number, line, err);
}

static int stream_order_compare(const nb_strings *names, size_t image, const char *name, size_t len)
{
    return nb_bytes_compare(nb_strings_get(names, image), nb_strings_len(names, image), name, len);
}

static int stream_order_by_name(const void *a, const void *b, void *names)
{
    size_t i = *(const size_t *)a, k = *(const size_t *)b;
    int order = stream_order_compare(names, i, nb_strings_get(names, k), nb_strings_len(names, k));
    return order ? order : (i > k) - (i < k);
}

static nb_status stream_order_take_name(reader *r, const char *name, size_t len, size_t line, nb_error *err)
{
    size_t low = 0, high = r->names->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (stream_order_compare(r->names, r->sorted[middle], name, len) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    if (low == r->names->count || stream_order_compare(r->names, r->sorted[low], name, len) != 0) {
        return nb_fail(err, NB_ERR_INPUT, "'%s', line %zu: no image is named '%.300s'", r->path, line, name);
    }
    if (low + 1 < r->names->count && stream_order_compare(r->names, r->sorted[low + 1], name, len) == 0) {
        nb_fail(err, NB_ERR_INPUT, "'%s', line %zu: images %zu and %zu are both named '%.300s'", r->path, line,
                r->sorted[low], r->sorted[low + 1], name);
        return nb_hint(err, "give row numbers instead, counted from 0 over all stores");
    }
    return stream_order_take(r, r->sorted[low], line, err);
}

static bool stream_order_all_numbers(const nb_strings *lines)
{
    int64_t number;
    for (size_t i = 0; i < lines->count; i++) {
        if (nb_strings_len(lines, i) && !nb_parse_int(nb_strings_get(lines, i), &number)) {
            return false;
        }
    }
    return true;
}

static nb_status stream_order_read_lines(reader *r, nb_error *err)
{
    nb_strings lines = {0};
    int64_t number;
    nb_status status;
    NB_TRY(nb_file_lines(r->path, LINE_MAX_BYTES, &lines, err));
    bool numbers = stream_order_all_numbers(&lines);
    for (size_t i = 0; i < r->names->count && !numbers; i++) {
        r->sorted[i] = i;
    }
    if (!numbers) {
        qsort_r(r->sorted, r->names->count, sizeof *r->sorted, stream_order_by_name, (void *)r->names);
    }
    for (size_t i = 0; i < lines.count; i++) {
        const char *line = nb_strings_get(&lines, i);
        size_t len = nb_strings_len(&lines, i);
        if (len && numbers && nb_parse_int(line, &number)) {
            NB_TRY(stream_order_take_number(r, number, i + 1, err));
        } else if (len) {
            NB_TRY(stream_order_take_name(r, line, len, i + 1, err));
        }
    }
done:
    nb_strings_free(&lines);
    return status;
}

static nb_status stream_order_read_npy(reader *r, nb_error *err)
{
    nb_npy npy;
    nb_status status = nb_npy_open(&npy, r->path, err);
    if (status != NB_OK) {
        return status;
    }
    if (npy.type == NB_NPY_F16 || npy.type == NB_NPY_F32 || npy.type == NB_NPY_F64 || npy.columns != 1) {
        status = nb_fail(err, NB_ERR_INPUT, "'%s' is no vector of integers", r->path);
    }
    for (size_t i = 0; status == NB_OK && i < npy.rows; i++) {
        status = stream_order_take_number(r, (int64_t)nb_npy_at(&npy, i), i + 1, err);
    }
    nb_npy_close(&npy);
    return status;
}

nb_status nb_stream_order_read(size_t **order, const char *path, const nb_strings *names, nb_error *err)
{
    reader r = {.path = path, .names = names};
    size_t len = strlen(path), n = names->count;
    nb_status status;
    *order = NULL;
    NB_TRY_NEW(r.order, n);
    NB_TRY_NEW(r.line_of, n);
    NB_TRY_NEW(r.sorted, n);
    NB_TRY(len > 4 && strcmp(path + len - 4, ".npy") == 0 ? stream_order_read_npy(&r, err)
                                                          : stream_order_read_lines(&r, err));
    for (size_t i = 0; i < n && r.count < n; i++) {
        if (!r.line_of[i]) {
            nb_fail(err, NB_ERR_INPUT, "'%s' leaves out %zu of %zu images, the first is image %zu ('%.200s')", path,
                    n - r.count, n, i, nb_strings_get(names, i));
            status = nb_hint(err, "an order lists every image once");
            goto done;
        }
    }
    *order = r.order;
    r.order = NULL;
done:
    free(r.order);
    free(r.line_of);
    free(r.sorted);
    return status;
}

nb_status nb_stream_order_mixed(size_t **order, size_t count, uint64_t seed, nb_error *err)
{
    nb_status status;
    *order = NULL;
    NB_TRY_NEW(*order, count);
    for (size_t i = 0; i < count; i++) {
        (*order)[i] = i;
    }
    for (size_t i = count; i > 1; i--) {
        size_t k = (size_t)nb_random_below(seed, MIX_STREAM, i, i);
        size_t swap = (*order)[i - 1];
        (*order)[i - 1] = (*order)[k];
        (*order)[k] = swap;
    }
done:
    return status;
}
