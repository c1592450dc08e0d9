/* Files of torch.save and torch.jit.save: what torch wrote is read to the last bit, what is altered is refused or reads
 * as what it says, and nothing is called. */
#include "support/checkpoint_folders.h"
#include "support/weights/torch_files.h"

#include "common/clip/checkpoint/pickle/torch.h"
#include "common/clip/model/model.h"
#include "common/clip/model/weights.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

/* ---- the same weights ---- */

/* The weights of two models, of one shape, are the same bits. */
static void same_weights(const char *a, const char *b)
{
    nb_error err = {0};
    nb_clip *x, *y;
    must(nb_clip_open(&x, a, &err), &err);
    must(nb_clip_open(&y, b, &err), &err);
    size_t n = nb_clip_parameters(&x->config);
    assert_int_equal(n, nb_clip_parameters(&y->config));
    assert_int_equal(x->config.text.heads, y->config.text.heads);
    assert_int_equal(x->config.image.heads, y->config.image.heads);
    assert_int_equal(x->config.text.activation, y->config.text.activation);
    assert_int_equal(x->config.image_size, y->config.image_size);
    assert_int_equal(x->config.patch, y->config.patch);
    assert_memory_equal(x->arena, y->arena, n * sizeof(float));
    assert_memory_equal(&x->logit_scale, &y->logit_scale, sizeof(float));
    nb_clip_close(x);
    nb_clip_close(y);
}

