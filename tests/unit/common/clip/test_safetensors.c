/* Safetensors: golden checkpoints in three precisions, exact conversion, every refusal, write and read back. */
#include "support/checkpoint_folders.h"

#include "common/clip/checkpoint/safetensors.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint32_t bits_of(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

/* Opens header + data of `data_len` zero bytes from memory. The bytes are leaked to the static buffer on purpose. */
static nb_status open_header(nb_safetensors **out, const char *header, size_t data_len, nb_error *err)
{
    static unsigned char bytes[65536];
    uint64_t len = strlen(header);
    nb_error_clear(err);
    memset(bytes, 0, sizeof bytes);
    memcpy(bytes, &len, sizeof len);
    memcpy(bytes + 8, header, len);
    return nb_safetensors_open_memory(out, bytes, 8 + len + data_len, "memory", err);
}

static void refuse(const char *header, size_t data_len, const char *word)
{
    nb_error err = {0};
    nb_safetensors *s = NULL;
    must_fail(open_header(&s, header, data_len, &err), NB_ERR_INPUT, &err, word);
    assert_null(s);
}

static void accept(const char *header, size_t data_len, size_t count)
{
    nb_error err = {0};
    nb_safetensors *s = NULL;
    must(open_header(&s, header, data_len, &err), &err);
    assert_int_equal(nb_safetensors_count(s), count);
    nb_safetensors_close(s);
}

static void test_golden(void **state)
{
    (void)state;
    nb_error err = {0};
    nb_safetensors *s = NULL;
    must(nb_safetensors_open(&s, golden_file("model.safetensors"), &err), &err);
    assert_int_equal(nb_safetensors_count(s), 110);
    const nb_tensor *t = nb_safetensors_find(s, "vision_model.embeddings.patch_embedding.weight");
    assert_non_null(t);
    assert_int_equal(t->dtype, NB_F32);
    assert_int_equal(t->rank, 4);
    assert_int_equal(t->shape[0], 128);
    assert_int_equal(t->shape[3], 8);
    assert_int_equal(t->count, 128 * 3 * 8 * 8);
    const nb_tensor *scale = nb_safetensors_find(s, "logit_scale");
    assert_non_null(scale);
    assert_int_equal(scale->rank, 0);
    assert_int_equal(scale->count, 1);
    assert_ptr_equal(scale, nb_safetensors_at(s, 0));
    assert_null(nb_safetensors_find(s, "logit_scal"));
    assert_null(nb_safetensors_find(s, ""));
    for (size_t i = 0; i < nb_safetensors_count(s); i++) {
        const nb_tensor *at = nb_safetensors_at(s, i);
        assert_ptr_equal(nb_safetensors_find(s, at->name), at);
    }
    nb_safetensors_close(s);
}

/* The nearest value with `digits` mantissa bits behind the leading one and no exponent below 2^lowest. */
static double rounded(double value, int digits, int lowest)
{
    int exponent;
    frexp(value, &exponent);
    int unit = exponent - 1 - digits > lowest - digits ? exponent - 1 - digits : lowest - digits;
    return ldexp(nearbyint(ldexp(value, -unit)), unit);
}

static void check_rounding(const char *name, nb_dtype dtype, int digits, int lowest)
{
    nb_error err = {0};
    nb_safetensors *full = NULL;
    nb_safetensors *half = NULL;
    must(nb_safetensors_open(&full, golden_file("model.safetensors"), &err), &err);
    must(nb_safetensors_open(&half, golden_file(name), &err), &err);
    assert_int_equal(nb_safetensors_count(half), nb_safetensors_count(full));
    for (size_t i = 0; i < nb_safetensors_count(full); i++) {
        const nb_tensor *a = nb_safetensors_at(full, i);
        const nb_tensor *b = nb_safetensors_find(half, a->name);
        assert_non_null(b);
        assert_int_equal(b->dtype, dtype);
        assert_int_equal(b->count, a->count);
        float *x = nb_alloc(a->count, sizeof *x, &err);
        float *y = nb_alloc(a->count, sizeof *y, &err);
        assert_true(x && y);
        must(nb_tensor_to_float(a, x, &err), &err);
        must(nb_tensor_to_float(b, y, &err), &err);
        for (size_t k = 0; k < a->count; k++) {
            if ((double)y[k] != rounded((double)x[k], digits, lowest)) {
                fail_msg("%s[%zu]: %a is not %a rounded", a->name, k, (double)y[k], (double)x[k]);
            }
        }
        free(x);
        free(y);
    }
    nb_safetensors_close(full);
    nb_safetensors_close(half);
}

