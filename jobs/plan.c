/* negbank plan: what a run file would take. */
#include "jobs/commands.h"
#include "jobs/plan_counts.h"
#include "jobs/plan_rates.h"
#include "jobs/stages.h"

#include "common/base/file.h"
#include "common/base/text.h"
#include "mining/labels.h"
#include "scoring/bank.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>

typedef struct settings {
    nb_talk talk;
    const char *config, *memory;
    nb_strings rate, items;
    int64_t ranks, ranks_per_node;
    bool json;
} settings;

/* One stage's line. */
typedef struct row {
    const nb_stage *stage;
    nb_estimate e;
    nb_plan_count made;           /* what later stages find in its output */
    double memory, seconds, room; /* room: free bytes where the output goes, 0 for unknown */
    bool about;
    char problem[256]; /* why it cannot run, "" when it can */
} row;

typedef struct plan {
    nb_job *job;
    const settings *set;
    nb_stages stages;
    row *rows; /* [stages.count] */
    nb_rates rates;
    double limit; /* bytes a rank, 0: none */
} plan;

/* ---- what there is to do ---- */

static nb_status parse_size(double *out, const char *text, nb_error *err)
{
    static const char units[] = "KMGT";
    size_t len = strlen(text);
    const char *unit = len ? strchr(units, text[len - 1]) : NULL;
    char number[64];
    if (!unit || len > sizeof number) {
        unit = NULL;
        snprintf(number, sizeof number, "%s", text);
    } else {
        snprintf(number, sizeof number, "%.*s", (int)len - 1, text);
    }
    if (!nb_parse_real(number, out) || *out <= 0) {
        nb_fail(err, NB_ERR_USAGE, "--memory-per-rank: '%s' is no size", text);
        return nb_hint(err, "bytes, or with K, M, G, T (powers of 1024) behind, as Slurm's --mem: 4G");
    }
    *out *= unit ? exp2(10.0 * (double)(unit - units + 1)) : 1;
    return NB_OK;
}

/* --items for a stage: true with the number. */
static bool told_items(const plan *p, const nb_stage *stage, double *out)
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

static nb_status check_items(const plan *p, nb_error *err)
{
    for (size_t i = 0; i < p->set->items.count; i++) {
        const char *word = nb_strings_get(&p->set->items, i);
        bool found = false;
        double value = 0;
        for (size_t k = 0; k < p->stages.count; k++) {
            size_t len = strlen(p->stages.all[k].name);
            found = found || (strncmp(word, p->stages.all[k].name, len) == 0 && word[len] == '=' &&
                              nb_parse_real(word + len + 1, &value) && value >= 1);
        }
        if (!found) {
            nb_fail(err, NB_ERR_USAGE, "--items: '%s' is not STAGE=N", word);
            return nb_hint(err, "'negbank run %s --print-stages' lists the stages", p->set->config);
        }
    }
    return NB_OK;
}

/* The rows behind a path: of the file, where it is finished or made elsewhere, else what its stage will make. */
static nb_status rows_of(const plan *p, const char *path, nb_plan_count *out, nb_error *err)
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

static nb_status rows_of_all(const plan *p, const nb_strings *paths, nb_plan_count *out, nb_error *err)
{
    nb_status status = NB_OK;
    *out = (nb_plan_count){0};
    for (size_t i = 0; paths && i < paths->count && status == NB_OK; i++) {
        nb_plan_count one = {0};
        status = rows_of(p, nb_strings_get(paths, i), &one, err);
        out->items += one.items;
        out->about = out->about || one.about;
        out->width = one.width;
    }
    return status;
}

/* ---- stage by stage ---- */

static const nb_engine *engine_of(const nb_stage *s)
{
    const char *wanted = nb_stage_text(s, "precision"), *why;
    const nb_engine *bf16 = wanted && strcmp(wanted, "fp32") != 0 ? nb_engine_bf16(&why) : NULL;
    return bf16 ? bf16 : &nb_engine_fp32;
}

static bool stores_half(const nb_stage *s)
{
    const char *store = nb_stage_text(s, "store");
    return store && strcmp(store, "fp16") == 0;
}

/* The shape of the stage's checkpoint; that of the checkpoint a tuning stage starts from, where it makes this one. */
static nb_status shape_of(const plan *p, const nb_stage *s, nb_clip_config *out, const char **model, nb_error *err)
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