static void test_state_dicts(void **state)
{
    static const struct {
        const char *file, *as, *like;
    } files[] = {
        {"pytorch_model.bin", "pytorch_model.bin", "model.safetensors"},
        {"legacy.bin", "pytorch_model.bin", "model.safetensors"},
        {"views.bin", "pytorch_model.bin", "model.safetensors"},
        {"half.bin", "pytorch_model.bin", "model.f16.safetensors"},
        {"bfloat_legacy.bin", "pytorch_model.bin", "model.bf16.safetensors"},
        {"open_clip_pytorch_model.bin", "open_clip_pytorch_model.bin", "open_clip_model.safetensors"},
        {"epoch_3.pt", "epoch_3.pt", "open_clip_model.safetensors"},
        {"script.pt", "ViT-B-16.pt", "open_clip_model.safetensors"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        const char *folder = hugging_face_folder();
        put_torch_file(folder, files[i].file, files[i].as);
        same_weights(folder, whole_folder(files[i].like));
    }
}

static void test_shards(void **state)
{
    static const char *const names[] = {"pytorch_model-00001-of-00002.bin", "pytorch_model-00002-of-00002.bin"};
    (void)state;
    const char *folder = hugging_face_folder();
    size_t len;
    put_torch_file(folder, names[0], names[0]);
    put_torch_file(folder, names[1], names[1]);
    char *index = read_bytes(golden_path("torch/pytorch_model.bin.index.json"), &len);
    put_text(folder, "pytorch_model.bin.index.json", index);
    same_weights(folder, whole_folder("model.safetensors"));
    drop_file(folder, names[1]);
    nb_error err = {0};
    nb_clip *clip;
    must_fail(nb_clip_open(&clip, folder, &err), NB_ERR_INPUT, &err, names[1]);
    free(index);
}

/* An archive without a configuration: what build_model of OpenAI's CLIP infers, heads of 64 and quick GELU. */
static void test_inferred(void **state)
{
    (void)state;
    const char *like = fresh_folder(), *folder = fresh_folder(), *half = fresh_folder();
    put_text(like, "open_clip_config.json", open_clip_config);
    edit_file(like, "open_clip_config.json", "\"heads\": 4", "\"heads\": 1");
    const char *const folders[] = {like, folder, half};
    for (size_t i = 0; i < 3; i++) {
        take_golden(folders[i], "vocab.json", "vocab.json");
        take_golden(folders[i], "merges.txt", "merges.txt");
    }
    take_golden(like, "open_clip_model.safetensors", "open_clip_model.safetensors");
    put_torch_file(folder, "script.pt", "ViT-B-16.pt");
    put_torch_file(half, "script_half.pt", "ViT-B-16.pt");
    same_weights(folder, like);
    char *file = joined_path(folder, "ViT-B-16.pt");
    same_weights(file, like);
    free(file);
    digest_of(half);
    drop_file(folder, "merges.txt");
    nb_error none = {0};
    nb_clip *without;
    must_fail(nb_clip_open(&without, folder, &none), NB_ERR_INPUT, &none, "archives hold no vocabulary");
    put_torch_file(half, "epoch_3.pt", "epoch_3.pt");
    nb_error err = {0};
    nb_clip *clip;
    must_fail(nb_clip_open(&clip, half, &err), NB_ERR_INPUT, &err, "name one of the files");
    file = joined_path(half, "epoch_3.pt");
    must_fail(nb_clip_open(&clip, file, &err), NB_ERR_INPUT, &err, "no configuration beside it");
    free(file);
}

/* ---- altered files ---- */

/* What a file has of the tensors of another. */
typedef enum likeness {
    SAME,     /* all of it */
    LIKE,     /* names, types and shapes: it could be taken for the other */
    DIFFERENT /* another model to every reader */
} likeness;

static likeness compare_tensor(const nb_tensor *x, const nb_tensor *y)
{
    size_t bytes = x->count * nb_dtype_bits(x->dtype) / 8;
    if (strcmp(x->name, y->name) != 0 || x->dtype != y->dtype || x->rank != y->rank ||
        memcmp(x->shape, y->shape, x->rank * sizeof *x->shape) != 0) {
        return DIFFERENT;
    }
    return memcmp(x->data, y->data, bytes) == 0 ? SAME : LIKE;
}

/* Every tensor lies in the file or in memory of its own: its bytes can be read. */
static void touch(const nb_torch *t)
{
    volatile unsigned char sum = 0;
    for (size_t i = 0; i < nb_torch_count(t); i++) {
        const nb_tensor *x = nb_torch_at(t, i);
        const unsigned char *data = x->data;
        size_t bytes = x->count * nb_dtype_bits(x->dtype) / 8;
        if (bytes) {
            sum = (unsigned char)(sum + data[0] + data[bytes - 1]);
        }
    }
}

static likeness compare_files(const nb_torch *a, const nb_torch *b)
{
    likeness found = nb_torch_count(a) == nb_torch_count(b) ? SAME : DIFFERENT;
    touch(a);
    for (size_t i = 0; i < nb_torch_count(a) && found != DIFFERENT; i++) {
        likeness one = compare_tensor(nb_torch_at(a, i), nb_torch_at(b, i));
        found = one > found ? one : found;
    }
    return found;
}

/* Where the pickle of an archive is, and the checksum of it in the directory. */
typedef struct place {
    size_t begin, len, crc;
} place;

static size_t number_at(const unsigned char *at, size_t bytes)
{
    size_t n = 0;
    for (size_t i = bytes; i-- > 0;) {
        n = n << 8 | at[i];
    }
    return n;
}

/* The entry of a member in the directory; the name's end is enough. */
static size_t find_entry(const unsigned char *bytes, size_t len, const char *end)
{
    for (size_t at = number_at(bytes + len - 6, 4); number_at(bytes + at, 4) == 0x02014b50;) {
        size_t name = number_at(bytes + at + 28, 2), n = strlen(end);
        if (name >= n && memcmp(bytes + at + 46 + name - n, end, n) == 0) {
            return at;
        }
        at += 46 + name + number_at(bytes + at + 30, 2) + number_at(bytes + at + 32, 2);
    }
    fail_msg("no member '%s'", end);
    return 0;
}

static place find_pickle(const unsigned char *bytes, size_t len)
{
    size_t entry = find_entry(bytes, len, "/data.pkl"), local = number_at(bytes + entry + 42, 4);
    return (place){.begin = local + 30 + number_at(bytes + local + 26, 2) + number_at(bytes + local + 28, 2),
                   .len = number_at(bytes + entry + 24, 4),
                   .crc = entry + 16};
}

static uint32_t next_random(uint32_t *seed)
{
    *seed = *seed * 1664525U + 1013904223U;
    return *seed >> 8;
}

typedef struct counts {
    size_t refused, found[3]; /* by likeness */
} counts;

/* Opens an altered file and compares it with the one that torch wrote. */
static void open_altered(counts *c, const unsigned char *bytes, size_t len, const nb_torch *want)
{
    nb_error err = {0};
    nb_torch *t;
    nb_status status = nb_torch_open_memory(&t, bytes, len, "altered", &err);
    if (status != NB_OK) {
        assert_null(t);
        assert_true(status == NB_ERR_INPUT || status == NB_ERR_LIMIT);
        assert_true(err.message[0] != '\0');
        c->refused++;
        return;
    }
    c->found[compare_files(t, want)]++;
    nb_torch_close(t);
}

/* Alters the pickle `times` times at one byte, half of them to an operation's, and makes the checksum right again. */
static counts alter(const char *name, size_t times, bool seal)
{
    static const char operations[] =
        "(.0125BCGJKMNQRSTUVX]abcdehijloqrstu}\x80\x81\x85\x86\x87\x88\x89\x8a\x8c\x93\x94\x95";
    nb_error err = {0};
    size_t len;
    unsigned char *bytes = torch_file(name, &len), *original = torch_file(name, &len);
    bool zip = bytes[0] == 'P';
    place p = zip ? find_pickle(bytes, len) : (place){.begin = 0, .len = 16000};
    nb_torch *want;
    counts c = {0};
    uint32_t seed = 17;
    must(nb_torch_open_memory(&want, original, len, name, &err), &err);
    for (size_t i = 0; i < times; i++) {
        size_t at = p.begin + next_random(&seed) % p.len;
        unsigned char to = i % 2 ? (unsigned char)next_random(&seed)
                                 : (unsigned char)operations[next_random(&seed) % (sizeof operations - 1)];
        if (to == original[at]) {
            continue;
        }
        bytes[at] = to;
        if (zip && seal) {
            uint32_t crc = (uint32_t)crc32(0, bytes + p.begin, (uInt)p.len);
            memcpy(bytes + p.crc, &crc, sizeof crc);
        }
        open_altered(&c, bytes, len, want);
        bytes[at] = original[at];
        memcpy(bytes + p.crc, original + p.crc, 4);
    }
    print_message("%s: %zu refused, %zu the same, %zu of other names or shapes, %zu of other data\n", name, c.refused,
                  c.found[SAME], c.found[DIFFERENT], c.found[LIKE]);
    nb_torch_close(want);
    free(bytes);
    free(original);
    return c;
}

/* A byte of the pickle altered and the checksum as it was: never anything else than what torch wrote. */
static void test_altered(void **state)
{
    static const char *const names[] = {"half.bin", "pytorch_model.bin", "epoch_3.pt", "script.pt"};
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        counts c = alter(names[i], 1000, false);
        assert_int_equal(c.found[SAME] + c.found[LIKE] + c.found[DIFFERENT], 0);
        assert_true(c.refused > 900);
    }
}

