#include "jobs/plan/plan_stages.h"

#include "common/base/file.h"
#include "common/base/text.h"
#include "common/transfer/url.h"
#include "mining/corpus/plan.h"
#include "mining/corpus/text/labels.h"
#include "mining/embed/prompts.h"
#include "scoring/bank/bank.h"
#include "scoring/scores/parameters.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { LINE_BYTES = 16 }; /* a corpus' line, where nothing is known of it */

/* --items for a stage: true with the number. */
static bool plan_stages_told_items(const nb_plan *p, const nb_stage *stage, double *out)
{
    size_t len = strlen(stage->name);
    for (size_t i = 0; i < p->set->items.count; i++) {
        const char *word = nb_strings_get(&p->set->items, i);
        if (strncmp(word, stage->name, len) == 0 && word[len] == '=' && nb_parse_real(word + len + 1, out)) {
            return true;
        }
    }
    return false;
}

/* The rows behind a path: of the file, where it is finished or made elsewhere, else what its stage will make. */
static nb_status plan_stages_rows_of(const nb_plan *p, const char *path, nb_plan_count *out, nb_error *err)
{
    bool found;
    for (size_t i = 0; i < p->stages.count; i++) {
        const nb_stage *s = &p->stages.all[i];
        if (s->output && p->rows[i].stage && strcmp(s->output, path) == 0 && s->state != NB_STAGE_DONE) {
            *out = p->rows[i].made;
            return NB_OK;
        }
    }
    nb_status status = nb_plan_count_rows(out, path, &found, err);
    if (status == NB_OK && !found) {
        return nb_fail(err, NB_ERR_INPUT, "'%s' is not there, and no stage makes it", path);
    }
    return status;
}

static nb_status plan_stages_rows_of_all(const nb_plan *p, const nb_strings *paths, nb_plan_count *out, nb_error *err)
{
    nb_status status = NB_OK;
    *out = (nb_plan_count){0};
    for (size_t i = 0; paths && i < paths->count && status == NB_OK; i++) {
        nb_plan_count one = {0};
        status = plan_stages_rows_of(p, nb_strings_get(paths, i), &one, err);
        out->items += one.items;
        out->approximate = out->approximate || one.approximate;
        out->width = one.width;
    }
    return status;
}

/* ---- stage by stage ---- */

static const nb_engine *plan_stages_engine_of(const nb_stage *s)
{
    const char *wanted = nb_stage_text(s, "precision");
    if (wanted && strcmp(wanted, "int8") == 0) {
        return &nb_engine_int8;
    }
    nb_engine_offer least = wanted && strcmp(wanted, "auto") == 0 ? NB_ENGINE_GAIN : NB_ENGINE_ON_DEMAND;
    const nb_engine *bf16 = wanted && strcmp(wanted, "fp32") != 0 ? nb_engine_bf16(least, NULL) : NULL;
    return bf16 ? bf16 : nb_engine_fp32_best();
}

static bool plan_stages_stores_half(const nb_stage *s)
{
    const char *store = nb_stage_text(s, "store");
    return store && strcmp(store, "fp16") == 0;
}

/* The shape of the stage's checkpoint; that of the checkpoint a tuning stage starts from, where it makes this one. */
static nb_status plan_stages_shape_of(const nb_plan *p, const nb_stage *s, nb_clip_config *out, const char **model,
                                      nb_error *err)
{
    *model = nb_stage_text(s, "model");
    for (size_t i = 0; *model && i < p->stages.count; i++) {
        const nb_stage *other = &p->stages.all[i];
        if (other != s && other->output && strcmp(other->output, *model) == 0 && !nb_file_is_directory(*model)) {
            *model = nb_stage_text(other, "model");
            break;
        }
    }
    if (!*model) {
        return nb_fail(err, NB_ERR_INPUT, "stage %s has no checkpoint to plan with", s->name);
    }
    return nb_clip_config_read(out, *model, err);
}

