#include "scoring/streams/adaneg_memory.h"

#include "common/linear/blas.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A class with images. Slot 0 is the text. */
typedef struct slots {
    size_t class, used; /* used counts the text */
    size_t *row;        /* [slots] where slot s lies among the stored rows; unused for 0 */
    double *key;        /* [slots] */
    double *product;    /* [slots, slots] of the slots with each other */
    double norm;        /* of the plain sum of the slots */
} slots;

struct nb_memory {
    nb_memory_spec spec;
    slots *active; /* [active_count], in order of their first image */
    size_t active_count, active_capacity;
    size_t *at;  /* [classes] 1 + position in active; 0: no image */
    float *rows; /* [count, d] stored images */
    size_t count, capacity;
    float *cosines; /* scratch of one call: [images, count] */
    float *weights; /* [active_count + count] */
    size_t cosines_capacity, weights_capacity;
};

nb_status nb_memory_create(nb_memory **out, const nb_memory_spec *spec, nb_error *err)
{
    nb_memory *m;
    nb_status status;
    *out = NULL;
    NB_TRY_NEW(m, 1);
    m->spec = *spec;
    *out = m;
    if (spec->slots < 2 || !(spec->beta >= 0) || !isfinite(spec->beta)) {
        status = nb_fail(err, NB_ERR_USAGE, "a memory of %zu slots and beta %g cannot be", spec->slots, spec->beta);
        goto done;
    }
    NB_TRY_NEW(m->at, spec->classes);
done:
    if (status != NB_OK) {
        nb_memory_destroy(m);
        *out = NULL;
    }
    return status;
}

void nb_memory_destroy(nb_memory *m)
{
    if (m) {
        for (size_t i = 0; i < m->active_count; i++) {
            free(m->active[i].row);
            free(m->active[i].key);
            free(m->active[i].product);
        }
        free(m->active);
        free(m->at);
        free(m->rows);
        free(m->cosines);
        free(m->weights);
        free(m);
    }
}

size_t nb_memory_count(const nb_memory *m)
{
    return m->count;
}

static double adaneg_memory_dot(const float *a, const float *b, size_t d)
{
    double part[4] = {0};
    size_t i = 0;
    for (; i + 4 <= d; i += 4) {
        for (size_t k = 0; k < 4; k++) {
            part[k] += (double)a[i + k] * (double)b[i + k];
        }
    }
    for (; i < d; i++) {
        part[0] += (double)a[i] * (double)b[i];
    }
    return (part[0] + part[1]) + (part[2] + part[3]);
}

/* p with room for `need` elements at least; NULL without memory, p is then as it was. */
static void *adaneg_memory_widen(void *p, size_t *capacity, size_t need, size_t bytes, nb_error *err)
{
    if (need <= *capacity) {
        return p;
    }
    size_t wanted = need + need / 2;
    void *grown = nb_grow(p, wanted, bytes, err);
    *capacity = grown ? wanted : *capacity;
    return grown;
}

/* The class's slots, made at its first image. */
static nb_status adaneg_memory_find_slots(nb_memory *m, size_t class, slots **out, nb_error *err)
{
    size_t n = m->spec.slots, square;
    slots fresh = {.class = class, .used = 1};
    nb_status status = NB_OK;
    if (m->at[class]) {
        *out = &m->active[m->at[class] - 1];
        return NB_OK;
    }
    if (!nb_mul_size(n, n, &square)) {
        return nb_fail(err, NB_ERR_LIMIT, "a memory of %zu slots is too large", n);
    }
    slots *active = adaneg_memory_widen(m->active, &m->active_capacity, m->active_count + 1, sizeof fresh, err);
    if (!active) {
        return NB_ERR_LIMIT;
    }
    m->active = active;
    NB_TRY_NEW(fresh.row, n);
    NB_TRY_NEW(fresh.key, n);
    NB_TRY_NEW(fresh.product, square);
    const float *text = m->spec.texts + class * m->spec.d;
    fresh.product[0] = adaneg_memory_dot(text, text, m->spec.d);
    *out = &m->active[m->active_count];
    **out = fresh;
    m->at[class] = ++m->active_count;
    return NB_OK;
done:
    free(fresh.row);
    free(fresh.key);
    free(fresh.product);
    return status;
}

