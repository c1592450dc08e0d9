#include "jobs/publish/card.h"

#include "common/base/tag.h"
#include "common/base/text.h"
#include "common/base/version.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { LABELS_SHOWN = 200 };

/* Markdown's own characters get a backslash, line breaks become blanks. */
static nb_status card_plain(nb_buffer *b, const char *text, nb_error *err)
{
    nb_status status = NB_OK;
    for (const char *p = text; *p && status == NB_OK;) {
        size_t control = nb_text_control(p);
        if (strchr("\\`*_[]<>|#&!~$", *p)) {
            status = nb_buffer_append(b, "\\", 1, err);
        }
        if (status == NB_OK) {
            status = nb_buffer_append(b, control ? " " : p, 1, err);
        }
        p += control ? control : 1;
    }
    return status;
}

/* A row of the first table; nothing for an empty text unless `missing` says what stands there instead. */
static nb_status card_row(nb_buffer *b, const char *what, const char *text, const char *missing, nb_error *err)
{
    nb_status status;
    bool empty = !text || !*text;
    if (empty && !missing) {
        return NB_OK;
    }
    NB_TRY(nb_buffer_printf(b, err, "| %s | ", what));
    NB_TRY(card_plain(b, empty ? missing : text, err));
    NB_TRY(nb_buffer_printf(b, err, " |\n"));
done:
    return status;
}

static nb_status card_facts(nb_buffer *b, const nb_publication *p, nb_error *err)
{
    const nb_bank *bank = p->bank;
    size_t tags[NB_TAG_COUNT] = {0};
    char text[256], size[32], *criterion = nb_publication_option(p, "criterion");
    nb_status status;
    for (size_t i = 0; i < bank->negative_count; i++) {
        tags[bank->tags[i] < NB_TAG_COUNT ? bank->tags[i] : NB_TAG_NONE]++;
    }
    NB_TRY(nb_buffer_printf(b, err, "| | |\n|---|---|\n"));
    nb_format_bytes(size, (double)p->bytes);
    snprintf(text, sizeof text, "%s, %s", p->file, size);
    NB_TRY(card_row(b, "file", text, NULL, err));
    NB_TRY(card_row(b, "address", p->address, NULL, err));
    NB_TRY(card_row(b, "SHA-256", p->digest.hex, NULL, err));
    NB_TRY(card_row(b, "bank digest", bank->digest.hex, NULL, err));
    NB_TRY(card_row(b, "signed by key", p->public_key, "not signed", err));
    snprintf(text, sizeof text, "%zu", bank->label_count);
    NB_TRY(card_row(b, "ID labels", text, NULL, err));
    snprintf(text, sizeof text, "%zu: %zu nouns, %zu adjectives, %zu untagged", bank->negative_count, tags[NB_TAG_NOUN],
             tags[NB_TAG_ADJ], tags[NB_TAG_NONE]);
    NB_TRY(card_row(b, "negative labels", text, NULL, err));
    snprintf(text, sizeof text, "%zu wide, %s", bank->d, nb_bank_precision_name(bank->precision));
    NB_TRY(card_row(b, "embeddings", text, NULL, err));
    NB_TRY(card_row(b, "criterion", criterion, "not recorded", err));
    snprintf(text, sizeof text, "%s, temperature %g, %zu group%s", bank->score ? bank->score : "none",
             bank->temperature, bank->groups, bank->groups == 1 ? "" : "s");
    NB_TRY(card_row(b, "suggested score", text, NULL, err));
    NB_TRY(card_row(b, "checkpoint (SHA-256)", bank->checkpoint ? bank->checkpoint : nb_publication_input(p, "model"),
                    "not recorded", err));
    NB_TRY(card_row(b, "corpus", p->corpus, "not stated", err));
    NB_TRY(card_row(b, "corpus embeddings (SHA-256)", nb_publication_input(p, "texts"), NULL, err));
    NB_TRY(card_row(b, "licence", p->licence, "not stated", err));
    snprintf(text, sizeof text, "negbank %s (%s)", nb_index_text_of(p->provenance, "version"),
             nb_index_text_of(p->provenance, "commit"));
    NB_TRY(card_row(b, "made by", text, NULL, err));
done:
    free(criterion);
    return status;
}

