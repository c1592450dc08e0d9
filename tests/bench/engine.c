#include "bench/engine.h"

const char *const bench_engines[] = {"fp32", NULL};

nb_status bench_open_texts(nb_text_encoder **out, const nb_clip *clip, const char *engine, size_t batch, nb_error *err)
{
    (void)engine;
    return nb_text_encoder_create(out, clip, batch, err);
}

nb_status bench_open_images(nb_image_encoder **out, const nb_clip *clip, const char *engine, size_t batch,
                            nb_error *err)
{
    (void)engine;
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
