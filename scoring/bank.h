/* The bank: negative labels for one ID label set, and all that scoring with them needs.
 *
 * Format 1, an HDF5 file behind a seal (common/store/seal.h) of kind "bank"; matrices and strings are zstd chunks
 * (filter 32015, shuffled):
 *
 *   labels/names/...        strings [C]       ID labels, in the user's order: their numbers are the classes
 *   labels/embeddings       f16 or f32 [C, d] their text embeddings under the label prompts, L2-normalised
 *   labels/prototypes       f32 [C, d]        normalised mean ID image embeddings, where ID images were given
 *   negatives/texts/...     strings [M]       negative labels, best first within each tag
 *   negatives/embeddings    f16 or f32 [M, d] L2-normalised
 *   negatives/criterion     f64 [M]           the value each was selected by
 *   negatives/tags          u8 [M]            nb_tag
 *   negatives/ids           u64 [M]           global ids in the corpus
 *   suggested               text              JSON: {"score", "temperature", "groups", "seed"}; seed null: bank order
 *   digests                 text              JSON: SHA-256 of every matrix and vector above as stored
 *   provenance              text              JSON (common/store/provenance.h)
 *
 * Half precision is used where the source store had it, bit for bit. A reader refuses a format newer than its own and
 * names the program that wrote it; a file cut short or altered in one byte is refused. */
#ifndef NB_SCORING_BANK_H
#define NB_SCORING_BANK_H

#include "common/base/memory.h"
#include "common/store/seal.h"

enum { NB_BANK_FORMAT = 1, NB_BANK_SCORE_BYTES = 32 };
#define NB_BANK_KIND "bank"

/* How to score with a bank. */
typedef struct nb_bank_suggestion {
    char score[NB_BANK_SCORE_BYTES]; /* a name; whoever scores decides whether it knows it */
    double temperature;
    size_t groups;
    bool seeded; /* permute the negatives by `seed` before cutting groups */
    uint64_t seed;
    double tau; /* share of true negatives, for scores that correct for it; NaN in banks older than it */
} nb_bank_suggestion;

/* A threshold that accepts at least `recall` of held-out ID images: those whose score is `score` or more. Near 1 scores
 * tie in print; `key` (ln score - ln ood_score, or the score itself where it is no probability) does not: an image is
 * in-distribution when its key is at least this one. */
typedef struct nb_bank_threshold {
    size_t images; /* 0: the bank has no threshold */
    double recall, measured;
    double score, ood_score, key;  /* ood_score NaN where the score is no probability */
    nb_bank_suggestion suggestion; /* the score and parameters it holds for */
} nb_bank_threshold;

typedef struct nb_bank {
    size_t d, label_count, negative_count, visual_count;
    nb_strings labels, negatives;
    double *label_rows;       /* [C, d], normalised in double precision */
    double *prototypes;       /* [C, d] or NULL */
    double *negative_rows;    /* [M, d], normalised in double precision */
    double *criterion;        /* [M] */
    uint8_t *tags;            /* [M] */
    uint64_t *ids;            /* [M] */
    double *visual_rows;      /* [V, d], normalised in double precision, or NULL */
    double *visual_criterion; /* [V] margins, or NULL */
    bool half;                /* negatives are stored in half precision */
    char *score;              /* suggested score */
    double temperature;       /* suggested */
    size_t groups;            /* suggested */
    bool seeded;              /* suggested: permute by `seed` before cutting groups */
    uint64_t seed;
    double tau;                  /* suggested; NaN in banks older than it */
    nb_bank_threshold threshold; /* images 0 where there is none */
    char *checkpoint;            /* SHA-256 of the weights, NULL where unknown */
    char *provenance;
    nb_digest digest; /* the file's identity */
} nb_bank;

/* Opens, verifies the whole file and reads it. */
nb_status nb_bank_open(nb_bank *out, const char *path, nb_error *err);
void nb_bank_close(nb_bank *bank);

#endif