/* What is made of the golden weights is what the authors' libraries wrote: the digests of their files. */
static void test_golden_forms(void **state)
{
    (void)state;
    static const char *const forms[][2] = {
        {"model.f16.safetensors", "8f76cab04fc8264a3125494dd83a7af216bf51acf40c42a686574801ec65096c"},
        {"model.bf16.safetensors", "68ab9a05ba59364700f77a09535208c0215bb69cc95fa7225860046221551956"},
        {"open_clip_model.safetensors", "1c53dd802ac12e792978ad482f3b82d29126929fe4549da6774d38c52fc83442"},
    };
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        nb_error err = {0};
        nb_digest digest;
        must(nb_digest_file(&digest, golden_file(forms[i][0]), &err), &err);
        assert_string_equal(digest.hex, forms[i][1]);
    }
}

static void test_golden_half(void **state)
{
    (void)state;
    check_rounding("model.f16.safetensors", NB_F16, 10, -14);
    check_rounding("model.bf16.safetensors", NB_BF16, 7, -126);
}

/* Every 16-bit pattern, from an odd address. */
static void test_half_exact(void **state)
{
    (void)state;
    enum { N = 65536 };
    nb_error err = {0};
    unsigned char *bytes = nb_alloc(2 * N + 1, 1, &err);
    float *values = nb_alloc(N, sizeof *values, &err);
    assert_true(bytes && values);
    for (size_t i = 0; i < N; i++) {
        uint16_t bits = (uint16_t)i;
        memcpy(bytes + 1 + 2 * i, &bits, sizeof bits);
    }
    nb_tensor t = {.name = "t", .dtype = NB_F16, .rank = 1, .shape = {N}, .count = N, .data = bytes + 1};
    must(nb_tensor_to_float(&t, values, &err), &err);
    for (unsigned i = 0; i < N; i++) {
        unsigned sign = i >> 15;
        int exponent = (int)(i >> 10 & 31);
        unsigned mantissa = i & 1023;
        if (exponent == 31) {
            assert_int_equal(bits_of(values[i]), sign << 31 | 0xffu << 23 | mantissa << 13);
        } else {
            double magnitude = exponent ? ldexp(1024.0 + mantissa, exponent - 25) : ldexp(mantissa, -24);
            assert_true((double)values[i] == (sign ? -magnitude : magnitude));
            assert_int_equal(bits_of(values[i]) >> 31, sign);
        }
    }
    t.dtype = NB_BF16;
    must(nb_tensor_to_float(&t, values, &err), &err);
    for (unsigned i = 0; i < N; i++) {
        assert_int_equal(bits_of(values[i]), i << 16);
    }
    free(bytes);
    free(values);
}

static void test_no_float(void **state)
{
    (void)state;
    nb_error err = {0};
    int64_t id = 7;
    float out = 0;
    nb_tensor t = {.name = "text_model.embeddings.position_ids", .dtype = NB_I64, .count = 1, .data = &id};
    must_fail(nb_tensor_to_float(&t, &out, &err), NB_ERR_INPUT, &err, "position_ids");
    must_fail(NB_ERR_INPUT, NB_ERR_INPUT, &err, "I64");
}

