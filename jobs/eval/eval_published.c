#include "jobs/eval/eval_published.h"

#include "common/base/text.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The metric of a key; NB_METRIC_COUNT for none. */
static size_t eval_published_metric(const char *key)
{
    size_t k = 0;
    while (k < NB_METRIC_COUNT && strcmp(key, nb_metric_key(k)) != 0) {
        k++;
    }
    return k;
}

/* One "FIGURE=X"; the text is written into. */
static nb_status eval_published_figure(nb_report *report, size_t line, char *text, nb_error *err)
{
    char *equals = strchr(text, '=');
    double value = 0;
    if (!equals) {
        return nb_fail(err, NB_ERR_USAGE, "--published: '%s' is not FIGURE=X", text);
    }
    *equals = '\0';
    size_t metric = eval_published_metric(text);
    if (metric == NB_METRIC_COUNT) {
        nb_fail(err, NB_ERR_USAGE, "--published: there is no figure '%s'", text);
        return nb_hint(err, "figures are named as in the JSON file: auroc, fpr95_id_positive, fpr95_ood_positive, ...");
    }
    if (!nb_parse_real(equals + 1, &value) || !(value >= 0 && value <= 100)) {
        return nb_fail(err, NB_ERR_USAGE, "--published: '%s' is no number from 0 to 100", equals + 1);
    }
    if (!isnan(nb_report_published(report, line, metric))) {
        return nb_fail(err, NB_ERR_USAGE, "--published: %s of '%s' is given twice", text, nb_report_name(report, line));
    }
    return nb_report_publish(report, line, metric, value / 100, err);
}

static nb_status eval_published_word(nb_report *report, const char *word, nb_error *err)
{
    char *copy = NULL, *rest, *next;
    size_t len = strlen(word), line;
    nb_status status;
    NB_TRY_NEW(copy, len + 1);
    memcpy(copy, word, len + 1);
    rest = strrchr(copy, ':'); /* a name may have colons, figures have none */
    if (!rest) {
        status = nb_fail(err, NB_ERR_USAGE, "--published: '%s' is not NAME:FIGURE=X", word);
        goto done;
    }
    *rest++ = '\0';
    line = nb_report_find(report, copy);
    if (line == SIZE_MAX) {
        status = nb_fail(err, NB_ERR_USAGE, "--published: there is no set or group '%s'", copy);
        goto done;
    }
    for (; rest; rest = next) {
        next = strchr(rest, ',');
        if (next) {
            *next++ = '\0';
        }
        NB_TRY(eval_published_figure(report, line, rest, err));
    }
done:
    free(copy);
    return status;
}

nb_status nb_eval_published_read(nb_report *report, const nb_strings *words, const char *from, nb_error *err)
{
    nb_status status = NB_OK;
    for (size_t i = 0; i < words->count; i++) {
        NB_TRY(eval_published_word(report, nb_strings_get(words, i), err));
    }
    report->published_from = words->count ? from : NULL;
done:
    return status;
}