static nb_status plan_corpus(plan *p, row *r, nb_error *err)
{
    nb_plan_count lines;
    nb_status status;
    NB_TRY(nb_plan_count_lines(&lines, nb_stage_list(r->stage, "inputs"), err));
    double kept = lines.items, limit = nb_stage_number(r->stage, "limit", 0);
    kept = limit > 0 ? fmin(kept, limit) : kept;
    told_items(p, r->stage, &kept);
    r->e = nb_estimate_corpus(lines.bytes, lines.items, (int)p->set->ranks);
    r->made =
        (nb_plan_count){.items = kept, .bytes = lines.bytes * fmin(1, kept / fmax(1, lines.items)), .about = true};
    r->about = lines.about;
done:
    return status;
}

static nb_status plan_texts(plan *p, row *r, nb_error *err)
{
    nb_clip_config c;
    const char *model, *corpus = nb_stage_text(r->stage, "inputs");
    nb_plan_count rows = {0};
    nb_status status;
    NB_TRY(shape_of(p, r->stage, &c, &model, err));
    if (!told_items(p, r->stage, &rows.items)) {
        NB_TRY(rows_of(p, corpus, &rows, err));
    }
    const nb_strings *prompt = nb_stage_list(r->stage, "prompt");
    double prompts = prompt && prompt->count ? (double)prompt->count : 1;
    r->e = nb_estimate_texts(&c, engine_of(r->stage), rows.items, fmax(rows.bytes, 16 * rows.items), prompts,
                             stores_half(r->stage));
    r->made = (nb_plan_count){rows.items, rows.bytes, (double)c.projection, rows.about};
    r->about = rows.about;
    NB_TRY(nb_rates_seconds(&p->rates, &r->e, model, engine_of(r->stage), c.projection, &r->seconds, err));
done:
    return status;
}

static nb_status plan_images(plan *p, row *r, nb_error *err)
{
    nb_clip_config c;
    const char *model;
    nb_plan_count images = {0};
    nb_status status;
    NB_TRY(shape_of(p, r->stage, &c, &model, err));
    if (!told_items(p, r->stage, &images.items)) {
        NB_TRY(nb_plan_count_images(&images, nb_stage_list(r->stage, "inputs"), err));
    }
    r->e = nb_estimate_images(&c, engine_of(r->stage), images.items, fmax(images.bytes, 16 * images.items),
                              nb_stage_number(r->stage, "decode-threads", 1), stores_half(r->stage));
    r->made = (nb_plan_count){images.items, images.bytes, (double)c.projection, images.about};
    r->about = images.about;
    NB_TRY(nb_rates_seconds(&p->rates, &r->e, model, engine_of(r->stage), c.projection, &r->seconds, err));
done:
    return status;
}

/* How many a mining run keeps of n candidates. */
static double kept_of(const nb_stage *s, const nb_criterion *c, double n)
{
    double count = nb_stage_number(s, "count", 0), fraction = nb_stage_number(s, "fraction", 0);
    if (count > 0 || fraction > 0) {
        return count > 0 ? fmin(count, n) : fraction * n;
    }
    return c->count ? fmin((double)c->count, n) : c->fraction[NB_TAG_NONE] * n;
}

static nb_status count_labels(const nb_stage *s, double *out, nb_error *err)
{
    nb_strings labels = {0};
    nb_status status = nb_labels_read(&labels, nb_stage_text(s, "labels"), err);
    *out = (double)labels.count;
    nb_strings_free(&labels);
    return status;
}

static nb_status plan_mine(plan *p, row *r, nb_error *err)
{
    const nb_stage *s = r->stage;
    const char *id = nb_stage_text(s, "id-images"), *wild = nb_stage_text(s, "wild-images");
    const nb_criterion *asked = nb_criterion_find(nb_stage_text(s, "criterion"));
    const char *reject = nb_stage_text(s, "reject");
    nb_plan_count texts, images[2] = {{0}};
    nb_estimate_mining m = {.explains = nb_stage_text(s, "explain") != NULL,
                            .criterion = asked->needs_wild && !wild ? &nb_criterion_dnm : asked,
                            .rejects = strcmp(reject, "auto") == 0 ? asked->rejects : strcmp(reject, "none") != 0,
                            .neighbours = nb_stage_number(s, "neighbours", 0),
                            .neighbour_sample = nb_stage_number(s, "neighbour-sample", 0)};
    nb_status status;
    NB_TRY(rows_of(p, nb_stage_text(s, "texts"), &texts, err));
    if (id) {
        NB_TRY(rows_of(p, id, &images[0], err));
    }
    if (wild) {
        NB_TRY(rows_of(p, wild, &images[1], err));
    }
    NB_TRY(count_labels(s, &m.labels, err));
    m.n = texts.items;
    m.width = texts.width;
    m.id_images = images[0].items;
    m.wild_images = images[1].items;
    m.kept = kept_of(s, asked, m.n);
    r->e = nb_estimate_mine(&m, (int)p->set->ranks);
    r->made = (nb_plan_count){.items = m.labels + m.kept, .width = m.width};
    r->about = texts.about;
    NB_TRY(nb_rates_seconds(&p->rates, &r->e, NULL, NULL, (size_t)m.width, &r->seconds, err));
done:
    return status;
}