static void test_refusals(void **state)
{
    (void)state;
    refuse("[]", 0, "no JSON object");
    refuse(" {}", 0, "no JSON object");
    refuse("{", 0, "no JSON object");
    refuse("{\"a\":", 0, "header byte");
    refuse("{} {}", 0, "header byte");
    refuse("{\"a\":3}", 0, "entry");
    refuse("{\"a\":{\"shape\":[1],\"data_offsets\":[0,4]}}", 4, "dtype");
    refuse("{\"a\":{\"dtype\":5,\"shape\":[1],\"data_offsets\":[0,4]}}", 4, "dtype");
    refuse("{\"a\":{\"dtype\":\"F31\",\"shape\":[1],\"data_offsets\":[0,4]}}", 4, "F31");
    refuse("{\"a\":{\"dtype\":\"F32\",\"data_offsets\":[0,4]}}", 4, "shape");
    refuse("{\"a\":{\"dtype\":\"F32\",\"shape\":[-1],\"data_offsets\":[0,4]}}", 4, "no size");
    refuse("{\"a\":{\"dtype\":\"F32\",\"shape\":[1.0],\"data_offsets\":[0,4]}}", 4, "no size");
    refuse("{\"a\":{\"dtype\":\"F32\",\"shape\":[1,1,1,1,1,1,1,1,1],\"data_offsets\":[0,4]}}", 4, "9 dimensions");
    refuse("{\"a\":{\"dtype\":\"F32\",\"shape\":[1]}}", 4, "data_offsets");
    refuse("{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0]}}", 4, "data_offsets");
    refuse("{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,0]}}", 4, "data_offsets");
    refuse("{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[-4,0]}}", 4, "data_offsets");
    refuse("{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,4]}}", 4, "takes 8 bytes of F32");
    refuse("{\"a\":{\"dtype\":\"F4\",\"shape\":[3],\"data_offsets\":[0,1]}}", 1, "whole number of bytes");
    refuse("{\"a\":{\"dtype\":\"F32\",\"shape\":[4294967296,4294967296],\"data_offsets\":[0,0]}}", 0, "overflows");
    refuse("{\"a\":{\"dtype\":\"F32\",\"shape\":[9223372036854775807],\"data_offsets\":[0,0]}}", 0, "overflows");
    refuse("{\"a\":{\"dtype\":\"F32\",\"shape\":[99999999999999999999],\"data_offsets\":[0,0]}}", 0, "header byte");
    refuse("{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,8]}}", 8, "4 bytes in front");
    refuse("{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]},"
           "\"b\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[2,6]}}",
           6, "'b' overlaps tensor 'a'");
    refuse("{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]},"
           "\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,8]}}",
           8, "duplicate");
    refuse("{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}", 3, "1 are missing");
    refuse("{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}", 6, "2 bytes behind");
    refuse("{\"a\\u0007\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}", 4, "control");
    refuse("{\"\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}", 4, "empty");
    refuse("{\"a\\u0000\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}", 4, "header byte");
    refuse("{\"__metadata__\":7}", 0, "__metadata__");
    refuse("{\"__metadata__\":{\"format\":1}}", 0, "format");
}

static void test_accepted(void **state)
{
    (void)state;
    accept("{}", 0, 0);
    accept("{}      ", 0, 0);
    accept("{\"__metadata__\":{\"format\":\"pt\"}}", 0, 0);
    accept("{\"a\":{\"dtype\":\"F32\",\"shape\":[],\"data_offsets\":[0,4]}}", 4, 1);
    accept("{\"b\":{\"dtype\":\"U8\",\"shape\":[3],\"data_offsets\":[4,7]},"
           "\"none\":{\"dtype\":\"F32\",\"shape\":[0,7],\"data_offsets\":[4,4]},"
           "\"a\":{\"dtype\":\"F4\",\"shape\":[8],\"data_offsets\":[0,4]}}",
           7, 3);
}

static void test_lengths(void **state)
{
    (void)state;
    nb_error err = {0};
    nb_safetensors *s = NULL;
    unsigned char bytes[16] = {0};
    must_fail(nb_safetensors_open_memory(&s, bytes, 0, "m", &err), NB_ERR_INPUT, &err, "too few");
    must_fail(nb_safetensors_open_memory(&s, bytes, 7, "m", &err), NB_ERR_INPUT, &err, "too few");
    must_fail(nb_safetensors_open_memory(&s, bytes, 8, "m", &err), NB_ERR_INPUT, &err, "no JSON object");
    bytes[0] = 100;
    must_fail(nb_safetensors_open_memory(&s, bytes, 16, "m", &err), NB_ERR_INPUT, &err, "92 of 100 bytes are missing");
    memset(bytes, 0xff, 8);
    must_fail(nb_safetensors_open_memory(&s, bytes, 16, "m", &err), NB_ERR_INPUT, &err, "18446744073709551615");
    must_fail(nb_safetensors_open(&s, scratch_path("absent.safetensors"), &err), NB_ERR_INPUT, &err, "cannot open");
    assert_null(s);
}

/* A golden file cut at many places is refused every time; with one byte of its header flipped it is refused or says
 * something else that is consistent. */
