/* The page of an index. Every bank is there without scripts; the script only searches, filters and sorts. */
#include "jobs/publish/site.h"

#include "common/base/text.h"
#include "jobs/publish/site_parts.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static nb_status site_put(nb_buffer *b, const char *text, nb_error *err)
{
    return nb_buffer_append(b, text, strlen(text), err);
}

/* Text for HTML, between tags and within quoted attributes. */
static nb_status site_escaped(nb_buffer *b, const char *text, nb_error *err)
{
    nb_status status = NB_OK;
    size_t control;
    for (const char *p = text; *p && status == NB_OK; p += control ? control : 1) {
        control = nb_text_control(p);
        switch (*p) {
        case '&': status = site_put(b, "&amp;", err); break;
        case '<': status = site_put(b, "&lt;", err); break;
        case '>': status = site_put(b, "&gt;", err); break;
        case '"': status = site_put(b, "&quot;", err); break;
        case '\'': status = site_put(b, "&#39;", err); break;
        default: status = nb_buffer_append(b, control ? " " : p, 1, err);
        }
    }
    return status;
}

static nb_status site_fact(nb_buffer *b, const char *what, const char *text, nb_error *err)
{
    nb_status status = NB_OK;
    if (*text) {
        NB_TRY(nb_buffer_printf(b, err, "<div><dt>%s</dt><dd>", what));
        NB_TRY(site_escaped(b, text, err));
        NB_TRY(site_put(b, "</dd></div>", err));
    }
done:
    return status;
}

static double site_quality(const json_t *bank, const char *name)
{
    const json_t *value = json_object_get(json_object_get(bank, "quality"), name);
    double v = json_is_number(value) ? json_number_value(value) : NAN;
    return v >= 0 && v <= 1 ? v : NAN;
}

static json_int_t site_count(const json_t *bank, const char *name)
{
    return json_integer_value(json_object_get(bank, name));
}

/* A link where the address is one a browser can open; else its text alone. */
static nb_status site_link_to(nb_buffer *b, const nb_url *base, const char *name, const char *shown, nb_error *err)
{
    nb_url url = {0}, here = {0};
    nb_error ignored = {0};
    nb_status status = nb_url_parse(&here, "http://x.invalid/", err);
    if (status != NB_OK || nb_url_beside(&url, base ? base : &here, name, &ignored) != NB_OK) {
        status = status == NB_OK ? site_escaped(b, shown, err) : status;
        goto done;
    }
    if (url.scheme != NB_SCHEME_HTTP && url.scheme != NB_SCHEME_HTTPS) {
        NB_TRY(site_put(b, "<span>", err));
        NB_TRY(site_escaped(b, url.shown, err));
        NB_TRY(site_put(b, "</span>", err));
        goto done;
    }
    NB_TRY(site_put(b, "<a href=\"", err));
    if (!base && strncmp(url.text, here.text, strlen(here.text)) == 0) {
        NB_TRY(site_put(b, "./", err));
        NB_TRY(site_escaped(b, url.text + strlen(here.text), err));
    } else {
        NB_TRY(site_escaped(b, url.shown, err));
    }
    NB_TRY(site_put(b, "\" rel=\"noreferrer\">", err));
    NB_TRY(site_escaped(b, shown, err));
    NB_TRY(site_put(b, "</a>", err));
done:
    nb_url_free(&url);
    nb_url_free(&here);
    return status;
}

static nb_status site_meter(nb_buffer *b, const char *name, double value, bool high_is_good, nb_error *err)
{
    if (!isfinite(value)) {
        return nb_buffer_printf(b, err, "<div class=\"m none\"><span>%s</span><b>not measured</b></div>", name);
    }
    return nb_buffer_printf(
        b, err,
        "<div class=\"m\"><span>%s</span><b>%.2f %%</b><i><u class=\"%s\" style=\"width:%.1f%%\"></u></i></div>", name,
        100 * value, high_is_good ? "up" : "down", 100 * value);
}

static nb_status site_labels(nb_buffer *b, const json_t *bank, nb_error *err)
{
    const json_t *list = json_object_get(bank, "labels"), *label;
    json_int_t all = site_count(bank, "label_count"), listed = (json_int_t)json_array_size(list);
    size_t i;
    nb_status status;
    NB_TRY(nb_buffer_printf(b, err, "<details><summary>%lld label%s</summary><ul>", (long long)(all ? all : listed),
                            all == 1 ? "" : "s"));
    json_array_foreach((json_t *)(uintptr_t)list, i, label)
    {
        NB_TRY(site_put(b, "<li>", err));
        NB_TRY(site_escaped(b, json_string_value(label), err));
        NB_TRY(site_put(b, "</li>", err));
    }
    if (all > listed) {
        NB_TRY(nb_buffer_printf(b, err, "<li class=\"more\">and %lld more</li>", (long long)(all - listed)));
    }
    NB_TRY(site_put(b, "</ul></details>", err));
done:
    return status;
}

