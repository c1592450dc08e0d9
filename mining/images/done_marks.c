#include "mining/images/done_marks.h"

#include "common/base/digest.h"
#include "common/base/file.h"
#include "common/base/pack.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { HEX = 64 };
#define TITLE "negbank image marks 1 "

static nb_status done_marks_identify(nb_digest *out, const nb_image_inputs *in, nb_error *err)
{
    const uint64_t limits[2] = {in->limits.pixels, in->limits.bytes};
    nb_buffer all = {.max = SIZE_MAX / 4};
    nb_status status;
    NB_TRY(nb_pack_words(&all, limits, 2, err));
    NB_TRY(nb_pack_strings(&all, &in->paths, err));
    NB_TRY(nb_pack_strings(&all, &in->shards, err));
    if (in->places) {
        NB_TRY(nb_pack_bytes(&all, in->places, in->count * sizeof *in->places, err));
    }
    *out = nb_digest_bytes(all.data, all.len);
done:
    nb_buffer_free(&all);
    return status;
}

/* The title line and the marks, behind which their digest stands in the file. */
static nb_status done_marks_compose(nb_buffer *out, const uint8_t *done_marks, const nb_image_inputs *in, nb_error *err)
{
    nb_digest identity;
    nb_status status;
    NB_TRY(done_marks_identify(&identity, in, err));
    NB_TRY(nb_buffer_printf(out, err, TITLE "%s\n", identity.hex));
    NB_TRY(nb_buffer_append(out, done_marks, in->count, err));
done:
    return status;
}

bool nb_done_marks_read(uint8_t *done_marks, const nb_image_inputs *in, const char *path)
{
    nb_error ignored = {0};
    nb_buffer expected = {.max = SIZE_MAX / 4};
    char *data = NULL;
    size_t len = 0, body;
    bool good = false;
    memset(done_marks, 0, in->count);
    if (access(path, F_OK) != 0 || done_marks_compose(&expected, done_marks, in, &ignored) != NB_OK) {
        goto done;
    }
    body = expected.len;
    if (nb_file_read(path, body + HEX, &data, &len, &ignored) != NB_OK || len != body + HEX) {
        goto done;
    }
    good = memcmp(data, expected.data, body - in->count) == 0 &&
           memcmp(data + body, nb_digest_bytes(data, body).hex, HEX) == 0;
    if (good) {
        memcpy(done_marks, data + body - in->count, in->count);
    }
done:
    free(data);
    nb_buffer_free(&expected);
    return good;
}

nb_status nb_done_marks_write(const uint8_t *done_marks, const nb_image_inputs *in, const char *path, nb_error *err)
{
    nb_buffer all = {.max = SIZE_MAX / 4};
    nb_status status;
    NB_TRY(done_marks_compose(&all, done_marks, in, err));
    NB_TRY(nb_buffer_append(&all, nb_digest_bytes(all.data, all.len).hex, HEX, err));
    NB_TRY(nb_file_write(path, true, all.data, all.len, err));
done:
    nb_buffer_free(&all);
    return status;
}
