#include "support/sealed_files.h"

#include "common/base/file.h"
#include "common/store/embeddings.h"
#include "common/store/hdf5/structure_checksum.h"
#include "mining/bank/bank_writer.h"
#include "mining/corpus/file/corpus_file.h"
#include "scoring/bank/bank.h"
#include "scoring/files/predictions.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { N = 12, D = 4, LONG = 150000, BLOCK_MAX = 4096 };

static void require(bool holds)
{
    if (!holds) {
        abort();
    }
}

/* ---- making them ---- */

/* The length of the block at `at`: that after which its checksum stands; 0 when there is none. */
static size_t block_len(const unsigned char *at, size_t left)
{
    for (size_t len = 8; len < BLOCK_MAX && len + 4 <= left; len++) {
        uint32_t sum = nb_structure_checksum(at, len);
        unsigned char bytes[4] = {(unsigned char)sum, (unsigned char)(sum >> 8), (unsigned char)(sum >> 16),
                                  (unsigned char)(sum >> 24)};
        if (memcmp(bytes, at + len, 4) == 0) {
            return len + 4;
        }
    }
    return 0;
}

static void find_blocks(sealed_file *f)
{
    static const char *const magics[] = {"\x89HDF", "OHDR", "OCHK", "FAHD", "FADB"};
    for (size_t at = NB_SEAL_BYTES; at + 16 < f->len; at++) {
        size_t len = 0;
        for (size_t m = 0; m < sizeof magics / sizeof *magics && !len; m++) {
            len = memcmp(f->bytes + at, magics[m], 4) == 0 ? block_len(f->bytes + at, f->len - at) : 0;
        }
        if (len) {
            f->blocks = realloc(f->blocks, (f->block_count + 1) * sizeof *f->blocks);
            require(f->blocks != NULL);
            f->blocks[f->block_count++] = (sealed_block){at, len};
            f->metadata += len;
        }
    }
}

void sealed_file_keep(sealed_file *f, const char *path, const char *name, const char *kind)
{
    nb_error err = {0};
    char *bytes;
    *f = (sealed_file){.name = name, .kind = kind};
    require(nb_file_read(path, 1 << 24, &bytes, &f->len, &err) == NB_OK);
    f->bytes = (unsigned char *)bytes;
    require(nb_seal_verify(&f->seal, path, kind, &err) == NB_OK);
    unlink(path);
    find_blocks(f);
    require(f->block_count >= 8); /* else they were not found */
}

