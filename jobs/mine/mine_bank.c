#include "jobs/mine/mine_bank.h"

#include "common/base/json.h"
#include "common/base/text.h"
#include "mining/bank/bank_writer.h"
#include "mining/embed/prompts.h"
#include "scoring/scores/calibrate.h"
#include "scoring/scores/parameters.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static nb_status mine_bank_push_list(nb_strings *out, const json_t *list, nb_error *err)
{
    nb_status status = NB_OK;
    for (size_t i = 0; i < json_array_size(list) && status == NB_OK; i++) {
        const char *text = json_string_value(json_array_get(list, i));
        status = text ? nb_strings_push(out, text, strlen(text), err) : NB_OK;
    }
    return status;
}

/* The templates a store of texts was embedded under, empty when `embed text` did not make it. */
static nb_status mine_bank_text_prompts(nb_prompts *out, const json_t *provenance, nb_error *err)
{
    const char *command = json_string_value(json_object_get(provenance, "command"));
    const json_t *options = json_object_get(provenance, "options");
    nb_strings nouns = {0}, adjectives = {0};
    nb_status status = NB_OK;
    if (!command || strcmp(command, "embed text") != 0) {
        return NB_OK;
    }
    NB_TRY(mine_bank_push_list(&nouns, json_object_get(options, "prompt"), err));
    NB_TRY(mine_bank_push_list(&adjectives, json_object_get(options, "prompt-adj"), err));
    NB_TRY(nb_prompts_create(out, &nouns, &adjectives, err));
done:
    nb_strings_free(&nouns);
    nb_strings_free(&adjectives);
    return status;
}

/* A parameter that criteria and scores share by name: what a bank was mined with it suggests; 1 corrects nothing. */
static double mine_bank_tau(const nb_parsed *options)
{
    const nb_option *tau = nb_option_named(options, "tau");
    return tau && tau->type == NB_OPTION_REAL ? *(const double *)nb_option_value(options, tau) : 1;
}

/* What the bank suggests, by the options. */
static nb_status mine_bank_suggest(nb_bank_suggestion *out, const nb_mine_bank *b, nb_error *err)
{
    const nb_mine_bank_choice *c = b->choice;
    bool asked = nb_option_given(b->inputs->job->options, "score") != NB_FROM_DEFAULT;
    const char *score = !asked && b->mined->criterion->score ? b->mined->criterion->score : c->score;
    const nb_score_rule *rule = nb_score_find(score);
    size_t negatives = b->mined->selection.count;
    int64_t seed = 0;
    *out = (nb_bank_suggestion){.groups = (size_t)c->groups, .seeded = strcmp(c->group_seed, "none") != 0};
    if (out->seeded && (!nb_parse_int(c->group_seed, &seed) || seed < 0)) {
        return nb_fail(err, NB_ERR_USAGE, "--group-seed: '%s' is neither a number nor 'none'", c->group_seed);
    }
    if (out->groups > negatives) {
        return nb_fail(err, NB_ERR_USAGE, "--groups %zu cannot be cut from %zu negatives", out->groups, negatives);
    }
    if (!rule) {
        return nb_fail(err, NB_ERR_INTERNAL, "score '%s' has no rule", score);
    }
    out->seed = (uint64_t)seed;
    out->tau = mine_bank_tau(b->inputs->job->options);
    bool given = nb_option_given(b->inputs->job->options, "temperature") != NB_FROM_DEFAULT;
    nb_score_parameters published;
    nb_status status = nb_score_published(&published, rule, err);
    out->temperature = given ? c->temperature : published.shared.temperature;
    snprintf(out->score, sizeof out->score, "%s", score);
    return status;
}

/* Bytes of a number of a row. */
static size_t mine_bank_number(const nb_mine_bank_choice *c, bool negatives)
{
    nb_bank_precision precision = NB_BANK_FP16;
    nb_bank_precision_parse(c->precision, &precision);
    return precision == NB_BANK_FP32 ? 4 : precision == NB_BANK_INT8 && negatives ? 1 : 2;
}

nb_status nb_mine_bank_bound(size_t *out, const char *max_bytes, const nb_mine_inputs *in, const nb_mine_bank_choice *c,
                             nb_error *err)
{
    enum { TEXT = 64, FILE_BYTES = 65536 }; /* of a text and what lies beside it; of all that does not grow */
    size_t d = (size_t)in->texts.plan.width, number = mine_bank_number(c, true);
    size_t negative = 2 * (d * number + 4) + TEXT; /* its text's row and its measured proxy's */
    uint64_t bytes,
        fixed = FILE_BYTES + (2 * in->labels.count + d) * d * mine_bank_number(c, false) + in->labels.count * TEXT;
    if (!nb_parse_bytes(max_bytes, &bytes)) {
        return nb_fail(err, NB_ERR_USAGE, "--max-bank-bytes: '%s' is no size, as 500K, 16M or 1G", max_bytes);
    }
    if (bytes < fixed + negative) {
        nb_fail(err, NB_ERR_USAGE,
                "--max-bank-bytes %s: a bank of %zu labels may take %llu bytes before its first negative", max_bytes,
                in->labels.count, (unsigned long long)fixed);
        return nb_hint(err, "ask for more, or for another --bank-precision");
    }
    *out = (size_t)((bytes - fixed) / negative);
    return NB_OK;
}