/* Labels and negatives of a bank that is there or will be. */
static nb_status count_bank(const plan *p, const char *path, nb_plan_count *out, nb_error *err)
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

static nb_status plan_score(plan *p, row *r, nb_error *err)
{
    const nb_stage *s = r->stage;
    const nb_strings *stores = nb_stage_list(s, "images");
    const nb_engine *engine = engine_of(s);
    const char *model = NULL;
    nb_plan_count bank, images;
    nb_clip_config c;
    nb_status status;
    NB_TRY(count_bank(p, nb_stage_text(s, "bank"), &bank, err));
    if (stores && stores->count) {
        NB_TRY(rows_of_all(p, stores, &images, err));
        r->e = (nb_estimate){.memory = NB_ESTIMATE_BASE};
    } else {
        NB_TRY(shape_of(p, s, &c, &model, err));
        NB_TRY(nb_plan_count_images(&images, nb_stage_list(s, "inputs"), err));
        r->e = nb_estimate_images(&c, engine, images.items, images.bytes, 1, false);
    }
    r->e.items = images.items;
    r->e.tiles = fmax(1, ceil(images.items / NB_AFFINITY_IMAGES));
    r->e.memory += images.items * (24 + 96) + bank.items * (bank.width * 16 + 64);
    r->e.written = images.items * 96;
    r->e.products = 2 * images.items * bank.items * bank.width;
    r->about = images.about;
    NB_TRY(nb_rates_seconds(&p->rates, &r->e, model, engine, (size_t)bank.width, &r->seconds, err));
done:
    return status;
}

static nb_status plan_tune(plan *p, row *r, nb_error *err)
{
    const nb_stage *s = r->stage;
    nb_clip_config c;
    const char *model;
    nb_plan_count images;
    nb_status status;
    if (!nb_stage_text(s, "model")) {
        return nb_fail(err, NB_ERR_INPUT, "stage %s: plan needs a checkpoint to start from (model)", s->name);
    }
    NB_TRY(shape_of(p, s, &c, &model, err));
    NB_TRY(nb_plan_count_images(&images, nb_stage_list(s, "images"), err));
    double batch = nb_stage_number(s, "batch", 512), steps = nb_stage_number(s, "steps", 0);
    steps = steps > 0 ? steps : ceil(images.items / batch) * nb_stage_number(s, "epochs", 10);
    const nb_option_source recompute = nb_option_given(&s->options, "recompute");
    r->e = nb_estimate_tune(&c, steps, batch, nb_stage_number(s, "micro-batch", 16), recompute != NB_FROM_DEFAULT);
    r->about = images.about;
    NB_TRY(nb_rates_seconds(&p->rates, &r->e, model, &nb_engine_fp32, c.projection, &r->seconds, err));
done:
    return status;
}

/* Stages that take little and nothing that grows much: what they read is counted in the stages before. */
static nb_status plan_small(plan *p, row *r, nb_error *err)
{
    (void)p;
    (void)err;
    r->e = (nb_estimate){.tiles = 1, .memory = NB_ESTIMATE_BASE};
    return NB_OK;
}

static nb_status plan_stage(plan *p, row *r, nb_error *err)
{
    static const struct {
        const char *command;
        nb_status (*plan)(plan *p, row *r, nb_error *err);
    } planners[] = {{"corpus", plan_corpus}, {"embed text", plan_texts}, {"embed images", plan_images},
                    {"mine", plan_mine},     {"score", plan_score},      {"tune", plan_tune}};
    for (size_t i = 0; i < sizeof planners / sizeof *planners; i++) {
        if (strcmp(planners[i].command, r->stage->command->name) == 0) {
            return planners[i].plan(p, r, err);
        }
    }
    return plan_small(p, r, err);
}

/* ---- what it comes to ---- */

static double free_bytes(const char *output)
{
    struct statvfs disk;
    const char *slash = output ? strrchr(output, '/') : NULL;
    char folder[4096] = ".";
    if (slash && slash != output) {
        snprintf(folder, sizeof folder, "%.*s", (int)(slash - output), output);
    }
    return output && statvfs(folder, &disk) == 0 ? (double)disk.f_bavail * (double)disk.f_frsize : 0;
}