static void fill(float *rows, nb_strings *names)
{
    nb_error err = {0};
    for (size_t r = 0; r < N; r++) {
        char name[16];
        int len = snprintf(name, sizeof name, "text %zu", r);
        require(nb_strings_push(names, name, (size_t)len, &err) == NB_OK);
        for (size_t i = 0; i < D; i++) {
            rows[r * D + i] = i == r % D ? 1.0F : 0.25F;
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

static void make_corpus(const char *path, const nb_strings *inputs, size_t count)
{
    nb_error err = {0};
    nb_digest digest;
    nb_corpus corpus = {0};
    nb_corpus_counts counts = {0};
    for (size_t i = 0; i < count; i++) {
        char text[16];
        int len = snprintf(text, sizeof text, "t%07zu", i);
        const nb_corpus_row row = {.text = text, .len = (size_t)len, .tag = (uint8_t)(i % 3), .line = i + 1};
        require(nb_corpus_push(&corpus, &row, &err) == NB_OK);
    }
    const nb_corpus_target target = {.path = path, .force = true, .provenance = "{}"};
    require(nb_corpus_file_write(&corpus, &counts, inputs, &target, &digest, &err) == NB_OK);
    nb_corpus_free(&corpus);
}

static void make_bank(const char *path, const float *rows, const nb_strings *names, nb_bank_precision precision)
{
    static const double criterion[N];
    static const uint8_t tags[N];
    static const uint64_t ids[N];
    const nb_strings none = {0};
    nb_error err = {0};
    nb_digest digest;
    nb_bank_visual visual = {names, rows, criterion};
    nb_bank_content content = {.d = D,
                               .precision = precision,
                               .labels = names,
                               .negatives = names,
                               .label_rows = rows,
                               .negative_rows = rows,
                               .prototypes = rows,
                               .criterion = criterion,
                               .tags = tags,
                               .ids = ids,
                               .visual = &visual,
                               .suggestion = {.score = "neglabel", .temperature = 0.01, .groups = 1, .tau = 0.5},
                               .source = {.label_prompts = names, .text_prompts = &none},
                               .provenance = "{}"};
    require(nb_bank_write(path, true, &content, &digest, &err) == NB_OK);
}

static void make_scores(const char *path, const nb_strings *names)
{
    nb_error err = {0};
    int32_t numbers[N];
    double score[N], ood_score[N];
    uint8_t accepted[N];
    nb_scores s = {.labels = numbers, .classes = numbers, .score = score, .ood_score = ood_score, .count = N};
    s.class_names = names;
    s.accepted = accepted;
    s.images = *names;
    s.comments = *names;
    for (size_t i = 0; i < N; i++) {
        numbers[i] = (int32_t)i;
        score[i] = 1.0 / (double)(i + 2);
        ood_score[i] = 1 - score[i];
        accepted[i] = i % 2;
    }
    require(nb_predictions_write(&s, NB_PREDICTIONS_HDF5, path, true, &err) == NB_OK);
}

void sealed_files_make(sealed_file files[SEALED_FILES], const char *path)
{
    float rows[N * D];
    nb_strings names = {0};
    fill(rows, &names);
    make_store(path, rows, &names, false);
    sealed_file_keep(&files[SEALED_STORE_FP32], path, "store in fp32", NB_STORE_KIND);
    make_store(path, rows, &names, true);
    sealed_file_keep(&files[SEALED_STORE_FP16], path, "store in fp16", NB_STORE_KIND);
    make_corpus(path, &names, N);
    sealed_file_keep(&files[SEALED_CORPUS], path, "corpus", NB_CORPUS_KIND);
    make_corpus(path, &names, LONG);
    sealed_file_keep(&files[SEALED_LONG_CORPUS], path, "long corpus", NB_CORPUS_KIND);
    make_bank(path, rows, &names, NB_BANK_FP32);
    sealed_file_keep(&files[SEALED_BANK_FP32], path, "bank in fp32", NB_BANK_KIND);
    make_bank(path, rows, &names, NB_BANK_FP16);
    sealed_file_keep(&files[SEALED_BANK_FP16], path, "bank in fp16", NB_BANK_KIND);
    make_bank(path, rows, &names, NB_BANK_INT8);
    sealed_file_keep(&files[SEALED_BANK_INT8], path, "bank in int8", NB_BANK_KIND);
    make_scores(path, &names);
    sealed_file_keep(&files[SEALED_SCORES], path, "scores", NB_PREDICTIONS_KIND);
    nb_strings_free(&names);
}

void sealed_files_free(sealed_file files[SEALED_FILES])
{
    for (size_t i = 0; i < SEALED_FILES; i++) {
        free(files[i].bytes);
        free(files[i].blocks);
        files[i] = (sealed_file){0};
    }
}

/* ---- changing them ---- */

size_t sealed_file_metadata(const sealed_file *f, size_t i)
{
    size_t block = 0;
    while (i >= f->blocks[block].len) {
        i -= f->blocks[block++].len;
    }
    return f->blocks[block].at + i;
}

static void put_checksum(unsigned char *at, size_t len)
{
    uint32_t sum = nb_structure_checksum(at, len);
    for (size_t i = 0; i < 4; i++) {
        at[len + i] = (unsigned char)(sum >> (8 * i));
    }
}

/* Where the checksum of an object header stands by what it says; where it stood when that is beyond the file. */
static size_t header_len(const unsigned char *at, size_t left, size_t was)
{
    size_t wide = (size_t)1 << (at[5] & 3), head = 6 + (at[5] & 0x20 ? 16U : 0) + (at[5] & 0x10 ? 4U : 0), len = 0;
    for (size_t i = 0; i < wide && head + i < left; i++) {
        len |= (size_t)at[head + i] << (8 * i);
    }
    return len < left && head + wide + len + 4 <= left ? head + wide + len : was;
}

void sealed_file_checksums(const sealed_file *f, unsigned char *bytes)
{
    for (size_t i = 0; i < f->block_count; i++) {
        size_t at = f->blocks[i].at, len = f->blocks[i].len - 4;
        if (memcmp(f->bytes + at, "OHDR", 4) == 0) {
            len = header_len(bytes + at, f->len - at, len);
        }
        put_checksum(bytes + at, len);
    }
}

/* ---- reading them ---- */

static nb_status read_store(const char *path, nb_error *err)
{
    nb_store store;
    nb_status status = nb_store_open(&store, path, true, err);
    if (status != NB_OK) {
        return status;
    }
    double *row = calloc((size_t)store.plan.width, sizeof *row);
    for (size_t r = 0; row && r < store.plan.count && status == NB_OK; r++) {
        status = nb_store_rows(&store, r, 1, row, err);
    }
    free(row);
    nb_store_close(&store);
    return status;
}

static nb_status read_corpus(const char *path, nb_error *err)
{
    nb_corpus corpus;
    nb_corpus_info info;
    nb_status status = nb_corpus_file_read(&corpus, NULL, path, err);
    if (status == NB_OK) {
        nb_corpus_free(&corpus);
        status = nb_corpus_file_info(&info, path, err);
        nb_corpus_info_free(&info);
    }
    return status;
}

static nb_status read_bank(const char *path, nb_error *err)
{
    nb_bank bank;
    nb_status status = nb_bank_open(&bank, path, err);
    if (status == NB_OK) {
        nb_bank_close(&bank);
    }
    return status;
}

static nb_status read_scores(const char *path, nb_error *err)
{
    nb_scores scores;
    nb_status status = nb_predictions_read(&scores, path, err);
    if (status == NB_OK) {
        nb_scores_free(&scores);
    }
    return status;
}

nb_status sealed_file_read(const sealed_file *f, const char *path, nb_error *err)
{
    nb_digest digest;
    require(nb_seal_write(path, f->kind, f->seal.hole_begin, f->seal.hole_end, &digest, err) == NB_OK);
    return strcmp(f->kind, NB_STORE_KIND) == 0    ? read_store(path, err)
           : strcmp(f->kind, NB_CORPUS_KIND) == 0 ? read_corpus(path, err)
           : strcmp(f->kind, NB_BANK_KIND) == 0   ? read_bank(path, err)
                                                  : read_scores(path, err);
}
