/* Embedding: texts and images, tile by tile, into a store.
 *
 * A tile is a fixed range of the global index space, computed as a whole by one rank, so its bits do not depend on the
 * number of ranks. */
#ifndef NB_MINING_EMBED_H
#define NB_MINING_EMBED_H

#include "common/base/log.h"
#include "common/clip/model.h"
#include "common/parallel/team.h"
#include "common/store/embeddings.h"
#include "mining/prompts.h"

enum { NB_TEXT_TILE = 512, NB_IMAGE_TILE = 16 }; /* rows */

/* Fills rows [count, width], normalised, and their norms before normalising, for items [begin, begin + count). */
typedef nb_status (*nb_tile_maker)(void *maker, size_t begin, size_t count, float *rows, float *norms, nb_error *err);

/* Where a store goes, and what to do with what is there. */
typedef struct nb_embed_target {
    const char *path;
    bool force;  /* replace a store of that name */
    bool resume; /* continue the partial that an interrupted run of the same content left, on any number of ranks */
} nb_embed_target;

/* Collective; all arguments but the maker's state agree on all ranks. Makes the store `spec` describes, whole tiles
 * dealt to ranks. `what` names the rows in the plural for progress. Asked to stop (common/parallel/stop.h), the ranks
 * finish their tiles, keep the partial and return NB_STOPPED. With `resume`, a store of the same content that is
 * complete is left alone and *digest (rank 0's) is empty; one that another engine began is NB_ERR_INPUT and stays. */
nb_status nb_embed_store(const nb_team *team, const nb_log *log, const nb_embed_target *target,
                         const nb_store_spec *spec, const char *what, nb_tile_maker make, void *maker,
                         nb_digest *digest, nb_error *err);

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
} nb_text_embedder;

nb_status nb_text_embedder_create(nb_text_embedder *out, const nb_clip *clip, const nb_prompts *prompts,
                                  const nb_strings *texts, const uint8_t *tags, nb_error *err);
void nb_text_embedder_destroy(nb_text_embedder *embedder);
/* An nb_tile_maker; count is at most NB_TEXT_TILE. */
nb_status nb_text_embedder_tile(void *embedder, size_t begin, size_t count, float *rows, float *norms, nb_error *err);

/* Embeds all texts on this rank alone: out [count, projection] as float rows, normalised. For label sets. */
nb_status nb_embed_texts(const nb_clip *clip, const nb_prompts *prompts, const nb_strings *texts, float *out,
                         nb_error *err);

/* Decodes, preprocesses and embeds images by their paths. */
typedef struct nb_image_embedder {
    const nb_clip *clip;
    const nb_strings *paths;
    nb_image_encoder *encoder;
    float *pixels; /* [NB_IMAGE_TILE, 3, size, size] */
} nb_image_embedder;

nb_status nb_image_embedder_create(nb_image_embedder *out, const nb_clip *clip, const nb_strings *paths, nb_error *err);
void nb_image_embedder_destroy(nb_image_embedder *embedder);
/* An nb_tile_maker; count is at most NB_IMAGE_TILE. An image that cannot be decoded is NB_ERR_INPUT by name. */
nb_status nb_image_embedder_tile(void *embedder, size_t begin, size_t count, float *rows, float *norms, nb_error *err);

#endif