static nb_status plan_stages_plan_corpus(nb_plan *p, nb_plan_row *r, nb_error *err)
{
    nb_plan_count lines;
    double given = 0;
    bool is_given = plan_stages_told_items(p, r->stage, &given);
    nb_status status = nb_plan_count_lines(&lines, nb_stage_list(r->stage, "inputs"), err);
    if (status == NB_ERR_INPUT && is_given) { /* addresses, or what is not there yet */
        nb_error_clear(err);
        status = NB_OK;
        lines = (nb_plan_count){.items = given, .bytes = LINE_BYTES * given, .approximate = true};
    }
    NB_TRY(status);
    double limit = nb_stage_number(r->stage, "limit", 0);
    double kept = is_given ? given : limit > 0 ? fmin(lines.items, limit) : lines.items;
    const char *memory = nb_stage_text(r->stage, "memory");
    uint64_t bytes = NB_CORPUS_MEMORY_DEFAULT;
    if (memory && !nb_parse_bytes(memory, &bytes)) {
        status = nb_fail(err, NB_ERR_USAGE, "stage %s: memory '%s' is no size", r->stage->name, memory);
        goto done;
    }
    r->e = nb_estimate_corpus(lines.bytes, lines.items, (int)p->set->ranks, bytes);
    r->made = (nb_plan_count){
        .items = kept, .bytes = lines.bytes * fmin(1, kept / fmax(1, lines.items)), .approximate = true};
    r->approximate = lines.approximate;
done:
    return status;
}

static nb_status plan_stages_plan_texts(nb_plan *p, nb_plan_row *r, nb_error *err)
{
    nb_clip_config c;
    const char *model, *corpus = nb_stage_text(r->stage, "inputs");
    nb_plan_count rows = {0};
    nb_prompts prompts = {0};
    nb_status status;
    NB_TRY(plan_stages_shape_of(p, r->stage, &c, &model, err));
    NB_TRY(nb_prompts_create(&prompts, nb_stage_list(r->stage, "prompt"), NULL, err));
    if (!plan_stages_told_items(p, r->stage, &rows.items)) {
        NB_TRY(plan_stages_rows_of(p, corpus, &rows, err));
    }
    r->e = nb_estimate_texts(&c, plan_stages_engine_of(r->stage), rows.items, fmax(rows.bytes, 16 * rows.items),
                             (double)prompts.nouns.count, plan_stages_stores_half(r->stage));
    r->made = (nb_plan_count){rows.items, rows.bytes, (double)c.projection, rows.approximate};
    r->approximate = rows.approximate;
    NB_TRY(nb_rates_seconds(&p->rates, &r->e, (nb_rate_of){model, plan_stages_engine_of(r->stage), c.projection},
                            &r->seconds, err));
done:
    nb_prompts_destroy(&prompts);
    return status;
}

static nb_status plan_stages_plan_images(nb_plan *p, nb_plan_row *r, nb_error *err)
{
    nb_clip_config c;
    const char *model;
    nb_plan_count images = {0};
    nb_status status;
    NB_TRY(plan_stages_shape_of(p, r->stage, &c, &model, err));
    if (!plan_stages_told_items(p, r->stage, &images.items)) {
        NB_TRY(nb_plan_count_images(&images, nb_stage_list(r->stage, "inputs"), err));
    }
    r->e = nb_estimate_images(&c, plan_stages_engine_of(r->stage), images.items, fmax(images.bytes, 16 * images.items),
                              nb_stage_number(r->stage, "decode-threads", 1), plan_stages_stores_half(r->stage));
    r->made = (nb_plan_count){images.items, images.bytes, (double)c.projection, images.approximate};
    r->approximate = images.approximate;
    NB_TRY(nb_rates_seconds(&p->rates, &r->e, (nb_rate_of){model, plan_stages_engine_of(r->stage), c.projection},
                            &r->seconds, err));
done:
    return status;
}

/* How many a mining run keeps of n candidates. */
static double plan_stages_kept_of(const nb_stage *s, const nb_criterion *c, double n)
{
    double count = nb_stage_number(s, "count", 0), fraction = nb_stage_number(s, "fraction", 0);
    if (count > 0 || fraction > 0) {
        return count > 0 ? fmin(count, n) : fraction * n;
    }
    if (c->automatic) { /* at most */
        return fmin(nb_stage_number(s, "max-bank", n), n);
    }
    return c->count ? fmin((double)c->count, n) : c->fraction[NB_TAG_NONE] * n;
}

