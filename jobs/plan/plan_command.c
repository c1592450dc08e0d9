/* negbank plan: what a run file would take. */
#include "jobs/commands.h"
#include "jobs/plan/plan_stages.h"

#include "common/base/text.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>

static nb_status plan_parse_size(double *out, const char *text, nb_error *err)
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

static nb_status plan_check_items(const nb_plan *p, nb_error *err)
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

/* ---- what it comes to ---- */

static double plan_free_bytes(const char *output)
{
    struct statvfs disk;
    const char *slash = output ? strrchr(output, '/') : NULL;
    char folder[4096] = ".";
    if (slash && slash != output) {
        snprintf(folder, sizeof folder, "%.*s", (int)(slash - output), output);
    }
    return output && statvfs(folder, &disk) == 0 ? (double)disk.f_bavail * (double)disk.f_frsize : 0;
}

static void plan_judge(nb_plan *p, nb_plan_row *r)
{
    double ranks = r->stage->command->mpi ? (double)p->set->ranks : 1;
    double sharing = fmin(ranks, (double)p->set->ranks_per_node);
    char needed[32], there[32];
    r->memory = r->e.memory + r->e.weights / sharing;
    r->seconds *= ceil(r->e.tiles / ranks) / r->e.tiles;
    r->free_space = plan_free_bytes(r->stage->output);
    if (r->stage->state == NB_STAGE_DONE) {
        return;
    }
    if (p->limit > 0 && r->memory > p->limit) {
        nb_format_bytes(needed, r->memory);
        nb_format_bytes(there, p->limit);
        snprintf(r->problem, sizeof r->problem, "a rank needs %s, --memory-per-rank allows %s", needed, there);
    } else if (r->free_space > 0 && r->e.written + r->e.scratch > r->free_space) {
        nb_format_bytes(needed, r->e.written + r->e.scratch);
        nb_format_bytes(there, r->free_space);
        snprintf(r->problem, sizeof r->problem, "it writes %s, '%.100s' has room for %s", needed, r->stage->output,
                 there);
    }
}

static nb_status plan_work_out(nb_plan *p, nb_error *err)
{
    nb_status status = NB_OK;
    for (size_t i = 0; i < p->stages.count; i++) {
        nb_plan_row *r = &p->rows[i];
        r->stage = &p->stages.all[i];
        status = nb_plan_stage(p, r, err);
        if (status != NB_OK) {
            return nb_context(err, "stage %s", r->stage->name);
        }
        if (r->e.gathered > 0) {
            NB_TRY(nb_rates_seconds(&p->rates, &r->e, (nb_rate_of){0}, &r->seconds, err));
        }
        plan_judge(p, r);
    }
done:
    return status;
}

static void plan_print_row(const nb_plan_row *r)
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
           r->approximate ? "~" : " ", r->e.tiles, memory, written, scratch, done ? "-" : time);
}

static void plan_print_table(const nb_plan *p)
{
    double seconds = 0, written = 0;
    char time[32], bytes[32];
    printf("%-24s %-8s %9s  %8s %10s %10s %10s %12s\n", "stage", "state", "items", "tiles", "mem/rank", "writes",
           "scratch", "time");
    for (size_t i = 0; i < p->stages.count; i++) {
        const nb_plan_row *r = &p->rows[i];
        plan_print_row(r);
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
    printf("\nmemory leaves out pages of mapped stores, which the system takes back when it needs them\n");
    for (size_t i = 0; i < p->stages.count; i++) {
        if (p->rows[i].problem[0]) {
            printf("does not fit: %s: %s\n", p->rows[i].stage->name, p->rows[i].problem);
        }
    }
}

static nb_status plan_print_json(const nb_plan *p, nb_error *err)
{
    json_t *stages = json_array(), *rates = json_object();
    for (size_t i = 0; i < p->stages.count; i++) {
        const nb_plan_row *r = &p->rows[i];
        json_t *one =
            json_pack("{s:s, s:s, s:s, s:f, s:b, s:f, s:f, s:f, s:f, s:f, s:f}", "stage", r->stage->name, "command",
                      r->stage->command->name, "state", nb_stage_state_name(r->stage->state), "items", r->e.items,
                      "about", r->approximate, "tiles", r->e.tiles, "memory_per_rank", r->memory, "bytes_written",
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

static nb_status plan_refuse_what_does_not_fit(const nb_plan *p, nb_error *err)
{
    for (size_t i = 0; i < p->stages.count; i++) {
        if (p->rows[i].problem[0]) {
            nb_fail(err, NB_ERR_LIMIT, "stage %s does not fit: %s", p->rows[i].stage->name, p->rows[i].problem);
            return nb_hint(err, "more memory or fewer ranks a node, or a smaller corpus or sample");
        }
    }
    return NB_OK;
}

static nb_status plan_make_plan(nb_job *job, nb_error *err)
{
    nb_plan p = {.job = job, .set = job->settings};
    nb_status status;
    if (p.set->memory) {
        NB_TRY(plan_parse_size(&p.limit, p.set->memory, err));
    }
    NB_TRY(nb_rates_parse(&p.rates, &p.set->rate, err));
    NB_TRY(nb_stages_read(&p.stages, p.set->config, err));
    NB_TRY(plan_check_items(&p, err));
    NB_TRY(nb_stages_look(&p.stages, err));
    NB_TRY_NEW(p.rows, p.stages.count);
    NB_TRY(plan_work_out(&p, err));
    if (p.set->json) {
        NB_TRY(plan_print_json(&p, err));
    } else {
        plan_print_table(&p);
    }
    NB_TRY(plan_refuse_what_does_not_fit(&p, err));
done:
    free(p.rows);
    nb_stages_free(&p.stages);
    return status;
}

typedef nb_plan_settings settings; /* as the macros of rows call it */
static const nb_option options[] = {
    NB_RUN_FILE_OPTION,
    OPT_INT("ranks", ranks, "N", "1", 1, 1e6, "ranks of every MPI stage"),
    OPT_INT("ranks-per-node", ranks_per_node, "N", "1", 1, 1e4,
            "ranks that share a node, and there one copy of the weights"),
    OPT_TEXT("memory-per-rank", memory, "SIZE", NULL, "refuse a stage that needs more: 4G"),
    OPT_LIST("rate", rate, "WHAT=N",
             "of one rank: texts=, images= (a second), gflops=, corpus= (MB/s); those not given are measured here"),
    OPT_LIST("items", items, "STAGE=N", "rows a stage makes, where its inputs are not there yet"),
    OPT_FLAG("json", json, "print JSON"),
    NB_TALK_OPTIONS,
};

NB_COMMAND(plan, plan_make_plan, "plan", "what a run file would take: tiles, memory, bytes, hours", "CONFIG [options]",
           .description =
               "Reads a run file and the sizes of its inputs, and prints tiles, memory a rank, bytes and hours of "
               "every stage.\n"
               "Rates that are not given are measured here.\n",
           .examples = "  negbank plan pets.yaml --ranks 64 --ranks-per-node 16 --memory-per-rank 4G\n"
                       "  negbank plan pets.yaml --ranks 64 --rate texts=1400 --rate images=23 --json\n");
