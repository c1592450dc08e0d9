#include "mining/images/loader.h"

#include "mining/images/reader.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

enum { SLOTS = 2 };

/* A tile being loaded, loaded, or free (count 0). */
typedef struct slot {
    size_t begin, count;
    size_t next; /* image of the tile that nobody has begun yet */
    size_t done; /* images finished */
    size_t bad;  /* the first image that failed, with its status and error */
    uint64_t order;
    nb_status status;
    nb_error error;
    float *pixels; /* [tile, 3, size, size] */
} slot;

struct nb_image_loader {
    const nb_preprocess *preprocess;
    const nb_image_inputs *inputs;
    size_t size, tile, threads;
    nb_image_reader **readers; /* [threads + 1], the last for compressed shards and for the caller */
    pthread_t *handles;        /* [threads] */
    size_t started;
    pthread_mutex_t lock; /* over all below */
    pthread_cond_t work, ready;
    slot slots[SLOTS];
    slot *taken; /* lent to the caller */
    uint64_t orders;
    nb_loader_times times;
    size_t entered; /* threads that have their number */
    bool quit;
};

/* A decoded image as the tower's tensor. */
static nb_status loader_finish(const nb_image_loader *l, const nb_image *image, float *pixels, nb_error *err)
{
    nb_image crop = {0};
    nb_status status = nb_preprocess_crop(image, l->preprocess, &crop, err);
    if (status == NB_OK) {
        nb_preprocess_normalise(l->preprocess, &crop, pixels);
    }
    nb_image_free(&crop);
    return status;
}

/* Image i, read by `reader`. */
static nb_status loader_load(const nb_image_loader *l, nb_image_reader *reader, size_t i, float *pixels,
                             nb_loader_times *t, nb_error *err)
{
    nb_image image = {0};
    nb_image_fault fault;
    nb_reader_times spent = {0};
    nb_status status = nb_image_reader_decode(reader, i, &image, &fault, &spent, err);
    double begin = nb_clock();
    t->read += spent.read;
    t->decode += spent.decode;
    if (status == NB_OK) {
        status = loader_finish(l, &image, pixels, err);
    }
    t->decode += nb_clock() - begin;
    nb_image_free(&image);
    return status;
}

/* Image i of a compressed shard, read already. */
typedef struct image_bytes {
    size_t i, len;
    char *bytes; /* [len] owned */
} image_bytes;

static nb_status loader_load_bytes(const nb_image_loader *l, const image_bytes *in, float *pixels, nb_loader_times *t,
                                   nb_error *err)
{
    nb_image image = {0};
    double begin = nb_clock();
    nb_status status = nb_image_decode_within(
        &image, &l->inputs->limits, &(nb_image_file){in->bytes, in->len, nb_strings_get(&l->inputs->paths, in->i)},
        NULL, err);
    if (status == NB_OK) {
        status = loader_finish(l, &image, pixels, err);
    }
    t->decode += nb_clock() - begin;
    nb_image_free(&image);
    return status;
}

/* Under the lock: a copy of the bytes of an image in a compressed shard, read in the order of images. */
static nb_status loader_read_copy(nb_image_loader *l, image_bytes *copy, nb_loader_times *t, nb_error *err)
{
    const char *bytes;
    nb_image_fault fault;
    double begin = nb_clock();
    nb_status status = nb_image_reader_bytes(l->readers[l->threads], copy->i, &bytes, &copy->len, &fault, err);
    if (status == NB_OK) {
        copy->bytes = nb_alloc(copy->len, 1, err);
        status = copy->bytes ? NB_OK : NB_ERR_LIMIT;
    }
    if (status == NB_OK && copy->len) {
        memcpy(copy->bytes, bytes, copy->len);
    }
    t->read += nb_clock() - begin;
    return status;
}

static float *loader_place(const nb_image_loader *l, const slot *s, size_t k)
{
    return s->pixels + k * 3 * l->size * l->size;
}

