/* Hostile banks behind a valid seal: read or refused, nothing else. The first byte chooses what the rest is:
 *
 *   0 1 2   changes to the bytes of a bank in fp32, fp16 or int8, three bytes a change: offset (two), exclusive-or;
 *           HDF5's checksums are made right again
 *   3 4 5   the text "suggested", "calibration" or "source", with every digest made right
 *   6       the text "digests"
 *   7 8 9   bytes over the elements of "negatives/embeddings", "negatives/scales", "visual/centre" of the int8 bank,
 *           with every digest made right
 *   10      "labels/embeddings" of other dimensions: rows and width, a byte each
 *   11      as 0 1 2, of an int8 bank with proxies
 *   12..16  as 7 8 9, over those parts of its proxies
 *   17      as 10, of "proxies/measured/embeddings"
 *   18      "proxies/measured/negatives" of another length */
#include "fuzz/fuzz.h"

#include "common/base/file.h"
#include "common/store/hdf5/h5.h"
#include "mining/bank/bank_writer.h"
#include "scoring/bank/bank.h"
#include "scoring/bank/bank_digests.h"
#include "support/sealed_files.h"

#include <math.h>

enum { N = 9, D = 4, PRECISIONS = 3, PROXIES = PRECISIONS, MEASURED = 3, TEXT_MAX = 4096, SIDE_MAX = 64, MODES = 19 };

static sealed_file originals[PRECISIONS + 1]; /* the last with proxies */