static nb_status site_links(nb_buffer *b, const json_t *bank, const nb_url *base, nb_error *err)
{
    const char *signature = nb_index_text_of(bank, "signature"), *card = nb_index_text_of(bank, "card");
    nb_buffer sum = {0};
    nb_status status;
    NB_TRY(site_put(b, "<p class=\"links\">", err));
    NB_TRY(site_link_to(b, base, nb_index_text_of(bank, "file"), "bank", err));
    NB_TRY(nb_buffer_printf(&sum, err, "%s.sha256", nb_index_text_of(bank, "file")));
    NB_TRY(site_put(b, " ", err));
    NB_TRY(site_link_to(b, base, sum.data, "sha256", err));
    if (*signature) {
        NB_TRY(site_put(b, " ", err));
        NB_TRY(site_link_to(b, base, signature, "signature", err));
    }
    if (*card) {
        NB_TRY(site_put(b, " ", err));
        NB_TRY(site_link_to(b, base, card, "card", err));
    }
    NB_TRY(site_put(b, "</p>", err));
done:
    nb_buffer_free(&sum);
    return status;
}

static nb_status site_head(nb_buffer *b, const json_t *bank, nb_error *err)
{
    double auroc = site_quality(bank, "auroc"), fpr = site_quality(bank, "fpr95");
    nb_status status;
    NB_TRY(nb_buffer_printf(b, err, "<article class=\"bank\" data-negatives=\"%lld\" data-labels=\"%lld\"",
                            (long long)site_count(bank, "negatives"), (long long)site_count(bank, "label_count")));
    if (isfinite(auroc)) {
        NB_TRY(nb_buffer_printf(b, err, " data-auroc=\"%.6f\"", auroc));
    }
    if (isfinite(fpr)) {
        NB_TRY(nb_buffer_printf(b, err, " data-fpr=\"%.6f\"", fpr));
    }
    NB_TRY(site_put(b, "><header><h2>", err));
    NB_TRY(site_escaped(b, nb_index_text_of(bank, "name"), err));
    NB_TRY(site_put(b, "</h2><span class=\"v\">", err));
    NB_TRY(site_escaped(b, nb_index_text_of(bank, "version"), err));
    NB_TRY(site_put(b, "</span>", err));
    if (*nb_index_text_of(bank, "criterion")) {
        NB_TRY(site_put(b, "<span class=\"tag\">", err));
        NB_TRY(site_escaped(b, nb_index_text_of(bank, "criterion"), err));
        NB_TRY(site_put(b, "</span>", err));
    }
    if (*nb_index_text_of(bank, "signature")) {
        NB_TRY(site_put(b, "<span class=\"tag signed\">signed</span>", err));
    }
    NB_TRY(site_put(b, "</header><div class=\"ms\">", err));
    NB_TRY(site_meter(b, "AUROC", auroc, true, err));
    NB_TRY(site_meter(b, "FPR95", fpr, false, err));
    NB_TRY(site_put(b, "</div>", err));
done:
    return status;
}

static nb_status site_one_bank(nb_buffer *b, const json_t *bank, const nb_url *base, nb_error *err)
{
    char text[128], size[32];
    nb_status status;
    NB_TRY(site_head(b, bank, err));
    NB_TRY(site_put(b, "<dl>", err));
    snprintf(text, sizeof text, "%lld", (long long)site_count(bank, "negatives"));
    NB_TRY(site_fact(b, "negatives", text, err));
    nb_format_bytes(size, (double)site_count(bank, "bytes"));
    NB_TRY(site_fact(b, "size", size, err));
    snprintf(text, sizeof text, "%lld", (long long)site_count(bank, "dimensions"));
    NB_TRY(site_fact(b, "width", text, err));
    NB_TRY(site_fact(b, "score", nb_index_text_of(bank, "score"), err));
    snprintf(text, sizeof text, "%.10s", nb_index_text_of(bank, "published")); /* the day */
    nb_text_sanitise(text);
    NB_TRY(site_fact(b, "published", text, err));
    NB_TRY(site_fact(b, "corpus", nb_index_text_of(bank, "corpus"), err));
    NB_TRY(site_fact(b, "licence", nb_index_text_of(bank, "licence"), err));
    NB_TRY(site_put(b, "</dl>", err));
    NB_TRY(site_labels(b, bank, err));
    NB_TRY(site_put(b, "<code title=\"SHA-256\">", err));
    NB_TRY(site_escaped(b, nb_index_text_of(bank, "sha256"), err));
    NB_TRY(site_put(b, "</code>", err));
    NB_TRY(site_links(b, bank, base, err));
    NB_TRY(site_put(b, "</article>\n", err));
done:
    return status;
}

nb_status nb_site_render(nb_buffer *out, const nb_index *index, const nb_url *base, nb_error *err)
{
    size_t banks = json_array_size(index->banks);
    nb_status status;
    NB_TRY(site_put(out, nb_site_top, err));
    NB_TRY(site_put(out, nb_site_style, err));
    NB_TRY(site_put(out, nb_site_intro, err));
    NB_TRY(nb_buffer_printf(out, err, "<p class=\"sub\"><b id=\"shown\">%zu</b> of %zu bank%s; index %lld", banks,
                            banks, banks == 1 ? "" : "s", (long long)index->serial));
    NB_TRY(site_put(out, ", updated ", err));
    NB_TRY(site_escaped(out, nb_index_text_of(index->root, "updated"), err));
    NB_TRY(site_put(out, index->signature ? ", signed</p>" : ", not signed</p>", err));
    NB_TRY(site_put(out, nb_site_controls, err));
    for (size_t i = banks; i-- > 0;) { /* newest first */
        NB_TRY(site_one_bank(out, json_array_get(index->banks, i), base, err));
    }
    NB_TRY(site_put(out, nb_site_end, err));
    NB_TRY(site_put(out, nb_site_script, err));
done:
    return status;
}
