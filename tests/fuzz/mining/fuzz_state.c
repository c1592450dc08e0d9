/* States of interrupted trainings: loaded or refused; what is loaded is what the file holds, and saved again it is
 * loaded again. The first byte chooses: the rest is the file (0), the file whose digest is made right (1), or the JSON
 * of the description in an otherwise sound file, with its digest made right (2) or as it is (3). */
#include "fuzz/fuzz.h"

#include "common/base/digest.h"
#include "common/clip/checkpoint/safetensors.h"
#include "common/clip/model/weights.h"
#include "mining/tuning/state.h"

enum { HEX = 64, PARTS = 3, MOST = 256, CAPACITY = 1 << 16 };

static const nb_comm alone = {.handle = MPI_COMM_NULL, .size = 1};
static const char *const names[PARTS] = {"weights", "m", "v"};
static const char configuration[] = "model=0123456789abcdef\nlabel 0=a cat\nbatch=2\nsteps=9\n";

/* The smallest of models: what is loaded goes into its weights. */
typedef struct session {
    nb_clip clip;
    nb_shared weights;
    nb_trainer trainer;
} session;

static void start(session *s)
{
    const nb_tower_config tower = {.width = 1, .layers = 1, .heads = 1, .mlp = 1};
    *s = (session){.clip = {.config = {.text = tower,
                                       .image = tower,
                                       .projection = 1,
                                       .context = 2,
                                       .vocabulary = 2,
                                       .image_size = 1,
                                       .patch = 1},
                            .engine = &nb_engine_fp32},
                   .weights = {.node = MPI_COMM_NULL, .first = true}};
    size_t n = nb_clip_parameters(&s->clip.config);
    s->weights.base = calloc(n, sizeof(float));
    s->trainer = (nb_trainer){.comm = &alone, .clip = &s->clip, .weights = &s->weights, .parameters = n};
    s->trainer.slice = nb_slice_of(&alone, 0, n);
    s->trainer.own = calloc(n, sizeof(float));
    s->trainer.m = calloc(n, sizeof(float));
    s->trainer.v = calloc(n, sizeof(float));
    require(n <= MOST && s->weights.base && s->trainer.own && s->trainer.m && s->trainer.v);
}

static void stop(session *s)
{
    free(s->weights.base);
    free(s->trainer.own);
    free(s->trainer.m);
    free(s->trainer.v);
    free(s->clip.text_blocks);
    free(s->clip.image_blocks);
}

/* As mining/tuning/state.h has it: SHA-256 over those of the three. False when they are not there. */
static bool digest_of(char *hex, const void *bytes, size_t len)
{
    nb_error err = {0};
    nb_safetensors *file = NULL;
    char lines[PARTS * (HEX + 16)];
    size_t used = 0, found = 0;
    if (nb_safetensors_open_memory(&file, bytes, len, "memory", &err) != NB_OK) {
        return false;
    }
    for (size_t i = 0; i < PARTS; i++) {
        const nb_tensor *t = nb_safetensors_find(file, names[i]);
        if (t && t->dtype == NB_F32) {
            nb_digest one = nb_digest_bytes(t->data, t->count * sizeof(float));
            used += (size_t)snprintf(lines + used, sizeof lines - used, "%s %s\n", names[i], one.hex);
            found++;
        }
    }
    nb_safetensors_close(file);
    memcpy(hex, nb_digest_bytes(lines, used).hex, HEX);
    return found == PARTS;
}

/* Overwrites every digest the description states. */
static void repair(uint8_t *bytes, size_t len)
{
    static const char key[] = "\"digest\":\"";
    char hex[HEX];
    if (!digest_of(hex, bytes, len)) {
        return;
    }
    for (uint8_t *at = bytes; (at = memmem(at, (size_t)(bytes + len - at), key, sizeof key - 1)) != NULL;) {
        at += sizeof key - 1;
        if ((size_t)(bytes + len - at) >= HEX) {
            memcpy(at, hex, HEX);
        }
    }
}

/* A file with this description; returns its length. The first of the bytes is 0 for a sound one, else which of the four
 * tensors is off (two bits) and by how much: elements too few or too many, or the description is of another type. */