static void judge(plan *p, row *r)
{
    double ranks = r->stage->command->mpi ? (double)p->set->ranks : 1;
    double sharing = fmin(ranks, (double)p->set->ranks_per_node);
    char needed[32], there[32];
    r->memory = r->e.memory + r->e.weights / sharing;
    r->seconds *= ceil(r->e.tiles / ranks) / r->e.tiles;
    r->room = free_bytes(r->stage->output);
    if (r->stage->state == NB_STAGE_DONE) {
        return;
    }
    if (p->limit > 0 && r->memory > p->limit) {
        nb_format_bytes(needed, r->memory);
        nb_format_bytes(there, p->limit);
        snprintf(r->problem, sizeof r->problem, "a rank needs %s, --memory-per-rank allows %s", needed, there);
    } else if (r->room > 0 && r->e.written + r->e.scratch > r->room) {
        nb_format_bytes(needed, r->e.written + r->e.scratch);
        nb_format_bytes(there, r->room);
        snprintf(r->problem, sizeof r->problem, "it writes %s, '%.100s' has room for %s", needed, r->stage->output,
                 there);
    }
}

static nb_status work_out(plan *p, nb_error *err)
{
    nb_status status = NB_OK;
    for (size_t i = 0; i < p->stages.count; i++) {
        row *r = &p->rows[i];
        r->stage = &p->stages.all[i];
        status = plan_stage(p, r, err);
        if (status != NB_OK) {
            return nb_context(err, "stage %s", r->stage->name);
        }
        if (r->e.gathered > 0) {
            NB_TRY(nb_rates_seconds(&p->rates, &r->e, NULL, NULL, 0, &r->seconds, err));
        }
        judge(p, r);
    }
done:
    return status;
}

static void print_row(const row *r)
{
    char items[32], memory[32], written[32], scratch[32] = "-", time[32];
    nb_format_count(items, r->e.items);
    nb_format_bytes(memory, r->memory);
    nb_format_bytes(written, r->e.written);
    nb_format_seconds(time, r->seconds);
    if (r->e.scratch > 0) {
        nb_format_bytes(scratch, r->e.scratch);
    }
    bool done = r->stage->state == NB_STAGE_DONE;
    printf("%-24s %-8s %9s%s %8.0f %10s %10s %10s %12s\n", r->stage->name, nb_stage_state_name(r->stage->state), items,
           r->about ? "~" : " ", r->e.tiles, memory, written, scratch, done ? "-" : time);
}

static void print_table(const plan *p)
{
    double seconds = 0, written = 0;
    char time[32], bytes[32];
    printf("%-24s %-8s %9s  %8s %10s %10s %10s %12s\n", "stage", "state", "items", "tiles", "mem/rank", "writes",
           "scratch", "time");
    for (size_t i = 0; i < p->stages.count; i++) {
        const row *r = &p->rows[i];
        print_row(r);
        if (r->stage->state != NB_STAGE_DONE) {
            seconds += r->seconds;
            written += r->e.written;
        }
    }
    nb_format_seconds(time, seconds);
    nb_format_bytes(bytes, written);
    printf("left on %lld rank%s: %s one after another (%.3g hours), %s written\n", (long long)p->set->ranks,
           p->set->ranks == 1 ? "" : "s", time, seconds / 3600, bytes);
    printf("rates of a rank:");
    for (size_t k = 0; k < NB_RATES; k++) {
        if (p->rates.of[k] > 0) {
            printf(" %s=%.4g (%s)", nb_rate_name(k), nb_rate_shown(&p->rates, k),
                   p->rates.given[k]     ? "given"
                   : k == NB_RATE_CORPUS ? "assumed"
                                         : "measured here");
        }
    }
    printf("\n");
    for (size_t i = 0; i < p->stages.count; i++) {
        if (p->rows[i].problem[0]) {
            printf("does not fit: %s: %s\n", p->rows[i].stage->name, p->rows[i].problem);
        }
    }
}

