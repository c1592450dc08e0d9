#include "mining/corpus/file.h"

#include "common/base/file.h"
#include "common/base/text.h"
#include "common/store/h5.h"
#include "common/store/seal.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

static char *counts_text(const nb_corpus_counts *counts)
{
    json_t *dropped = json_object();
    for (size_t r = 0; r < NB_DROP_COUNT; r++) {
        if (counts->dropped[r]) {
            json_object_set_new(dropped, nb_drop_name((nb_drop)r), json_integer((json_int_t)counts->dropped[r]));
        }
    }
    json_t *root = json_pack("{s:I, s:I, s:o}", "read", (json_int_t)counts->read, "kept", (json_int_t)counts->kept,
                             "dropped", dropped);
    char *text = json_dumps(root, JSON_PRESERVE_ORDER);
    json_decref(root);
    return text;
}

static nb_status put_inputs(hid_t file, const nb_strings *inputs, nb_error *err)
{
    nb_strings names = {0};
    nb_status status = NB_OK;
    for (size_t i = 0; i < inputs->count; i++) {
        const char *base = nb_path_base(nb_strings_get(inputs, i));
        char *name = nb_alloc(strlen(base) + 1, 1, err);
        if (!name) {
            status = NB_ERR_LIMIT;
            goto done;
        }
        memcpy(name, base, strlen(base));
        nb_text_mend(name);
        status = nb_strings_push(&names, name, strlen(name), err);
        free(name);
        NB_TRY(status);
    }
    NB_TRY(nb_h5_put_strings(file, "inputs", &names, err));
done:
    nb_strings_free(&names);
    return status;
}

nb_status nb_corpus_file_write(const nb_corpus *c, const nb_corpus_counts *counts, const nb_strings *inputs,
                               const char *path, bool force, const char *provenance, nb_digest *digest, nb_error *err)
{
    nb_output out = {0};
    hid_t file = -1;
    char *text = counts_text(counts);
    nb_status status;
    if (!text) {
        return nb_fail(err, NB_ERR_LIMIT, "out of memory for counts");
    }
    NB_TRY(nb_output_begin(&out, path, force, err));
    NB_TRY(nb_h5_create(&file, out.partial, NB_CORPUS_KIND, NB_CORPUS_FORMAT, err));
    NB_TRY(nb_h5_put_strings(file, "texts", &c->texts, err));
    NB_TRY(nb_h5_put_vector(file, "tags", H5T_STD_U8LE, H5T_NATIVE_UINT8, c->count, c->tags, NB_H5_ZSTD, err));
    NB_TRY(nb_h5_put_vector(file, "source", H5T_STD_U32LE, H5T_NATIVE_UINT32, c->count, c->source, NB_H5_ZSTD, err));
    NB_TRY(nb_h5_put_vector(file, "line", H5T_STD_U64LE, H5T_NATIVE_UINT64, c->count, c->line, NB_H5_ZSTD, err));
    NB_TRY(put_inputs(file, inputs, err));
    NB_TRY(nb_h5_put_text(file, "counts", text, err));
    NB_TRY(nb_h5_put_text(file, "provenance", provenance, err));
    NB_TRY(nb_h5_save(&file, out.partial, err));
    NB_TRY(nb_seal_write(out.partial, NB_CORPUS_KIND, 0, 0, digest, err));
    NB_TRY(nb_output_commit(&out, err));
done:
    nb_h5_close(&file);
    nb_output_end(&out);
    free(text);
    return status;
}

static nb_status read_columns(nb_corpus *c, hid_t file, nb_error *err)
{
    hsize_t n;
    nb_status status;
    NB_TRY(nb_h5_get_strings(file, "texts", &c->texts, err));
    n = c->texts.count;
    NB_TRY(nb_h5_get(file, "tags", H5T_NATIVE_UINT8, 1, 1, &n, (void **)&c->tags, err));
    NB_TRY(nb_h5_get(file, "source", H5T_NATIVE_UINT32, 4, 1, &n, (void **)&c->source, err));
    NB_TRY(nb_h5_get(file, "line", H5T_NATIVE_UINT64, 8, 1, &n, (void **)&c->line, err));
    c->count = c->cap = (size_t)n;
    for (size_t i = 0; i < c->count; i++) {
        if (c->tags[i] >= NB_TAG_COUNT) {
            return nb_fail(err, NB_ERR_INPUT, "text %zu has tag %u, which is none", i, c->tags[i]);
        }
    }
    if (!c->count) {
        status = nb_fail(err, NB_ERR_INPUT, "the corpus holds no text");
    }
done:
    return status;
}

nb_status nb_corpus_file_read(nb_corpus *c, nb_digest *digest, const char *path, nb_error *err)
{
    nb_seal seal;
    hid_t file = -1;
    *c = (nb_corpus){0};
    nb_status status = nb_seal_verify(&seal, path, NB_CORPUS_KIND, err);
    if (status != NB_OK) {
        return status;
    }
    NB_TRY(nb_h5_open(&file, path, NB_CORPUS_KIND, NB_CORPUS_FORMAT, err));
    NB_TRY(read_columns(c, file, err));
    if (digest) {
        *digest = seal.digest;
    }
done:
    nb_h5_close(&file);
    if (status != NB_OK) {
        nb_context(err, "'%s'", path);
        nb_corpus_free(c);
    }
    return status;
}

nb_status nb_corpus_file_about(nb_corpus_about *out, const char *path, nb_error *err)
{
    hid_t file;
    *out = (nb_corpus_about){0};
    nb_status status;
    NB_TRY(nb_h5_open(&file, path, NB_CORPUS_KIND, NB_CORPUS_FORMAT, err));
    NB_TRY(nb_h5_get_text(file, "counts", &out->counts, err));
    NB_TRY(nb_h5_get_text(file, "provenance", &out->provenance, err));
done:
    nb_h5_close(&file);
    return status;
}

void nb_corpus_about_free(nb_corpus_about *about)
{
    free(about->counts);
    free(about->provenance);
}
