#include "scoring/streams/stream_state.h"

#include "common/base/file.h"
#include "common/store/seal.h"

#include <stdlib.h>
#include <string.h>

nb_status nb_state_bytes(nb_state_io *io, void *data, size_t bytes, nb_error *err)
{
    if (io->saving) {
        return nb_buffer_append(&io->out, data, bytes, err);
    }
    if ((size_t)(io->end - io->at) < bytes) {
        return nb_fail(err, NB_ERR_INPUT, "the state ends %zu bytes too early", bytes - (size_t)(io->end - io->at));
    }
    if (bytes) {
        memcpy(data, io->at, bytes);
        io->at += bytes;
    }
    return NB_OK;
}

nb_status nb_state_count(nb_state_io *io, size_t *value, size_t max, const char *what, nb_error *err)
{
    uint64_t number = *value;
    nb_status status = nb_state_bytes(io, &number, sizeof number, err);
    if (status == NB_OK && !io->saving && number > max) {
        return nb_fail(err, NB_ERR_INPUT, "the state has %llu %s, at most %zu can be", (unsigned long long)number, what,
                       max);
    }
    *value = status == NB_OK ? (size_t)number : *value;
    return status;
}

nb_status nb_state_array(nb_state_io *io, void **data, size_t count, size_t element, nb_error *err)
{
    size_t bytes;
    if (!nb_mul_size(count, element, &bytes) || (!io->saving && bytes > (size_t)(io->end - io->at))) {
        return nb_fail(err, NB_ERR_INPUT, "the state is too short for %zu elements of %zu bytes", count, element);
    }
    if (!io->saving) {
        void *fresh = nb_alloc(count, element, err);
        if (!fresh) {
            return NB_ERR_LIMIT;
        }
        free(*data);
        *data = fresh;
    }
    return nb_state_bytes(io, *data, bytes, err);
}

nb_status nb_state_write(const char *path, const nb_buffer *packed, nb_error *err)
{
    static const unsigned char room[NB_SEAL_BYTES];
    nb_output out = {0};
    FILE *file = NULL;
    nb_digest digest;
    nb_status status;
    NB_TRY(nb_output_begin(&out, path, true, err));
    NB_TRY(nb_output_file(&file, &out, err));
    bool wrote =
        fwrite(room, 1, sizeof room, file) == sizeof room && fwrite(packed->data, 1, packed->len, file) == packed->len;
    NB_TRY(nb_output_close(file, wrote, &out, err));
    NB_TRY(nb_seal_write(out.partial, NB_STATE_KIND, 0, 0, &digest, err));
    NB_TRY(nb_output_commit(&out, err));
done:
    nb_output_end(&out);
    return status;
}

nb_status nb_state_read(const char *path, nb_buffer *packed, nb_error *err)
{
    nb_seal seal;
    nb_map map = {0};
    nb_status status;
    packed->max = SIZE_MAX / 2;
    NB_TRY(nb_seal_verify(&seal, path, NB_STATE_KIND, err));
    NB_TRY(nb_map_open(&map, path, err));
    if (map.len < NB_SEAL_BYTES || map.len != seal.size) {
        status = nb_fail(err, NB_ERR_INPUT, "'%s' changed while it was read", path);
        goto done;
    }
    NB_TRY(nb_buffer_append(packed, map.data + NB_SEAL_BYTES, map.len - NB_SEAL_BYTES, err));
done:
    nb_map_close(&map);
    return status;
}

nb_status nb_state_same(const char *had, size_t len, const char *have, nb_error *err)
{
    const char *end = had + len;
    while (had < end || *have) {
        const char *line = memchr(had, '\n', (size_t)(end - had));
        size_t old = (size_t)((line ? line : end) - had), now = strcspn(have, "\n");
        if (old != now || memcmp(had, have, old) != 0) {
            nb_fail(err, NB_ERR_INPUT, "the state is of a stream with %.*s, this one has %.*s",
                    old ? (int)(old < 200 ? old : 200) : 7, old ? had : "nothing",
                    now ? (int)(now < 200 ? now : 200) : 7, now ? have : "nothing");
            return nb_hint(err,
                           "a stream goes on with the bank, the score, the parameters and the inputs it began with");
        }
        had += old + (line != NULL);
        have += now + (have[now] == '\n');
    }
    return NB_OK;
}
