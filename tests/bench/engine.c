#include "bench/engine.h"

#include <string.h>

const char *const bench_engines[] = {"fp32", "bf16", "int8", NULL};

const nb_engine *bench_engine(const char *name, nb_error *err)
{
    const char *why = "there is none";
    const nb_engine *engine = NULL;
    if (strcmp(name, "fp32") == 0) {
        return nb_engine_fp32_best();
    }
    if (strcmp(name, "openblas") == 0) {
        return &nb_engine_fp32;
    }
    if (strcmp(name, "int8") == 0) {
        return &nb_engine_int8;
    }
    if (strcmp(name, "bf16") == 0) {
        engine = nb_engine_bf16(NB_ENGINE_ON_DEMAND, &why);
    }
    if (!engine) {
        nb_fail(err, NB_ERR_USAGE, "no engine %s: %s", name, why);
    }
    return engine;
}

nb_status bench_open(nb_clip **out, const char *directory, const char *name, nb_error *err)
{
    const nb_engine *engine = bench_engine(name, err);
    return engine ? nb_clip_open_by(out, directory, engine, err) : NB_ERR_USAGE;
}

nb_status bench_open_texts(nb_text_encoder **out, const nb_clip *clip, size_t batch, nb_error *err)
{
    return nb_text_encoder_create(out, clip, batch, err);
}

nb_status bench_open_images(nb_image_encoder **out, const nb_clip *clip, size_t batch, nb_error *err)
{
    return nb_image_encoder_create(out, clip, batch, err);
}

nb_status bench_embed_texts(nb_text_encoder *e, const nb_strings *texts, size_t begin, size_t count, float *out,
                            nb_error *err)
{
    return nb_text_encoder_run(e, texts, begin, count, out, err);
}

nb_status bench_embed_images(nb_image_encoder *e, const float *pixels, size_t count, float *out, nb_error *err)
{
    (void)err;
    nb_image_encoder_run(e, pixels, count, out);
    return NB_OK;
}
