/* Embedding: texts and images, tile by tile, into a store.
 *
 * A tile is a fixed range of the global index space, computed as a whole by one rank, so its bits do not depend on the
 * number of ranks nor on who computed it. Ranks take tiles from a queue they share (common/parallel/pool.h).
 *
 * nb_embed_store alone is collective. */
#ifndef NB_MINING_EMBED_EMBED_H
#define NB_MINING_EMBED_EMBED_H

#include "common/base/log.h"
#include "common/clip/model/image_encoder.h"
#include "common/clip/model/model.h"
#include "common/clip/model/text_encoder.h"
#include "common/parallel/queue.h"
#include "common/store/embeddings.h"
#include "mining/corpus/file/corpus_reader.h"
#include "mining/embed/parts.h"
#include "mining/embed/prompts.h"
#include "mining/images/image_inputs.h"
#include "mining/images/loader.h"

/** Rows of a tile of texts, and of one of images. */
enum { NB_TEXT_TILE = 512, NB_IMAGE_TILE = 16 };

/** Fills rows [count, width], normalised, and their norms [count] before normalising, for items [begin, begin + count).
 * Not collective. */
typedef nb_status (*nb_tile_maker)(void *maker, size_t begin, size_t count, float *rows, float *norms, nb_error *err);
/** Hears which items will be asked for after those asked for next, so that they may be read ahead. Returns at once. */
typedef void (*nb_tile_prefetch)(void *maker, size_t begin, size_t count);

/** Where the time goes, in seconds. Reading and decoding may go on in threads beside computing. */
typedef struct nb_embed_times {
    double read, decode, compute, write;
    double wait; /**< for decoding threads, and for ranks that still work */
} nb_embed_times;

/** Who makes the rows. */
typedef struct nb_embed_work {
    const char *what; /**< the rows in the plural, for progress */
    nb_tile_maker make;
    nb_tile_prefetch prefetch; /**< NULL: tiles are taken one by one */
    void *maker;               /**< what both are given */
    nb_embed_times *times;     /**< of this rank; the maker adds to all but `write` */
    nb_sharing sharing;
    nb_tile_run run; /**< neighbouring tiles taken at once (common/parallel/queue.h) */
} nb_embed_work;

/** How a run went, over all ranks. */
typedef struct nb_embed_account {
    nb_sharing sharing;
    nb_embed_times times; /**< summed over the ranks */
    double seconds;       /**< on the clock */
    uint64_t made, kept;  /**< rows made, rows an interrupted run had made */
    uint64_t fewest;      /**< rows that the rank with the fewest made */
    uint64_t most;        /**< rows that the rank with the most made */
    int slowest;          /**< the rank with the fewest */
    size_t left;          /**< tiles of other parts that are still to be done: the store is not there yet */
} nb_embed_account;

/** Where a store goes, and what to do with what is there. */
typedef struct nb_embed_target {
    const char *path;
    bool force; /**< replace a store of that name */
    /** continue the partial that an interrupted run of the same content left, on any number of ranks; and keep it when
     * this run fails too */
    bool resume;
    nb_part part; /**< of a store that several jobs make: then what they have done is always kept, `resume` or not */
} nb_embed_target;

/** A store to be made; all of it is borrowed. */
typedef struct nb_embed_job {
    const nb_log *log;
    const nb_embed_target *target;
    const nb_store_spec *spec; /**< without names and tags where there is a corpus */
    nb_corpus_reader *corpus;  /**< whose texts and tags are the store's; NULL for images */
    const nb_embed_work *work;
} nb_embed_job;

/** Makes a store. Asked to stop (common/parallel/stop.h), even on one rank alone, the ranks finish the tiles they are
 * at and keep the partial. Collective: all of the job but the maker's state agrees on all ranks.
 *
 * @param comm    the ranks; its communicator stays the caller's
 * @param job     what is made, where and by whom
 * @param digest  rank 0: of the sealed store; empty when there was nothing to do, or this part was not the one that
 * found all tiles done. Empty elsewhere
 * @param account rank 0: how it went, all zero when there was nothing to do; `left` is right on all ranks
 * @return the same on all ranks: NB_OK; NB_STOPPED on request; NB_ERR_USAGE when the output is there and neither
 * `force` nor `resume` says what to do; NB_ERR_INPUT when what is to be continued was begun with another engine or, by
 *         parts, for another content; NB_ERR_IO; NB_ERR_LIMIT when memory is out or the sharing is not to be had; or
 *         the maker's status. */
NB_CHECKED nb_status nb_embed_store(const nb_comm *comm, const nb_embed_job *job, nb_digest *digest,
                                    nb_embed_account *account, nb_error *err);

/** Normalises a row in double precision and rounds it.
 *
 * @param out [d] the normalised row
 * @param row [d] the raw one, normalised in place
 * @param d   the width
 * @return the norm before; 0 or not finite where the row cannot be normalised. */
float nb_embed_finish_row(float *out, double *row, size_t d);

/* ---- texts ---- */

/** Embeds texts under their tags' prompts; several templates: the mean of the embeddings, normalised ones unless
 * prompts->raw, normalised again.
 * Norms are those of the raw embedding (one template) or of that mean (several). Of one rank. */
