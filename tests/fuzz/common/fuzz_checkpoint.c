/* Fuzzes the small files of a checkpoint folder. The first byte chooses: config.json, open_clip_config.json,
 * tokenizer.json, an index of shards. */
#include "common/clip/checkpoint/checkpoint.h"
#include "common/clip/checkpoint/config.h"
#include "common/clip/model/weights.h"
#include "common/clip/tokenizer/tokenizer_json.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void config(const char *text, size_t len, bool open_clip)
{
    nb_error err = {0};
    nb_clip_config c;
    if (nb_clip_config_parse(&c, text, len, open_clip, "memory", &err) != NB_OK) {
        return;
    }
    bool sound = c.text.heads && c.image.heads && c.text.width % c.text.heads == 0 &&
                 c.image.width % c.image.heads == 0 && c.patch && c.image_size >= c.patch && c.projection &&
                 c.context && c.vocabulary && c.text.layers && c.image.layers && c.text.mlp && c.image.mlp;
    if (!sound || nb_clip_patches(&c) == 0) {
        abort();
    }
}

static void tokenizer(const char *text, size_t len)
{
    nb_error err = {0};
    nb_buffer vocab = {0}, merges = {0};
    nb_tokenizer *t;
    if (nb_tokenizer_json_convert(&vocab, &merges, text, len, "memory", &err) == NB_OK) {
        (void)nb_tokenizer_open_memory(&t, &(nb_tokenizer_texts){vocab.data, vocab.len, merges.data, merges.len},
                                       "memory", &err);
        nb_tokenizer_close(t);
    }
    nb_buffer_free(&vocab);
    nb_buffer_free(&merges);
}

static void shards(const char *text, size_t len)
{
    nb_error err = {0};
    nb_shard_map map = {0};
    if (nb_shard_map_parse(&map, text, len, "memory", &err) == NB_OK) {
        for (size_t i = 0; i < map.tensors.count; i++) {
            const char *shard = nb_strings_get(&map.shards, map.shard_of[i]);
            if (map.shard_of[i] >= map.shards.count || strchr(shard, '/') || shard[0] == '.') {
                abort();
            }
        }
    }
    nb_shard_map_free(&map);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0) {
        return 0;
    }
    char *text = malloc(size > 1 ? size - 1 : 1); /* a copy without a NUL behind, so that reading too far is seen */
    if (!text) {
        return 0;
    }
    memcpy(text, data + 1, size - 1);
    switch (data[0] % 4) {
    case 0: config(text, size - 1, false); break;
    case 1: config(text, size - 1, true); break;
    case 2: tokenizer(text, size - 1); break;
    default: shards(text, size - 1); break;
    }
    free(text);
    return 0;
}
