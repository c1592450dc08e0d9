/* The images of a list. */
#include "common/base/file.h"
#include "common/base/text.h"
#include "common/transfer/url.h"
#include "mining/images/builder.h"

#include <stdlib.h>
#include <string.h>

enum { LINE_MAX_BYTES = 8192 };

/* A list that is read. */
typedef struct image_list {
    nb_image_builder *b;
    const char *name; /* for messages */
    nb_buffer folder; /* where relative paths start; "" when it is `base` */
    nb_url base;      /* of a list that came from an address */
    nb_buffer line;
    size_t number; /* of the line, from 1 */
    size_t odd;    /* the first line that is no text, 0: none */
} image_list;

/* Takes the label off the end of a line, when it ends with one. */
static nb_status builder_split_label(char *line, nb_image_origin *from, nb_error *err)
{
    *from = (nb_image_origin){.listed = -1};
    size_t end = strlen(line);
    size_t field = end;
    while (field && !strchr(" \t", line[field - 1])) {
        field--;
    }
    int64_t value;
    if (!field || strspn(line + field, "-0123456789") != end - field || !nb_parse_int(line + field, &value) ||
        value < -1) {
        return NB_OK;
    }
    if (value > INT32_MAX) {
        return nb_fail(err, NB_ERR_INPUT, "label %s is over %d", line + field, INT32_MAX);
    }
    while (field && strchr(" \t", line[field - 1])) {
        field--;
    }
    line[field] = '\0';
    *from = (nb_image_origin){.listed = (int32_t)value, .has_listed = true};
    return NB_OK;
}

/* An address: nothing is fetched yet, and what may be secret stays out of the name. */
static nb_status builder_add_address(image_list *l, const char *line, nb_image_origin from, nb_error *err)
{
    nb_url url = {0};
    nb_status status = nb_url_like(line) ? nb_url_parse(&url, line, err) : nb_url_beside(&url, &l->base, line, err);
    if (status == NB_OK) {
        status = nb_image_builder_add_file(l->b, nb_url_like(line) ? line : url.text, url.shown, from, err);
    }
    nb_url_free(&url);
    return status;
}

static nb_status builder_add_line(image_list *l, char *line, nb_error *err)
{
    nb_status status = NB_OK;
    nb_image_origin from;
    char *joined = NULL;
    NB_TRY(builder_split_label(line, &from, err));
    if (!nb_image_name_is_text(line, strlen(line))) {
        char where[32];
        snprintf(where, sizeof where, "line %zu", l->number);
        l->odd = l->odd ? l->odd : l->number;
        l->b->out->skipped[NB_SKIP_NAME]++;
        return nb_image_builder_leave_out(l->b, l->name, where, nb_shard_skip_name(NB_SKIP_NAME), err);
    }
    if (nb_url_like(line) || l->base.text) {
        return builder_add_address(l, line, from, err);
    }
    if (line[0] != '/') {
        NB_TRY(nb_path_join(&joined, l->folder.data, line, err));
    }
    const char *path = joined ? joined : line;
    NB_TRY(nb_file_check(path, err));
    NB_TRY(nb_image_builder_add_file(l->b, path, line, from, err));
done:
    free(joined);
    return status;
}

/* One line without its end. */
static nb_status builder_take_line(image_list *l, const char *text, size_t len, nb_error *err)
{
    nb_status status;
    if (len > LINE_MAX_BYTES) {
        return nb_fail(err, NB_ERR_INPUT, "'%s' line %zu has %zu bytes, at most %d are accepted", l->name, l->number,
                       len, LINE_MAX_BYTES);
    }
    if (memchr(text, '\0', len)) {
        return nb_fail(err, NB_ERR_INPUT, "'%s' line %zu is not UTF-8 text", l->name, l->number);
    }
    while (len && strchr(" \t\r", text[len - 1])) {
        len--;
    }
    while (len && strchr(" \t", *text)) {
        text++;
        len--;
    }
    if (!len || *text == '#') {
        return NB_OK;
    }
    nb_buffer_clear(&l->line);
    NB_TRY(nb_buffer_append(&l->line, text, len, err));
    status = builder_add_line(l, l->line.data, err);
    if (status != NB_OK) {
        nb_context(err, "image list '%s' line %zu", l->name, l->number);
    }
done:
    return status;
}

static nb_status builder_read_lines(image_list *l, const char *path, nb_error *err)
{
    nb_map map;
    nb_status status = nb_map_open(&map, path, err);
    if (status != NB_OK) {
        return status;
    }
    const char *p = (const char *)map.data;
    size_t left = map.len;
    if (left >= 3 && memcmp(p, "\xEF\xBB\xBF", 3) == 0) {
        p += 3;
        left -= 3;
    }
    while (left && status == NB_OK) {
        const char *end = memchr(p, '\n', left);
        size_t len = end ? (size_t)(end - p) : left;
        l->number++;
        status = builder_take_line(l, p, len, err);
        p += end ? len + 1 : len;
        left -= end ? len + 1 : len;
    }
    nb_map_close(&map);
    return status;
}

/* Relative paths start at the list's folder; those of a pipe where the program runs, those of an address beside it. */
static nb_status builder_find_folder(image_list *l, const nb_image_source *source, nb_error *err)
{
    const char *given = source->given;
    if (nb_url_like(given)) {
        return nb_url_parse(&l->base, given, err);
    }
    size_t len = source->piped ? 0 : (size_t)(nb_path_base(given) - given);
    return nb_buffer_append(&l->folder, len ? given : ".", len ? len : 1, err);
}

nb_status nb_image_builder_add_list(nb_image_builder *b, const nb_image_source *source, nb_error *err)
{
    image_list l = {.b = b, .name = source->shown};
    size_t before = b->out->count;
    nb_status status;
    NB_TRY(nb_file_check(source->path, err));
    NB_TRY(builder_find_folder(&l, source, err));
    NB_TRY(builder_read_lines(&l, source->path, err));
    if (b->out->count == before && l.odd) {
        status = nb_fail(err, NB_ERR_INPUT, "'%s' line %zu is not UTF-8 text", l.name, l.odd);
    } else if (b->out->count == before) {
        status = nb_fail(err, NB_ERR_INPUT, "image list '%s' names no images", l.name);
    }
done:
    if (status == NB_ERR_INPUT && !err->hint[0]) {
        nb_hint(err, "an image list is a text file with a line `path` or `path label` an image");
    }
    nb_buffer_free(&l.folder);
    nb_buffer_free(&l.line);
    nb_url_free(&l.base);
    return status;
}
