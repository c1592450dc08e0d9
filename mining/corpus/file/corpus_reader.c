#include "mining/corpus/file/corpus_reader.h"

#include "common/base/tag.h"
#include "common/parallel/sealing.h"
#include "mining/corpus/file/corpus_file.h"

#include <stdlib.h>
#include <string.h>

static nb_status corpus_reader_columns(nb_corpus_reader *r, nb_error *err)
{
    uint64_t first, last;
    nb_status status;
    NB_TRY(nb_h5_vector_open(&r->bytes, r->file, "texts/bytes", H5T_NATIVE_UCHAR, 1, err));
    NB_TRY(nb_h5_vector_open(&r->offsets, r->file, "texts/offsets", H5T_NATIVE_UINT64, 8, err));
    NB_TRY(nb_h5_vector_open(&r->tags, r->file, "tags", H5T_NATIVE_UINT8, 1, err));
    if (r->offsets.count < 2) {
        status = nb_fail(err, NB_ERR_INPUT, "the corpus holds no text");
        goto done;
    }
    r->count = r->offsets.count - 1;
    NB_TRY(nb_h5_vector_read(&r->offsets, 0, 1, &first, err));
    NB_TRY(nb_h5_vector_read(&r->offsets, r->count, 1, &last, err));
    if (first != 0 || last != r->bytes.count || r->tags.count != r->count) {
        status = nb_fail(err, NB_ERR_INPUT, "its texts and tags do not fit together");
    }
done:
    return status;
}

static nb_status corpus_reader_open(nb_corpus_reader *r, const char *path, nb_error *err)
{
    nb_status status;
    NB_TRY_NEW(r->path, strlen(path) + 1);
    memcpy(r->path, path, strlen(path) + 1);
    NB_TRY(nb_h5_open_texts(&r->file, path, NB_CORPUS_KIND, NB_CORPUS_FORMAT, err));
    NB_TRY(corpus_reader_columns(r, err));
done:
    if (status != NB_OK) {
        nb_context(err, "'%s'", path);
    }
    return status;
}

nb_status nb_corpus_reader_open(nb_corpus_reader *r, const nb_comm *comm, const char *path, nb_error *err)
{
    nb_status status;
    *r = (nb_corpus_reader){0};
    NB_TRY(nb_comm_seal_verify(comm, &r->seal, path, NB_CORPUS_KIND, err));
    NB_TRY(nb_comm_agree(comm, corpus_reader_open(r, path, err), err));
done:
    if (status != NB_OK) {
        nb_corpus_reader_close(r);
    }
    return status;
}

void nb_corpus_reader_close(nb_corpus_reader *r)
{
    nb_h5_vector_close(&r->bytes);
    nb_h5_vector_close(&r->offsets);
    nb_h5_vector_close(&r->tags);
    nb_h5_close(&r->file);
    free(r->path);
    *r = (nb_corpus_reader){0};
}

nb_status nb_corpus_reader_rows(nb_corpus_reader *r, size_t begin, size_t count, nb_strings *texts, uint8_t *tags,
                                nb_error *err)
{
    nb_status status;
    *texts = (nb_strings){0};
    NB_TRY(nb_h5_strings_read(&r->bytes, &r->offsets, begin, count, texts, err));
    NB_TRY(nb_h5_vector_read(&r->tags, begin, count, tags, err));
    for (size_t i = 0; i < count; i++) {
        if (tags[i] >= NB_TAG_COUNT) {
            status = nb_fail(err, NB_ERR_INPUT, "text %zu has tag %u, which is none", begin + i, tags[i]);
            goto done;
        }
    }
done:
    if (status != NB_OK) {
        nb_context(err, "'%s'", r->path);
        nb_strings_free(texts);
    }
    return status;
}
