/**
 * @file
 * libnegbank: score image embeddings with a bank of negative labels, from C or anything that can call C.
 *
 *     negbank_bank *bank;
 *     negbank_scorer *scorer;
 *     char why[512];
 *     if (negbank_open(&bank, "pets.nbank", why, sizeof why) ||
 *         negbank_scorer_create(&scorer, bank, NULL, NULL, why, sizeof why) ||
 *         negbank_score(scorer, embeddings, count, results, why, sizeof why)) {
 *         fprintf(stderr, "%s\n", why);
 *     }
 *
 * Embeddings are rows of negbank_width floats, made with the CLIP checkpoint the bank was mined with
 * (negbank_checkpoint); they are normalised here. Every function that can fail returns 0 or a negbank_code and writes
 * the reason, with a hint, into message [message_size], which may be NULL.
 *
 * Threads: a bank and a scorer never change once made, so any number of threads may use them together; a stream belongs
 * to one thread at a time. negbank_open takes turns with itself; HDF5, which it reads with, is not for several threads
 * at once, so a program that uses HDF5 itself must not do so meanwhile. Nothing here starts MPI or threads of its own;
 * OpenBLAS may, as OPENBLAS_NUM_THREADS says.
 *
 * Scores are those of `negbank score`, to the last bit for the same batches on the same kind of CPU with one BLAS
 * thread. Names of scores and of their parameters are the program's, too: `negbank score --help`.
 *
 * Versions: a shared library takes the place of another of the same soname (libnegbank.so.0.3) without compiling anew.
 * Before 1.0 every minor version has a soname of its own, from 1.0 on every major version. Within a soname functions
 * and codes are added only. A minor version may also add members to negbank_result, at its end; programs that compile
 * against its header go on as they are. What has the size of a result built in without this header (bindings) says so
 * by negbank_scorer_result_size, and works with any later version.
 */
#ifndef NEGBANK_H
#define NEGBANK_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/** The version this header belongs to; negbank_version is that of the library at run time. */
#define NEGBANK_VERSION_MAJOR 0
#define NEGBANK_VERSION_MINOR 3
#define NEGBANK_VERSION_PATCH 0

#if defined(__GNUC__)
#define NEGBANK_API __attribute__((visibility("default")))
#else
#define NEGBANK_API
#endif

typedef struct negbank_bank negbank_bank;     /**< a bank in memory */
typedef struct negbank_scorer negbank_scorer; /**< a score with parameters, against one bank */
typedef struct negbank_stream negbank_stream; /**< the state of one stream of images */
typedef struct negbank_store negbank_store;   /**< an embedding store, mapped; since 0.3 */

/** The same numbers as the program's exit codes. */
typedef enum negbank_code {
    NEGBANK_OK = 0,
    NEGBANK_ERR_USAGE = 2,   /**< an argument is wrong */
    NEGBANK_ERR_INPUT = 3,   /**< the file is no bank this version understands, or missing */
    NEGBANK_ERR_IO = 4,      /**< reading failed */
    NEGBANK_ERR_LIMIT = 5,   /**< out of memory, or over a stated limit */
    NEGBANK_ERR_NUMERIC = 6, /**< an embedding is zero or not finite */
    NEGBANK_ERR_VERIFY = 7,  /**< the file's digest does not match its content */
    NEGBANK_ERR_INTERNAL = 70
} negbank_code;

/** The version of the library: "0.3.0". */
NEGBANK_API const char *negbank_version(void);
/** The hint of the last failure in this thread, which its message ends with in parentheses; "" when it had none. It
 * lives until the thread's next failure. Since 0.3. */
NEGBANK_API const char *negbank_hint(void);

/** Opens a bank, verifying the whole file.
 * @param out the bank, closed by the caller after its scorers; NULL on failure
 * @return NEGBANK_OK; NEGBANK_ERR_USAGE without a path; NEGBANK_ERR_INPUT, NEGBANK_ERR_IO, NEGBANK_ERR_LIMIT or
 * NEGBANK_ERR_VERIFY as the codes say */
