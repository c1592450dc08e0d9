#include "scoring/report/drawing.h"

#include "scoring/report/escape.h"

#include <stdlib.h>
#include <string.h>

/* Told apart by colour-blind readers too (after Okabe and Ito), lighter on dark ground. */
static const struct {
    const char *light, *dark;
} inks[NB_INK_OOD + NB_INK_SERIES] = {
    {"#1d2430", "#e8ebf0"}, {"#5b6573", "#a3adba"}, {"#e0e4ea", "#343c48"}, {"#0b65b0", "#63b1f5"},
    {"#c8500a", "#f59a57"}, {"#07805a", "#45cfa1"}, {"#9a3f87", "#e395d2"}, {"#8a6a00", "#e0bd45"},
    {"#3c7d9e", "#86cbe8"}, {"#a32638", "#f07f8e"}, {"#4d4fb0", "#a3a5f5"}, {"#5b7a1f", "#aacb68"},
};

const char *nb_ink_colour(nb_ink ink, bool dark)
{
    return dark ? inks[ink].dark : inks[ink].light;
}

nb_ink nb_ink_of_set(size_t i)
{
    return (nb_ink)(NB_INK_OOD + i % NB_INK_SERIES);
}

static void drawing_keep(nb_drawing *d, nb_status status)
{
    d->status = d->status == NB_OK ? status : d->status;
}

void nb_drawing_begin(nb_drawing *d, double width, double height, const char *title)
{
    *d = (nb_drawing){.width = width, .height = height};
    d->title = nb_alloc(strlen(title) + 1, 1, &d->error);
    if (d->title) {
        memcpy(d->title, title, strlen(title) + 1);
    } else {
        drawing_keep(d, NB_ERR_LIMIT);
    }
}

void nb_drawing_free(nb_drawing *d)
{
    if (d) {
        free(d->title);
        free(d->marks);
        free(d->points);
        nb_strings_free(&d->texts);
        *d = (nb_drawing){0};
    }
}

nb_status nb_drawing_end(nb_drawing *d, nb_error *err)
{
    if (d->status != NB_OK && err) {
        *err = d->error;
    }
    return d->status;
}

static void drawing_add(nb_drawing *d, nb_mark mark, const nb_point *points, size_t count)
{
    if (d->status != NB_OK || !count) {
        return;
    }
    if (d->mark_count == d->mark_cap) {
        size_t cap = d->mark_cap ? 2 * d->mark_cap : 64;
        nb_mark *grown = nb_grow(d->marks, cap, sizeof *grown, &d->error);
        drawing_keep(d, grown ? NB_OK : NB_ERR_LIMIT);
        d->marks = grown ? grown : d->marks;
        d->mark_cap = grown ? cap : d->mark_cap;
    }
    if (d->point_count + count > d->point_cap) {
        size_t cap = 2 * (d->point_count + count);
        nb_point *grown = nb_grow(d->points, cap, sizeof *grown, &d->error);
        drawing_keep(d, grown ? NB_OK : NB_ERR_LIMIT);
        d->points = grown ? grown : d->points;
        d->point_cap = grown ? cap : d->point_cap;
    }
    if (d->status == NB_OK) {
        mark.first = d->point_count;
        mark.count = count;
        memcpy(d->points + d->point_count, points, count * sizeof *points);
        d->point_count += count;
        d->marks[d->mark_count++] = mark;
    }
}

void nb_drawing_line(nb_drawing *d, nb_ink ink, double width, bool dashed, const nb_point *points, size_t count)
{
    drawing_add(d, (nb_mark){.kind = NB_MARK_LINE, .ink = ink, .measure = width, .dashed = dashed}, points, count);
}

void nb_drawing_area(nb_drawing *d, nb_ink ink, double alpha, const nb_point *points, size_t count)
{
    drawing_add(d, (nb_mark){.kind = NB_MARK_AREA, .ink = ink, .measure = alpha}, points, count);
}

void nb_drawing_dot(nb_drawing *d, nb_ink ink, double radius, nb_point at)
{
    drawing_add(d, (nb_mark){.kind = NB_MARK_DOT, .ink = ink, .measure = radius}, &at, 1);
}

void nb_drawing_text(nb_drawing *d, nb_text_style style, nb_point at, const char *text)
{
    nb_mark mark = {.kind = NB_MARK_TEXT,
                    .ink = style.ink,
                    .measure = style.size,
                    .bold = style.bold,
                    .anchor = style.anchor,
                    .upwards = style.upwards,
                    .text = d->texts.count};
    nb_buffer clean = {0}; /* cairo refuses what is not UTF-8 */
    if (d->status == NB_OK) {
        drawing_keep(d, nb_shorten(&clean, text, SIZE_MAX, &d->error));
    }
    if (d->status == NB_OK) {
        drawing_keep(d, nb_strings_push(&d->texts, clean.data, clean.len, &d->error));
        drawing_add(d, mark, &at, 1);
    }
    nb_buffer_free(&clean);
}

double nb_text_width(const char *text, double size)
{
    return 0.61 * size * (double)nb_display_width(text);
}