/* With a right checksum, or none as in the old form: an altered name, key or size may stand for something else, which
 * is read inside its bounds. What is altered in 1 000 places is mostly refused. */
static void test_altered_sealed(void **state)
{
    static const char *const names[] = {"half.bin", "bfloat_legacy.bin", "script_half.pt", "views.bin"};
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        counts c = alter(names[i], 1000, true);
        assert_true(c.refused > 600);
        assert_true(c.found[LIKE] == 0 || (strcmp(names[i], "views.bin") == 0 && c.found[LIKE] < 50));
    }
}

/* Every shorter file is refused: cut at many places. */
static void test_cut(void **state)
{
    static const char *const names[] = {"half.bin", "bfloat_legacy.bin"};
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        nb_error err = {0};
        nb_torch *t;
        size_t len;
        unsigned char *bytes = torch_file(names[i], &len);
        for (size_t cut = 0; cut < len; cut += cut < 4096 ? 61 : len / 37) {
            must_fail(nb_torch_open_memory(&t, bytes, cut, "cut", &err), NB_ERR_INPUT, &err, "'cut'");
        }
        free(bytes);
    }
}

/* ---- archives ---- */

static void refuse_bytes(const unsigned char *bytes, size_t len, const char *word)
{
    nb_error err = {0};
    nb_torch *t;
    must_fail(nb_torch_open_memory(&t, bytes, len, "archive", &err), NB_ERR_INPUT, &err, word);
}

static void test_archives(void **state)
{
    (void)state;
    size_t len;
    unsigned char *bytes = torch_file("half.bin", &len);
    size_t entry = find_entry(bytes, len, "/data/7"), local = number_at(bytes + entry + 42, 4);
    bytes[entry + 10] = 8;
    refuse_bytes(bytes, len, "'half/data/7' is compressed");
    bytes[entry + 10] = 0;
    bytes[entry + 8] |= 1;
    refuse_bytes(bytes, len, "is encrypted");
    bytes[entry + 8] ^= 1;
    bytes[entry + 16] ^= 1;
    refuse_bytes(bytes, len, "'half/data/7' is damaged");
    bytes[entry + 16] ^= 1;
    bytes[entry + 46 + 10] = bytes[local + 30 + 10] = '8';
    refuse_bytes(bytes, len, "is there twice");
    bytes[entry + 46 + 10] = '9';
    refuse_bytes(bytes, len, "is not where the directory says");
    bytes[entry + 46 + 10] = bytes[local + 30 + 10] = 'x';
    refuse_bytes(bytes, len, "storage '7', which is not in the archive");
    bytes[entry + 46 + 10] = bytes[local + 30 + 10] = '7';
    bytes[entry + 20]++;
    bytes[entry + 24]++;
    refuse_bytes(bytes, len, "is damaged");
    bytes[entry + 20]--;
    bytes[entry + 24]--;
    entry = find_entry(bytes, len, "/data.pkl");
    bytes[entry + 46 + 6] = bytes[number_at(bytes + entry + 42, 4) + 30 + 6] = 'x';
    refuse_bytes(bytes, len, "has no data.pkl");
    free(bytes);
}

