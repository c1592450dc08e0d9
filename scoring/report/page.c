#include "scoring/report/page.h"

#include "common/base/file.h"
#include "common/base/version.h"
#include "common/linear/reference/kernels.h"
#include "scoring/report/escape.h"
#include "scoring/report/page_style.h"
#include "scoring/report/thumbnail.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A page being written. */
typedef struct writer {
    const nb_page *page;
    nb_buffer out;
    size_t thumbnails;
    nb_error *err;
} writer;

#define PUT(...)     NB_TRY(nb_buffer_printf(&w->out, w->err, __VA_ARGS__))
#define ESCAPE(text) NB_TRY(nb_escape_markup(&w->out, (text), w->err))

static nb_status page_write_head(writer *w)
{
    const nb_page *p = w->page;
    nb_status status;
    PUT("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; img-src data:; "
        "style-src 'unsafe-inline'\">\n"
        "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n"
        "<meta name=\"generator\" content=\"negbank %s\">\n<title>Out-of-distribution report</title>\n<style>\n",
        nb_version());
    PUT("%s", NB_PAGE_STYLE);
    NB_TRY(nb_drawing_style(&w->out, w->err));
    PUT("</style>\n</head>\n<body>\n<main>\n<h1>Out-of-distribution report</h1>\n<p class=\"muted\">%zu OOD set%s",
        p->report->set_count, p->report->set_count == 1 ? "" : "s");
    if (p->report->run_count > 1) {
        PUT(", %zu runs", p->report->run_count);
    }
    if (p->bank) {
        PUT(", a bank of %zu negatives for %zu labels", p->bank->negative_count, p->bank->label_count);
    }
    if (p->scoring) {
        PUT("; ");
        ESCAPE(p->scoring);
    }
    if (p->report->ordered) {
        PUT("; images are ordered by %s", p->report->ordered);
    }
    PUT(".</p>\n");
done:
    return status;
}

/* " ± 0.12" and "[95.41, 96.62]" as far as they are known. */
static nb_status page_write_spread(writer *w, const nb_figure *f, const char *tag)
{
    nb_status status = NB_OK;
    if (!isnan(f->deviation)) {
        PUT("<%s>\xC2\xB1\xE2\x80\xAF%.2f</%s>", tag, 100 * f->deviation, tag);
    }
    if (!isnan(f->low)) {
        PUT("<%s>%.2f \xE2\x80\x93 %.2f</%s>", tag, 100 * f->low, 100 * f->high, tag);
    }
done:
    return status;
}

static nb_status page_write_tiles(writer *w)
{
    static const char *const titles[] = {"mean AUROC", "mean FPR95, ID positive", "mean FPR95, OOD positive"};
    const nb_report *r = w->page->report;
    nb_status status;
    PUT("<div class=\"tiles\">\n");
    for (size_t k = 0; k < 4; k++) {
        const nb_figure *f = k < 3 ? nb_report_figure(r, r->line_count - 1, k) : &r->accuracy;
        if (isnan(f->value)) {
            PUT("<div class=\"tile\"><span>ID accuracy</span><b>\xE2\x80\x93</b><span>no labels</span></div>\n");
            continue;
        }
        PUT("<div class=\"tile\"><span>%s</span><b>%.2f\xE2\x80\xAF%%</b>", k < 3 ? titles[k] : "ID accuracy",
            100 * f->value);
        NB_TRY(page_write_spread(w, f, "span"));
        PUT("</div>\n");
    }
    PUT("</div>\n");
done:
    return status;
}