NEGBANK_API int negbank_open(negbank_bank **out, const char *path, char *message, size_t message_size);
/** Closes a bank; takes NULL. */
NEGBANK_API void negbank_close(negbank_bank *bank);

/** @name What a bank holds
 * Texts are UTF-8, live as long as the bank, and are NULL for an index out of range. None of these fails.
 * @{ */
/** Width of the embeddings. */
NEGBANK_API size_t negbank_width(const negbank_bank *bank);
/** Number of ID labels. */
NEGBANK_API size_t negbank_label_count(const negbank_bank *bank);
/** Number of negative labels. */
NEGBANK_API size_t negbank_negative_count(const negbank_bank *bank);
/** ID label `index`. */
NEGBANK_API const char *negbank_label(const negbank_bank *bank, size_t index);
/** Negative label `index`. */
NEGBANK_API const char *negbank_negative(const negbank_bank *bank, size_t index);
/** The value negative `index` was selected by; NaN out of range. */
NEGBANK_API double negbank_negative_value(const negbank_bank *bank, size_t index);
/** The criterion that selected them: "debiased"; "" when the bank does not say. */
NEGBANK_API const char *negbank_criterion(const negbank_bank *bank);
/** SHA-256 of the file in hexadecimal. */
NEGBANK_API const char *negbank_digest(const negbank_bank *bank);
/** SHA-256 of the checkpoint it was made with, in hexadecimal; "" unknown. */
NEGBANK_API const char *negbank_checkpoint(const negbank_bank *bank);
/** What `negbank inspect info --json` prints of it but for the file's name: a JSON object. Since 0.3. */
NEGBANK_API const char *negbank_info(const negbank_bank *bank);
/** The score the bank suggests. */
NEGBANK_API const char *negbank_suggested_score(const negbank_bank *bank);
/** The bank's threshold. It holds for the score and the parameters that the bank suggests.
 * @param score the score from which on an image is in-distribution; may be NULL
 * @return 1, or 0 with *score untouched when the bank has no threshold */
NEGBANK_API int negbank_threshold(const negbank_bank *bank, double *score);
/** @} */

/** @name Embedding stores
 * Files (.nbe) of embeddings of images or texts, those of `negbank embed` and `negbank store import`. An open store
 * does not change: any number of threads may read it. Opening and writing take turns as negbank_open does. Since 0.3.
 * @{ */
/** Opens a store, verifying the whole file.
 * @param out the store, closed by the caller; NULL on failure
 * @return as negbank_open */
NEGBANK_API int negbank_store_open(negbank_store **out, const char *path, char *message, size_t message_size);
/** Closes a store; takes NULL. */
NEGBANK_API void negbank_store_close(negbank_store *store);
/** Number of rows. */
NEGBANK_API size_t negbank_store_count(const negbank_store *store);
/** Elements of a row. */
NEGBANK_API size_t negbank_store_width(const negbank_store *store);
/** Bytes of an element: 2 (IEEE half precision) or 4 (float). */
NEGBANK_API size_t negbank_store_element_bytes(const negbank_store *store);
/** The rows [count, width], normalised, where they lie in the mapped file, which need not be aligned. They live as long
 * as the store. */
NEGBANK_API const void *negbank_store_rows(const negbank_store *store);
/** Rows [begin, begin + count) as floats.
 * @param out [count, width]
 * @return NEGBANK_OK, or NEGBANK_ERR_USAGE for rows beyond the end */
NEGBANK_API int negbank_store_floats(const negbank_store *store, size_t begin, size_t count, float *out, char *message,
                                     size_t message_size);
/** The name of a row: a text, or the name of an image; NULL out of range. */
NEGBANK_API const char *negbank_store_name(const negbank_store *store, size_t row);
/** Class numbers of images [count], -1 unknown; NULL where the store has none. */
NEGBANK_API const int32_t *negbank_store_labels(const negbank_store *store);
/** How many names of classes the store has; 0 where they are not known. */
NEGBANK_API size_t negbank_store_class_count(const negbank_store *store);
/** The name of a class; NULL out of range. */
NEGBANK_API const char *negbank_store_class(const negbank_store *store, size_t index);
/** The tag of a text, "noun", "adj" or "none"; NULL where the store has no tags, and out of range. */
NEGBANK_API const char *negbank_store_tag(const negbank_store *store, size_t row);
/** JSON: the program and the inputs that made it. */
NEGBANK_API const char *negbank_store_provenance(const negbank_store *store);

