/* The product's engine as the benchmark calls it: what changes here when its interface does. */
#ifndef NB_TESTS_BENCH_ENGINE_H
#define NB_TESTS_BENCH_ENGINE_H

#include "common/clip/model/image_encoder.h"
#include "common/clip/model/model.h"
#include "common/clip/model/text_encoder.h"

/* Names of the engines there are, usable here or not; the last one is NULL. */
extern const char *const bench_engines[];
/* NULL with an error that says why not, where it is none or not usable on this CPU. */
const nb_engine *bench_engine(const char *name, nb_error *err);

nb_status bench_open(nb_clip **out, const char *directory, const char *engine, nb_error *err);
nb_status bench_open_texts(nb_text_encoder **out, const nb_clip *clip, size_t batch, nb_error *err);
nb_status bench_open_images(nb_image_encoder **out, const nb_clip *clip, size_t batch, nb_error *err);
nb_status bench_embed_texts(nb_text_encoder *e, const nb_strings *texts, size_t begin, size_t count, float *out,
                            nb_error *err);
nb_status bench_embed_images(nb_image_encoder *e, const float *pixels, size_t count, float *out, nb_error *err);

#endif
