#include "jobs/check/cpu_report.h"

#include "common/linear/blas.h"
#include "common/linear/cpu/cpu.h"
#include "common/linear/engine.h"
#include "common/linear/simd/instruction_set.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LINES = 16 };

/* An engine as this CPU has it. */
typedef struct line {
    const nb_engine *engine;
    nb_engine_offer offer;
    bool automatic; /* --precision auto takes this one */
    const char *why;
} line;

static const nb_engine *cpu_report_engine(const char *precision)
{
    const nb_engine *const *all;
    size_t count = nb_engines(&all);
    for (size_t i = 0; i < count; i++) {
        if (strcmp(all[i]->precision, precision) == 0) {
            return all[i];
        }
    }
    return NULL; /* this build has it not */
}

static void cpu_report_add(line *lines, size_t *count, const nb_engine *engine)
{
    for (size_t i = 0; i < *count; i++) {
        if (lines[i].engine == engine) {
            return;
        }
    }
    if (*count < LINES) {
        line l = {.engine = engine, .why = ""};
        l.offer = nb_engine_offered(engine, &l.why);
        lines[(*count)++] = l;
    }
}

/* The family's engines in its order, then what there is besides; emulations only where one was asked for. */
static size_t cpu_report_lines(line lines[LINES])
{
    const nb_cpu_family *family = nb_cpu_family_used();
    const nb_engine *const *all;
    size_t count = 0, engines = nb_engines(&all);
    for (size_t i = 0; i < NB_CPU_ENGINES && family->engines[i]; i++) {
        const nb_engine *engine = cpu_report_engine(family->engines[i]);
        if (engine) {
            cpu_report_add(lines, &count, engine);
        }
    }
    for (size_t i = 0; i < engines; i++) {
        if (!strstr(all[i]->precision, "emulated") || nb_engine_offered(all[i], NULL) != NB_ENGINE_NONE) {
            cpu_report_add(lines, &count, all[i]);
        }
    }
    const nb_engine *fast = nb_engine_bf16(NB_ENGINE_GAIN, NULL);
    for (size_t i = 0; i < count; i++) {
        lines[i].automatic = lines[i].engine == (fast ? fast : &nb_engine_fp32);
    }
    return count;
}

static const char *cpu_report_option(const line *l)
{
    return l->automatic ? "auto" : l->offer == NB_ENGINE_NONE ? "none" : l->engine->name;
}

static void cpu_report_print_engine(const char *head, const line *l)
{
    printf("%-14s %-30s ", head, l->engine->precision);
    if (l->offer == NB_ENGINE_NONE) {
        printf("not here: %s\n", l->why);
    } else {
        bool by = l->engine == &nb_engine_int8, slow = by && nb_int8_best() == &nb_int8_plain;
        printf("--precision %s%s%s%s\n", l->engine->name, l->automatic ? ", and auto" : "",
               slow ? ", in plain C: slow"
               : by ? ", by "
                    : "",
               by && !slow ? nb_int8_best()->name : "");
    }
}

static void cpu_report_print(const char *model, const line *lines, size_t count)
{
    const nb_cpu_family *family = nb_cpu_family_used(), *found = nb_cpu_family_found();
    const nb_instruction_set *sets[NB_INSTRUCTION_SETS];
    size_t set_count = nb_instruction_sets(sets);
    printf("%-14s %s\n", "cpu", *model ? model : "unnamed");
    printf("%-14s %s: %s\n", "family", family->name, family->cpus);
    if (nb_cpu_is_forced()) {
        printf("%-14s by NEGBANK_CPU; found: %s, %s\n", "", found->name, found->cpus);
    }
    printf("%-14s %s\n", "why", family->why);
    for (size_t i = 0; i < count; i++) {
        cpu_report_print_engine(i ? "" : "engines", &lines[i]);
    }
    printf("%-14s %s (of", "loops", nb_vector_best()->name);
    for (size_t i = 0; i < set_count; i++) {
        printf("%s %s", i ? "," : "", sets[i]->name);
    }
    printf(")\n%-14s OpenBLAS %s\n", "fp32 products", nb_blas_kernel());
}

static nb_status cpu_report_print_json(const char *model, const line *lines, size_t count, nb_error *err)
{
    const nb_cpu_family *family = nb_cpu_family_used();
    json_t *engines = json_array();
    for (size_t i = 0; i < count; i++) {
        json_t *one =
            json_pack("{s:s, s:s}", "engine", lines[i].engine->precision, "precision", cpu_report_option(&lines[i]));
        if (lines[i].offer == NB_ENGINE_NONE) {
            json_object_set_new(one, "why", json_string(lines[i].why));
        }
        json_array_append_new(engines, one);
    }
    json_t *root = json_pack("{s:s, s:s, s:s, s:s, s:o, s:s, s:s}", "cpu", model, "family", family->name, "found",
                             nb_cpu_family_found()->name, "why", family->why, "engines", engines, "loops",
                             nb_vector_best()->name, "blas", nb_blas_kernel());
    char *out = json_dumps(root, JSON_INDENT(1) | JSON_PRESERVE_ORDER);
    nb_status status = NB_OK;
    if (out) {
        printf("%s\n", out);
    } else {
        status = nb_fail(err, NB_ERR_LIMIT, "out of memory");
    }
    free(out);
    json_decref(root);
    return status;
}

nb_status nb_cpu_report(bool json, nb_error *err)
{
    line lines[LINES];
    char model[64];
    size_t count = cpu_report_lines(lines);
    nb_cpu_model(model, sizeof model);
    if (json) {
        return cpu_report_print_json(model, lines, count, err);
    }
    cpu_report_print(model, lines, count);
    return NB_OK;
}