/* Under the lock: image k of a slot is finished. */
static void loader_book(nb_image_loader *l, slot *s, size_t k, nb_status status, const nb_error *err,
                        const nb_loader_times *t)
{
    if (status != NB_OK && (s->status == NB_OK || k < s->bad)) {
        s->status = status;
        s->error = *err;
        s->bad = k;
    }
    l->times.read += t->read;
    l->times.decode += t->decode;
    s->done++;
    if (s->done == s->count) {
        pthread_cond_broadcast(&l->ready);
    }
}

/* Under the lock, which is let go while an image is decoded. */
static void loader_load_next(nb_image_loader *l, slot *s, nb_image_reader *reader)
{
    nb_loader_times t = {0};
    nb_error err = {0};
    size_t k = s->next++;
    image_bytes copy = {.i = s->begin + k};
    bool compressed = nb_image_is_compressed(l->inputs, copy.i);
    nb_status status = compressed ? loader_read_copy(l, &copy, &t, &err) : NB_OK;
    pthread_mutex_unlock(&l->lock);
    if (!compressed) {
        status = loader_load(l, reader, copy.i, loader_place(l, s, k), &t, &err);
    } else if (status == NB_OK) {
        status = loader_load_bytes(l, &copy, loader_place(l, s, k), &t, &err);
    }
    free(copy.bytes);
    pthread_mutex_lock(&l->lock);
    loader_book(l, s, k, status, &err, &t);
}

/* Under the lock: a slot with images nobody has begun; of two, the one asked for first. */
static slot *loader_pending(nb_image_loader *l)
{
    slot *first = NULL;
    for (size_t i = 0; i < SLOTS; i++) {
        slot *s = &l->slots[i];
        if (s->next < s->count && (!first || s->order < first->order)) {
            first = s;
        }
    }
    return first;
}

static void *loader_run_thread(void *loader)
{
    nb_image_loader *l = loader;
    pthread_mutex_lock(&l->lock);
    nb_image_reader *reader = l->readers[l->entered++];
    while (!l->quit) {
        slot *s = loader_pending(l);
        if (s) {
            loader_load_next(l, s, reader);
        } else {
            pthread_cond_wait(&l->work, &l->lock);
        }
    }
    pthread_mutex_unlock(&l->lock);
    return NULL;
}

