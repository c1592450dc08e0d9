/* Hostile content behind a valid seal. The first byte chooses a small store, corpus or bank; the rest is changes to its
 * bytes, three a change: offset (two bytes), exclusive-or (one). The file is sealed again and opened: it is read or
 * refused.
 *
 * With NEGBANK_FUZZ_DEEP set in the environment HDF5's own checksums are made right again too, so that changes get past
 * them. HDF5 1.10 does not survive that for long; what it shows of our code is worth a look now and then. */
#include "fuzz/fuzz.h"

#include "common/base/file.h"
#include "common/store/embeddings.h"
#include "common/store/npy.h"
#include "mining/bank/bank_writer.h"
#include "mining/corpus/file/corpus_file.h"
#include "mining/embed/import.h"
#include "scoring/bank/bank.h"

#include <fcntl.h>
#include <hdf5.h>

enum { N = 12, D = 4, FILES = 4 };

/* A file as it was made. */
typedef struct original {
    const char *kind;
    char *bytes;
    size_t len;
    nb_seal seal;
} original;

static original originals[FILES];

static void keep(original *o, const char *path, const char *kind)
{
    nb_error err = {0};
    o->kind = kind;
    require(nb_file_read(path, 1 << 16, &o->bytes, &o->len, &err) == NB_OK);
    require(nb_seal_verify(&o->seal, path, kind, &err) == NB_OK);
    unlink(path);
}

static void fill(float *rows, nb_strings *names)
{
    nb_error err = {0};
    for (size_t r = 0; r < N; r++) {
        char name[16];
        int len = snprintf(name, sizeof name, "text %zu", r);
        require(nb_strings_push(names, name, (size_t)len, &err) == NB_OK);
        for (size_t i = 0; i < D; i++) {
            rows[r * D + i] = i == r % D ? 1 : 0;
        }
    }
}

static void make_store(const char *path, const float *rows, const nb_strings *names, bool half)
{
    static const int32_t labels[N] = {0, 1, -1};
    static const uint8_t tags[N] = {0, 1, 2};
    float norms[N];
    nb_error err = {0};
    nb_store_plan plan;
    nb_digest digest;
    for (size_t r = 0; r < N; r++) {
        norms[r] = 1;
    }
    nb_store_spec spec = {.count = N,
                          .width = D,
                          .tile_rows = 5,
                          .half = half,
                          .names = names,
                          .tags = tags,
                          .labels = labels,
                          .classes = names,
                          .provenance = "{}"};
    require(nb_store_create(&plan, path, &spec, &err) == NB_OK);
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    for (size_t t = 0; t < plan.tile_count; t++) {
        size_t begin = nb_store_tile_begin(&plan, t);
        require(nb_store_write_tile(fd, &plan, t, rows + begin * D, norms, &err) == NB_OK);
    }
    close(fd);
    require(nb_store_seal(path, &plan, &digest, &err) == NB_OK);
}

static void make_corpus(const char *path, const nb_strings *inputs)
{
    nb_error err = {0};
    nb_digest digest;
    nb_corpus corpus = {0};
    nb_corpus_counts counts = {0};
    for (uint8_t i = 0; i < N; i++) {
        char text[2] = {(char)('a' + i), '\0'};
        const nb_corpus_row row = {.text = text, .len = 1, .tag = i % 3, .line = i + 1u};
        require(nb_corpus_push(&corpus, &row, &err) == NB_OK);
    }
    const nb_corpus_target target = {.path = path, .force = true, .provenance = "{}"};
    require(nb_corpus_file_write(&corpus, &counts, inputs, &target, &digest, &err) == NB_OK);
    nb_corpus_free(&corpus);
}

static void make_bank(const char *path, const float *rows, const nb_strings *names)
{
    static const double criterion[N];
    static const uint8_t tags[N];
    static const uint64_t ids[N];
    nb_error err = {0};
    nb_digest digest;
    nb_bank_content content = {.d = D,
                               .labels = names,
                               .negatives = names,
                               .label_rows = rows,
                               .negative_rows = rows,
                               .prototypes = rows,
                               .criterion = criterion,
                               .tags = tags,
                               .ids = ids,
                               .suggestion = {.score = "neglabel", .temperature = 0.01, .groups = 1, .tau = 0.5},
                               .provenance = "{}"};
    require(nb_bank_write(path, true, &content, &digest, &err) == NB_OK);
}