static nb_status card_labels(nb_buffer *b, const nb_bank *bank, nb_error *err)
{
    nb_status status;
    NB_TRY(nb_buffer_printf(b, err, "\n## Labels\n\n"));
    size_t shown = bank->label_count < LABELS_SHOWN ? bank->label_count : LABELS_SHOWN;
    for (size_t i = 0; i < shown; i++) {
        NB_TRY(nb_buffer_printf(b, err, "%s", i ? ", " : ""));
        NB_TRY(card_plain(b, nb_strings_get(&bank->labels, i), err));
    }
    if (shown < bank->label_count) {
        NB_TRY(nb_buffer_printf(b, err, " and %zu more", bank->label_count - shown));
    }
    NB_TRY(nb_buffer_printf(b, err, "\n"));
done:
    return status;
}

static nb_status card_parameters(nb_buffer *b, const nb_publication *p, nb_error *err)
{
    const json_t *options = json_object_get(p->provenance, "options"), *value;
    const char *key;
    nb_status status = NB_OK;
    if (!json_object_size(options)) {
        return NB_OK;
    }
    NB_TRY(nb_buffer_printf(b, err, "\n## Parameters\n\n| option | value |\n|---|---|\n"));
    json_object_foreach((json_t *)(uintptr_t)options, key, value)
    {
        char *text = nb_publication_option(p, key);
        status = card_row(b, key, text, "\"\"", err);
        free(text);
        NB_TRY(status);
    }
done:
    return status;
}

/* ---- quality ---- */

static const char *const figures[][2] = {
    {"auroc", "AUROC"}, {"fpr95_id_positive", "FPR95, ID positive"}, {"fpr95_ood_positive", "FPR95, OOD positive"}};
enum { FIGURES = sizeof figures / sizeof *figures };

/* One cell, in percent: the value and, where there is one, its interval. */
static nb_status card_figure(nb_buffer *b, const json_t *values, const json_t *intervals, const char *name,
                             nb_error *err)
{
    const json_t *value = json_object_get(values, name), *interval = json_object_get(intervals, name);
    const json_t *low = json_array_get(interval, 0), *high = json_array_get(interval, 1);
    if (!json_is_number(value)) {
        return nb_buffer_printf(b, err, " - |");
    }
    if (json_is_number(low) && json_is_number(high)) {
        return nb_buffer_printf(b, err, " %.2f [%.2f, %.2f] |", 100 * json_number_value(value),
                                100 * json_number_value(low), 100 * json_number_value(high));
    }
    return nb_buffer_printf(b, err, " %.2f |", 100 * json_number_value(value));
}

static nb_status card_quality_row(nb_buffer *b, const char *name, const json_t *values, const json_t *intervals,
                                  nb_error *err)
{
    nb_status status;
    NB_TRY(nb_buffer_printf(b, err, "| "));
    NB_TRY(card_plain(b, name, err));
    NB_TRY(nb_buffer_printf(b, err, " |"));
    for (size_t i = 0; i < FIGURES; i++) {
        NB_TRY(card_figure(b, values, intervals, figures[i][0], err));
    }
    NB_TRY(nb_buffer_printf(b, err, "\n"));
done:
    return status;
}

static nb_status card_quality(nb_buffer *b, const nb_publication *p, nb_error *err)
{
    const json_t *sets = json_object_get(p->metrics, "datasets"), *values;
    const json_t *intervals = json_object_get(p->metrics, "intervals");
    const json_t *accuracy = json_object_get(p->metrics, "id_accuracy");
    const char *name;
    nb_status status;
    NB_TRY(nb_buffer_printf(b, err, "\n## Measured quality\n\n"));
    if (!p->metrics) {
        NB_TRY(nb_buffer_printf(b, err, "No evaluation came with this bank.\n"));
        goto done;
    }
    NB_TRY(nb_buffer_printf(b, err, "In percent%s.\n\n| OOD set |", intervals ? ", with intervals" : ""));
    for (size_t i = 0; i < FIGURES; i++) {
        NB_TRY(nb_buffer_printf(b, err, " %s |", figures[i][1]));
    }
    NB_TRY(nb_buffer_printf(b, err, "\n|---|---|---|---|\n"));
    json_object_foreach((json_t *)(uintptr_t)sets, name, values)
    {
        NB_TRY(card_quality_row(b, name, values, json_object_get(json_object_get(intervals, "datasets"), name), err));
    }
    NB_TRY(card_quality_row(b, "mean", json_object_get(p->metrics, "mean"), json_object_get(intervals, "mean"), err));
    if (json_is_number(accuracy)) {
        NB_TRY(nb_buffer_printf(b, err, "\nID accuracy: %.2f %%\n", 100 * json_number_value(accuracy)));
    }
done:
    return status;
}

