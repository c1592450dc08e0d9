#include "mining/tuning/state.h"

#include "common/base/digest.h"
#include "common/base/json.h"
#include "common/clip/checkpoint/safetensors.h"

#include <stdlib.h>
#include <string.h>

enum { PARTS = 3 };

static const char *const part_names[PARTS] = {"weights", "m", "v"};

/* One digest over three arrays. */
static nb_digest state_digest_of(const void *const parts[PARTS], size_t parameters)
{
    char lines[PARTS * 80]; /* no memory to run out of: lines left out would be another digest */
    size_t len = 0;
    for (size_t i = 0; i < PARTS; i++) {
        nb_digest one = nb_digest_bytes(parts[i], parameters * sizeof(float));
        len += (size_t)snprintf(lines + len, sizeof lines - len, "%s %s\n", part_names[i], one.hex);
    }
    return nb_digest_bytes(lines, len);
}

static nb_status state_write(const char *path, const nb_trainer *t, const void *const parts[PARTS],
                             const char *configuration, const char *log, nb_error *err)
{
    nb_digest digest = state_digest_of(parts, t->parameters);
    nb_tensor tensors[PARTS + 1];
    nb_status status;
    json_t *info = json_pack("{s:i, s:I, s:s, s:s, s:s}", "format", 1, "step", (json_int_t)t->step, "configuration",
                             configuration, "log", log, "digest", digest.hex);
    char *text = info ? json_dumps(info, JSON_COMPACT) : NULL;
    json_decref(info);
    if (!text) {
        return nb_fail(err, NB_ERR_LIMIT, "no memory for the state's description");
    }
    for (size_t i = 0; i < PARTS; i++) {
        tensors[i] = (nb_tensor){.name = part_names[i],
                                 .dtype = NB_F32,
                                 .rank = 1,
                                 .shape = {t->parameters},
                                 .count = t->parameters,
                                 .data = parts[i]};
    }
    size_t len = strlen(text);
    tensors[PARTS] =
        (nb_tensor){.name = "about", .dtype = NB_U8, .rank = 1, .shape = {len}, .count = len, .data = text};
    status = nb_safetensors_write(path, true, tensors, PARTS + 1, NULL, err);
    free(text);
    return status;
}

nb_status nb_tune_state_save(const char *path, const nb_trainer *t, const char *configuration, const char *log,
                             nb_error *err)
{
    bool first = t->comm->rank == 0;
    float *m = NULL, *v = NULL;
    nb_status status = NB_OK;
    if (first) {
        m = nb_alloc(t->parameters, sizeof *m, err);
        v = nb_alloc(t->parameters, sizeof *v, err);
        status = m && v ? NB_OK : NB_ERR_LIMIT;
    }
    NB_TRY(nb_comm_agree(t->comm, status, err));
    NB_TRY(nb_training_gather(t->comm, t->m, m, t->parameters, err));
    NB_TRY(nb_training_gather(t->comm, t->v, v, t->parameters, err));
    if (first) {
        const void *const parts[PARTS] = {t->weights->base, m, v};
        status = state_write(path, t, parts, configuration, log, err);
    }
done:
    free(m);
    free(v);
    return nb_comm_agree(t->comm, status, err);
}

/* Names the first line that differs between the state's configuration and this run's. */
static nb_status state_compare(const char *path, const char *was, const char *is, nb_error *err)
{
    while (*was || *is) {
        size_t a = strcspn(was, "\n"), b = strcspn(is, "\n");
        if (a != b || memcmp(was, is, a) != 0) {
            nb_fail(err, NB_ERR_USAGE, "'%s' is the state of another run: it has %.*s, this one %.*s", path,
                    (int)(a < 200 ? a : 200), was, (int)(b < 200 ? b : 200), is);
            return nb_hint(err, "continue with the options and inputs it was started with, or start anew with --force");
        }
        was += a + (was[a] == '\n');
        is += b + (is[b] == '\n');
    }
    return NB_OK;
}

/* The file, open, with its tensors found and checked. Rank 0's alone. */
typedef struct opened {
    nb_safetensors *file;
    const void *parts[PARTS];
    json_t *info;
} opened;

static nb_status state_no(const char *path, const char *why, nb_error *err)
{
    nb_fail(err, NB_ERR_INPUT, "'%s' is no training state of this model: %s", path, why);
    return nb_hint(err, "start anew with --force");
}

static nb_status state_open(opened *o, const char *path, size_t parameters, const char *configuration, nb_error *err)
{
    nb_status status;
    status = nb_safetensors_open(&o->file, path, err);
    if (status != NB_OK) {
        nb_hint(err, "start anew with --force");
        return status;
    }
    for (size_t i = 0; i < PARTS; i++) {
        const nb_tensor *t = nb_safetensors_find(o->file, part_names[i]);
        if (!t || t->dtype != NB_F32 || t->count != parameters) {
            status = state_no(path, "weights or the optimiser's state are missing or of another size", err);
            goto done;
        }
        o->parts[i] = t->data;
    }
    const nb_tensor *info = nb_safetensors_find(o->file, "about");
    if (info && info->dtype == NB_U8) {
        status = nb_json_parse(&o->info, info->data, info->count, JSON_REJECT_DUPLICATES, NULL, err);
        if (status != NB_OK) {
            nb_context(err, "'%s'", path);
            goto done;
        }
    }
    const char *was = json_string_value(json_object_get(o->info, "configuration"));
    const char *digest = json_string_value(json_object_get(o->info, "digest"));
    if (!was || !digest || json_integer_value(json_object_get(o->info, "format")) != 1 ||
        !json_is_string(json_object_get(o->info, "log")) || !json_is_integer(json_object_get(o->info, "step")) ||
        json_integer_value(json_object_get(o->info, "step")) < 0) {
        status = state_no(path, "its description is missing, or of another version", err);
        goto done;
    }
    NB_TRY(state_compare(path, was, configuration, err));
    nb_digest found = state_digest_of(o->parts, parameters);
    if (strcmp(found.hex, digest) != 0) {
        nb_fail(err, NB_ERR_VERIFY, "'%s' is damaged: its numbers have digest %.16s... instead of %.16s...", path,
                found.hex, digest);
        status = nb_hint(err, "start anew with --force");
    }
done:
    return status;
}

static void state_close(opened *o)
{
    json_decref(o->info);
    nb_safetensors_close(o->file);
}

nb_status nb_tune_state_load(const char *path, nb_trainer *t, const char *configuration, nb_buffer *log, nb_error *err)
{
    opened o = {0};
    float *const own[PARTS] = {t->own, t->m, t->v};
    uint64_t step = 0;
    nb_status status = NB_OK;
    if (t->comm->rank == 0) {
        status = state_open(&o, path, t->parameters, configuration, err);
        if (status == NB_OK) {
            const char *text = json_string_value(json_object_get(o.info, "log"));
            step = (uint64_t)json_integer_value(json_object_get(o.info, "step"));
            status = nb_buffer_append(log, text, strlen(text), err);
        }
    }
    NB_TRY(nb_comm_agree(t->comm, status, err));
    NB_TRY(nb_comm_broadcast(t->comm, &step, sizeof step, err));
    for (size_t i = 0; i < PARTS; i++) {
        NB_TRY(nb_training_scatter(t->comm, o.parts[i], own[i], t->parameters, err));
    }
    NB_TRY(nb_training_all_gather(t->comm, t->own, t->weights->base, t->parameters, t->weights->first, err));
    t->step = (size_t)step;
done:
    state_close(&o);
    status = nb_comm_agree(t->comm, status, err);
    return status == NB_OK ? nb_trainer_adopt(t, err) : status;
}
