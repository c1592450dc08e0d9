/** @file
 * The towers, forward, fast: what common/clip/towers/tower.h computes plainly, to rounding.
 *
 * Exact shortcuts: rows of shared prefixes once (common/clip/towers/trie.h); nothing behind the end token; no padding;
 * in the last layer keys and values of all rows but everything else for the pooled rows only. Products and attention of
 * images by an engine (common/linear/engine.h), the rest by common/linear/simd/vector.h, attention of texts fused with
 * its softmax, always in fp32.
 *
 * Nothing here is collective. An nb_forward is for one thread at a time. */
#ifndef NB_COMMON_CLIP_TOWERS_FORWARD_H
#define NB_COMMON_CLIP_TOWERS_FORWARD_H

#include "common/clip/towers/tower.h"
#include "common/clip/towers/trie.h"
#include "common/linear/engine.h"

/** What an nb_forward has memory for. */
typedef struct nb_forward_size {
    size_t rows;    /**< of all sequences, or of a trie, together */
    size_t pooled;  /**< sequences */
    size_t longest; /**< rows of the longest sequence */
    bool causal;    /**< for tries, else for full attention; rotary positions are of sequences of `longest` rows */
} nb_forward_size;

/** Memory for one tower. */
typedef struct nb_forward {
    const nb_tower_config *config; /**< borrowed */
    const nb_block *blocks;        /**< borrowed */
    const nb_engine *engine;       /**< computes the products */
    const nb_vector *vector;       /**< the small kernels */
    size_t rows, pooled, longest;  /**< as in nb_forward_size */
    size_t together;               /**< rows that go through a block's layers at once */
    float *x;                      /**< [rows, width] residual stream; the caller fills it */
    float *normed;                 /**< [together or pooled, width] */
    float *qkv;           /**< [rows, 3 width]; in the last layer keys and values, then the pooled rows' queries */
    float *attention_out; /**< [rows, width] the attention's output */
    void *input;          /**< [together, width] in the engine's form */
    void *hidden;         /**< [together, the larger mlp of blocks and pooling] in the engine's form */
    float *mlp_out;       /**< [together, mlp] as `hidden`; NULL where the engine activates a plain MLP */
    float *mlp_gate;      /**< [together, mlp] of a gated MLP; else NULL */
    nb_rotary rotary;     /**< positions of a sequence; {0}: none */
    /** Of a tower with relative positions: what is added to a score, [heads, 2 longest - 1], from the farthest key
     * before a query to the farthest behind it. The caller's; NULL: none. */
    const float *relative;
    void *attention; /**< scratch of full attention; NULL when causal */
    float *pooled_x; /**< [pooled, width] residual stream of the pooled rows in the last layer */
    size_t *pool;    /**< [pooled] the pooled rows */
    nb_path path;    /**< of the text trie; {0} when not causal */
} nb_forward;

/** Allocates the memory.
 * @param[out] out freed by nb_forward_destroy; {0} on failure
 * @param engine computes the products
 * @param config borrowed for the forward's life
 * @param blocks [config->layers] as `engine` packs them, borrowed likewise
 * @param size what it gets memory for
 * @return NB_OK, or NB_ERR_LIMIT without memory */
nb_status nb_forward_create(nb_forward *out, const nb_engine *engine, const nb_tower_config *config,
                            const nb_block *blocks, const nb_forward_size *size, nb_error *err);

/** Frees the memory and clears the struct. Takes NULL and {0}.
 * @param forward as nb_forward_create left it, or {0} */
void nb_forward_destroy(nb_forward *forward);

/** Norms rows as a tower does: a layer norm, or by the root of the mean square.
 * @param vector the small kernels
 * @param config its width, epsilon and kind of norm are read
 * @param[out] out [rows, width]; may be `in`
 * @param in [rows, width]
 * @param rows how many
 * @param norm its weights */
void nb_forward_norm(const nb_vector *vector, const nb_tower_config *config, float *out, const float *in, size_t rows,
                     nb_norm_weights norm);

/** Runs all blocks over the trie's rows in forward->x. Afterwards forward->pooled_x [trie->count, width] holds the
 * residual stream of every text's end token, in the trie's order.
 * @param forward made with `causal`
 * @param trie of at most forward->rows rows and forward->pooled texts */
void nb_forward_trie(nb_forward *forward, const nb_trie *trie);

/** Sequences one behind another in nb_forward.x. */
typedef struct nb_forward_batch {
    size_t count;  /**< sequences, at most nb_forward.pooled */
    size_t length; /**< rows of each, at most nb_forward.longest; count x length is at most nb_forward.rows */
    /** [count + 1] the first row of each sequence, and the end, where their lengths differ: `length` does not count
     * then. NULL: all have the same. Borrowed. */
    const size_t *starts;
    const uint16_t *places; /**< [rows] of a tower with relative positions: place of each row in its text. Borrowed. */
    /** [count] the row of each sequence that is wanted; NULL: the first. Borrowed. */
    const size_t *wanted;
} nb_forward_batch;

/** Runs all blocks over sequences with full attention. Afterwards forward->pooled_x [count, width] holds the wanted row
 * of each.
 * @param forward made without `causal`
 * @param batch fits its memory */
void nb_forward_full(nb_forward *forward, const nb_forward_batch *batch);

/** The same for all rows: afterwards forward->x holds the last block's output.
 * @param forward made without `causal`
 * @param batch fits its memory; no row is wanted more than another */
void nb_forward_rows(nb_forward *forward, const nb_forward_batch *batch);

/** What pools all rows of a sequence by attention: a query of its own against keys and values of every row, then an
 * MLP; borrows its weights. */
typedef struct nb_attention_pool {
    const float *query;    /**< [width] */
    const nb_block *block; /**< its first norm does not count */
    nb_norm_weights norm;  /**< [width] of the rows */
} nb_attention_pool;

/** Pools the rows that nb_forward_rows left in forward->x. Afterwards forward->pooled_x [count, width] holds the pooled
 * row of each sequence.
 * @param forward of that call
 * @param pool of the tower
 * @param batch of that call */
void nb_forward_pool(nb_forward *forward, const nb_attention_pool *pool, const nb_forward_batch *batch);

#endif