static nb_status page_write_summary(writer *w)
{
    static const char *const classes[] = {"set", "group", "mean"};
    const nb_report *r = w->page->report;
    nb_status status;
    PUT("<h2>Summary</h2>\n<div class=\"wide\"><table>\n<thead><tr><th>OOD set, percent</th>");
    for (size_t k = 0; k < NB_METRIC_COUNT; k++) {
        PUT("<th>%s</th>", nb_metric_title(k));
    }
    PUT("<th>images</th></tr></thead>\n<tbody>\n");
    for (size_t l = 0; l < r->line_count; l++) {
        nb_line_kind kind = nb_report_kind(r, l);
        PUT("<tr class=\"%s\"><th>", classes[kind]);
        ESCAPE(nb_report_name(r, l));
        if (kind == NB_LINE_GROUP) {
            size_t n = nb_report_group_size(r, l - r->set_count);
            PUT(" <small>mean of %zu</small>", n);
        } else if (kind == NB_LINE_SET && r->group_of[l] != SIZE_MAX) {
            PUT(" <small>");
            ESCAPE(nb_strings_get(&r->groups, r->group_of[l]));
            PUT("</small>");
        }
        PUT("</th>");
        for (size_t k = 0; k < NB_METRIC_COUNT; k++) {
            const nb_figure *f = nb_report_figure(r, l, k);
            PUT("<td>%.2f", 100 * f->value);
            NB_TRY(page_write_spread(w, f, "small"));
            if (!isnan(nb_report_published(r, l, k))) {
                PUT("<small>published %.2f</small>", 100 * nb_report_published(r, l, k));
            }
            PUT("</td>");
        }
        if (kind == NB_LINE_SET) {
            PUT("<td>%zu</td></tr>\n", r->ood_images[l]);
        } else {
            PUT("<td></td></tr>\n");
        }
    }
    PUT("</tbody></table></div>\n<p class=\"muted\">FPR95 id-positive: OOD images accepted where 95\xE2\x80\xAF%% of "
        "the ID images are (NegLabel, DNM, CMA). FPR95 ood-positive: ID images rejected where 95\xE2\x80\xAF%% of the "
        "OOD images are (OpenOOD, AdaNeg, InterNeg).");
    if (r->run_count > 1) {
        PUT(" Means over %zu runs, with their standard deviation behind \xC2\xB1.", r->run_count);
    }
    if (r->resamples) {
        PUT(" Ranges: %g\xE2\x80\xAF%% bootstrap intervals, %zu resamples of the images.", 100 * r->confidence,
            r->resamples);
    }
    if (r->published_from) {
        PUT(" Published: ");
        ESCAPE(r->published_from);
    }
    PUT("</p>\n");
done:
    return status;
}

static nb_status page_write_leaks(writer *w)
{
    static const char *const banks[] = {"whole", "without equal ones", "without equal and nearest ones"};
    const nb_report *r = w->page->report;
    nb_status status = NB_OK;
    for (size_t i = 0; i < r->leak_count; i++) {
        const nb_leak *leak = &r->leaks[i];
        const nb_metrics *rows[] = {&leak->with, &leak->without_equal, &leak->without_either};
        PUT("%s<h3>", i ? "" : "<h2>Negatives that are classes of an OOD set</h2>\n");
        ESCAPE(nb_strings_get(&r->names, leak->set));
        PUT(", %zu names, %zu negatives equal, %zu nearest</h3>\n<div class=\"wide\"><table>\n<tbody>\n", leak->names,
            leak->equal.count, leak->nearest.count);
        for (size_t k = 0; k < (leak->embedded ? 3 : 2); k++) {
            PUT("<tr><th>%s</th><td>%s %.2f</td><td>%s %.2f</td></tr>\n", banks[k], nb_metric_title(0),
                100 * rows[k]->auroc, nb_metric_title(1), 100 * rows[k]->fpr95_id_positive);
        }
        PUT("</tbody></table></div>\n");
    }
done:
    return status;
}

static nb_status page_write_panels(writer *w, nb_section section, const char *title, const char *note)
{
    const nb_panels *p = w->page->panels;
    bool open = false;
    nb_status status = NB_OK;
    for (size_t i = 0; i < p->count; i++) {
        const nb_panel *panel = &p->items[i];
        if (panel->section != section) {
            continue;
        }
        if (!open) {
            PUT("<h2>%s</h2>\n", title);
            if (note) {
                PUT("<p class=\"muted\">%s</p>\n", note);
            }
            PUT("<div class=\"plots\">\n");
            open = true;
        }
        PUT("<figure>\n");
        NB_TRY(nb_drawing_svg(&panel->drawing, false, &w->out, w->err));
        if (panel->caption) {
            PUT("<figcaption>");
            ESCAPE(panel->caption);
            PUT("</figcaption>");
        }
        PUT("</figure>\n");
    }
    if (open) {
        PUT("</div>\n");
    }
done:
    return status;
}

