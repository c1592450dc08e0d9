/** @file
 * Responsibilities: the share of a candidate in an image, all accepted candidates and the ID label texts competing,
 *
 *     r_u(x) = exp(cos(e(u), f(x)) / T) / Z(x),
 *     Z(x) = sum_v exp(cos(e(v), f(x)) / T) + sum_c exp(cos(q_c, f(x)) / T).
 *
 * Two passes over the affinities, neither of which is ever kept. The first, at opening, adds up Z of every image: a
 * text tile's part of it is one number, and the numbers of all tiles on all ranks are added in a form that does not
 * depend on their order (common/linear/exact/exact_sum.h). In the second, tile by tile, a candidate's responsibilities
 * are summed over the images in their order and dropped. Images are read from their store a tile at a time.
 *
 * Small runs compute in double precision, where a value is good to 1e-12 or so; over NB_RESPONSIBILITY_PRECISE
 * affinities products and exponentials run in single, where it is good to 1e-5. */
#ifndef NB_MINING_CRITERIA_RESPONSIBILITIES_H
#define NB_MINING_CRITERIA_RESPONSIBILITIES_H

#include "common/linear/exact/exact_sum.h"
#include "mining/criteria/evidence.h"

enum {
    NB_WILD_SET,                        /**< the wild images */
    NB_ID_SET,                          /**< the labelled ID images */
    NB_IMAGE_SETS,                      /**< how many sets there are */
    NB_RESPONSIBILITY_PRECISE = 1 << 27 /**< affinities, texts x images, up to which all is in double precision */
};

/** One image set. */
typedef struct nb_image_set {
    nb_store *store;       /**< borrowed; NULL: there is none */
    size_t count;          /**< images */
    double *log_partition; /**< [count] ln Z(x) */
    double *label_share;   /**< [count] the ID labels' part of Z(x), 0 to 1 */
    double *log_weight;    /**< [count] ln of a factor of every responsibility, or NULL: 1. Set by the caller, owned */
    nb_exact_sum *partition; /**< [count] while Z is added up, else NULL */
    float *shift;            /**< [count] T (ln Z - ln weight), for sums in single precision */
} nb_image_set;

/** Responsibilities of a run. */
typedef struct nb_responsibilities {
    const nb_evidence *evidence; /**< borrowed */
    double temperature;          /**< T */
    bool precise;                /**< in double precision */
    nb_image_set sets[NB_IMAGE_SETS];
    double *mean;       /**< [d] mean of the accepted candidates' embeddings */
    void *texts;        /**< [NB_AFFINITY_TEXTS, d] of the tile at work, in double; NULL unless precise */
    void *images;       /**< [NB_AFFINITY_IMAGES, d], floats, or doubles where precise */
    void *cosines;      /**< [NB_AFFINITY_TEXTS, NB_AFFINITY_IMAGES] or transposed, likewise */
    nb_exact_sum *sums; /**< [2, d] positive and negative parts of the mean while it is added up */
    size_t accepted;    /**< candidates that compete, of all ranks */
} nb_responsibilities;

/** Opens responsibilities: the pass over all candidates that adds up Z. Collective.
 * @param out closed with nb_responsibilities_close, also after a failure
 * @param evidence borrowed; the sets are those of its images that it has
 * @param temperature T
 * @param may_be_precise false: single precision at any size
 * @return NB_OK; NB_STOPPED after a request to stop; NB_ERR_LIMIT without memory; or an error of reading rows; the same
 *         on all ranks */
nb_status nb_responsibilities_open(nb_responsibilities *out, const nb_evidence *evidence, double temperature,
                                   bool may_be_precise, nb_error *err);

/** Takes {0}. Not collective.
 * @param r emptied */
void nb_responsibilities_close(nb_responsibilities *r);

/** Makes a tile ready for nb_responsibilities_sum. Not collective.
 * @param r open
 * @param tile of candidates
 * @return NB_OK, or an error of reading rows */
nb_status nb_responsibilities_load(nb_responsibilities *r, const nb_text_tile *tile, nb_error *err);

/** Sums over the images of a set. Not collective.
 * @param r open, with the tile loaded
 * @param set of sets; its log_weight must not have changed since the first call
 * @param tile the tile
 * @param sums    [tile->count] sum_x w(x) r_u(x)
 * @param squares [tile->count] sum_x (w(x) r_u(x))^2; NULL: not wanted
 * @return NB_OK, or an error of reading rows */
nb_status nb_responsibilities_sum(nb_responsibilities *r, const nb_image_set *set, const nb_text_tile *tile,
                                  double *sums, double *squares, nb_error *err);

/** How central the candidates are: the product of each with the mean. Not collective.
 * @param r open, with the tile loaded
 * @param tile the tile
 * @param out [tile->count] */
void nb_responsibilities_central(const nb_responsibilities *r, const nb_text_tile *tile, double *out);

/** What opening and one sum over all candidates take, added to *cost. Not collective.
 * @param cost what is added to
 * @param size of the run */
void nb_responsibilities_cost(nb_mining_cost *cost, const nb_mining_size *size);

/** Images of a set's tile that begins at `begin`. Not collective.
 * @param set with images
 * @param begin a multiple of NB_AFFINITY_IMAGES
 * @return NB_AFFINITY_IMAGES, or fewer for the last one */
size_t nb_image_set_tile(const nb_image_set *set, size_t begin);

#endif