/* Signals are for the thread that looks at them between tiles. */
static nb_status loader_start_threads(nb_image_loader *l, nb_error *err)
{
    sigset_t all, before;
    nb_status status = NB_OK;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    for (; status == NB_OK && l->started < l->threads; l->started++) {
        errno = pthread_create(&l->handles[l->started], NULL, loader_run_thread, l);
        if (errno) {
            status =
                nb_fail_errno(err, NB_ERR_LIMIT, "cannot start decoding thread %zu of %zu", l->started + 1, l->threads);
            break;
        }
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return status;
}

nb_status nb_image_loader_create(nb_image_loader **out, const nb_image_loader_plan *plan, nb_error *err)
{
    size_t size = plan->size, threads = plan->threads, tile = plan->tile;
    nb_status status;
    nb_image_loader *l = nb_alloc(1, sizeof *l, err);
    *out = NULL;
    if (!l) {
        return NB_ERR_LIMIT;
    }
    l->preprocess = plan->preprocess;
    l->inputs = plan->inputs;
    l->size = size;
    l->threads = threads;
    l->tile = tile;
    pthread_mutex_init(&l->lock, NULL);
    pthread_cond_init(&l->work, NULL);
    pthread_cond_init(&l->ready, NULL);
    NB_TRY_NEW(l->handles, threads);
    NB_TRY_NEW(l->readers, threads + 1);
    for (size_t i = 0; i <= threads; i++) {
        NB_TRY(nb_image_reader_create(&l->readers[i], plan->inputs, err));
    }
    for (size_t i = 0; i < (threads ? SLOTS : 1); i++) {
        NB_TRY_NEW(l->slots[i].pixels, tile * 3 * size * size);
    }
    NB_TRY(loader_start_threads(l, err));
done:
    if (status != NB_OK) {
        nb_image_loader_destroy(l);
        return status;
    }
    *out = l;
    return NB_OK;
}

void nb_image_loader_destroy(nb_image_loader *l)
{
    if (!l) {
        return;
    }
    pthread_mutex_lock(&l->lock);
    l->quit = true;
    pthread_cond_broadcast(&l->work);
    pthread_mutex_unlock(&l->lock);
    for (size_t i = 0; i < l->started; i++) {
        pthread_join(l->handles[i], NULL);
    }
    for (size_t i = 0; l->readers && i <= l->threads; i++) {
        nb_image_reader_destroy(l->readers[i]);
    }
    for (size_t i = 0; i < SLOTS; i++) {
        free(l->slots[i].pixels);
    }
    pthread_cond_destroy(&l->ready);
    pthread_cond_destroy(&l->work);
    pthread_mutex_destroy(&l->lock);
    free(l->readers);
    free(l->handles);
    free(l);
}

/* Under the lock: a free slot for these images. */
static void loader_assign(nb_image_loader *l, slot *s, size_t begin, size_t count)
{
    float *pixels = s->pixels;
    *s = (slot){.begin = begin, .count = count, .order = l->orders++, .pixels = pixels};
    pthread_cond_broadcast(&l->work);
}

static slot *loader_free_slot(nb_image_loader *l)
{
    for (size_t i = 0; i < SLOTS; i++) {
        if (l->slots[i].pixels && !l->slots[i].count) {
            return &l->slots[i];
        }
    }
    return NULL;
}

void nb_image_loader_prefetch(nb_image_loader *l, size_t begin, size_t count)
{
    pthread_mutex_lock(&l->lock);
    if (l->threads && l->taken) { /* what was taken is done with once the next is asked for */
        l->taken->count = 0;
        l->taken = NULL;
    }
    slot *s = l->threads && count <= l->tile ? loader_free_slot(l) : NULL;
    if (s) {
        loader_assign(l, s, begin, count);
    }
    pthread_mutex_unlock(&l->lock);
}

/* Under the lock: the slot of these images, begun now if need be. Others nobody will ask for any more make room. */
static slot *loader_find(nb_image_loader *l, size_t begin, size_t count)
{
    for (size_t i = 0; i < SLOTS; i++) {
        slot *s = &l->slots[i];
        if (s->count == count && s->begin == begin) {
            return s;
        }
    }
    slot *s = loader_free_slot(l);
    while (!s) {
        s = &l->slots[0];
        s->count -= s->count - s->next; /* what is begun is waited for, the rest forgotten */
        while (s->done < s->next) {
            pthread_cond_wait(&l->ready, &l->lock);
        }
    }
    loader_assign(l, s, begin, count);
    return s;
}

nb_status nb_image_loader_take(nb_image_loader *l, size_t begin, size_t count, const float **pixels, nb_error *err)
{
    double start = nb_clock();
    nb_status status;
    pthread_mutex_lock(&l->lock);
    if (l->taken) {
        l->taken->count = 0;
        l->taken = NULL;
    }
    slot *s = loader_find(l, begin, count);
    while (!l->threads && s->next < s->count) {
        loader_load_next(l, s, l->readers[0]);
    }
    while (s->done < s->count) {
        pthread_cond_wait(&l->ready, &l->lock);
    }
    if (l->threads) {
        l->times.wait += nb_clock() - start;
    }
    status = s->status;
    if (status == NB_OK) {
        *pixels = s->pixels;
        l->taken = s;
    } else {
        *err = s->error;
        s->count = 0;
    }
    pthread_mutex_unlock(&l->lock);
    return status;
}

nb_loader_times nb_image_loader_spent(nb_image_loader *l)
{
    pthread_mutex_lock(&l->lock);
    nb_loader_times t = l->times;
    l->times = (nb_loader_times){0};
    pthread_mutex_unlock(&l->lock);
    return t;
}