static const float *adaneg_memory_slot_row(const nb_memory *m, const slots *s, size_t slot)
{
    return slot ? m->rows + s->row[slot] * m->spec.d : m->spec.texts + s->class * m->spec.d;
}

/* The norm of sum_s w_s slot_s. */
static double adaneg_memory_norm_of(const slots *s, size_t n, const float *weights)
{
    double sum = 0;
    for (size_t a = 0; a < s->used; a++) {
        double row = 0;
        for (size_t b = 0; b < s->used; b++) {
            row += s->product[a * n + b] * (weights ? (double)weights[b] : 1);
        }
        sum += row * (weights ? (double)weights[a] : 1);
    }
    return sum > 0 ? sqrt(sum) : 0;
}

static size_t adaneg_memory_largest_key(const slots *s)
{
    size_t at = 1;
    for (size_t i = 2; i < s->used; i++) {
        at = s->key[i] >= s->key[at] ? i : at;
    }
    return at;
}

nb_status nb_memory_store(nb_memory *m, size_t class, const float *image, double key, nb_error *err)
{
    size_t d = m->spec.d, n = m->spec.slots, slot;
    slots *s = NULL;
    nb_status status;
    float *rows = adaneg_memory_widen(m->rows, &m->capacity, m->count + 1, d * sizeof *rows, err);
    if (!rows) {
        return NB_ERR_LIMIT;
    }
    m->rows = rows;
    status = adaneg_memory_find_slots(m, class, &s, err);
    if (status != NB_OK) {
        return status;
    }
    if (s->used < n) {
        slot = s->used++;
        s->row[slot] = m->count++;
    } else {
        slot = adaneg_memory_largest_key(s);
        if (!(key < s->key[slot])) {
            return NB_OK;
        }
    }
    s->key[slot] = key;
    memcpy(m->rows + s->row[slot] * d, image, d * sizeof *image);
    for (size_t b = 0; b < s->used; b++) {
        s->product[slot * n + b] = s->product[b * n + slot] =
            adaneg_memory_dot(image, adaneg_memory_slot_row(m, s, b), d);
    }
    s->norm = adaneg_memory_norm_of(s, n, NULL);
    return NB_OK;
}

/* What the weights of one image are the exponentials of, class by class, the largest of a class at 0: the factor it
 * takes away is the same above and below the fraction line. */
static void adaneg_memory_fill_exponents(const nb_memory *m, const float *texts, const float *images)
{
    float beta = (float)m->spec.beta, *out = m->weights;
    for (size_t i = 0; i < m->active_count; i++) {
        const slots *s = &m->active[i];
        float top = texts[s->class];
        out[0] = top;
        for (size_t k = 1; k < s->used; k++) {
            out[k] = images[s->row[k]];
            top = out[k] > top ? out[k] : top;
        }
        for (size_t k = 0; k < s->used; k++) {
            out[k] = beta * (out[k] - top);
        }
        out += s->used;
    }
}

/* cosines of one image: `texts` [classes] with the texts, changed in place; `images` [count] with the stored rows */
static void adaneg_memory_mix(const nb_memory *m, float *texts, const float *images)
{
    const float *weights = NULL;
    if (m->spec.sample) {
        adaneg_memory_fill_exponents(m, texts, images);
        m->spec.vector->exps(m->weights, m->active_count + m->count);
        weights = m->weights;
    }
    for (size_t i = 0; i < m->active_count; i++) {
        const slots *s = &m->active[i];
        double sum = (double)texts[s->class] * (weights ? (double)weights[0] : 1);
        for (size_t k = 1; k < s->used; k++) {
            sum += (double)images[s->row[k]] * (weights ? (double)weights[k] : 1);
        }
        double norm = weights ? adaneg_memory_norm_of(s, m->spec.slots, weights) : s->norm;
        texts[s->class] = (float)(norm > 0 ? sum / norm : 0); /* slots that cancel out point nowhere */
        weights = weights ? weights + s->used : NULL;
    }
}