static nb_status plan_stages_count_labels(const nb_stage *s, double *out, nb_error *err)
{
    nb_strings labels = {0};
    const nb_log silent = {0};
    const char *path = nb_stage_text(s, "labels");
    if (nb_url_like(path) || strcmp(path, "-") == 0) {
        nb_fail(err, NB_ERR_INPUT, "'%s' is no file: its labels cannot be counted before the run", path);
        return nb_hint(err, "fetch them first, and name the file");
    }
    nb_status status = nb_labels_read(&labels, path, &silent, err);
    *out = (double)labels.count;
    nb_strings_free(&labels);
    return status;
}

static nb_status plan_stages_plan_mine(nb_plan *p, nb_plan_row *r, nb_error *err)
{
    const nb_stage *s = r->stage;
    const char *id = nb_stage_text(s, "id-images"), *wild = nb_stage_text(s, "wild-images");
    const nb_criterion *asked = nb_criterion_find(nb_stage_text(s, "criterion"));
    nb_plan_count texts, images[2] = {{0}};
    nb_estimate_mining m = {.plan = {.criterion = asked->needs_wild && !wild ? asked->without_wild : asked,
                                     .rejection = nb_rejection_choose(nb_stage_text(s, "reject"), asked),
                                     .options = &s->options,
                                     .all_columns = nb_stage_text(s, "explain") != NULL}};
    nb_status status;
    NB_TRY(plan_stages_rows_of(p, nb_stage_text(s, "texts"), &texts, err));
    if (id) {
        NB_TRY(plan_stages_rows_of(p, id, &images[0], err));
    }
    if (wild) {
        NB_TRY(plan_stages_rows_of(p, wild, &images[1], err));
    }
    NB_TRY(plan_stages_count_labels(s, &m.size.labels, err));
    m.size.candidates = texts.items;
    m.size.width = texts.width;
    m.size.id_images = images[0].items;
    m.size.wild_images = images[1].items;
    m.kept = plan_stages_kept_of(s, asked, texts.items);
    NB_TRY(nb_estimate_mine(&r->e, &m, (int)p->set->ranks, err));
    r->made = (nb_plan_count){.items = m.size.labels + m.kept, .width = texts.width};
    r->approximate = texts.approximate;
    NB_TRY(nb_rates_seconds(&p->rates, &r->e, (nb_rate_of){.width = (size_t)texts.width}, &r->seconds, err));
done:
    return status;
}

/* Labels and negatives of a bank that is there or will be. */
static nb_status plan_stages_count_bank(const nb_plan *p, const char *path, nb_plan_count *out, nb_error *err)
{
    for (size_t i = 0; i < p->stages.count; i++) {
        const nb_stage *s = &p->stages.all[i];
        if (s->output && p->rows[i].stage && strcmp(s->output, path) == 0 && s->state != NB_STAGE_DONE) {
            *out = p->rows[i].made;
            return NB_OK;
        }
    }
    nb_bank bank = {0};
    nb_status status = nb_bank_open(&bank, path, err);
    if (status == NB_OK) {
        *out = (nb_plan_count){.items = (double)(bank.label_count + bank.negative_count), .width = (double)bank.d};
        nb_bank_close(&bank);
    }
    return status;
}

/* What the stage's score takes with its published parameters; a score that only the bank names is taken as a plain one.
 */
static nb_status plan_stages_score_cost(const nb_stage *s, const nb_score_load *load, nb_score_cost *out, nb_error *err)
{
    const char *name = nb_stage_text(s, "score");
    const nb_score_rule *rule = name ? nb_score_find(name) : NULL;
    nb_score_parameters published = {.rule = rule};
    nb_status status = rule ? nb_score_published(&published, rule, err) : NB_OK;
    *out = rule && status == NB_OK ? nb_score_cost_of(&published, load) : nb_score_plain_cost(load);
    return status;
}