/* The negatives nearest to a label, with their cosines. */
static nb_status page_write_nearest(writer *w, size_t label)
{
    enum { NEAREST = 3 };
    const nb_bank *b = w->page->bank;
    double cosines[NEAREST];
    size_t best[NEAREST];
    size_t count = 0;
    nb_status status = NB_OK;
    for (size_t i = 0; i < b->negative_count; i++) {
        double cosine = nb_dot(b->label_rows + label * b->d, b->negative_rows + i * b->d, b->d);
        size_t at = count < NEAREST ? count++ : NEAREST;
        for (; at > 0 && cosine > cosines[at - 1]; at--) {
            if (at < NEAREST) {
                cosines[at] = cosines[at - 1];
                best[at] = best[at - 1];
            }
        }
        if (at < NEAREST) {
            cosines[at] = cosine;
            best[at] = i;
        }
    }
    for (size_t i = 0; i < count; i++) {
        PUT("%s", i ? "<br>" : "");
        ESCAPE(nb_strings_get(&b->negatives, best[i]));
        PUT("&nbsp;<span class=\"muted\">%.3f</span>", cosines[i]);
    }
done:
    return status;
}

static nb_status page_path_of(writer *w, const char *name, nb_buffer *out)
{
    const char *folder = w->page->image_folder;
    bool join = folder && *folder && name[0] != '/';
    return nb_buffer_printf(out, w->err, "%s%s%s", join ? folder : "", join ? "/" : "", name);
}

/* The OOD set whose images a sample of the first run holds. */
static const char *page_set_of(const nb_page *p, size_t sample)
{
    size_t set = 0;
    while (set + 1 < p->evaluation->set_count && p->evaluation->pairs[set].ood != sample) {
        set++;
    }
    return nb_strings_get(&p->report->names, set);
}

static nb_status page_write_thumbnail(writer *w, const nb_culprit *who)
{
    const nb_sample *s = &w->page->evaluation->samples[who->sample];
    const char *name = nb_strings_get(&s->scores.images, who->row);
    nb_buffer path = {0};
    nb_buffer uri = {0};
    nb_buffer shown = {0};
    nb_error ignored = {0};
    char buffer[32];
    nb_status status;
    NB_TRY(page_path_of(w, name, &path));
    if (w->thumbnails >= NB_PAGE_THUMBNAILS || nb_thumbnail(&uri, path.data, &ignored) != NB_OK) {
        goto done;
    }
    w->thumbnails++;
    PUT("<div><img alt=\"\" title=\"");
    ESCAPE(name);
    PUT("\" src=\"%s\">", uri.data);
    NB_TRY(nb_shorten(&shown, nb_path_base(name), 32, w->err));
    ESCAPE(shown.data);
    if (!who->id) {
        nb_buffer_clear(&shown);
        NB_TRY(nb_shorten(&shown, page_set_of(w->page, who->sample), 24, w->err));
        PUT(" of ");
        ESCAPE(shown.data);
    } else if (s->scores.classes[who->row] != s->scores.labels[who->row] && s->scores.classes[who->row] >= 0) {
        PUT(", seen as ");
        ESCAPE(nb_class_name(w->page->classes, (size_t)s->scores.classes[who->row], buffer));
    } else {
        PUT(", rejected");
    }
    PUT("</div>\n");
done:
    nb_buffer_free(&path);
    nb_buffer_free(&uri);
    nb_buffer_free(&shown);
    return status;
}

static nb_status page_write_confused_row(writer *w, const nb_confused *c, bool thumbnails)
{
    const nb_page *p = w->page;
    char buffer[32];
    nb_status status;
    PUT("<tr><th>");
    ESCAPE(nb_class_name(p->classes, c->label, buffer));
    PUT("</th><td>%zu</td>", c->taken);
    if (c->images) {
        double n = (double)c->images;
        PUT("<td>%.1f</td><td>%.1f</td><td class=\"words\">", 100 * (double)c->rejected / n,
            100 * (double)c->right / n);
    } else {
        PUT("<td>\xE2\x80\x93</td><td>\xE2\x80\x93</td><td class=\"words\">");
    }
    if (c->mistaken) {
        ESCAPE(nb_class_name(p->classes, c->mistaken_for, buffer));
        PUT("&nbsp;<span class=\"muted\">%zu of %zu</span>", c->mistaken, c->images);
    }
    PUT("</td>");
    if (p->bank && c->label < p->bank->label_count) {
        PUT("<td class=\"words\">");
        NB_TRY(page_write_nearest(w, c->label));
        PUT("</td>");
    }
    if (thumbnails) {
        PUT("<td class=\"words\"><div class=\"thumbs\">");
        for (size_t i = 0; i < c->culprit_count; i++) {
            NB_TRY(page_write_thumbnail(w, &c->culprits[i]));
        }
        PUT("</div></td>");
    }
    PUT("</tr>\n");
done:
    return status;
}

