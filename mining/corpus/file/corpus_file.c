#include "mining/corpus/file/corpus_file.h"

#include "common/store/hdf5/h5.h"
#include "common/store/seal.h"

#include <stdlib.h>

static nb_status corpus_file_read_columns(nb_corpus *c, hid_t file, nb_error *err)
{
    hsize_t n;
    nb_status status;
    NB_TRY(nb_h5_get_strings(file, "texts", &c->texts, err));
    n = c->texts.count;
    nb_h5_array want = {.memory = H5T_NATIVE_UINT8, .rank = 1, .dims = &n};
    NB_TRY(nb_h5_get(file, "tags", &want, (void **)&c->tags, err));
    want.memory = H5T_NATIVE_UINT32;
    NB_TRY(nb_h5_get(file, "source", &want, (void **)&c->source, err));
    want.memory = H5T_NATIVE_UINT64;
    NB_TRY(nb_h5_get(file, "line", &want, (void **)&c->line, err));
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
    NB_TRY(nb_h5_open_texts(&file, path, NB_CORPUS_KIND, NB_CORPUS_FORMAT, err));
    NB_TRY(corpus_file_read_columns(c, file, err));
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

nb_status nb_corpus_file_info(nb_corpus_info *out, const char *path, nb_error *err)
{
    hid_t file;
    *out = (nb_corpus_info){0};
    nb_status status;
    NB_TRY(nb_h5_open_texts(&file, path, NB_CORPUS_KIND, NB_CORPUS_FORMAT, err));
    NB_TRY(nb_h5_get_text(file, "counts", &out->counts, err));
    NB_TRY(nb_h5_get_long_text(file, "provenance", &out->provenance, err));
done:
    nb_h5_close(&file);
    return status;
}

void nb_corpus_info_free(nb_corpus_info *info)
{
    free(info->counts);
    free(info->provenance);
}