/* The archive with the 64-bit forms of its end, and of the place and sizes of its second member. */
static void test_zip64(void **state)
{
    (void)state;
    nb_error err = {0};
    size_t len;
    unsigned char *bytes = torch_file("half.bin", &len);
    size_t directory = number_at(bytes + len - 6, 4), entries = number_at(bytes + len - 12, 2);
    size_t second = find_entry(bytes, len, "/data/0"), end = len - 22;
    if (number_at(bytes + end - 20, 4) == 0x07064b50) { /* torch's own 64-bit end */
        end -= 20 + 56;
    }
    unsigned char extra[28] = {1, 0, 24, 0}, tail[98] = "PK\6\6";
    memcpy(extra + 4, bytes + second + 24, 4);
    memcpy(extra + 12, bytes + second + 20, 4);
    memcpy(extra + 20, bytes + second + 42, 4);
    size_t split = second + 46 + number_at(bytes + second + 28, 2), old = number_at(bytes + second + 30, 2);
    nb_buffer b = {0};
    must(nb_buffer_append(&b, bytes, split, &err), &err);
    must(nb_buffer_append(&b, extra, sizeof extra, &err), &err);
    must(nb_buffer_append(&b, bytes + split, end - split, &err), &err);
    unsigned char *entry = (unsigned char *)b.data + second;
    memset(entry + 20, 0xff, 8);
    memset(entry + 42, 0xff, 4);
    entry[30] = (unsigned char)((old + sizeof extra) & 255);
    entry[31] = (unsigned char)((old + sizeof extra) >> 8);
    uint64_t numbers[] = {44, 45 | 45 << 16, entries, entries, end + sizeof extra - directory, directory};
    memcpy(tail + 4, numbers, 8);
    memcpy(tail + 12, &numbers[1], 4);
    memcpy(tail + 24, numbers + 2, 32);
    uint64_t where = b.len;
    memcpy(tail + 56, "PK\6\7", 4);
    memcpy(tail + 64, &where, 8);
    tail[72] = 1;
    memcpy(tail + 76, "PK\5\6", 4);
    memset(tail + 84, 0xff, 12);
    must(nb_buffer_append(&b, tail, sizeof tail, &err), &err);
    nb_torch *wide, *narrow;
    must(nb_torch_open_memory(&narrow, bytes, len, "narrow", &err), &err);
    must(nb_torch_open_memory(&wide, b.data, b.len, "wide", &err), &err);
    assert_int_equal(compare_files(wide, narrow), SAME);
    nb_torch_close(wide);
    nb_torch_close(narrow);
    nb_buffer_free(&b);
    free(bytes);
}

/* ---- pickles that are no weights ---- */

/* A file of the old form whose object is this pickle. */
static void refuse_pickle(const char *pickle, size_t len, const char *word)
{
    static const char head[] = "\x80\2\x8a\x0al\xfc\x9c"
                               "F\xf9 j\xa8P\x19.\x80\2M\xe9\3.\x80\2}X\x0d\0\0\0little_endian\x88s.";
    nb_error err = {0};
    nb_buffer b = {0};
    nb_torch *t;
    must(nb_buffer_append(&b, head, sizeof head - 1, &err), &err);
    must(nb_buffer_append(&b, pickle, len, &err), &err);
    must(nb_buffer_append(&b, "\x80\2].", 4, &err), &err);
    must_fail(nb_torch_open_memory(&t, b.data, b.len, "pickle", &err), NB_ERR_INPUT, &err, word);
    nb_buffer_free(&b);
}

#define REFUSE(pickle, word) refuse_pickle(pickle, sizeof(pickle) - 1, word)

