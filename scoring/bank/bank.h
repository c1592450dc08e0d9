/* clang-format off */
/**
 * @file
 * The bank: negative labels for one ID label set, and all that scoring with them needs.
 *
 * Format 1, or 2 where it has proxies/, an HDF5 file behind a seal (common/store/seal.h) of kind "bank". Datasets are
 * zstd chunks (filter 32015, elements wider than a byte shuffled first), small ones stored as they are; C labels, M
 * negatives, width d. "rows" is f32, f16, or with int8 the codes of rows that are
 *
 *     row[i][k] = centre[k] + scales[i] columns[k] code[i][k],
 *
 * all of them L2-normalised before they were stored; the reader normalises them again in double precision.
 *
 *   labels/names/...        strings [C]        ID labels, in the user's order: their numbers are the classes
 *   labels/embeddings       f16 or f32 [C, d]  their text embeddings under the label prompts
 *   labels/prototypes       f16 or f32 [C, d]  mean ID image embeddings (absent without ID images)
 *   negatives/texts/...     strings [M]        negative labels, best first within each tag
 *   negatives/embeddings    rows [M, d]        f32, f16, or i8 with the three datasets below
 *   negatives/scales        f32 [M]            only with i8
 *   negatives/centre        f32 [d]            only with i8
 *   negatives/columns       f32 [d]            only with i8
 *   negatives/criterion     f64 [M]            the value each was selected by
 *   negatives/tags          u8 [M]             nb_tag
 *   negatives/ids           u64 [M]            global ids in the corpus
 *   visual/...              as negatives/, without texts, tags and ids: [V] pseudo words inverted from images (absent
 *                           where none were made)
 *   visual/names/...        strings [V]        the images they come from
 *   proxies/...                                (format 2; absent where the score "debiased" was not mined for)
 *   proxies/log_prior       f32 [M]            ln of each negative's weight, at most 0
 *   proxies/evidence        f32 [M]            wild images that resemble it, corrected for ID images
 *   proxies/map             f16 or f32 [d, d]  G: a text e lies at unit(image_mean + (e - text_mean) G) among images
 *   proxies/text_mean       f32 [d]            mean of the labels' text embeddings
 *   proxies/image_mean      f32 [d]            mean of the prototypes
 *   proxies/measured/...                       K negatives whose place wild images showed (absent for K = 0)
 *   proxies/measured/negatives   u32 [K]       their numbers, rising
 *   proxies/measured/embeddings  rows [K, d]   those places; with int8 also scales, centre, columns as above
 *   findings                text               JSON: what the miner found out (scoring/bank/bank_findings.h; format 2;
 *                                              absent where nothing is known)
 *   suggested               text               JSON: {"score", "temperature", "groups", "seed", "tau"}; seed null: the
 *                                              bank's own order
 *   calibration             text               JSON: "suggested" as it was used, with "recall" (wanted), "measured"
 *                                              (reached), "images", "threshold", "ood_score" (1 - threshold without
 *                                              cancellation; null where the score is no probability) (absent where no
 *                                              held-out ID images were given)
 *   source                  text               JSON: {"checkpoint": SHA-256 of the weights or null, "label_prompts",
 *                                              "text_prompts", "adjective_prompts"}; a list is empty where embeddings
 *                                              came from elsewhere
 *   digests                 text               JSON: {"datasets": {NAME: SHA-256 of the elements as stored, after
 *                                              unpacking}, "all": SHA-256 of the lines "NAME DIGEST\n" of them all in
 *                                              bytewise order}
 *   provenance              text               JSON (common/store/provenance.h)
 *
 * A reader refuses a format newer than its own and names the program that wrote it, and any dataset or key it does not
 * know. Banks written before this format was final have no "source", no "tau", and a flat list of some digests; they
 * are read. A file cut short or altered in one byte is refused by its seal.
 *
 * Untrusted input: at most NB_BANK_LABELS_MAX labels, NB_BANK_NEGATIVES_MAX negatives, width NB_STORE_WIDTH_MAX, and no
 * dataset that unpacks to more than NB_BANK_UNPACKED_MIN bytes and NB_BANK_UNPACKED_TIMES the size of the file. Reading
 * takes 8 bytes of memory an element, and with proxies as much again as the negatives' embeddings.
 */
/* clang-format on */
#ifndef NB_SCORING_BANK_BANK_H
#define NB_SCORING_BANK_BANK_H

#include "common/base/memory.h"
#include "common/store/seal.h"
#include "scoring/bank/bank_findings.h"
#include "scoring/bank/bank_proxies.h"

