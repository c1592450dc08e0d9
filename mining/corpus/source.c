#include "mining/corpus/source.h"

#include "common/base/file.h"

/* Lines come last: any file can be read as lines. */
static const nb_source_format *const formats[] = {&nb_format_wordnet, &nb_format_lines};

const nb_source_format *nb_source_format_find(const char *name)
{
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++) {
        if (strcmp(formats[i]->name, name) == 0) {
            return formats[i];
        }
    }
    return NULL;
}

static const nb_source_format *detect_format(const char *base, const char *head, size_t len)
{
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++) {
        if (formats[i]->detect && formats[i]->detect(base, head, len)) {
            return formats[i];
        }
    }
    return &nb_format_lines;
}

static nb_tag tag_of_file(const char *base)
{
    size_t len = strlen(base);
    if (strncmp(base, "noun.", 5) == 0 || (len >= 5 && strcmp(base + len - 5, ".noun") == 0)) {
        return NB_TAG_NOUN;
    }
    if (strncmp(base, "adj.", 4) == 0 || (len >= 4 && strcmp(base + len - 4, ".adj") == 0)) {
        return NB_TAG_ADJ;
    }
    return NB_TAG_NONE;
}

/* Read as lines, compressed bytes would give a few texts of rubbish instead of an error. */
static nb_status refuse_compressed(const char *path, const char *head, size_t len, nb_error *err)
{
    static const struct {
        const char *magic, *tool;
        size_t len;
    } kinds[] = {{"\x1F\x8B\x08", "gzip", 3}, {"\x28\xB5\x2F\xFD", "zstd", 4}};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        if (len >= kinds[i].len && memcmp(head, kinds[i].magic, kinds[i].len) == 0) {
            nb_fail(err, NB_ERR_INPUT, "'%s' is compressed by %s, plain text is needed", path, kinds[i].tool);
            return nb_hint(err, "unpack it first: %s -dk '%s'", kinds[i].tool, path);
        }
    }
    return NB_OK;
}

nb_status nb_source_open(nb_source *source, const char *path, const char *format, const char *tag, nb_error *err)
{
    bool detect = strcmp(format, "auto") == 0, by_file = strcmp(tag, "by-file") == 0;
    const char *base = nb_path_base(path);
    nb_map map = {0};
    *source = (nb_source){.path = path, .format = nb_source_format_find(format), .tag = tag_of_file(base)};
    if (!detect && !source->format) {
        nb_fail(err, NB_ERR_USAGE, "there is no input format '%s'", format);
        return nb_hint(err, "formats are %s", NB_SOURCE_FORMATS);
    }
    if (!by_file && !nb_tag_parse(tag, &source->tag)) {
        nb_fail(err, NB_ERR_USAGE, "there is no tag '%s'", tag);
        return nb_hint(err, "tags are %s", NB_SOURCE_TAGS);
    }
    nb_status status = nb_map_open(&map, path, err);
    if (status != NB_OK) {
        return status;
    }
    const char *head = (const char *)map.data;
    if (!map.len) {
        status = nb_fail(err, NB_ERR_INPUT, "'%s' is empty", path);
        goto done;
    }
    NB_TRY(refuse_compressed(path, head, map.len, err));
    if (detect) {
        source->format = detect_format(base, head, map.len);
    }
    source->underscores = source->format->word_list || source->tag != NB_TAG_NONE;
    source->bytes = map.len;
done:
    nb_map_close(&map);
    return status;
}

nb_line_walk nb_line_walk_start(const nb_source_share *share)
{
    nb_line_walk walk = {.next = share->data, .left = share->len, .part = share->part, .parts = share->parts};
    if (walk.left >= 3 && memcmp(walk.next, "\xEF\xBB\xBF", 3) == 0) {
        walk.next += 3;
        walk.left -= 3;
    }
    return walk;
}