/* HDF5 keeps what it has half read of a damaged header. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
    return "leak:libhdf5";
}

static nb_status measure(void *state, const nb_bank *bank, nb_bank_threshold *out, nb_error *err)
{
    (void)state, (void)err;
    *out = (nb_bank_threshold){.images = 100,
                               .recall = 0.95,
                               .measured = 0.96,
                               .score = 0.7,
                               .ood_score = 0.3,
                               .suggestion = nb_bank_suggested(bank)};
    return NB_OK;
}

static void make_original(sealed_file *out, const nb_bank_content *content, const char *path)
{
    nb_error err = {0};
    nb_digest digest;
    require(nb_bank_write(path, true, content, &digest, &err) == NB_OK);
    sealed_file_keep(out, path, "bank", NB_BANK_KIND);
}

static void make_originals(const char *path)
{
    static double zeros[N], map[D * D], mean[D] = {0.5, 0.5, 0.5, 0.5}, measured_rows[MEASURED * D];
    static uint32_t measured[MEASURED] = {0, 3, 8};
    static const double criterion[N];
    static const uint8_t tags[N] = {0, 1, 2};
    static const uint64_t ids[N] = {7, 8, 9};
    float rows[N * D];
    nb_strings names = {0}, none = {0};
    nb_error err = {0};
    for (size_t r = 0; r < N; r++) {
        char name[16];
        int len = snprintf(name, sizeof name, "text %zu", r);
        require(nb_strings_push(&names, name, (size_t)len, &err) == NB_OK);
        for (size_t i = 0; i < D; i++) {
            rows[r * D + i] = i == r % D ? 1.0F : 0.25F;
        }
    }
    nb_bank_visual visual = {&names, rows, criterion};
    nb_bank_content content = {.d = D,
                               .labels = &names,
                               .negatives = &names,
                               .label_rows = rows,
                               .negative_rows = rows,
                               .prototypes = rows,
                               .criterion = criterion,
                               .tags = tags,
                               .ids = ids,
                               .visual = &visual,
                               .suggestion = {.score = "neglabel", .temperature = 0.01, .groups = 1, .tau = 0.5},
                               .source = {.label_prompts = &names, .text_prompts = &none},
                               .provenance = "{}",
                               .measure = measure};
    for (int p = 0; p < PRECISIONS; p++) {
        content.precision = (nb_bank_precision)p;
        make_original(&originals[p], &content, path);
    }
    for (size_t i = 0; i < MEASURED * D; i++) {
        measured_rows[i] = i % D == i / D ? 1 : 0.25;
    }
    for (size_t i = 0; i < D; i++) {
        map[i * D + i] = 2;
    }
    nb_bank_proxies proxies = {.log_prior = zeros,
                               .evidence = zeros,
                               .measured_count = MEASURED,
                               .measured = measured,
                               .measured_rows = measured_rows,
                               .map = map,
                               .text_mean = mean,
                               .image_mean = mean};
    content.proxies = &proxies;
    make_original(&originals[PROXIES], &content, path);
    nb_strings_free(&names);
}

static void put_text(hid_t file, const char *name, const char *text)
{
    nb_error err = {0};
    require(H5Ldelete(file, name, H5P_DEFAULT) >= 0);
    require(nb_h5_put_text(file, name, text, &err) == NB_OK);
}

static void put_digests(hid_t file)
{
    nb_error err = {0};
    nb_strings names;
    char *text;
    json_t *list = json_object();
    require(nb_h5_names(file, &names, &err) == NB_OK);
    for (size_t i = 0; i < names.count; i++) {
        void *data = NULL;
        size_t bytes = 0;
        if (nb_h5_get_raw(file, nb_strings_get(&names, i), &data, &bytes, &err) == NB_OK &&
            strcmp(nb_strings_get(&names, i), "digests") != 0) {
            require(nb_bank_digests_add(list, nb_strings_get(&names, i), data, bytes, &err) == NB_OK);
        }
        free(data);
    }
    require(nb_bank_digests_text(list, &text, &err) == NB_OK);
    put_text(file, "digests", text);
    free(text);
    json_decref(list);
    nb_strings_free(&names);
}

static void replace_text(hid_t file, int mode, const uint8_t *data, size_t size)
{
    static const char *const names[] = {"suggested", "calibration", "source", "digests"};
    char text[TEXT_MAX];
    size_t len = size < sizeof text ? size : sizeof text - 1;
    memcpy(text, data, len);
    text[len] = '\0';
    put_text(file, names[mode - 3], text);
}

static void overwrite(hid_t file, int mode, const uint8_t *data, size_t size)
{
    static const char *const names[] = {"negatives/embeddings", "negatives/scales", "visual/centre"};
    static const char *const of_proxies[] = {"proxies/log_prior", "proxies/map", "proxies/image_mean",
                                             "proxies/measured/negatives", "proxies/measured/scales"};
    const char *name = mode < 11 ? names[mode - 7] : of_proxies[mode - 12];
    nb_error err = {0};
    void *raw;
    size_t bytes;
    require(nb_h5_get_raw(file, name, &raw, &bytes, &err) == NB_OK);
    memcpy(raw, data, size < bytes ? size : bytes);
    hid_t dataset = H5Dopen2(file, name, H5P_DEFAULT), type = H5Dget_type(dataset);
    require(H5Dwrite(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, raw) >= 0);
    H5Tclose(type);
    H5Dclose(dataset);
    free(raw);
}

static void reshape(hid_t file, const char *name, const uint8_t *data, size_t size)
{
    nb_error err = {0};
    hsize_t dims[2] = {size > 0 ? data[0] % SIDE_MAX : 0, size > 1 ? data[1] % SIDE_MAX : 0};
    float *rows = calloc((size_t)(dims[0] * dims[1]) + 1, sizeof *rows);
    require(rows != NULL);
    for (size_t i = 0; i < dims[0] * dims[1]; i++) {
        rows[i] = 1;
    }
    require(H5Ldelete(file, name, H5P_DEFAULT) >= 0);
    const nb_h5_array array = {H5T_IEEE_F32LE, H5T_NATIVE_FLOAT, 2, dims, rows};
    require(nb_h5_put(file, name, &array, NB_H5_ZSTD, &err) == NB_OK);
    free(rows);
}

static void renumber(hid_t file, const uint8_t *data, size_t size)
{
    static const char name[] = "proxies/measured/negatives";
    nb_error err = {0};
    uint32_t numbers[SIDE_MAX];
    size_t count = size < SIDE_MAX ? size : SIDE_MAX;
    for (size_t i = 0; i < count; i++) {
        numbers[i] = data[i];
    }
    require(H5Ldelete(file, name, H5P_DEFAULT) >= 0);
    const nb_h5_values values = {H5T_STD_U32LE, H5T_NATIVE_UINT32, count, numbers};
    require(nb_h5_put_vector(file, name, values, NB_H5_ZSTD, &err) == NB_OK);
}

/* Changes the file at `path` through HDF5. */
static void alter(const char *path, int mode, const uint8_t *data, size_t size)
{
    hid_t file = H5Fopen(path, H5F_ACC_RDWR, H5P_DEFAULT);
    require(file >= 0);
    if (mode <= 6) {
        replace_text(file, mode, data, size);
    } else if (mode == 10 || mode == 17) {
        reshape(file, mode == 10 ? "labels/embeddings" : "proxies/measured/embeddings", data, size);
    } else if (mode == 18) {
        renumber(file, data, size);
    } else {
        overwrite(file, mode, data, size);
    }
    if (mode != 6) {
        put_digests(file);
    }
    require(H5Fclose(file) >= 0);
}