static void test_pickles(void **state)
{
    (void)state;
    REFUSE("\x80\2cos\nsystem\nX\4\0\0\0true\x85R.", "'os.system'");
    REFUSE("\x80\2cbuiltins\neval\nX\1\0\0\0"
           "1\x85R.",
           "'builtins.eval'");
    REFUSE("\x80\2ctorch\n_utils._rebuild_tensor_v2\n)R.", "'torch._utils._rebuild_tensor_v2'");
    REFUSE("\x80\2ccollections\nOrderedDict\ncos\nsystem\n0.", "'os.system'");
    REFUSE("\x80\2cnumpy.core.multiarray\nscalar\n.", "'numpy.core.multiarray.scalar'");
    REFUSE("\x80\2(ios\nsystem\n.", "(INST)");
    REFUSE("\x80\2(X\2\0\0\0osX\6\0\0\0system\x93.", "(STACK_GLOBAL)");
    REFUSE("\x80\2(o.", "(OBJ)");
    REFUSE("\x80\2\x82\1.", "(EXT1)");
    REFUSE("\x80\4}.", "protocol 4");
    REFUSE("\x80\2ctorch\nFloatStorage\n)R.", "calls 'torch.FloatStorage'");
    REFUSE("\x80\2ctorch\nFloatStorage\n)\x81.", "makes an instance of 'torch.FloatStorage'");
    REFUSE("\x80\2ccollections\nOrderedDict\n]\x85R.", "calls 'collections.OrderedDict'");
    REFUSE("\x80\2X\1\0\0\0a)R.", "calls what is no global name");
    REFUSE("\x80\2R.", "calls nothing");
    REFUSE("\x80\2}}b}b", "is the last");
    REFUSE("\x80\2].", "no state dict");
    REFUSE("\x80\2}.", "holds no tensor");
    REFUSE("\x80\2}X\1\0\0\0aK\1s.", "the entry 'a' of its dict is no tensor");
    REFUSE("\x80\2}K\1K\1s.", "is no tensor");
    REFUSE("\x80\2}X\x0a\0\0\0state_dict]s.", "no state dict");
    REFUSE("\x80\2}X\1\0\0\0actorch._utils\n_rebuild_tensor_v2\n)Rs.", "it is not rebuilt");
    REFUSE("\x80\2}X\1\0\0\0actorch._utils\n_rebuild_parameter\n)Rs.", "it is not rebuilt");
    REFUSE("\x80\2K\1Q.", "names a storage in another form");
    REFUSE("\x80\2h\5.", "was not remembered");
    REFUSE("\x80\2}r\xff\xff\xff\xff.", "too high a number");
    REFUSE("\x80\2t.", "no beginning");
    REFUSE("\x80\2\x87.", "more values than there are");
    REFUSE("\x80\2}u.", "no beginning");
    REFUSE("\x80\2](K\1K\1u.", "no list or dict");
    REFUSE("\x80\2}(K\1u.", "not there");
    REFUSE("\x80\2}}.", "another number of values");
    REFUSE("\x80\2\x8a\x09\1\1\1\1\1\1\1\1\1.", "over 64 bits");
    /* a dict that holds itself, and a module that is its own part */
    REFUSE("\x80\2}q\0X\1\0\0\0ah\0s.", "is no tensor");
    REFUSE("\x80\2c__torch__\nM\n)\x81q\0}X\1\0\0\0ah\0sb.", "too many of them");
}

static void test_others(void **state)
{
    nb_error err = {0};
    nb_clip *clip;
    (void)state;
    const char *folder = hugging_face_folder();
    put_text(folder, "model.safetensors", "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 12\n");
    must_fail(nb_clip_open(&clip, folder, &err), NB_ERR_INPUT, &err, "Git LFS pointer");
    must_fail(nb_clip_open(&clip, folder, &err), NB_ERR_INPUT, &err, "git lfs pull");
    put_text(folder, "model.safetensors", "<!DOCTYPE html>\n<html>");
    must_fail(nb_clip_open(&clip, folder, &err), NB_ERR_INPUT, &err, "web page");
    drop_file(folder, "model.safetensors");
    put_text(folder, "pytorch_model.bin", "x");
    must_fail(nb_clip_open(&clip, folder, &err), NB_ERR_INPUT, &err, "no file of torch.save");
    put_text(folder, "pytorch_model.bin", "\x80\2}.");
    must_fail(nb_clip_open(&clip, folder, &err), NB_ERR_INPUT, &err, "none of torch.save");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_state_dicts), cmocka_unit_test(test_shards),         cmocka_unit_test(test_inferred),
        cmocka_unit_test(test_altered),     cmocka_unit_test(test_altered_sealed), cmocka_unit_test(test_cut),
        cmocka_unit_test(test_archives),    cmocka_unit_test(test_zip64),          cmocka_unit_test(test_pickles),
        cmocka_unit_test(test_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