static nb_status plan_stages_plan_score(nb_plan *p, nb_plan_row *r, nb_error *err)
{
    const nb_stage *s = r->stage;
    const nb_strings *stores = nb_stage_list(s, "images");
    const nb_engine *engine = plan_stages_engine_of(s);
    const char *model = NULL;
    nb_plan_count bank, images;
    nb_score_cost cost;
    nb_clip_config c;
    nb_status status;
    NB_TRY(plan_stages_count_bank(p, nb_stage_text(s, "bank"), &bank, err));
    if (stores && stores->count) {
        NB_TRY(plan_stages_rows_of_all(p, stores, &images, err));
        r->e = (nb_estimate){.memory = NB_ESTIMATE_BASE};
    } else {
        NB_TRY(plan_stages_shape_of(p, s, &c, &model, err));
        NB_TRY(nb_plan_count_images(&images, nb_stage_list(s, "inputs"), err));
        r->e = nb_estimate_images(&c, engine, images.items, images.bytes, 1, false);
    }
    r->e.items = images.items;
    r->e.tiles = fmax(1, ceil(images.items / NB_AFFINITY_IMAGES));
    NB_TRY(plan_stages_score_cost(s, &(nb_score_load){.images = images.items, .rows = bank.items, .width = bank.width},
                                  &cost, err));
    r->e.memory += images.items * (24 + 96) + bank.items * (bank.width * 16 + 64) + cost.memory;
    r->e.written = images.items * 96;
    r->e.products = cost.products;
    r->approximate = images.approximate;
    NB_TRY(nb_rates_seconds(&p->rates, &r->e, (nb_rate_of){model, engine, (size_t)bank.width}, &r->seconds, err));
done:
    return status;
}

static nb_status plan_stages_plan_tune(nb_plan *p, nb_plan_row *r, nb_error *err)
{
    const nb_stage *s = r->stage;
    nb_clip_config c;
    const char *model;
    nb_plan_count images;
    nb_status status;
    if (!nb_stage_text(s, "model")) {
        return nb_fail(err, NB_ERR_INPUT, "stage %s: plan needs a checkpoint to start from (model)", s->name);
    }
    NB_TRY(plan_stages_shape_of(p, s, &c, &model, err));
    NB_TRY(nb_plan_count_images(&images, nb_stage_list(s, "images"), err));
    double batch = nb_stage_number(s, "batch", 512), steps = nb_stage_number(s, "steps", 0);
    steps = steps > 0 ? steps : ceil(images.items / batch) * nb_stage_number(s, "epochs", 10);
    const nb_option_source recompute = nb_option_given(&s->options, "recompute");
    r->e = nb_estimate_tune(&c, steps, batch, nb_stage_number(s, "micro-batch", 16), recompute != NB_FROM_DEFAULT);
    r->approximate = images.approximate;
    NB_TRY(nb_rates_seconds(&p->rates, &r->e, (nb_rate_of){model, &nb_engine_fp32, c.projection}, &r->seconds, err));
done:
    return status;
}

/* Stages that take little and nothing that grows much: what they read is counted in the stages before. */
static nb_status plan_stages_plan_small(nb_plan *p, nb_plan_row *r, nb_error *err)
{
    (void)p;
    (void)err;
    r->e = (nb_estimate){.tiles = 1, .memory = NB_ESTIMATE_BASE_ALONE};
    return NB_OK;
}

nb_status nb_plan_stage(nb_plan *p, nb_plan_row *r, nb_error *err)
{
    static const struct {
        const char *command;
        nb_status (*plan)(nb_plan *p, nb_plan_row *r, nb_error *err);
    } planners[] = {{"corpus", plan_stages_plan_corpus},       {"embed text", plan_stages_plan_texts},
                    {"embed images", plan_stages_plan_images}, {"mine", plan_stages_plan_mine},
                    {"score", plan_stages_plan_score},         {"tune", plan_stages_plan_tune}};
    for (size_t i = 0; i < sizeof planners / sizeof *planners; i++) {
        if (strcmp(planners[i].command, r->stage->command->name) == 0) {
            return planners[i].plan(p, r, err);
        }
    }
    return plan_stages_plan_small(p, r, err);
}
