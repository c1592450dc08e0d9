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
 *   visual/names/...        strings [V]       wild images inverted into visual negatives (absent without any)
 *   visual/embeddings       f32 [V, d]        their pseudo words' text embeddings
 *   visual/criterion        f64 [V]           InterNeg's margin, falling
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

enum { NB_BANK_FORMAT = 1 };
#define NB_BANK_KIND "bank"

typedef struct nb_bank {
    size_t d, label_count, negative_count;
    nb_strings labels, negatives;
    double *label_rows;    /* [C, d], normalised in double precision */
    double *prototypes;    /* [C, d] or NULL */
    double *negative_rows; /* [M, d], normalised in double precision */
    double *criterion;     /* [M] */
    uint8_t *tags;         /* [M] */
    uint64_t *ids;         /* [M] */
    bool half;             /* negatives are stored in half precision */
    char *score;           /* suggested score */
    double temperature;    /* suggested */
    size_t groups;         /* suggested */
    bool seeded;           /* suggested: permute by `seed` before cutting groups */
    uint64_t seed;
    char *provenance;
    nb_digest digest; /* the file's identity */
} nb_bank;

/* Opens, verifies the whole file and reads it. */
nb_status nb_bank_open(nb_bank *out, const char *path, nb_error *err);
void nb_bank_close(nb_bank *bank);

#endif