static bool page_blamed(const nb_confused *c)
{
    return c->taken || c->rejected || c->right < c->images;
}

/* True when one of the images that would be shown can be read: else the column is left out. */
static bool page_any_image(writer *w)
{
    const nb_confusion *c = w->page->confusion;
    bool found = false;
    for (size_t i = 0; i < c->count && i < NB_PAGE_CONFUSED && !found; i++) {
        const nb_confused *label = &c->labels[c->ranked[i]];
        for (size_t k = 0; k < label->culprit_count && !found; k++) {
            const nb_sample *s = &w->page->evaluation->samples[label->culprits[k].sample];
            nb_error ignored = {0};
            nb_buffer path = {0};
            nb_buffer uri = {0};
            found = page_path_of(w, nb_strings_get(&s->scores.images, label->culprits[k].row), &path) == NB_OK &&
                    nb_thumbnail(&uri, path.data, &ignored) == NB_OK;
            nb_buffer_free(&path);
            nb_buffer_free(&uri);
        }
    }
    return found;
}

static nb_status page_write_confusion(writer *w)
{
    const nb_page *p = w->page;
    const nb_confusion *c = p->confusion;
    bool thumbnails = !(p->image_folder && !*p->image_folder) && page_any_image(w);
    nb_status status = NB_OK;
    if (!c->count || !page_blamed(&c->labels[c->ranked[0]])) {
        return NB_OK;
    }
    PUT("<h2>Most confused labels</h2>\n<p class=\"muted\">At the threshold that 95\xE2\x80\xAF%% of the ID images "
        "pass%s: OOD images accepted and predicted as the label, its own images rejected, and those predicted right "
        "(in percent of its images).%s</p>\n",
        p->report->run_count > 1 ? ", in the first run" : "",
        p->bank ? " Beside the nearest negatives stands their cosine with the label." : "");
    PUT("<div class=\"wide\"><table>\n<thead><tr><th>label</th><th>OOD taken for it</th><th>rejected %%</th>"
        "<th>accuracy %%</th><th style=\"text-align:left\">most mistaken for</th>%s%s</tr></thead>\n<tbody>\n",
        p->bank ? "<th style=\"text-align:left\">nearest negatives</th>" : "",
        thumbnails ? "<th style=\"text-align:left\">images behind it</th>" : "");
    for (size_t i = 0; i < c->count && i < NB_PAGE_CONFUSED; i++) {
        const nb_confused *label = &c->labels[c->ranked[i]];
        if (page_blamed(label)) {
            NB_TRY(page_write_confused_row(w, label, thumbnails));
        }
    }
    PUT("</tbody></table></div>\n");
done:
    return status;
}

/* A share in percent, or a dash. */
static nb_status page_write_share(writer *w, const char *format, double share)
{
    nb_status status = NB_OK;
    if (isfinite(share)) {
        PUT(format, share);
    } else {
        PUT("\xE2\x80\x93");
    }
done:
    return status;
}