static void check_proxies(const nb_bank *b)
{
    const nb_bank_proxies *p = b->proxies;
    require(b->prototypes && p->measured_count <= b->negative_count);
    for (size_t i = 0; i < b->negative_count; i++) {
        require(isfinite(p->evidence[i]) && isfinite(p->log_prior[i]) && p->log_prior[i] <= 1e-6);
    }
    for (size_t i = 0; i < p->measured_count; i++) {
        require(p->measured[i] < b->negative_count && (!i || p->measured[i] > p->measured[i - 1]));
    }
    for (size_t i = 0; i < p->measured_count * b->d; i++) {
        require(fabs(p->measured_rows[i]) <= 1.000001);
    }
    for (size_t i = 0; i < b->negative_count * b->d; i++) {
        require(fabs(p->imputed_rows[i]) <= 1.000001);
    }
}

/* What was read is what the header promises. */
static void check_bank(const nb_bank *b)
{
    require(b->label_count && b->negative_count && b->d && b->groups && b->groups <= b->negative_count);
    require(b->temperature > 0 && isfinite(b->temperature) && b->score[0]);
    for (size_t i = 0; i < b->negative_count * b->d; i++) {
        require(fabs(b->negative_rows[i]) <= 1.000001);
    }
    for (size_t i = 0; i < b->visual_count * b->d; i++) {
        require(fabs(b->visual_rows[i]) <= 1.000001);
    }
    if (b->proxies) {
        check_proxies(b);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    nb_error err = {0};
    nb_digest digest;
    nb_bank bank;
    char path[96];
    snprintf(path, sizeof path, "%s/file", memory_folder());
    if (!originals[0].bytes) {
        make_originals(path);
    }
    if (!size) {
        return 0;
    }
    int mode = data[0] % MODES;
    const sealed_file *o = &originals[mode < 3 ? mode : mode < 11 ? NB_BANK_INT8 : PROXIES];
    bool changed = mode < 3 || mode == 11;
    unsigned char *bytes = malloc(o->len);
    require(bytes != NULL);
    memcpy(bytes, o->bytes, o->len);
    for (size_t i = 1; changed && i + 2 < size; i += 3) {
        size_t at = ((size_t)data[i] << 8 | data[i + 1]) % o->len;
        bytes[at] = (unsigned char)(bytes[at] ^ data[i + 2]);
    }
    sealed_file_checksums(o, bytes);
    put_file(memory_folder(), "file", bytes, o->len); /* HDF5 opens no memory_file */
    free(bytes);
    if (!changed) {
        alter(path, mode, data + 1, size - 1);
    }
    require(nb_seal_write(path, NB_BANK_KIND, 0, 0, &digest, &err) == NB_OK);
    nb_status status = nb_bank_open(&bank, path, &err);
    require_message(status, &err);
    if (status == NB_OK) {
        check_bank(&bank);
    }
    nb_bank_close(&bank);
    require(H5Fget_obj_count((hid_t)H5F_OBJ_ALL, H5F_OBJ_ALL) == 0);
    return 0;
}