typedef struct nb_text_embedder {
    const nb_clip *clip;       /**< borrowed */
    const nb_prompts *prompts; /**< borrowed */
    const nb_strings *texts;   /**< borrowed; NULL: those of the corpus */
    nb_corpus_reader *corpus;  /**< borrowed; NULL: none of the texts is an adjective */
    nb_strings tile;           /**< texts of the corpus, of one tile */
    uint8_t *tags;             /**< [NB_TEXT_TILE] nb_tag, of one tile */
    nb_text_encoder *encoder;
    nb_strings filled; /**< prompts of one template, of one tile */
    size_t *row;       /**< [NB_TEXT_TILE] which row of the tile a prompt belongs to */
    float *raw;        /**< [NB_TEXT_TILE, projection] */
    double *sum;       /**< [NB_TEXT_TILE, projection] */
    nb_embed_times times;
} nb_text_embedder;

/** Makes an embedder.
 *
 * @param out     destroyed by the caller; {0} on failure
 * @param clip    the model, borrowed
 * @param prompts the templates, borrowed
 * @param texts   [n], borrowed, embedded as nouns; NULL: those of `corpus`
 * @param corpus  read tile by tile, borrowed; NULL where there are `texts`
 * @return NB_OK, or NB_ERR_LIMIT when memory is out. */
NB_CHECKED nb_status nb_text_embedder_create(nb_text_embedder *out, const nb_clip *clip, const nb_prompts *prompts,
                                             const nb_strings *texts, nb_corpus_reader *corpus, nb_error *err);

/** Frees what `embedder` holds. Takes NULL and {0}. */
void nb_text_embedder_destroy(nb_text_embedder *embedder);

/** An nb_tile_maker.
 *
 * @param embedder an nb_text_embedder
 * @param begin    the first text
 * @param count    at most NB_TEXT_TILE
 * @param rows     [count, projection], normalised
 * @param norms    [count]
 * @return NB_OK, NB_ERR_NUMERIC naming a text whose embedding has no norm, NB_ERR_LIMIT when memory is out, or as
 *         nb_text_encoder_run and nb_corpus_reader_rows. */
NB_CHECKED nb_status nb_text_embedder_tile(void *embedder, size_t begin, size_t count, float *rows, float *norms,
                                           nb_error *err);

/** Embeds all texts on this rank alone, as nouns. For label sets.
 *
 * @param clip    the model
 * @param prompts the templates
 * @param texts   [count]
 * @param out     [count, projection], normalised
 * @return as nb_text_embedder_create and nb_text_embedder_tile. */
NB_CHECKED nb_status nb_embed_texts(const nb_clip *clip, const nb_prompts *prompts, const nb_strings *texts, float *out,
                                    nb_error *err);

/* ---- images ---- */

/** Reads, decodes, preprocesses and embeds images. Of one rank. */
typedef struct nb_image_embedder {
    const nb_clip *clip;           /**< borrowed */
    const nb_image_inputs *inputs; /**< borrowed, or `own` */
    nb_image_inputs own;           /**< of nb_image_embedder_create */
    nb_image_loader *loader;
    nb_image_encoder *encoder;
    nb_embed_times times;
} nb_image_embedder;

/** Makes an embedder of a list of images. The rows do not depend on the number of threads.
 *
 * @param out     destroyed by the caller; {0} on failure
 * @param clip    the model, borrowed
 * @param inputs  the images, borrowed
 * @param threads read and decode ahead; with 0 images are decoded when they are needed
 * @return NB_OK, NB_ERR_LIMIT when memory is out, or as nb_image_loader_create. */
NB_CHECKED nb_status nb_image_embedder_open(nb_image_embedder *out, const nb_clip *clip, const nb_image_inputs *inputs,
                                            size_t threads, nb_error *err);

/** Makes an embedder of image files, without threads.
 *
 * @param out   destroyed by the caller, and not moved meanwhile; {0} on failure
 * @param clip  the model, borrowed
 * @param paths the files, copied
 * @return as nb_image_embedder_open. */
NB_CHECKED nb_status nb_image_embedder_create(nb_image_embedder *out, const nb_clip *clip, const nb_strings *paths,
                                              nb_error *err);

/** Frees what `embedder` holds. Takes NULL and {0}. */
void nb_image_embedder_destroy(nb_image_embedder *embedder);

/** An nb_tile_maker.
 *
 * @param embedder an nb_image_embedder
 * @param begin    the first image
 * @param count    at most NB_IMAGE_TILE
 * @param rows     [count, projection], normalised
 * @param norms    [count]
 * @return NB_OK, NB_ERR_INPUT naming an image that cannot be read or decoded, NB_ERR_NUMERIC naming one whose embedding
 *         has no norm, or NB_ERR_LIMIT when memory is out. */
NB_CHECKED nb_status nb_image_embedder_tile(void *embedder, size_t begin, size_t count, float *rows, float *norms,
                                            nb_error *err);

/** An nb_tile_prefetch: has `embedder`, an nb_image_embedder with threads, begin to read and decode the images
 * [begin, begin + count). */
void nb_image_embedder_prefetch(void *embedder, size_t begin, size_t count);

#endif
