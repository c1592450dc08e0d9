#include "common/base/file.h"
#include "scoring/report/drawing.h"

#include <cairo.h>
#include <math.h>
#include <stdlib.h>

/* Takes what cairo writes. */
typedef struct sink {
    nb_buffer bytes;
    nb_error *err;
} sink;

static cairo_status_t drawing_png_take(void *to, const unsigned char *data, unsigned int length)
{
    sink *s = to;
    return nb_buffer_append(&s->bytes, data, length, s->err) == NB_OK ? CAIRO_STATUS_SUCCESS : CAIRO_STATUS_NO_MEMORY;
}

static void drawing_png_use_ink(cairo_t *c, nb_ink ink, double alpha)
{
    unsigned long rgb = strtoul(nb_ink_colour(ink, false) + 1, NULL, 16);
    cairo_set_source_rgba(c, (double)(rgb >> 16 & 255) / 255, (double)(rgb >> 8 & 255) / 255, (double)(rgb & 255) / 255,
                          alpha);
}

static void drawing_png_trace(cairo_t *c, const nb_drawing *d, const nb_mark *m)
{
    for (size_t i = 0; i < m->count; i++) {
        cairo_line_to(c, d->points[m->first + i].x, d->points[m->first + i].y);
    }
}

static void drawing_png_draw_text(cairo_t *c, const nb_drawing *d, const nb_mark *m)
{
    static const double shifts[] = {0, 0.5, 1};
    const char *text = nb_strings_get(&d->texts, m->text);
    cairo_text_extents_t extents;
    cairo_select_font_face(c, "DejaVu Sans", CAIRO_FONT_SLANT_NORMAL,
                           m->bold ? CAIRO_FONT_WEIGHT_BOLD : CAIRO_FONT_WEIGHT_NORMAL);
    cairo_set_font_size(c, m->measure);
    cairo_text_extents(c, text, &extents);
    cairo_save(c);
    cairo_translate(c, d->points[m->first].x, d->points[m->first].y);
    if (m->upwards) {
        cairo_rotate(c, -1.5707963267948966);
    }
    cairo_move_to(c, -shifts[m->anchor] * extents.x_advance, 0);
    cairo_show_text(c, text);
    cairo_restore(c);
}

static void drawing_png_draw(cairo_t *c, const nb_drawing *d, const nb_mark *m)
{
    static const double dashes[] = {5, 4};
    nb_point p = d->points[m->first];
    cairo_new_path(c);
    drawing_png_use_ink(c, m->ink, m->kind == NB_MARK_AREA ? m->measure : 1);
    switch (m->kind) {
    case NB_MARK_LINE:
        cairo_set_line_width(c, m->measure);
        cairo_set_dash(c, dashes, m->dashed ? 2 : 0, 0);
        drawing_png_trace(c, d, m);
        cairo_stroke(c);
        break;
    case NB_MARK_AREA:
        drawing_png_trace(c, d, m);
        cairo_fill(c);
        break;
    case NB_MARK_DOT:
        cairo_arc(c, p.x, p.y, m->measure, 0, 6.283185307179586);
        cairo_fill(c);
        break;
    case NB_MARK_TEXT: drawing_png_draw_text(c, d, m); break;
    }
}

nb_status nb_drawing_png(const nb_drawing *d, double scale, const char *path, bool force, nb_error *err)
{
    cairo_surface_t *surface =
        cairo_image_surface_create(CAIRO_FORMAT_RGB24, (int)ceil(d->width * scale), (int)ceil(d->height * scale));
    cairo_t *c = cairo_create(surface);
    sink s = {.err = err};
    nb_status status = NB_OK;
    cairo_set_source_rgb(c, 1, 1, 1);
    cairo_paint(c);
    cairo_scale(c, scale, scale);
    cairo_set_line_join(c, CAIRO_LINE_JOIN_ROUND);
    for (size_t i = 0; i < d->mark_count; i++) {
        drawing_png_draw(c, d, &d->marks[i]);
    }
    cairo_status_t drawn = cairo_status(c);
    if (drawn == CAIRO_STATUS_SUCCESS) {
        drawn = cairo_surface_write_to_png_stream(surface, drawing_png_take, &s);
    }
    if (drawn != CAIRO_STATUS_SUCCESS) {
        status = nb_fail(err, drawn == CAIRO_STATUS_NO_MEMORY ? NB_ERR_LIMIT : NB_ERR_INTERNAL, "cannot draw '%s': %s",
                         path, cairo_status_to_string(drawn));
        goto done;
    }
    NB_TRY(nb_file_write(path, force, s.bytes.data, s.bytes.len, err));
done:
    nb_buffer_free(&s.bytes);
    cairo_destroy(c);
    cairo_surface_destroy(surface);
    return status;
}
