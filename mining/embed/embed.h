/* Embedding: texts and images, tile by tile, into a store.
 *
 * A tile is a fixed range of the global index space, computed as a whole by one rank, so its bits do not depend on the
 * number of ranks nor on who computed it. Ranks take tiles from a queue they share (common/parallel/queue.h). */
#ifndef NB_MINING_EMBED_EMBED_H
#define NB_MINING_EMBED_EMBED_H

#include "common/base/log.h"
#include "common/clip/model/image_encoder.h"
#include "common/clip/model/model.h"
#include "common/clip/model/text_encoder.h"
#include "common/parallel/queue.h"
#include "common/store/embeddings.h"
#include "mining/embed/parts.h"
#include "mining/embed/prompts.h"
#include "mining/images/image_inputs.h"
#include "mining/images/loader.h"

enum { NB_TEXT_TILE = 512, NB_IMAGE_TILE = 16 }; /* rows */

/* Fills rows [count, width], normalised, and their norms before normalising, for items [begin, begin + count). */
typedef nb_status (*nb_tile_maker)(void *maker, size_t begin, size_t count, float *rows, float *norms, nb_error *err);
/* Says which tile will be made after the one asked for next, so that it may be read ahead. Returns at once. */
typedef void (*nb_tile_herald)(void *maker, size_t begin, size_t count);

/* Where the time goes, in seconds. Reading and decoding may go on in threads beside computing. */
typedef struct nb_embed_times {
    double read, decode, compute, write;
    double wait; /* for decoding threads, and for ranks that still work */
} nb_embed_times;

/* Who makes the rows. */
typedef struct nb_embed_work {
    const char *what; /* the rows in the plural, for progress */
    nb_tile_maker make;
    nb_tile_herald herald; /* NULL: tiles are taken one by one */
    void *maker;
    nb_embed_times *times; /* the maker adds to all but `write` */
    nb_sharing sharing;
    size_t run; /* neighbouring tiles taken at once (common/parallel/queue.h) */
} nb_embed_work;

/* How a run went, over all ranks. */
typedef struct nb_embed_account {
    nb_sharing sharing;
    nb_embed_times times; /* summed over the ranks */
    double seconds;       /* on the clock */
    uint64_t made, kept;  /* rows made, rows an interrupted run had made */
    uint64_t fewest, most;
    int slowest; /* the rank with the fewest */
    size_t left; /* tiles of other parts that are still to be done: the store is not there yet */
} nb_embed_account;

/* Where a store goes, and what to do with what is there. */
typedef struct nb_embed_target {
    const char *path;
    bool force; /* replace a store of that name */
    /* continue the partial that an interrupted run of the same content left, on any number of ranks; and keep it when
     * this run fails too */
    bool resume;
    nb_part part; /* of a store that several jobs make: then what they have done is always kept, `resume` or not */
} nb_embed_target;

/* Collective; all arguments but the maker's state agree on all ranks. Makes the store `spec` describes. Asked to stop
 * (common/parallel/stop.h), even on one rank alone, the ranks finish the tiles they are at, keep the partial and return
 * NB_STOPPED. With `resume`, a store of the same content that is complete is left alone, *digest (rank 0's) is empty
 * and *account all zero; one that another engine began is NB_ERR_INPUT and stays. Of a part, *digest is empty unless it
 * was the one that found all tiles done. */
nb_status nb_embed_store(const nb_team *team, const nb_log *log, const nb_embed_target *target,
                         const nb_store_spec *spec, const nb_embed_work *work, nb_digest *digest,
                         nb_embed_account *account, nb_error *err);

/* A float row normalised from the double precision in row [d]; returns the norm before. */
float nb_embed_finish_row(float *out, double *row, size_t d);

/* Embeds texts under their tags' prompts; several templates: the mean of the normalised embeddings, normalised again.
 * Norms are those of the raw embedding (one template) or of that mean (several). */
typedef struct nb_text_embedder {
    const nb_clip *clip;
    const nb_prompts *prompts;
    const nb_strings *texts;
    const uint8_t *tags; /* NULL: none is an adjective */
    nb_text_encoder *encoder;
    nb_strings filled; /* prompts of one run */
    size_t *row;       /* [NB_TEXT_TILE] which row of the tile a prompt belongs to */
    float *raw;        /* [NB_TEXT_TILE, projection] */
    double *sum;       /* [NB_TEXT_TILE, projection] */
    nb_embed_times times;
} nb_text_embedder;

nb_status nb_text_embedder_create(nb_text_embedder *out, const nb_clip *clip, const nb_prompts *prompts,
                                  const nb_strings *texts, const uint8_t *tags, nb_error *err);
void nb_text_embedder_destroy(nb_text_embedder *embedder);
/* An nb_tile_maker; count is at most NB_TEXT_TILE. */
nb_status nb_text_embedder_tile(void *embedder, size_t begin, size_t count, float *rows, float *norms, nb_error *err);

/* Embeds all texts on this rank alone: out [count, projection] as float rows, normalised. For label sets. */
nb_status nb_embed_texts(const nb_clip *clip, const nb_prompts *prompts, const nb_strings *texts, float *out,
                         nb_error *err);

/* Reads, decodes, preprocesses and embeds images. */
typedef struct nb_image_embedder {
    const nb_clip *clip;
    const nb_image_inputs *inputs;
    nb_image_inputs own; /* of nb_image_embedder_create */
    nb_image_loader *loader;
    nb_image_encoder *encoder;
    nb_embed_times times;
} nb_image_embedder;

/* `threads` of this rank read and decode ahead; with 0 images are decoded when they are needed. The rows are the same.
 * Clip and inputs are borrowed. */
nb_status nb_image_embedder_open(nb_image_embedder *out, const nb_clip *clip, const nb_image_inputs *inputs,
                                 size_t threads, nb_error *err);
/* The same for image files by their paths (copied), without threads. */
nb_status nb_image_embedder_create(nb_image_embedder *out, const nb_clip *clip, const nb_strings *paths, nb_error *err);
void nb_image_embedder_destroy(nb_image_embedder *embedder);
/* An nb_tile_maker; count is at most NB_IMAGE_TILE. An image that cannot be decoded is NB_ERR_INPUT by name. */
nb_status nb_image_embedder_tile(void *embedder, size_t begin, size_t count, float *rows, float *norms, nb_error *err);
/* An nb_tile_herald. */
void nb_image_embedder_ahead(void *embedder, size_t begin, size_t count);

#endif