/* What the miner of the bank found out, where it says so. */
static nb_status page_write_findings(writer *w)
{
    const nb_bank_findings *f = w->page->bank ? &w->page->bank->findings : NULL;
    nb_status status = NB_OK;
    if (!f || !f->candidates) {
        return NB_OK;
    }
    PUT("<h2>How the bank was mined</h2>\n<dl><dt>candidates</dt><dd>%zu, %zu with evidence in the wild images</dd>",
        f->candidates, f->with_evidence);
    PUT("<dt>negatives</dt><dd>%zu, the places of %zu measured by wild images, those of the others imputed</dd>",
        w->page->bank->negative_count, f->measured);
    PUT("<dt>images</dt><dd>%zu ID, %zu wild</dd><dt>ID among the wild images</dt><dd>", f->id_images, f->wild_images);
    NB_TRY(page_write_share(w, "%.1f\xE2\x80\xAF%%", 100 * f->id_share));
    PUT("</dd><dt>covered by evidence, of what ID images are mistaken for</dt><dd>");
    NB_TRY(page_write_share(w, "%.0f\xE2\x80\xAF%%", 100 * f->covered));
    PUT("</dd></dl>\n");
    if (f->size_count) {
        PUT("<div class=\"wide\"><table>\n<thead><tr><th>negatives</th><th>ID images move</th><th>wild images "
            "move</th></tr></thead>\n<tbody>\n");
        for (size_t i = 0; i < f->size_count; i++) {
            PUT("<tr class=\"%s\"><th>%zu%s</th><td>",
                f->sizes[i].count == w->page->bank->negative_count ? "mean" : "set", f->sizes[i].count,
                f->sizes[i].count == w->page->bank->negative_count ? " (chosen)" : "");
            NB_TRY(page_write_share(w, "%.4f", f->sizes[i].id_moves));
            PUT("</td><td>");
            NB_TRY(page_write_share(w, "%.4f", f->sizes[i].wild_moves));
            PUT("</td></tr>\n");
        }
        PUT("</tbody></table></div>\n<p class=\"muted\">How far an image's rank moves, of 1, from one size to the "
            "next. "
            "The smallest size is chosen behind which neither moves by %g or more.</p>\n",
            f->tolerance);
    }
done:
    return status;
}

static nb_status page_write_provenance(writer *w)
{
    const nb_page *p = w->page;
    nb_status status;
    PUT("<h2>Parameters and provenance</h2>\n<dl><dt>program</dt><dd>negbank %s (%s)</dd>", nb_version(), nb_commit());
    if (p->made) {
        PUT("<dt>made</dt><dd>%s</dd>", p->made);
    }
    if (p->bank) {
        PUT("<dt>bank</dt><dd>%s</dd>", p->bank->digest.hex);
    }
    if (p->scoring) {
        PUT("<dt>scoring</dt><dd>");
        ESCAPE(p->scoring);
        PUT("</dd>");
    }
    if (p->report->resamples) {
        PUT("<dt>bootstrap</dt><dd>%zu resamples, seed %llu</dd>", p->report->resamples,
            (unsigned long long)p->report->seed);
    }
    PUT("</dl>\n<pre>");
    for (const char *line = p->provenance; *line; line += strcspn(line, "\n")) { /* the escaper knows no line feed */
        line += *line == '\n';
        size_t len = strcspn(line, "\n");
        char *copy = nb_alloc(len + 1, 1, w->err);
        status = copy ? NB_OK : NB_ERR_LIMIT;
        NB_TRY(status);
        memcpy(copy, line, len);
        status = nb_escape_markup(&w->out, copy, w->err);
        free(copy);
        NB_TRY(status);
        PUT("\n");
    }
    PUT("</pre>\n</main>\n</body>\n</html>\n");
done:
    return status;
}

nb_status nb_page_write(const nb_page *page, const char *path, bool force, size_t *thumbnails, nb_error *err)
{
    writer w = {.page = page, .err = err};
    const char *odds = page->evaluation->odds && !page->evaluation->log_odds
                           ? "Log-odds keep confident images apart where the score itself would be 1: 0 is a score of "
                             "0.5, 2.2 of 0.9, 4.6 of 0.99, 9.2 of 0.9999. The outermost bins hold what lies beyond "
                             "the axis."
                           : "The outermost bins hold what lies beyond the axis.";
    nb_status status;
    NB_TRY(page_write_head(&w));
    NB_TRY(page_write_tiles(&w));
    NB_TRY(page_write_summary(&w));
    NB_TRY(page_write_leaks(&w));
    NB_TRY(page_write_panels(&w, NB_SECTION_SCORES, "Scores", odds));
    NB_TRY(page_write_panels(&w, NB_SECTION_CURVES, "Curves", NULL));
    NB_TRY(page_write_panels(&w, NB_SECTION_BANK, "Quality against the bank", page->sweep_note));
    NB_TRY(page_write_findings(&w));
    NB_TRY(page_write_confusion(&w));
    NB_TRY(page_write_panels(&w, NB_SECTION_CLASSES, "ID accuracy", NULL));
    NB_TRY(page_write_provenance(&w));
    NB_TRY(nb_file_write(path, force, w.out.data, w.out.len, err));
    if (thumbnails) {
        *thumbnails = w.thumbnails;
    }
done:
    nb_buffer_free(&w.out);
    return status;
}
