#include "common/clip/tokenizer/sentencepiece/charsmap.h"

#include "common/base/memory.h"
#include "common/base/text.h"

#include <stdlib.h>
#include <string.h>

static uint32_t charsmap_uint32(const unsigned char *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

nb_status nb_charsmap_read(nb_charsmap *map, const void *bytes, size_t len, const char *path, nb_error *err)
{
    const unsigned char *p = bytes;
    nb_status status = NB_OK;
    *map = (nb_charsmap){0};
    if (len == 0) {
        return NB_OK;
    }
    size_t trie = len > 4 ? charsmap_uint32(p) : 0;
    if (trie == 0 || trie % 4 || trie > len - 4 - 1 || p[len - 1] != 0 ||
        !nb_utf8_valid((const char *)p + 4 + trie, len - 4 - trie)) {
        return nb_fail(err, NB_ERR_INPUT, "'%s': the character map of %zu bytes is damaged", path, len);
    }
    map->count = trie / 4;
    map->texts_len = len - 4 - trie;
    NB_TRY_NEW(map->units, map->count);
    NB_TRY_NEW(map->texts, map->texts_len);
    for (size_t i = 0; i < map->count; i++) {
        map->units[i] = charsmap_uint32(p + 4 + 4 * i);
    }
    memcpy(map->texts, p + 4 + trie, map->texts_len);
done:
    if (status != NB_OK) {
        nb_charsmap_free(map);
    }
    return status;
}

void nb_charsmap_free(nb_charsmap *map)
{
    free(map->units);
    free(map->texts);
    *map = (nb_charsmap){0};
}

/* Where the children of a unit lie, relative to it. */
static size_t charsmap_offset(uint32_t unit)
{
    return (size_t)(unit >> 10) << ((unit & (1U << 9)) >> 6);
}

/* The text that a leaf points to; NULL for a place outside of the texts or inside of a character. */
static const char *charsmap_text(const nb_charsmap *map, size_t leaf)
{
    size_t at = leaf < map->count ? map->units[leaf] & 0x7FFFFFFF : SIZE_MAX;
    return at < map->texts_len && (map->texts[at] & 0xC0) != 0x80 ? map->texts + at : NULL;
}

const char *nb_charsmap_find(const nb_charsmap *map, const char *text, size_t len, bool longest, size_t *used)
{
    const char *found = NULL;
    if (map->count == 0) {
        return NULL;
    }
    size_t at = charsmap_offset(map->units[0]);
    for (size_t i = 0; i < len && text[i] && (longest || !found); i++) {
        unsigned char byte = (unsigned char)text[i];
        at ^= byte;
        if (at >= map->count || (map->units[at] & (1U << 31 | 0xFF)) != byte) {
            break;
        }
        uint32_t unit = map->units[at];
        at ^= charsmap_offset(unit);
        bool whole = i + 1 == len || (text[i + 1] & 0xC0) != 0x80; /* not inside of a character */
        const char *replacement = unit >> 8 & 1 && whole ? charsmap_text(map, at) : NULL;
        if (replacement) {
            found = replacement;
            *used = i + 1;
        }
    }
    return found;
}