nb_status nb_memory_cosines(nb_memory *m, const float *images, size_t count, float *cosines, nb_error *err)
{
    size_t elements;
    if (!m->count) {
        return NB_OK;
    }
    if (!nb_mul_size(count, m->count, &elements)) {
        return nb_fail(err, NB_ERR_LIMIT, "%zu images against %zu stored ones are too many", count, m->count);
    }
    float *scratch = adaneg_memory_widen(m->cosines, &m->cosines_capacity, elements, sizeof *scratch, err);
    m->cosines = scratch ? scratch : m->cosines;
    float *weights = scratch ? adaneg_memory_widen(m->weights, &m->weights_capacity, m->active_count + m->count,
                                                   sizeof *weights, err)
                             : NULL;
    if (!weights) {
        return NB_ERR_LIMIT;
    }
    m->weights = weights;
    nb_sgemm_nt(nb_matrix_of(images, count, m->spec.d), nb_matrix_of(m->rows, m->count, m->spec.d), 0, m->cosines,
                m->count);
    for (size_t i = 0; i < count; i++) {
        adaneg_memory_mix(m, cosines + i * m->spec.classes, m->cosines + i * m->count);
    }
    return NB_OK;
}

/* ---- state: per class with images, in the order of their first one, its number, slots, keys and images ---- */

static nb_status adaneg_memory_class_state(nb_memory *m, size_t at, nb_state_io *io, nb_error *err)
{
    size_t class = io->saving ? m->active[at].class : 0, used = io->saving ? m->active[at].used : 0, d = m->spec.d;
    slots *s = io->saving ? &m->active[at] : NULL;
    nb_status status;
    NB_TRY(nb_state_count(io, &class, m->spec.classes - 1, "classes", err));
    NB_TRY(nb_state_count(io, &used, m->spec.slots, "slots of a class", err));
    if (!io->saving) {
        if (m->at[class] || used < 2) {
            status = nb_fail(err, NB_ERR_INPUT, "the state has class %zu twice or without an image", class);
            goto done;
        }
        NB_TRY(adaneg_memory_find_slots(m, class, &s, err));
    }
    for (size_t slot = 1; slot < used; slot++) {
        size_t row = io->saving ? s->row[slot] : 0;
        NB_TRY(nb_state_count(io, &row, m->count - 1, "images before one in the memory", err));
        s->row[slot] = row;
        NB_TRY(nb_state_bytes(io, &s->key[slot], sizeof s->key[slot], err));
    }
    for (size_t slot = 1; slot < used && !io->saving; slot++) { /* as nb_memory_store fills them */
        s->used = slot + 1;
        for (size_t b = 0; b < s->used; b++) {
            s->product[slot * m->spec.slots + b] = s->product[b * m->spec.slots + slot] =
                adaneg_memory_dot(m->rows + s->row[slot] * d, adaneg_memory_slot_row(m, s, b), d);
        }
    }
    s->norm = adaneg_memory_norm_of(s, m->spec.slots, NULL);
done:
    return status;
}

nb_status nb_memory_state(nb_memory *m, nb_state_io *io, nb_error *err)
{
    size_t classes = m->active_count, most;
    void *rows = m->rows;
    nb_status status;
    most = m->spec.classes > SIZE_MAX / m->spec.slots ? SIZE_MAX : m->spec.classes * (m->spec.slots - 1);
    NB_TRY(nb_state_count(io, &classes, m->spec.classes, "classes with images", err));
    NB_TRY(nb_state_count(io, &m->count, most, "images in the memory", err));
    status = nb_state_array(io, &rows, m->count, m->spec.d * sizeof *m->rows, err);
    m->rows = rows;
    m->capacity = io->saving ? m->capacity : status == NB_OK ? m->count : 0;
    m->count = status == NB_OK ? m->count : 0;
    for (size_t i = 0; i < classes && status == NB_OK; i++) {
        status = m->count ? adaneg_memory_class_state(m, i, io, err)
                          : nb_fail(err, NB_ERR_INPUT, "the state has classes and no image");
    }
done:
    return status;
}
