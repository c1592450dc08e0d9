/* Both towers with their ways back: from tokens and pixels to embeddings, and from gradients by the embeddings to
 * gradients of every weight. Embeddings are NOT normalised; nor does the logit scale belong here: the loss has both. */
#ifndef NB_COMMON_CLIP_GRADIENTS_BACKWARD_TOWERS_H
#define NB_COMMON_CLIP_GRADIENTS_BACKWARD_TOWERS_H

#include "common/clip/gradients/backward_ends.h"
#include "common/clip/model/model.h"

/* The text tower over up to `batch` texts of up to config.context tokens. */
typedef struct nb_text_tape {
    const nb_clip *clip; /* borrowed */
    size_t batch, count;
    nb_tape tape;
    nb_end end;
    const int32_t *ids;                   /* borrowed from forward to backward */
    size_t *lengths;                      /* [batch] */
    float *top, *normed, *dtop, *scratch; /* [batch, width] */
    float *d;                             /* [rows, width] */
} nb_text_tape;

nb_status nb_text_tape_create(nb_text_tape *out, const nb_clip *clip, size_t batch, bool recompute, nb_error *err);
/* Takes {0}. */
void nb_text_tape_destroy(nb_text_tape *tape);
/* ids [count, context], lengths [count] (the end token last; tokens behind it are not looked at) -> out [count, d]. ids
 * must live until backward. */
void nb_text_tape_forward(nb_text_tape *tape, const int32_t *ids, const size_t *lengths, size_t count, float *out);
/* dout [count, d] of the last forward pass. */
void nb_text_tape_backward(nb_text_tape *tape, const float *dout, const nb_sink *sink);

/* The image tower over up to `batch` images. */
typedef struct nb_image_tape {
    const nb_clip *clip; /* borrowed */
    size_t batch, count;
    nb_tape tape;
    nb_end end;
    const float *pixels;                  /* borrowed from forward to backward */
    size_t *lengths;                      /* [batch] */
    float *patches;                       /* [patches, 3 patch patch] of one image */
    float *embedded;                      /* [rows, width] before the first layer norm */
    float *top, *normed, *dtop, *scratch; /* [batch, width] */
    float *d, *dembedded;                 /* [rows, width] */
} nb_image_tape;

nb_status nb_image_tape_create(nb_image_tape *out, const nb_clip *clip, size_t batch, bool recompute, nb_error *err);
/* Takes {0}. */
void nb_image_tape_destroy(nb_image_tape *tape);
/* pixels [count, 3, size, size] -> out [count, d]. pixels must live until backward. */
void nb_image_tape_forward(nb_image_tape *tape, const float *pixels, size_t count, float *out);
void nb_image_tape_backward(nb_image_tape *tape, const float *dout, const nb_sink *sink);

/* Bytes both tapes ask for, about. */
size_t nb_tapes_bytes(const nb_clip_config *config, size_t batch, bool recompute);

/* The end of the text tower. */
nb_end nb_text_end(const nb_clip *clip);

#endif