static size_t compose(uint8_t *out, const uint8_t *about, size_t len, size_t parameters)
{
    size_t count[PARTS + 1] = {parameters, parameters, parameters, 0}, end[PARTS + 1], at = 0;
    int off = len ? *about : 0;
    about += len > 0;
    len -= len > 0;
    count[off & 3] += off ? (size_t)(off >> 2) - 32 : 0;
    for (size_t i = 0; i < PARTS; i++) {
        end[i] = at += count[i] * sizeof(float);
    }
    int header = snprintf((char *)out + 8, CAPACITY / 4,
                          "{\"weights\":{\"dtype\":\"F32\",\"shape\":[%zu],\"data_offsets\":[0,%zu]},"
                          "\"m\":{\"dtype\":\"F32\",\"shape\":[%zu],\"data_offsets\":[%zu,%zu]},"
                          "\"v\":{\"dtype\":\"F32\",\"shape\":[%zu],\"data_offsets\":[%zu,%zu]},"
                          "\"about\":{\"dtype\":\"%s\",\"shape\":[%zu],\"data_offsets\":[%zu,%zu]}}",
                          count[0], end[0], count[1], end[0], end[1], count[2], end[1], end[2],
                          count[PARTS] ? "I8" : "U8", len, end[2], end[2] + len);
    uint64_t text = (uint64_t)header;
    memcpy(out, &text, sizeof text);
    out += sizeof text + (size_t)header;
    for (size_t i = 0; i < end[2] / sizeof(float); i++) {
        memcpy(out + i * sizeof(float), &(float){(float)i / 8}, sizeof(float));
    }
    memcpy(out + end[2], about, len);
    return sizeof text + (size_t)header + end[2] + len;
}

/* What was loaded, saved and loaded again, is the same. */
static void check_again(const session *was, const nb_buffer *log)
{
    session s;
    nb_error err = {0};
    nb_buffer again = {0};
    char path[96];
    size_t bytes = was->trainer.parameters * sizeof(float);
    snprintf(path, sizeof path, "%s/again", memory_folder());
    require(nb_tune_state_save(path, &was->trainer, configuration, log->data ? log->data : "", &err) == NB_OK);
    start(&s);
    require(nb_tune_state_load(path, &s.trainer, configuration, &again, &err) == NB_OK);
    require(s.trainer.step == was->trainer.step && again.len == log->len);
    require(!again.len || memcmp(again.data, log->data, log->len) == 0);
    require(memcmp(s.weights.base, was->weights.base, bytes) == 0);
    require(memcmp(s.trainer.m, was->trainer.m, bytes) == 0 && memcmp(s.trainer.v, was->trainer.v, bytes) == 0);
    stop(&s);
    nb_buffer_free(&again);
}

/* Whether the file has the three tensors, in this size. */
static bool fits(const uint8_t *bytes, size_t len, size_t parameters)
{
    nb_error err = {0};
    nb_safetensors *file;
    bool all = true;
    if (nb_safetensors_open_memory(&file, bytes, len, "memory", &err) != NB_OK) {
        return false;
    }
    for (size_t i = 0; i < PARTS; i++) {
        const nb_tensor *t = nb_safetensors_find(file, names[i]);
        all = all && t && t->dtype == NB_F32 && t->count == parameters;
    }
    nb_safetensors_close(file);
    return all;
}

/* What was loaded is what the file holds; a state is one of a step that a run can be behind. */
static void check_loaded(const session *s, const uint8_t *bytes, size_t len)
{
    nb_error err = {0};
    nb_safetensors *file;
    const void *const got[PARTS] = {s->weights.base, s->trainer.m, s->trainer.v};
    require(nb_safetensors_open_memory(&file, bytes, len, "memory", &err) == NB_OK);
    for (size_t i = 0; i < PARTS; i++) {
        const nb_tensor *t = nb_safetensors_find(file, names[i]);
        require(memcmp(got[i], t->data, t->count * sizeof(float)) == 0);
    }
    nb_safetensors_close(file);
    require(s->trainer.step <= INT64_MAX);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t bytes[CAPACITY];
    session s;
    nb_error err = {0};
    nb_buffer log = {0};
    if (!size || size > CAPACITY / 2) {
        return 0;
    }
    size_t len = size - 1;
    start(&s);
    if (data[0] & 2) {
        len = compose(bytes, data + 1, len, s.trainer.parameters);
    } else {
        memcpy(bytes, data + 1, len);
    }
    if (data[0] % 4 == 1 || data[0] % 4 == 2) {
        repair(bytes, len);
    }
    nb_status status = nb_tune_state_load(memory_file(bytes, len), &s.trainer, configuration, &log, &err);
    require_message(status, &err);
    bool refused = status == NB_ERR_INPUT || status == NB_ERR_LIMIT; /* a limit of JSON */
    require(status == NB_OK || refused || status == NB_ERR_USAGE || status == NB_ERR_VERIFY);
    require(refused || fits(bytes, len, s.trainer.parameters)); /* nothing else has been read */
    if (status == NB_OK) {
        check_loaded(&s, bytes, len);
        check_again(&s, &log);
    }
    nb_buffer_free(&log);
    stop(&s);
    return 0;
}