enum {
    NB_BANK_FORMAT_PLAIN = 1, /**< of a bank without proxies */
    NB_BANK_FORMAT = 2,       /**< of one with them, the newest */
    NB_BANK_LABELS_MAX = 1 << 20,
    NB_BANK_NEGATIVES_MAX = 1 << 26,
    NB_BANK_UNPACKED_MIN = 1 << 24,
    NB_BANK_UNPACKED_TIMES = 64,
    NB_BANK_SCORE_BYTES = 32
};
#define NB_BANK_KIND "bank"

/** How the negatives are stored. */
typedef enum nb_bank_precision { NB_BANK_FP32, NB_BANK_FP16, NB_BANK_INT8 } nb_bank_precision;
#define NB_BANK_PRECISIONS "fp16|int8|fp32"

/** The name of a precision.
 * @param precision the precision
 * @return "int8", say; static */
const char *nb_bank_precision_name(nb_bank_precision precision);

/** Finds the precision of a name.
 * @param name "fp32", "fp16" or "int8"
 * @param out becomes the precision
 * @return false for another name */
bool nb_bank_precision_parse(const char *name, nb_bank_precision *out);

/** How to score with a bank. */
typedef struct nb_bank_suggestion {
    char score[NB_BANK_SCORE_BYTES]; /**< a name; whoever scores decides whether it knows it */
    double temperature;
    size_t groups;
    bool seeded; /**< permute the negatives by `seed` before cutting groups */
    uint64_t seed;
    double tau; /**< share of true negatives, for scores that correct for it; NaN in banks older than it */
} nb_bank_suggestion;

/** A threshold that accepts at least `recall` of held-out ID images: those whose score is `score` or more. Near 1
 * scores tie in print; `key` (ln score - ln ood_score, or the score itself where it is no probability) does not: an
 * image is in-distribution when its key is at least this one. */
typedef struct nb_bank_threshold {
    size_t images; /**< 0: the bank has no threshold */
    double recall, measured;
    double score, ood_score, key;  /**< ood_score NaN where the score is no probability */
    nb_bank_suggestion suggestion; /**< the score and parameters it holds for */
} nb_bank_threshold;

/** A bank in memory: C labels, M negatives, V visual negatives, width d. Owns everything in it. */
typedef struct nb_bank {
    size_t d, label_count, negative_count, visual_count;
    nb_strings labels, negatives;
    double *label_rows;    /**< [C, d], normalised in double precision */
    double *prototypes;    /**< [C, d] or NULL */
    double *negative_rows; /**< [M, d], normalised in double precision */
    double *criterion;     /**< [M] */
    uint8_t *tags;         /**< [M] */
    uint64_t *ids;         /**< [M] */
    nb_strings visual_names;
    double *visual_rows;       /**< [V, d], normalised in double precision, or NULL */
    double *visual_criterion;  /**< [V] or NULL */
    nb_bank_proxies *proxies;  /**< owned; NULL in banks without */
    nb_bank_findings findings; /**< candidates 0: nothing is known */
    nb_bank_precision precision;
    char *score;                 /**< suggested score */
    double temperature;          /**< suggested */
    size_t groups;               /**< suggested, at most M */
    bool seeded;                 /**< suggested: permute by `seed` before cutting groups */
    uint64_t seed;               /**< suggested */
    double tau;                  /**< suggested; NaN in banks older than it */
    nb_bank_threshold threshold; /**< images 0 where there is none */
    char *checkpoint;            /**< SHA-256 of the weights, NULL where unknown */
    nb_strings label_prompts, text_prompts, adjective_prompts; /**< empty where unknown */
    char *provenance;
    nb_digest digest;  /**< the file's identity */
    nb_digest content; /**< over the digests of all datasets: the content's identity; "" in banks older than it */
    uint64_t file_bytes;
    uint64_t negative_bytes; /**< of negatives/, and of what proxies/ has a negative, as they lie in the file, packed */
} nb_bank;

/** Opens a bank, verifies the whole file and reads it. HDF5 is not for several threads at once: neither is this.
 * @param out closed by nb_bank_close; {0} after a failure
 * @param path the file
 * @return NB_OK, NB_ERR_VERIFY when a digest does not match, NB_ERR_INPUT for anything else that is no bank this
 * version understands, NB_ERR_LIMIT when memory is out or a bound is passed, or NB_ERR_IO */
nb_status nb_bank_open(nb_bank *out, const char *path, nb_error *err);

/** Frees what a bank holds.
 * @param bank {0} afterwards; takes NULL and {0} */
void nb_bank_close(nb_bank *bank);

/** What the bank suggests, in one piece.
 * @param bank the bank
 * @return score and parameters */
nb_bank_suggestion nb_bank_suggested(const nb_bank *bank);

#endif
