#include "mining/tuning/data.h"

#include "common/base/random.h"
#include "mining/embed/prompts.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static nb_status data_check_labels(const nb_image_inputs *images, size_t classes, nb_error *err)
{
    for (size_t i = 0; i < images->count; i++) {
        if (images->labels[i] < 0) {
            nb_fail(err, NB_ERR_INPUT, "image '%s' has no label", nb_strings_get(&images->names, i));
            return nb_hint(err, "training pairs an image with its label's text: `path label` a line, or class folders");
        }
        if ((size_t)images->labels[i] >= classes) {
            nb_fail(err, NB_ERR_INPUT, "image '%s' has label %d, the label file has %zu labels",
                    nb_strings_get(&images->names, i), images->labels[i], classes);
            return nb_hint(err, "classes are numbered from 0 in the order of the label file");
        }
    }
    return NB_OK;
}

static nb_status data_tokenise(nb_tune_data *t, const nb_strings *labels, const char *prompt, nb_error *err)
{
    size_t context = t->clip->config.context;
    nb_buffer text = {0};
    nb_status status = NB_OK;
    for (size_t c = 0; c < labels->count; c++) {
        nb_buffer_clear(&text);
        NB_TRY(nb_prompt_fill(&text, prompt, nb_strings_get(labels, c), nb_strings_len(labels, c), err));
        NB_TRY(nb_tokenizer_encode(t->clip->tokenizer, text.data, text.len,
                                   (nb_token_array){t->ids + c * context, context}, &t->lengths[c], err));
    }
done:
    nb_buffer_free(&text);
    return status;
}

nb_status nb_tune_data_create(nb_tune_data *t, const nb_clip *clip, const nb_labelled_images *pairs, size_t batch,
                              nb_error *err)
{
    const nb_image_inputs *images = pairs->images;
    const nb_strings *labels = pairs->labels;
    const char *prompt = pairs->prompt;
    nb_status status;
    *t = (nb_tune_data){.clip = clip, .images = images, .classes = labels->count, .batch = batch};
    if (!strstr(prompt, "{}")) {
        nb_fail(err, NB_ERR_USAGE, "prompt '%s' has no {}", prompt);
        return nb_hint(err, "{} is where the label goes, as in 'a photo of a {}'");
    }
    NB_TRY(data_check_labels(images, labels->count, err));
    NB_TRY_NEW(t->ids, labels->count * clip->config.context);
    NB_TRY_NEW(t->lengths, labels->count);
    NB_TRY_NEW(t->crops, batch);
    NB_TRY_NEW(t->held, batch);
    NB_TRY(nb_image_reader_create(&t->reader, images, err));
    NB_TRY(data_tokenise(t, labels, prompt, err));
done:
    if (status != NB_OK) {
        nb_tune_data_destroy(t);
    }
    return status;
}

void nb_tune_data_destroy(nb_tune_data *t)
{
    for (size_t i = 0; t->crops && i < t->batch; i++) {
        nb_image_free(&t->crops[i]);
    }
    nb_image_reader_destroy(t->reader);
    free(t->ids);
    free(t->lengths);
    free(t->crops);
    free(t->held);
    *t = (nb_tune_data){0};
}

static nb_status data_load(nb_tune_data *t, size_t place, size_t number, nb_error *err)
{
    nb_image image = {0};
    nb_image_fault fault;
    nb_reader_times times = {0};
    nb_status status;
    nb_image_free(&t->crops[place]);
    t->held[place] = 0;
    NB_TRY(nb_image_reader_decode(t->reader, number, &image, &fault, &times, err));
    NB_TRY(nb_preprocess_crop(&image, &t->clip->preprocess, &t->crops[place], err));
    t->held[place] = number + 1;
done:
    nb_image_free(&image);
    return status;
}

nb_status nb_tune_data_read(void *data, size_t place, size_t number, nb_pair *out, nb_error *err)
{
    nb_tune_data *t = data;
    size_t context = t->clip->config.context, label = (size_t)t->images->labels[number];
    nb_status status = t->held[place] == number + 1 ? NB_OK : data_load(t, place, number, err);
    if (status == NB_OK) {
        nb_preprocess_normalise(&t->clip->preprocess, &t->crops[place], out->pixels);
        memcpy(out->ids, t->ids + label * context, context * sizeof *out->ids);
        out->length = t->lengths[label];
    }
    return status;
}

nb_status nb_tune_order_create(nb_tune_order *o, size_t pairs, size_t batch, bool seeded, uint64_t seed, nb_error *err)
{
    *o = (nb_tune_order){.pairs = pairs, .batch = batch, .seeded = seeded, .seed = seed, .epoch = SIZE_MAX};
    if (batch > pairs) {
        nb_fail(err, NB_ERR_USAGE, "--batch %zu is larger than the data, %zu pairs", batch, pairs);
        return nb_hint(err, "--batch %zu takes them all in one step", pairs);
    }
    o->order = nb_alloc(pairs, sizeof *o->order, err);
    return o->order ? NB_OK : NB_ERR_LIMIT;
}

void nb_tune_order_destroy(nb_tune_order *o)
{
    free(o->order);
    *o = (nb_tune_order){0};
}

size_t nb_tune_order_steps(const nb_tune_order *o)
{
    return o->pairs / o->batch;
}

/* Fisher and Yates's shuffle. */
static void data_shuffle(nb_tune_order *o, size_t epoch)
{
    for (size_t i = 0; i < o->pairs; i++) {
        o->order[i] = i;
    }
    for (size_t i = o->pairs; o->seeded && i > 1; i--) {
        size_t k = (size_t)nb_random_below(o->seed, epoch, i, i), moved = o->order[i - 1];
        o->order[i - 1] = o->order[k];
        o->order[k] = moved;
    }
    o->epoch = epoch;
}

const size_t *nb_tune_order_at(nb_tune_order *o, size_t step)
{
    size_t epoch = step / nb_tune_order_steps(o);
    if (epoch != o->epoch) {
        data_shuffle(o, epoch);
    }
    return o->order + step % nb_tune_order_steps(o) * o->batch;
}

double nb_tune_rate(const nb_tune_schedule *s, size_t step)
{
    if (step < s->warmup) {
        return s->rate * (double)(step + 1) / (double)s->warmup;
    }
    if (!s->cosine) {
        return s->rate;
    }
    double done = (double)(step - s->warmup) / (double)(s->steps > s->warmup ? s->steps - s->warmup : 1);
    return 0.5 * s->rate * (1.0 + cos(3.14159265358979323846 * done));
}