static nb_status drawing_svg_points(const nb_drawing *d, const nb_mark *m, nb_buffer *out, nb_error *err)
{
    nb_status status = nb_buffer_printf(out, err, " points=\"");
    for (size_t i = 0; status == NB_OK && i < m->count; i++) {
        nb_point p = d->points[m->first + i];
        status = nb_buffer_printf(out, err, "%s%.5g,%.5g", i ? " " : "", p.x, p.y);
    }
    return status == NB_OK ? nb_buffer_printf(out, err, "\"/>\n") : status;
}

static nb_status drawing_svg_text(const nb_drawing *d, const nb_mark *m, nb_buffer *out, nb_error *err)
{
    static const char *const anchors[] = {"start", "middle", "end"};
    nb_point p = d->points[m->first];
    nb_status status;
    NB_TRY(nb_buffer_printf(out, err, "<text class=\"f%d\" font-size=\"%g\" text-anchor=\"%s\"", (int)m->ink,
                            m->measure, anchors[m->anchor]));
    if (m->bold) {
        NB_TRY(nb_buffer_printf(out, err, " font-weight=\"600\""));
    }
    if (m->upwards) {
        NB_TRY(nb_buffer_printf(out, err, " transform=\"translate(%.5g %.5g) rotate(-90)\">", p.x, p.y));
    } else {
        NB_TRY(nb_buffer_printf(out, err, " x=\"%.5g\" y=\"%.5g\">", p.x, p.y));
    }
    NB_TRY(nb_escape_markup(out, nb_strings_get(&d->texts, m->text), err));
    NB_TRY(nb_buffer_printf(out, err, "</text>\n"));
done:
    return status;
}

static nb_status drawing_svg_mark(const nb_drawing *d, const nb_mark *m, nb_buffer *out, nb_error *err)
{
    nb_point p = d->points[m->first];
    nb_status status = NB_OK;
    switch (m->kind) {
    case NB_MARK_LINE:
        NB_TRY(nb_buffer_printf(out, err, "<polyline class=\"s%d\" stroke-width=\"%g\"%s", (int)m->ink, m->measure,
                                m->dashed ? " stroke-dasharray=\"5 4\"" : ""));
        return drawing_svg_points(d, m, out, err);
    case NB_MARK_AREA:
        NB_TRY(nb_buffer_printf(out, err, "<polygon class=\"f%d\" fill-opacity=\"%g\"", (int)m->ink, m->measure));
        return drawing_svg_points(d, m, out, err);
    case NB_MARK_DOT:
        return nb_buffer_printf(out, err, "<circle class=\"f%d\" r=\"%g\" cx=\"%.5g\" cy=\"%.5g\"/>\n", (int)m->ink,
                                m->measure, p.x, p.y);
    case NB_MARK_TEXT: return drawing_svg_text(d, m, out, err);
    }
done:
    return status;
}

static nb_status drawing_style_of(nb_buffer *out, bool dark, nb_error *err)
{
    nb_status status = NB_OK;
    for (int i = 0; status == NB_OK && i < NB_INK_OOD + NB_INK_SERIES; i++) {
        const char *colour = nb_ink_colour((nb_ink)i, dark);
        status = nb_buffer_printf(out, err, ".s%d{stroke:%s;fill:none}.f%d{fill:%s}\n", i, colour, i, colour);
    }
    return status;
}

nb_status nb_drawing_style(nb_buffer *out, nb_error *err)
{
    nb_status status;
    NB_TRY(nb_buffer_printf(out, err, "svg text{font-family:\"DejaVu Sans\",Verdana,sans-serif}\n"));
    NB_TRY(drawing_style_of(out, false, err));
    NB_TRY(nb_buffer_printf(out, err, "@media screen and (prefers-color-scheme:dark){\n"));
    NB_TRY(drawing_style_of(out, true, err));
    NB_TRY(nb_buffer_printf(out, err, "}\n"));
done:
    return status;
}

nb_status nb_drawing_svg(const nb_drawing *d, bool standalone, nb_buffer *out, nb_error *err)
{
    nb_status status;
    if (standalone) {
        NB_TRY(nb_buffer_printf(out, err, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"));
    }
    NB_TRY(nb_buffer_printf(out, err,
                            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %g %g\" width=\"%g\" "
                            "height=\"%g\" role=\"img\">\n<title>",
                            d->width, d->height, d->width, d->height));
    NB_TRY(nb_escape_markup(out, d->title, err));
    NB_TRY(nb_buffer_printf(out, err, "</title>\n"));
    if (standalone) {
        NB_TRY(nb_buffer_printf(out, err,
                                "<style>svg{background:#fff}\n@media screen and (prefers-color-scheme:dark)"
                                "{svg{background:#161b22}}\n"));
        NB_TRY(nb_drawing_style(out, err));
        NB_TRY(nb_buffer_printf(out, err, "</style>\n"));
    }
    for (size_t i = 0; i < d->mark_count; i++) {
        NB_TRY(drawing_svg_mark(d, &d->marks[i], out, err));
    }
    NB_TRY(nb_buffer_printf(out, err, "</svg>\n"));
done:
    return status;
}
