/* What a stage will take, before it runs: its own parameters turned into memory, bytes and work.
 *
 * Memory is the most a rank holds at once, counted from the arrays the stage allocates; pages of mapped files, which
 * the system takes back when it needs them, are left out. Bytes are upper bounds (texts are counted as if they did not
 * compress). Work is in units of a rate that the caller knows or has measured. */
#ifndef NB_JOBS_PLAN_ESTIMATE_H
#define NB_JOBS_PLAN_ESTIMATE_H

#include "common/clip/model/model.h"
#include "mining/select/mine.h"

/* Bytes a rank holds beside what a stage allocates: the program, MPI and HDF5 with their buffers. */
#define NB_ESTIMATE_BASE ((double)(96 << 20))
/* The same for a stage that never starts MPI. */
#define NB_ESTIMATE_BASE_ALONE ((double)(48 << 20))

/** What a stage will take. */
typedef struct nb_estimate {
    double items;            /**< rows made, or looked at */
    double tiles;            /**< units that ranks share; a run takes as long as the rank with the most of them */
    double memory;           /**< bytes a rank, weights left out */
    double weights;          /**< bytes a node: ranks of a node share them */
    double written, scratch; /**< bytes, of all ranks */
    double texts, images, products, gathered; /**< work: texts and images through their towers, floating-point
                                                 operations of products, bytes of corpus inputs */
} nb_estimate;

/** What `corpus` takes. Not collective.
 * @param bytes  of unpacked inputs
 * @param lines  of them
 * @param ranks  that sort them
 * @param memory the option of that name, in bytes
 * @return the estimate */
nb_estimate nb_estimate_corpus(double bytes, double lines, int ranks, uint64_t memory);

/** What `embed text` takes. Not collective.
 * @param c       the checkpoint's shape
 * @param engine  that computes its products
 * @param count   texts
 * @param bytes   of all of them
 * @param prompts each text goes through
 * @param half    the store is fp16 */
nb_estimate nb_estimate_texts(const nb_clip_config *c, const nb_engine *engine, double count, double bytes,
                              double prompts, bool half);

/** What `embed images` takes. Not collective.
 * @param c          the checkpoint's shape
 * @param engine     that computes its products
 * @param count      images
 * @param name_bytes of all their names
 * @param threads    that decode, a rank
 * @param half       the store is fp16 */
nb_estimate nb_estimate_images(const nb_clip_config *c, const nb_engine *engine, double count, double name_bytes,
                               double threads, bool half);

/** A mining run. */
typedef struct nb_estimate_mining {
    nb_mine_plan plan;   /**< criterion, rejection rule, their options, whether it explains */
    nb_mining_size size; /**< of its inputs */
    double kept;         /**< negatives */
} nb_estimate_mining;

/** Estimates mining: what candidates, ledger and bank take, and the criteria and the rejection rule by their own
 * account. Not collective.
 * @param out   receives the estimate
 * @param m     what is mined, of how much
 * @param ranks that mine
 * @return NB_OK, NB_ERR_LIMIT without memory, NB_ERR_INTERNAL when the options lack a parameter */
nb_status nb_estimate_mine(nb_estimate *out, const nb_estimate_mining *m, int ranks, nb_error *err);

/** What `tune` takes. Not collective.
 * @param c         the checkpoint's shape
 * @param steps     of the run
 * @param batch     pairs a step
 * @param micro     pairs a rank computes at once
 * @param recompute activations are computed again in the backward pass instead of kept
 * @return the estimate */
nb_estimate nb_estimate_tune(const nb_clip_config *c, double steps, double batch, double micro, bool recompute);

#endif