/* The selected candidates, as the content of a bank wants them. */
typedef struct picked {
    nb_strings texts;
    float *rows, *prototypes;
    uint8_t *tags;
} picked;

static void mine_bank_free_picked(picked *p)
{
    nb_strings_free(&p->texts);
    free(p->rows);
    free(p->prototypes);
    free(p->tags);
}

static nb_status mine_bank_narrow(float **out, const double *rows, size_t count, nb_error *err)
{
    *out = nb_alloc(count, sizeof **out, err);
    for (size_t i = 0; *out && i < count; i++) {
        (*out)[i] = (float)rows[i];
    }
    return *out ? NB_OK : NB_ERR_LIMIT;
}

static nb_status mine_bank_pick(picked *p, const nb_mine_bank *b, nb_error *err)
{
    const nb_selection *chosen = &b->mined->selection;
    size_t m = chosen->count, d = (size_t)b->inputs->texts.plan.width, labels = b->inputs->labels.count;
    nb_status status;
    NB_TRY_NEW(p->tags, m);
    NB_TRY_NEW(p->rows, m * d);
    NB_TRY(nb_mined_texts(b->mined, &b->inputs->texts, &p->texts, p->tags, err));
    for (size_t i = 0; i < m; i++) {
        NB_TRY(nb_store_rows_float(&b->inputs->texts, (size_t)chosen->ids[i], 1, p->rows + i * d, err));
    }
    if (b->inputs->prototypes) {
        NB_TRY(mine_bank_narrow(&p->prototypes, b->inputs->prototypes, labels * d, err));
    }
done:
    return status;
}

static nb_status mine_bank_measure(void *state, const nb_bank *bank, nb_bank_threshold *out, nb_error *err)
{
    const nb_mine_bank *b = state;
    nb_status status = nb_calibrate(out, bank, &b->inputs->calibrate, NB_CALIBRATE_RECALL, err);
    if (status == NB_OK) {
        nb_log_info(&b->inputs->job->log, "threshold %.9g by %s accepts %.2f %% of %zu held-out ID images", out->score,
                    out->suggestion.score, 100 * out->measured, out->images);
    }
    return status;
}

/* Warns where texts were longer than the bound allowed for. */
static void mine_bank_check_size(const nb_mine_bank *b)
{
    uint64_t most;
    struct stat file;
    if (b->max_bytes && nb_parse_bytes(b->max_bytes, &most) && stat(b->output, &file) == 0 &&
        (uint64_t)file.st_size > most) {
        nb_log_warn(&b->inputs->job->log, "'%s' takes %llu bytes, over --max-bank-bytes %s: its texts are long",
                    b->output, (unsigned long long)file.st_size, b->max_bytes);
    }
}

nb_status nb_mine_bank_write(const nb_mine_bank *b, nb_digest *digest, nb_error *err)
{
    picked p = {0};
    nb_prompts texts = {0}, labels = {0};
    const char *text = b->inputs->texts.provenance;
    json_t *texts_from = NULL;
    nb_digest embedded = {""}, used = {""};
    char *provenance = NULL;
    nb_status status;
    nb_bank_content content = {.d = (size_t)b->inputs->texts.plan.width,
                               .labels = &b->inputs->labels,
                               .negatives = &p.texts,
                               .measure = b->inputs->calibrate.plan.count ? mine_bank_measure : NULL,
                               .measure_state = (void *)(uintptr_t)b};
    nb_bank_visual visual = {
        .names = &b->visual->names, .rows = b->visual->visual.rows, .criterion = b->visual->visual.margins};
    content.visual = b->visual->visual.count ? &visual : NULL;
    NB_TRY(mine_bank_suggest(&content.suggestion, b, err));
    NB_TRY(mine_bank_pick(&p, b, err));
    NB_TRY(text ? nb_json_parse(&texts_from, text, strlen(text), 0, NULL, err) : NB_OK);
    NB_TRY(mine_bank_text_prompts(&texts, texts_from, err));
    if (!b->inputs->from->label_embeddings) {
        NB_TRY(nb_prompts_create(&labels, &b->inputs->from->prompt, NULL, err));
    }
    NB_TRY(nb_provenance_text(&b->inputs->job->provenance, &provenance, err));
    nb_provenance_find(b->inputs->texts.provenance, "model", &embedded);
    nb_provenance_find(provenance, "model", &used);
    nb_bank_precision_parse(b->choice->precision, &content.precision);
    content.label_rows = b->inputs->label_rows;
    content.negative_rows = p.rows;
    content.prototypes = p.prototypes;
    content.criterion = b->mined->selection.values;
    content.tags = p.tags;
    content.ids = b->mined->selection.ids;
    content.source = (nb_bank_source){.checkpoint = embedded.hex[0] ? embedded.hex
                                                    : used.hex[0]   ? used.hex
                                                                    : NULL,
                                      .label_prompts = &labels.nouns,
                                      .text_prompts = &texts.nouns,
                                      .adjective_prompts = &texts.adjectives};
    content.provenance = provenance;
    content.proxies = b->mined->outcome.proxies;
    content.findings = b->mined->outcome.findings.candidates ? &b->mined->outcome.findings : NULL;
    NB_TRY(nb_bank_write(b->output, b->force, &content, digest, err));
    mine_bank_check_size(b);
done:
    mine_bank_free_picked(&p);
    nb_prompts_destroy(&texts);
    nb_prompts_destroy(&labels);
    json_decref(texts_from);
    free(provenance);
    return status;
}
