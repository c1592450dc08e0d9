#include "common/linear/blas.h"
#include "common/linear/engine.h"

#include <math.h>
#include <string.h>

static size_t engine_fp32_float_bytes(size_t rows, size_t k)
{
    return rows * k * sizeof(float);
}

static void engine_fp32_pack(const nb_engine *engine, void *out, const float *weight, size_t n, size_t k)
{
    (void)engine;
    memcpy(out, weight, engine_fp32_float_bytes(n, k));
}

static const void *engine_fp32_input(const nb_engine *engine, void *buffer, const float *rows, size_t count, size_t k)
{
    (void)engine, (void)buffer, (void)count, (void)k;
    return rows;
}

static void engine_fp32_product(const nb_engine *engine, const nb_product *p)
{
    (void)engine;
    float *out = p->epilogue == NB_ADD ? p->scratch : p->out;
    const float *weight = p->weight;
    nb_sgemm_nt(nb_matrix_of(p->input, p->rows, p->k), nb_matrix_of(weight + p->first * p->k, p->count, p->k), 0.0f,
                out, p->count);
    switch (p->epilogue) {
    case NB_STORE:
        if (p->bias) {
            p->vector->add_bias(out, p->rows, p->count, p->bias);
        }
        break;
    case NB_ADD: p->vector->add_residual(p->out, out, p->rows, p->count, p->bias); break;
    case NB_STORE_QUICK_GELU: p->vector->bias_gelu(out, p->rows, p->count, p->bias, NB_VECTOR_QUICK_GELU); break;
    case NB_STORE_GELU: p->vector->bias_gelu(out, p->rows, p->count, p->bias, NB_VECTOR_GELU); break;
    }
}

static size_t engine_fp32_attention_bytes(size_t longest, size_t head)
{
    (void)head;
    return engine_fp32_float_bytes(longest, longest);
}

static void engine_fp32_attend(const nb_engine *engine, const nb_attention *a)
{
    (void)engine;
    float *scores = a->scratch;
    nb_sgemm_nt(nb_matrix_strided(a->q, a->m, a->head, a->q_stride), nb_matrix_strided(a->k, a->n, a->head, a->stride),
                0.0f, scores, a->n);
    a->vector->softmax(scores, a->m, a->n, a->n, 1.0f / sqrtf((float)a->head));
    nb_sgemm_nn(nb_matrix_of(scores, a->m, a->n), nb_matrix_strided(a->v, a->n, a->head, a->stride), a->out,
                a->out_stride);
}

const nb_engine nb_engine_fp32 = {.name = "fp32",
                                  .precision = "fp32",
                                  .together = SIZE_MAX,
                                  .weight_bytes = engine_fp32_float_bytes,
                                  .pack = engine_fp32_pack,
                                  .input_bytes = engine_fp32_float_bytes,
                                  .input = engine_fp32_input,
                                  .product = engine_fp32_product,
                                  .attention_bytes = engine_fp32_attention_bytes,
                                  .attend = engine_fp32_attend};