/** What goes into a store; all of it is borrowed. Set it to {0} and `bytes` to its size: a later version may have more
 * members, behind these. */
typedef struct negbank_store_content {
    size_t bytes;               /**< sizeof(negbank_store_content) */
    size_t count, width;        /**< rows, and elements of one */
    const float *rows;          /**< [count, width]; normalised on the way */
    const char *const *names;   /**< [count]; NULL: the numbers of the rows */
    const int32_t *labels;      /**< [count] class numbers of images, -1 unknown; NULL: none */
    const char *const *classes; /**< [class_count] names of the classes; NULL: they are not known */
    size_t class_count;         /**< of classes */
    const char *checkpoint;     /**< SHA-256 of the checkpoint in hexadecimal; NULL: unknown */
    int32_t half;               /**< 1: in half precision */
    int32_t replace;            /**< 1: a file of that name may be there */
} negbank_store_content;

/** Writes a store. Nothing gets the name before it is whole.
 * @param path the file
 * @param content what goes into it
 * @return NEGBANK_OK; NEGBANK_ERR_USAGE for a file that exists, no path, no rows, a label under -1, a checkpoint that
 * is no digest, or content of an unknown size; NEGBANK_ERR_NUMERIC for a row that is zero or not finite; NEGBANK_ERR_IO
 * or NEGBANK_ERR_LIMIT as the codes say */
NEGBANK_API int negbank_store_write(const char *path, const negbank_store_content *content, char *message,
                                    size_t message_size);
/** @} */

/** Makes a scorer. The bank must stay open.
 * @param out the scorer, destroyed by the caller; NULL on failure
 * @param score a name; NULL: the one the bank suggests
 * @param parameters "groups=5,temperature=0.01"; NULL: those the bank suggests, else those published with the score
 * @return NEGBANK_OK; NEGBANK_ERR_USAGE for an unknown score or parameter, a value that is none or with which the score
 * cannot be computed, or a score that needs what the bank has not (debiased: proxies); NEGBANK_ERR_LIMIT when memory is
 * out */
NEGBANK_API int negbank_scorer_create(negbank_scorer **out, const negbank_bank *bank, const char *score,
                                      const char *parameters, char *message, size_t message_size);
/** Sets how many bytes the caller's results have: result i of a call begins at byte i * bytes. Called before the scorer
 * is used; without it they are those of this version's negbank_result. Since 0.3.
 * @param bytes sizeof(negbank_result) as the caller knows it; members that do not fit are left out, and bytes behind
 * those this library knows become 0
 * @return NEGBANK_OK, or NEGBANK_ERR_USAGE under NEGBANK_RESULT_SIZE_MIN */
NEGBANK_API int negbank_scorer_result_size(negbank_scorer *scorer, size_t bytes, char *message, size_t message_size);
/** Destroys a scorer; takes NULL. */
NEGBANK_API void negbank_scorer_destroy(negbank_scorer *scorer);
/** The score and every parameter it uses: "neglabel temperature=0.01,groups=5,seed=none". It lives as long as the
 * scorer. */
NEGBANK_API const char *negbank_scorer_description(const negbank_scorer *scorer);

/** Bytes of negbank_result in 0.1, with the four members that every version has. */
#define NEGBANK_RESULT_SIZE_MIN 24

/** The score of one image. A later minor version may have more members, behind these. */
typedef struct negbank_result {
    double score;     /**< higher: more in-distribution */
    double ood_score; /**< of a probability 1 - score without cancellation; of a log-odd (debiased), 1 / (1 + exp
                         score); NaN where the score is neither */
    int32_t label;    /**< number of the predicted label */
    int32_t accepted; /**< 1 in-distribution by the bank's threshold, 0 out, -1 the bank has none for this scorer */
} negbank_result;

