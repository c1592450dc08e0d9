#include "common/base/pack.h"

#include <string.h>

nb_status nb_pack_bytes(nb_buffer *out, const void *bytes, size_t len, nb_error *err)
{
    return len ? nb_buffer_append(out, bytes, len, err) : NB_OK;
}

nb_status nb_pack_words(nb_buffer *out, const uint64_t *words, size_t count, nb_error *err)
{
    return nb_pack_bytes(out, words, count * sizeof *words, err);
}

nb_status nb_pack_strings(nb_buffer *out, const nb_strings *s, nb_error *err)
{
    uint64_t count = s->count;
    nb_status status = nb_pack_words(out, &count, 1, err);
    for (size_t i = 0; status == NB_OK && i < s->count; i++) {
        uint64_t len = nb_strings_len(s, i);
        status = nb_pack_words(out, &len, 1, err);
        if (status == NB_OK) {
            status = nb_pack_bytes(out, nb_strings_get(s, i), (size_t)len, err);
        }
    }
    return status;
}

nb_status nb_unpack_bytes(nb_unpack *in, void *bytes, size_t len, nb_error *err)
{
    if (len > in->len - in->at) {
        return nb_fail(err, NB_ERR_INTERNAL, "packed values end at byte %zu", in->len);
    }
    if (len) {
        memcpy(bytes, in->bytes + in->at, len);
    }
    in->at += len;
    return NB_OK;
}

nb_status nb_unpack_words(nb_unpack *in, uint64_t *words, size_t count, nb_error *err)
{
    return nb_unpack_bytes(in, words, count * sizeof *words, err);
}

nb_status nb_unpack_strings(nb_unpack *in, nb_strings *out, nb_error *err)
{
    uint64_t count = 0, len = 0;
    nb_status status = nb_unpack_words(in, &count, 1, err);
    for (uint64_t i = 0; status == NB_OK && i < count; i++) {
        status = nb_unpack_words(in, &len, 1, err);
        if (status == NB_OK && len > in->len - in->at) {
            status = nb_fail(err, NB_ERR_INTERNAL, "packed values end at byte %zu", in->len);
        }
        if (status == NB_OK) {
            status = nb_strings_push(out, in->bytes + in->at, (size_t)len, err);
            in->at += (size_t)len;
        }
    }
    return status;
}