static void test_damage(void **state)
{
    (void)state;
    nb_error err = {0};
    char *bytes = NULL;
    size_t len = 0;
    nb_safetensors *s = NULL;
    must(nb_file_read(golden_file("model.f16.safetensors"), 1u << 24, &bytes, &len, &err), &err);
    for (size_t cut = 0; cut < len; cut += cut < 13000 ? 97 : 60013) {
        must_fail(nb_safetensors_open_memory(&s, bytes, cut, "cut", &err), NB_ERR_INPUT, &err, "");
    }
    must_fail(nb_safetensors_open_memory(&s, bytes, len - 5, "cut", &err), NB_ERR_INPUT, &err, "5 are missing");
    size_t refused = 0;
    size_t flips = 0;
    for (size_t at = 0; at < 12256; at += 13, flips++) {
        bytes[at] = (char)(bytes[at] ^ 1 << at % 8);
        if (nb_safetensors_open_memory(&s, bytes, len, "flipped", &err) == NB_OK) {
            assert_int_equal(nb_safetensors_count(s), 110);
            nb_safetensors_close(s);
        } else {
            refused++;
        }
        bytes[at] = (char)(bytes[at] ^ 1 << at % 8);
    }
    /* what stays accepted is a flipped letter of a name */
    assert_true(refused > flips / 4);
    free(bytes);
}

static void test_write(void **state)
{
    (void)state;
    nb_error err = {0};
    const char *path = scratch_path("written.safetensors");
    float w[6] = {1, -2, 3.5f, 0, 1e-40f, INFINITY};
    int64_t ids[2] = {5, -6};
    nb_tensor list[3] = {
        {.name = "z.weight", .dtype = NB_F32, .rank = 2, .shape = {2, 3}, .count = 6, .data = w},
        {.name = "ids", .dtype = NB_I64, .rank = 1, .shape = {2}, .count = 2, .data = ids},
        {.name = "caf\303\251 \"x\"", .dtype = NB_F32, .rank = 0, .count = 1, .data = w + 2},
    };
    must(nb_safetensors_write(path, false, list, 3, "{\"format\":\"pt\"}", &err), &err);
    must_fail(nb_safetensors_write(path, false, list, 3, NULL, &err), NB_ERR_USAGE, &err, "--force");
    nb_safetensors *s = NULL;
    must(nb_safetensors_open(&s, path, &err), &err);
    assert_string_equal(nb_safetensors_path(s), path);
    assert_int_equal(nb_safetensors_count(s), 3);
    for (size_t i = 0; i < 3; i++) {
        const nb_tensor *t = nb_safetensors_at(s, i);
        assert_string_equal(t->name, list[i].name);
        assert_int_equal(t->rank, list[i].rank);
        assert_int_equal((uintptr_t)t->data % 4, 0);
        assert_memory_equal(t->data, list[i].data, t->count * nb_dtype_bits(t->dtype) / 8);
    }
    assert_int_equal((uintptr_t)nb_safetensors_at(s, 0)->data % 8, 0);
    nb_safetensors_close(s);

    must(nb_safetensors_write(path, true, NULL, 0, NULL, &err), &err);
    must(nb_safetensors_open(&s, path, &err), &err);
    assert_int_equal(nb_safetensors_count(s), 0);
    nb_safetensors_close(s);
}

static void test_write_refusals(void **state)
{
    (void)state;
    nb_error err = {0};
    const char *path = scratch_path("refused.safetensors");
    float w[4] = {0};
    nb_tensor list[2] = {{.name = "a", .rank = 1, .shape = {4}, .count = 4, .data = w},
                         {.name = "a", .rank = 1, .shape = {4}, .count = 4, .data = w}};
    must_fail(nb_safetensors_write(path, true, list, 2, NULL, &err), NB_ERR_INPUT, &err, "two tensors");
    list[1].name = "b";
    list[1].count = 3;
    must_fail(nb_safetensors_write(path, true, list, 2, NULL, &err), NB_ERR_INPUT, &err, "'b'");
    list[1].count = 4;
    list[1].name = "__metadata__";
    must_fail(nb_safetensors_write(path, true, list, 2, NULL, &err), NB_ERR_INPUT, &err, "proper name");
    list[1].name = "\xff";
    must_fail(nb_safetensors_write(path, true, list, 2, NULL, &err), NB_ERR_INPUT, &err, "UTF-8");
    must_fail(nb_safetensors_write(path, true, list, 1, "{", &err), NB_ERR_INPUT, &err, "metadata");
    must_fail(nb_safetensors_write(path, true, list, 1, "{\"a\":1}", &err), NB_ERR_INPUT, &err, "'a' is no string");
    assert_int_not_equal(nb_file_check(path, &err), NB_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_golden),     cmocka_unit_test(test_golden_forms),   cmocka_unit_test(test_golden_half),
        cmocka_unit_test(test_half_exact), cmocka_unit_test(test_no_float),       cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_accepted),   cmocka_unit_test(test_lengths),        cmocka_unit_test(test_damage),
        cmocka_unit_test(test_write),      cmocka_unit_test(test_write_refusals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
