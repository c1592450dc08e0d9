#include "mining/bank_writer.h"

#include "common/base/file.h"
#include "common/store/h5.h"
#include "scoring/bank.h"

#include <jansson.h>
#include <stdlib.h>

/* The file being written and the digests collected on the way. */
typedef struct writer {
    hid_t file;
    json_t *digests;
    nb_error *err;
} writer;

static nb_status put(writer *w, const char *name, hid_t file_type, hid_t mem_type, size_t rank, const hsize_t *dims,
                     const void *data)
{
    size_t bytes = H5Tget_size(mem_type);
    for (size_t i = 0; i < rank; i++) {
        bytes *= (size_t)dims[i];
    }
    nb_digest digest = nb_digest_bytes(data, bytes);
    json_object_set_new(w->digests, name, json_string(digest.hex));
    return nb_h5_put(w->file, name, file_type, mem_type, rank, dims, data, NB_H5_ZSTD, w->err);
}

static nb_status put_rows(writer *w, const char *name, nb_bank_rows rows, size_t count, size_t d)
{
    hsize_t dims[2] = {count, d};
    if (!rows.half) {
        return put(w, name, H5T_IEEE_F32LE, H5T_NATIVE_FLOAT, 2, dims, rows.data);
    }
    hid_t half = nb_h5_half_type();
    nb_status status = put(w, name, half, half, 2, dims, rows.data);
    H5Tclose(half);
    return status;
}

static nb_status put_all(writer *w, const nb_bank_content *c)
{
    nb_error *err = w->err;
    hsize_t m = c->negatives->count;
    char *digests = NULL;
    nb_status status;
    NB_TRY(nb_h5_put_strings(w->file, "labels/names", c->labels, err));
    NB_TRY(put_rows(w, "labels/embeddings", c->label_rows, c->labels->count, c->d));
    if (c->prototypes) {
        NB_TRY(put_rows(w, "labels/prototypes", (nb_bank_rows){c->prototypes, false}, c->labels->count, c->d));
    }
    NB_TRY(nb_h5_put_strings(w->file, "negatives/texts", c->negatives, err));
    NB_TRY(put_rows(w, "negatives/embeddings", c->negative_rows, c->negatives->count, c->d));
    NB_TRY(put(w, "negatives/criterion", H5T_IEEE_F64LE, H5T_NATIVE_DOUBLE, 1, &m, c->criterion));
    NB_TRY(put(w, "negatives/tags", H5T_STD_U8LE, H5T_NATIVE_UINT8, 1, &m, c->tags));
    NB_TRY(put(w, "negatives/ids", H5T_STD_U64LE, H5T_NATIVE_UINT64, 1, &m, c->ids));
    if (c->visual) {
        hsize_t v = c->visual->names->count;
        NB_TRY(nb_h5_put_strings(w->file, "visual/names", c->visual->names, err));
        NB_TRY(put_rows(w, "visual/embeddings", (nb_bank_rows){c->visual->rows, false}, v, c->d));
        NB_TRY(put(w, "visual/criterion", H5T_IEEE_F64LE, H5T_NATIVE_DOUBLE, 1, &v, c->visual->criterion));
    }
    NB_TRY(nb_h5_put_text(w->file, "suggested", c->suggested, err));
    NB_TRY(nb_h5_put_text(w->file, "provenance", c->provenance, err));
    digests = json_dumps(w->digests, JSON_INDENT(1) | JSON_PRESERVE_ORDER);
    if (!digests) {
        status = nb_fail(err, NB_ERR_LIMIT, "out of memory for digests");
        goto done;
    }
    NB_TRY(nb_h5_put_text(w->file, "digests", digests, err));
done:
    free(digests);
    return status;
}

nb_status nb_bank_write(const char *path, bool force, const nb_bank_content *content, nb_digest *digest, nb_error *err)
{
    nb_output out = {0};
    writer w = {.file = -1, .digests = json_object(), .err = err};
    nb_status status;
    NB_TRY(nb_output_begin(&out, path, force, err));
    NB_TRY(nb_h5_create(&w.file, out.partial, NB_BANK_KIND, NB_BANK_FORMAT, err));
    NB_TRY(put_all(&w, content));
    NB_TRY(nb_h5_save(&w.file, out.partial, err));
    NB_TRY(nb_seal_write(out.partial, NB_BANK_KIND, 0, 0, digest, err));
    NB_TRY(nb_output_commit(&out, err));
done:
    nb_h5_close(&w.file);
    json_decref(w.digests);
    nb_output_end(&out);
    return status;
}