static void make_originals(void)
{
    float rows[N * D];
    nb_strings names = {0};
    char path[96];
    snprintf(path, sizeof path, "%s/file", memory_folder());
    fill(rows, &names);
    make_store(path, rows, &names, false);
    keep(&originals[0], path, NB_STORE_KIND);
    make_store(path, rows, &names, true);
    keep(&originals[1], path, NB_STORE_KIND);
    make_corpus(path, &names);
    keep(&originals[2], path, NB_CORPUS_KIND);
    make_bank(path, rows, &names);
    keep(&originals[3], path, NB_BANK_KIND);
    nb_strings_free(&names);
}

static bool open_store(const char *path, nb_error *err)
{
    nb_store store;
    nb_status status = nb_store_open(&store, path, true, err);
    require_message(status, err);
    if (status != NB_OK) {
        return false;
    }
    for (size_t r = 0; r < store.plan.count; r++) {
        double *row = calloc((size_t)store.plan.width, sizeof *row);
        if (row) {
            (void)nb_store_rows(&store, r, 1, row, err);
        }
        free(row);
    }
    nb_store_close(&store);
    return true;
}

static bool open_corpus(const char *path, nb_error *err)
{
    nb_corpus corpus;
    nb_corpus_info info;
    nb_status status = nb_corpus_file_read(&corpus, NULL, path, err);
    require_message(status, err);
    if (status == NB_OK) {
        nb_corpus_free(&corpus);
        (void)nb_corpus_file_info(&info, path, err);
        nb_corpus_info_free(&info);
    }
    return status == NB_OK;
}

static bool open_bank(const char *path, nb_error *err)
{
    nb_bank bank;
    nb_status status = nb_bank_open(&bank, path, err);
    require_message(status, err);
    if (status == NB_OK) {
        nb_bank_close(&bank);
    }
    return status == NB_OK;
}

/* HDF5 keeps what it has half read of a damaged header. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
    return "leak:libhdf5";
}

/* Exported by the library, though declared in none of its public headers. */
uint32_t H5_checksum_metadata(const void *data, size_t len, uint32_t initial);

static void put_checksum(uint8_t *at, size_t len)
{
    uint32_t sum = H5_checksum_metadata(at, len, 0);
    memcpy(at + len, &sum, sizeof sum);
}

/* Corrects the checksums of the superblock (version 3, 48 bytes) and of all object headers ("OHDR" version flags
 * [times] [attribute limits] size messages checksum). */
static void put_checksums(uint8_t *bytes, size_t len)
{
    put_checksum(bytes + NB_SEAL_BYTES, 44);
    for (size_t at = NB_SEAL_BYTES + 48; at + 32 < len; at++) {
        if (memcmp(bytes + at, "OHDR", 4) != 0) {
            continue;
        }
        uint8_t flags = bytes[at + 5];
        size_t head = 6 + (flags & 0x20 ? 16u : 0) + (flags & 0x10 ? 4u : 0), width = (size_t)1 << (flags & 3),
               size = 0;
        memcpy(&size, bytes + at + head, width);
        if (size < len && at + head + width + size + 4 <= len) {
            put_checksum(bytes + at, head + width + size);
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static bool deep;
    nb_error err = {0};
    nb_digest digest;
    if (!originals[0].bytes) {
        make_originals();
        deep = getenv("NEGBANK_FUZZ_DEEP") != NULL;
    }
    if (!size) {
        return 0;
    }
    const original *o = &originals[data[0] % FILES];
    char *bytes = malloc(o->len);
    require(bytes != NULL);
    memcpy(bytes, o->bytes, o->len);
    for (size_t i = 1; i + 2 < size; i += 3) {
        size_t at = ((size_t)data[i] << 8 | data[i + 1]) % o->len;
        bytes[at] = (char)(bytes[at] ^ data[i + 2]);
    }
    if (deep) {
        put_checksums((uint8_t *)bytes, o->len);
    }
    char path[96];
    put_file(memory_folder(), "file", bytes, o->len); /* HDF5 opens no memory_file */
    snprintf(path, sizeof path, "%s/file", memory_folder());
    free(bytes);
    require(nb_seal_write(path, o->kind, o->seal.hole_begin, o->seal.hole_end, &digest, &err) == NB_OK);
    bool opened = strcmp(o->kind, NB_STORE_KIND) == 0    ? open_store(path, &err)
                  : strcmp(o->kind, NB_CORPUS_KIND) == 0 ? open_corpus(path, &err)
                                                         : open_bank(path, &err);
    require(opened || size >= 4); /* as it was made, it opens */
    require(H5Fget_obj_count((hid_t)H5F_OBJ_ALL, H5F_OBJ_ALL) == 0);
    return 0;
}
