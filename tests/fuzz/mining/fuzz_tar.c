/* Tar shards: any bytes are indexed or refused; names are safe, places lie inside, and what was indexed can be read. */
#include "fuzz/fuzz.h"

#include "common/base/text.h"
#include "mining/images/image_name.h"
#include "mining/images/reader.h"
#include "mining/images/tar.h"

static void read_images(const char *path, const nb_shard *s)
{
    nb_error err = {0};
    nb_image_inputs in = {.limits = nb_image_limits_default(), .count = s->count};
    nb_image_reader *reader = NULL;
    in.places = calloc(s->count + 1, sizeof *in.places);
    in.compressed = calloc(1, 1);
    require(in.places && in.compressed && nb_strings_push(&in.shards, path, strlen(path), &err) == NB_OK);
    in.compressed[0] = s->compressed;
    for (size_t i = 0; i < s->count; i++) {
        in.places[i] = (nb_image_place){0, s->at[i], s->size[i]};
        require(nb_strings_push(&in.paths, "image", 5, &err) == NB_OK);
    }
    require(nb_image_reader_create(&reader, &in, &err) == NB_OK);
    for (size_t i = 0; i < s->count; i++) {
        const char *bytes;
        size_t len;
        nb_image_fault fault;
        nb_status status = nb_image_reader_bytes(reader, i, &bytes, &len, &fault, &err);
        require_message(status, &err);
        require(status != NB_OK || len == s->size[i]);
    }
    nb_image_reader_destroy(reader);
    nb_image_inputs_free(&in);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const suffixes[] = {"cls", "txt", "json", NULL};
    nb_error err = {0};
    nb_shard s;
    if (!size) {
        return 0;
    }
    const char *path = memory_file(data + 1, size - 1);
    nb_shard_ask ask = {.label_suffix = suffixes[data[0] % 4], .label_key = "label", .bytes = 1 << 16};
    nb_status status = nb_shard_read(&s, path, &ask, &err);
    require_message(status, &err);
    if (status != NB_OK) {
        return 0;
    }
    require(s.names.count == s.count && s.labels.count == s.count);
    for (size_t i = 0; i < s.count; i++) {
        const char *name = nb_strings_get(&s.names, i);
        require(name[0] != '/' && nb_image_name_is_text(name, strlen(name)) && s.size[i] <= ask.bytes);
        require(strcmp(name, "..") != 0 && strncmp(name, "../", 3) != 0 && !strstr(name, "/../"));
        require(s.compressed || s.at[i] + s.size[i] <= size - 1);
        require(nb_utf8_valid(nb_strings_get(&s.labels, i), nb_strings_len(&s.labels, i)));
    }
    read_images(path, &s);
    nb_shard_free(&s);
    return 0;
}
