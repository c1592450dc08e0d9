#include "support/weights/torch_files.h"

#include "common/base/digest.h"
#include "common/base/file.h"
#include "common/clip/checkpoint/safetensors.h"
#include "common/linear/reference/half.h"
#include "support/checkpoint_folders.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* The float's nearest bfloat16, of two as near the even one. */
static uint16_t to_bfloat(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return (uint16_t)((bits + 0x7fffU + (bits >> 16 & 1U)) >> 16);
}

static void append_tensor(nb_buffer *out, const nb_safetensors *from, const char *type, const char *name)
{
    nb_error err = {0};
    const nb_tensor *t = nb_safetensors_find(from, name);
    assert_non_null(t);
    for (size_t i = 0; i < t->count; i++) {
        float value;
        memcpy(&value, (const char *)t->data + 4 * i, sizeof value);
        uint16_t half = strcmp(type, "f16") == 0 ? nb_float_to_half(value) : to_bfloat(value);
        bool whole = strcmp(type, "f32") == 0;
        must(nb_buffer_append(out, whole ? (const void *)&value : &half, whole ? sizeof value : sizeof half, &err),
             &err);
    }
}

static void append_numbers(nb_buffer *out, int64_t count)
{
    nb_error err = {0};
    for (int64_t i = 0; i < count; i++) {
        must(nb_buffer_append(out, &i, sizeof i, &err), &err);
    }
}

unsigned char *torch_file(const char *name, size_t *len)
{
    char path[96], sum[65] = "", type[16], tensor[96];
    nb_error err = {0};
    nb_strings lines = {0};
    nb_safetensors *own, *open_clip;
    nb_buffer out = {0};
    size_t rest_len, at = 0;
    must(nb_safetensors_open(&own, golden_file("model.safetensors"), &err), &err);
    must(nb_safetensors_open(&open_clip, golden_file("open_clip_model.safetensors"), &err), &err);
    snprintf(path, sizeof path, "torch/%s.parts", name);
    must(nb_file_lines(golden_path(path), 4096, &lines, &err), &err);
    snprintf(path, sizeof path, "torch/%s.rest", name);
    char *rest = read_bytes(golden_path(path), &rest_len);
    for (size_t i = 0; i < lines.count; i++) {
        const char *line = nb_strings_get(&lines, i);
        int64_t number;
        if (sscanf(line, "sha256 %64s", sum) == 1) {
            continue;
        }
        if (sscanf(line, "rest %" SCNd64, &number) == 1) {
            must(nb_buffer_append(&out, rest + at, (size_t)number, &err), &err);
            at += (size_t)number;
        } else if (sscanf(line, "i64 %" SCNd64, &number) == 1) {
            append_numbers(&out, number);
        } else if (sscanf(line, "open_clip %15s %95s", type, tensor) == 2) {
            append_tensor(&out, open_clip, type, tensor);
        } else {
            assert_int_equal(sscanf(line, "%15s %95s", type, tensor), 2);
            append_tensor(&out, own, type, tensor);
        }
    }
    assert_int_equal(at, rest_len);
    assert_string_equal(nb_digest_bytes(out.data, out.len).hex, sum);
    free(rest);
    nb_strings_free(&lines);
    nb_safetensors_close(own);
    nb_safetensors_close(open_clip);
    *len = out.len;
    return (unsigned char *)out.data;
}

void put_torch_file(const char *folder, const char *name, const char *to)
{
    nb_error err = {0};
    size_t len;
    unsigned char *bytes = torch_file(name, &len);
    char *path = joined_path(folder, to);
    must(nb_file_write(path, true, bytes, len, &err), &err);
    free(path);
    free(bytes);
}
