/* Hostile content behind a valid seal. The first byte chooses a small store, corpus or bank; the rest is changes to its
 * bytes, three a change: offset (two bytes), exclusive-or (one). The file is sealed again and opened: it is read or
 * refused. */
#include "fuzz/fuzz.h"

#include "common/base/file.h"
#include "common/store/embeddings.h"
#include "common/store/npy.h"
#include "mining/bank_writer.h"
#include "mining/corpus/file.h"
#include "mining/import.h"
#include "scoring/bank.h"

#include <fcntl.h>

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
        require(nb_corpus_push(&corpus, text, 1, i % 3, 0, i + 1u, &err) == NB_OK);
    }
    require(nb_corpus_file_write(&corpus, &counts, inputs, path, true, "{}", &digest, &err) == NB_OK);
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
                               .label_rows = {rows, false},
                               .negative_rows = {rows, false},
                               .prototypes = rows,
                               .criterion = criterion,
                               .tags = tags,
                               .ids = ids,
                               .suggested =
                                   "{\"score\": \"neglabel\", \"temperature\": 0.01, \"groups\": 1, \"seed\": null}",
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

static void open_store(const char *path, nb_error *err)
{
    nb_store store;
    nb_status status = nb_store_open(&store, path, true, err);
    require_message(status, err);
    if (status != NB_OK) {
        return;
    }
    for (size_t r = 0; r < store.plan.count; r++) {
        double *row = calloc((size_t)store.plan.width, sizeof *row);
        if (row) {
            (void)nb_store_rows(&store, r, 1, row, err);
        }
        free(row);
    }
    nb_store_close(&store);
}

static void open_corpus(const char *path, nb_error *err)
{
    nb_corpus corpus;
    nb_corpus_about about;
    nb_status status = nb_corpus_file_read(&corpus, NULL, path, err);
    require_message(status, err);
    if (status == NB_OK) {
        nb_corpus_free(&corpus);
        (void)nb_corpus_file_about(&about, path, err);
        nb_corpus_about_free(&about);
    }
}

static void open_bank(const char *path, nb_error *err)
{
    nb_bank bank;
    nb_status status = nb_bank_open(&bank, path, err);
    require_message(status, err);
    if (status == NB_OK) {
        nb_bank_close(&bank);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    nb_error err = {0};
    nb_digest digest;
    if (!originals[0].bytes) {
        make_originals();
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
    const char *path = memory_file(bytes, o->len);
    free(bytes);
    require(nb_seal_write(path, o->kind, o->seal.hole_begin, o->seal.hole_end, &digest, &err) == NB_OK);
    if (o->kind == originals[0].kind) {
        open_store(path, &err);
    } else if (o->kind == originals[2].kind) {
        open_corpus(path, &err);
    } else {
        open_bank(path, &err);
    }
    return 0;
}