/* One word for a shell, in single quotes. */
static nb_status card_shell_word(nb_buffer *b, const char *text, nb_error *err)
{
    nb_status status = nb_buffer_append(b, "'", 1, err);
    for (const char *p = text; *p && status == NB_OK; p++) {
        status = *p == '\'' ? nb_buffer_printf(b, err, "'\\''") : nb_buffer_append(b, p, 1, err);
    }
    return status == NB_OK ? nb_buffer_append(b, "'", 1, err) : status;
}

static nb_status card_use(nb_buffer *b, const nb_publication *p, nb_error *err)
{
    nb_status status;
    NB_TRY(nb_buffer_printf(b, err, "\n## Use\n\n    negbank pull "));
    NB_TRY(card_shell_word(b, p->address ? p->address : p->file, err));
    NB_TRY(nb_buffer_printf(b, err, " -o "));
    NB_TRY(card_shell_word(b, p->file, err));
    NB_TRY(nb_buffer_printf(b, err, "%s%s\n    negbank inspect info ", p->public_key ? " --verify " : "",
                            p->public_key ? p->public_key : ""));
    NB_TRY(card_shell_word(b, p->file, err));
    NB_TRY(nb_buffer_printf(b, err, "\n    negbank check --model CHECKPOINT\n    negbank score --bank "));
    NB_TRY(card_shell_word(b, p->file, err));
    NB_TRY(
        nb_buffer_printf(b, err,
                         " --model CHECKPOINT -o scores.tsv IMAGES/\n"
                         "    sort -t \"$(printf '\\t')\" -gr -k 5 scores.tsv | head    # the least like the labels\n"
                         "\nCHECKPOINT is the folder of the CLIP model whose digest stands above: scores with "
                         "another one mean nothing.\n"));
done:
    return status;
}

static nb_status card_cite(nb_buffer *b, const nb_publication *p, nb_error *err)
{
    nb_status status;
    NB_TRY(nb_buffer_printf(b, err, "\n## Cite\n\n"));
    if (p->cite) {
        NB_TRY(card_plain(b, p->cite, err));
        NB_TRY(nb_buffer_printf(b, err, "\n\n"));
    }
    NB_TRY(nb_buffer_printf(b, err, "Name the bank with its version and digest: *"));
    NB_TRY(card_plain(b, p->name, err));
    NB_TRY(nb_buffer_printf(b, err, "* "));
    NB_TRY(card_plain(b, p->version, err));
    NB_TRY(nb_buffer_printf(b, err, ", SHA-256 `%.16s`, mined with negbank %s.\n", p->digest.hex, nb_version()));
done:
    return status;
}

nb_status nb_card_write(nb_buffer *out, const nb_publication *p, nb_error *err)
{
    nb_status status;
    NB_TRY(nb_buffer_printf(out, err, "# "));
    NB_TRY(card_plain(out, p->name, err));
    NB_TRY(nb_buffer_printf(out, err, " "));
    NB_TRY(card_plain(out, p->version, err));
    NB_TRY(nb_buffer_printf(out, err,
                            "\n\n%zu negative labels for %zu classes: with them and a CLIP model, images of none of "
                            "these classes are told from images of one of them.\n\n",
                            p->bank->negative_count, p->bank->label_count));
    NB_TRY(card_facts(out, p, err));
    NB_TRY(card_labels(out, p->bank, err));
    NB_TRY(card_parameters(out, p, err));
    NB_TRY(card_quality(out, p, err));
    NB_TRY(card_use(out, p, err));
    NB_TRY(card_cite(out, p, err));
done:
    return status;
}