/** Scores images, each alone.
 * @param embeddings [count, width]; not changed
 * @param results [count]
 * @return NEGBANK_OK; NEGBANK_ERR_USAGE for a score of streams (adaneg, interneg, oodd, tanl, tins);
 * NEGBANK_ERR_NUMERIC for an embedding that is zero or not finite; NEGBANK_ERR_LIMIT when memory is out */
NEGBANK_API int negbank_score(const negbank_scorer *scorer, const float *embeddings, size_t count,
                              negbank_result *results, char *message, size_t message_size);

/** Embeddings that are handed over. */
typedef struct negbank_rows {
    const float *embeddings; /**< [count, width] */
    size_t count;
} negbank_rows;

/** Gives a scorer the corpus that its score takes negatives from (tanl), and noise images for it to begin with. To be
 * called once, before the scorer's first stream; other scores take no notice. Both are copied and normalised. Since
 * 0.3.
 * @param texts embeddings of texts
 * @param noise embeddings of noise images
 * @return NEGBANK_OK; NEGBANK_ERR_USAGE for a scorer that has one, or without texts or noise; NEGBANK_ERR_NUMERIC for
 * an embedding that is zero or not finite; NEGBANK_ERR_LIMIT when memory is out */
NEGBANK_API int negbank_scorer_corpus(negbank_scorer *scorer, const negbank_rows *texts, const negbank_rows *noise,
                                      char *message, size_t message_size);

/** Begins a stream of images, for scores that learn from what they have seen (adaneg, interneg, oodd, tanl, tins; any
 * other works, too). The scorer must stay. Interneg and tins invert no images here: the bank's visual negatives count.
 * @param out the stream, destroyed by the caller; NULL on failure
 * @return NEGBANK_OK; NEGBANK_ERR_USAGE for a score that needs what the bank or the scorer has not (tanl: a corpus;
 * oodd: what its base needs); or NEGBANK_ERR_LIMIT when memory is out */
NEGBANK_API int negbank_stream_create(negbank_stream **out, const negbank_scorer *scorer, char *message,
                                      size_t message_size);
/** Ends a stream; takes NULL. */
NEGBANK_API void negbank_stream_destroy(negbank_stream *stream);
/** Scores images as one batch, after the batch's own changes. A batch that is refused changes nothing when an embedding
 * is the reason; after any other error the stream is of no more use.
 * @param embeddings [count, width]; not changed
 * @param results [count]
 * @return NEGBANK_OK, NEGBANK_ERR_NUMERIC for an embedding that is zero or not finite, or NEGBANK_ERR_LIMIT when memory
 * is out */
NEGBANK_API int negbank_stream_push(negbank_stream *stream, const float *embeddings, size_t count,
                                    negbank_result *results, char *message, size_t message_size);
/** Saves the state of a stream to a file, which replaces another of its name once it is whole: a stream that goes on
 * from it scores as this one would, to the last bit. Since 0.3.
 * @return NEGBANK_OK; NEGBANK_ERR_USAGE without a path or for a folder; NEGBANK_ERR_IO when it cannot be written; or
 * NEGBANK_ERR_LIMIT when memory is out */
NEGBANK_API int negbank_stream_save(negbank_stream *stream, const char *path, char *message, size_t message_size);
/** Goes on from a saved state. To be called before the first push; after an error the stream is of no more use. Since
 * 0.3.
 * @return NEGBANK_OK; NEGBANK_ERR_INPUT for a file that is missing or no state, or one of another bank, score or
 * parameter, which the message names; NEGBANK_ERR_VERIFY for a damaged one; NEGBANK_ERR_USAGE without a path or for a
 * stream under way; NEGBANK_ERR_IO when it cannot be read; or NEGBANK_ERR_LIMIT when memory is out */
NEGBANK_API int negbank_stream_restore(negbank_stream *stream, const char *path, char *message, size_t message_size);

#ifdef __cplusplus
}
#endif
#endif