static nb_status print_json(const plan *p, nb_error *err)
{
    json_t *stages = json_array(), *rates = json_object();
    for (size_t i = 0; i < p->stages.count; i++) {
        const row *r = &p->rows[i];
        json_t *one =
            json_pack("{s:s, s:s, s:s, s:f, s:b, s:f, s:f, s:f, s:f, s:f, s:f}", "stage", r->stage->name, "command",
                      r->stage->command->name, "state", nb_stage_state_name(r->stage->state), "items", r->e.items,
                      "about", r->about, "tiles", r->e.tiles, "memory_per_rank", r->memory, "bytes_written",
                      r->e.written, "scratch_bytes", r->e.scratch, "seconds", r->seconds, "hours", r->seconds / 3600);
        json_object_set_new(one, "problem", r->problem[0] ? json_string(r->problem) : json_null());
        json_array_append_new(stages, one);
    }
    for (size_t k = 0; k < NB_RATES; k++) {
        if (p->rates.of[k] > 0) {
            json_object_set_new(rates, nb_rate_name(k), json_real(nb_rate_shown(&p->rates, k)));
        }
    }
    json_t *root = json_pack("{s:s, s:I, s:o, s:o}", "run_file", p->set->config, "ranks", (json_int_t)p->set->ranks,
                             "rates", rates, "stages", stages);
    char *text = json_dumps(root, JSON_INDENT(1) | JSON_PRESERVE_ORDER | JSON_REAL_PRECISION(9));
    nb_status status = text ? NB_OK : nb_fail(err, NB_ERR_INPUT, "a name cannot be printed as JSON");
    if (text) {
        printf("%s\n", text);
    }
    free(text);
    json_decref(root);
    return status;
}

static nb_status refuse_what_does_not_fit(const plan *p, nb_error *err)
{
    for (size_t i = 0; i < p->stages.count; i++) {
        if (p->rows[i].problem[0]) {
            nb_fail(err, NB_ERR_LIMIT, "stage %s does not fit: %s", p->rows[i].stage->name, p->rows[i].problem);
            return nb_hint(err, "more memory or fewer ranks a node, or a smaller corpus or sample");
        }
    }
    return NB_OK;
}

static nb_status make_plan(nb_job *job, nb_error *err)
{
    plan p = {.job = job, .set = job->settings};
    nb_status status;
    if (p.set->memory) {
        NB_TRY(parse_size(&p.limit, p.set->memory, err));
    }
    NB_TRY(nb_rates_parse(&p.rates, &p.set->rate, err));
    NB_TRY(nb_stages_read(&p.stages, p.set->config, err));
    NB_TRY(check_items(&p, err));
    NB_TRY(nb_stages_look(&p.stages, err));
    NB_TRY_NEW(p.rows, p.stages.count);
    NB_TRY(work_out(&p, err));
    if (p.set->json) {
        NB_TRY(print_json(&p, err));
    } else {
        print_table(&p);
    }
    NB_TRY(refuse_what_does_not_fit(&p, err));
done:
    free(p.rows);
    nb_stages_free(&p.stages);
    return status;
}

#define AT(member) .offset = offsetof(settings, member)
static const nb_option options[] = {
    {.name = "run-file",
     .type = NB_OPTION_INPUT,
     AT(config),
     .value = "CONFIG",
     .positional = true,
     .required = true,
     .help = "run file with a section a stage"},
    {.name = "ranks",
     .type = NB_OPTION_INT,
     AT(ranks),
     .fallback = "1",
     .value = "N",
     .min = 1,
     .max = 1e6,
     .help = "ranks of every MPI stage"},
    {.name = "ranks-per-node",
     .type = NB_OPTION_INT,
     AT(ranks_per_node),
     .fallback = "1",
     .value = "N",
     .min = 1,
     .max = 1e4,
     .help = "ranks that share a node, and there one copy of the weights"},
    {.name = "memory-per-rank",
     .type = NB_OPTION_TEXT,
     AT(memory),
     .value = "SIZE",
     .help = "refuse a stage that needs more: 4G"},
    {.name = "rate",
     .type = NB_OPTION_LIST,
     AT(rate),
     .value = "WHAT=N",
     .help = "of one rank: texts=, images= (a second), gflops=, corpus= (MB/s); those not given are measured here"},
    {.name = "items",
     .type = NB_OPTION_LIST,
     AT(items),
     .value = "STAGE=N",
     .help = "rows a stage makes, where its inputs are not there yet"},
    {.name = "json", .type = NB_OPTION_FLAG, AT(json), .help = "print JSON"},
    NB_TALK_OPTIONS(settings),
};

const nb_command nb_command_plan = {
    .name = "plan",
    .summary = "what a run file would take: tiles, memory, bytes, hours",
    .usage = "CONFIG [options]",
    .examples = "  negbank plan pets.yaml --ranks 64 --ranks-per-node 16 --memory-per-rank 4G\n"
                "  negbank plan pets.yaml --ranks 64 --rate texts=1400 --rate images=23 --json\n",
    .options = options,
    .option_count = sizeof options / sizeof *options,
    .settings_size = sizeof(settings),
    .run = make_plan,
};
