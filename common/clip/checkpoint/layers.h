/** @file
 * The convolutions of an image tower, layer by layer: what each computes and what its tensors are called. A family
 * lists them (nb_convolutions.list); common/clip/convolution computes them. Nothing here is collective. */
#ifndef NB_COMMON_CLIP_CHECKPOINT_LAYERS_H
#define NB_COMMON_CLIP_CHECKPOINT_LAYERS_H

#include "common/clip/checkpoint/config.h"
#include "common/clip/checkpoint/names.h"

/** What a layer computes of a square of pixels [side, side, channels]. */
typedef enum nb_layer_kind {
    NB_LAYER_CONVOLUTION, /**< of every channel with every output */
    NB_LAYER_DEPTHWISE,   /**< of every channel by itself */
    NB_LAYER_AVERAGE,     /**< the mean over the window, of those pixels that are there */
    NB_LAYER_NORM,        /**< a layer norm of each pixel's channels */
    NB_LAYER_REPEAT,      /**< every channel as often as outputs are inputs, one behind another */
    NB_LAYER_GATE,        /**< `out` times the one pixel of `in`, channel by channel */
    NB_LAYER_ATTENTION    /**< of queries, keys and values, a third of the inputs each; outputs are another third */
} nb_layer_kind;

/** What is done with a layer's output. */
typedef enum nb_layer_activation {
    NB_LAYER_LINEAR, /**< nothing */
    NB_LAYER_RELU,   /**< the larger of it and 0 */
    NB_LAYER_GELU,   /**< x Phi(x) */
    NB_LAYER_SIGMOID /**< 1 / (1 + exp(-x)) */
} nb_layer_activation;

enum { NB_LAYER_SLOTS = 4 /**< memories that layers read and write; the pixels lie in slot 0 at first */ };

/** A summand of a convolution: all of them become one matrix and one bias when they are read. */
typedef struct nb_layer_term {
    const char *name;  /**< of its matrix, before ".weight"; NULL: every channel as it is */
    const char *norm;  /**< of a batch norm behind it, before ".weight"; NULL: none */
    const char *scale; /**< of factors [outputs] behind that, whole; NULL: none */
    size_t kernel;     /**< of its window, which lies in the middle of the layer's; 0: that of the layer */
    bool bias;         /**< it has a ".bias" beside its matrix */
    bool negative;     /**< it is subtracted */
} nb_layer_term;

/** What the tensors of a layer are called. */
typedef struct nb_layer_names {
    const char *prefix;        /**< before all names */
    const char *name;          /**< of its tensors, before ".weight" and ".bias"; NULL: it has none */
    const char *norm, *scale;  /**< of a convolution, as nb_layer_term has them; NULL: none */
    const nb_layer_term *more; /**< [more_count] the summands of a convolution beside that one */
    size_t more_count;         /**< how many these are */
} nb_layer_names;

/** A layer. What it does not have is 0. */
typedef struct nb_layer {
    nb_layer_kind kind;
    size_t in, out;                 /**< slots; they differ but for norms */
    size_t inputs, outputs;         /**< channels */
    size_t kernel, stride, padding; /**< of the window, in pixels; 0: it has none */
    size_t heads;                   /**< of attention */
    nb_layer_activation activation; /**< behind all else */
    bool adds;                      /**< a convolution: what `out` holds is added */
    bool bias;                      /**< a convolution has one, beside its matrix */
    bool flat;                      /**< its matrix is stored as [outputs, inputs], without a window */
    bool planar;                    /**< its factors are stored as [outputs, 1, 1] */
    float epsilon;                  /**< of the layer norm, or of batch norms */
    const nb_layer_names *names;    /**< of its tensors; lives for the visit */
} nb_layer;

/** Gets the layers of a tower, in the order in which they are computed. */
typedef struct nb_layer_visitor {
    void (*visit)(void *visitor, const nb_layer *layer); /**< the layer lives for the call */
    void *visitor;                                       /**< first argument of visit */
} nb_layer_visitor;

/** Hands the layers of an image tower to a visitor; none where it has no convolutions.
 * @param config the shape
 * @param visitor gets them
 * @return how many they are */
size_t nb_layers_visit(const nb_clip_config *config, const nb_layer_visitor *visitor);

/** Layers of an image tower; 0 where it has no convolutions.
 * @param config the shape */
size_t nb_layers_count(const nb_clip_config *config);

/** Names a layer and hands it on. Outputs of 0 become as many as inputs, a stride of 0 becomes 1.
 * @param visitor gets it
 * @param names of its tensors
 * @param layer all else */
void nb_layer_give(const nb_layer_visitor *visitor, const nb_layer_names *names, nb_layer layer);

/** The slot of the lowest number that is none of two.
 * @param a a slot
 * @param b another or the same */
size_t nb_layer_slot(size_t a, size_t b);

/** Pixels of a side behind a window.
 * @param side before it
 * @param layer its window; without one the side stays as it is */
size_t nb_layer_side(size_t side, const nb_layer *layer);

#endif
