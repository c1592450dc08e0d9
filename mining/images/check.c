#include "mining/images/check.h"

#include "common/image/decode.h"

#include <stdlib.h>
#include <string.h>

enum { TILE = 16, NAMES_MAX = 65536 };

/* Decodes this rank's images; bad[i] = 1 for those that fail, their causes as lines in `names`. */
static nb_status look(const nb_team *team, const nb_image_inputs *in, uint64_t *bad, nb_buffer *names, nb_error *err)
{
    for (size_t i = 0; i < in->count; i++) {
        nb_image image = {0};
        nb_error cause = {0};
        if (!nb_team_owns(team, i / TILE)) {
            continue;
        }
        nb_status status = nb_image_read(&image, nb_strings_get(&in->paths, i), &cause);
        nb_image_free(&image);
        if (status == NB_ERR_LIMIT) {
            *err = cause;
            return status;
        }
        bad[i] = status != NB_OK;
        if (bad[i] && names->len < NAMES_MAX) {
            status = nb_buffer_printf(names, err, "%s\n", cause.message);
            if (status != NB_OK) {
                return status;
            }
        }
    }
    return NB_OK;
}

static nb_status keep_good(nb_image_inputs *in, const uint64_t *bad, nb_error *err)
{
    nb_image_inputs good = {0};
    nb_status status;
    NB_TRY_NEW(good.labels, in->count);
    for (size_t i = 0; i < in->count; i++) {
        if (bad[i]) {
            continue;
        }
        NB_TRY(nb_strings_push(&good.paths, nb_strings_get(&in->paths, i), nb_strings_len(&in->paths, i), err));
        NB_TRY(nb_strings_push(&good.names, nb_strings_get(&in->names, i), nb_strings_len(&in->names, i), err));
        good.labels[good.count++] = in->labels[i];
    }
    good.classes = in->classes;
    in->classes = (nb_strings){0};
    nb_image_inputs_free(in);
    *in = good;
    good = (nb_image_inputs){0};
done:
    nb_image_inputs_free(&good);
    return status;
}

/* Rank 0 names what was dropped, whoever found it. */
static nb_status tell(const nb_team *team, const nb_log *log, const nb_buffer *names, nb_error *err)
{
    char *all = NULL;
    uint64_t *offset = NULL;
    nb_status status = nb_team_gather(team, names->data ? names->data : "", names->len, &all, &offset, err);
    if (status == NB_OK && team->rank == 0) {
        char *end = all + offset[team->size];
        for (char *line = all; line < end;) {
            char *stop = memchr(line, '\n', (size_t)(end - line));
            nb_log_warn(log, "skipped: %.*s", (int)(stop - line), line);
            line = stop + 1;
        }
    }
    free(all);
    free(offset);
    return status;
}

nb_status nb_images_check(const nb_team *team, const nb_log *log, nb_image_inputs *in, size_t *dropped, nb_error *err)
{
    nb_buffer names = {0};
    uint64_t *bad = nb_alloc(in->count, sizeof *bad, err);
    nb_status status = bad ? look(team, in, bad, &names, err) : NB_ERR_LIMIT;
    NB_TRY(nb_team_agree(team, status, err));
    NB_TRY(nb_team_unite(team, bad, in->count, err));
    *dropped = 0;
    for (size_t i = 0; i < in->count; i++) {
        /* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): all ranks agreed that they have memory */
        *dropped += bad[i] != 0;
    }
    NB_TRY(tell(team, log, &names, err));
    if (*dropped == in->count) {
        status = nb_fail(err, NB_ERR_INPUT, "none of %zu images can be decoded, '%s' among them", in->count,
                         nb_strings_get(&in->paths, 0));
        goto done;
    }
    if (*dropped) {
        status = nb_team_agree(team, keep_good(in, bad, err), err);
    }
done:
    nb_buffer_free(&names);
    free(bad);
    return status;
}
