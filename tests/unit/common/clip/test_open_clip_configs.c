/* The configurations that the open_clip library lists (golden/open_clip_configs.tsv has their facts), through the
 * reader: how many it takes, and how many it refuses for which reason (golden/open_clip_counts.tsv). After a change of
 * what is read: NEGBANK_WRITE_COUNTS=tests/golden/open_clip_counts.tsv build/tests/test_open_clip_configs */
#include "support/support.h"

#include "common/clip/checkpoint/config.h"
#include "common/clip/model/weights.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { COLUMNS = 4, REASONS = 32 };

typedef struct reason {
    char name[96];
    size_t count;
} reason;

/* Adds "key=value key=value" to an object. No value has a blank in it. */
static void add_facts(json_t *object, char *facts)
{
    char *rest = NULL;
    for (char *fact = strtok_r(facts, " ", &rest); fact; fact = strtok_r(NULL, " ", &rest)) {
        char *value = strchr(fact, '=');
        assert_non_null(value);
        *value++ = '\0';
        json_t *read = json_loads(value, JSON_DECODE_ANY, NULL);
        assert_non_null(read);
        json_object_set_new(object, fact, read);
    }
}

/* open_clip_config.json of a line of the table, freed by the caller. */
static char *config_of(char *line, const char **name)
{
    char *column[COLUMNS];
    for (size_t i = 0; i < COLUMNS; i++) {
        column[i] = line;
        line = strchr(line, '\t');
        assert_true(line || i == COLUMNS - 1);
        if (line) {
            *line++ = '\0';
        }
    }
    json_t *model = json_object(), *vision = json_object(), *text = json_object();
    add_facts(model, column[1]);
    add_facts(vision, column[2]);
    add_facts(text, column[3]);
    json_object_set_new(model, "vision_cfg", vision);
    json_object_set_new(model, "text_cfg", text);
    json_t *root = json_pack("{s:o}", "model_cfg", model);
    char *out = json_dumps(root, 0);
    json_decref(root);
    *name = column[0];
    return out;
}

/* The key that a refusal names: "...: model_cfg.KEY is ...". */
static void reason_of(const nb_error *err, char out[96])
{
    const char *begin = strstr(err->message, "model_cfg.");
    assert_non_null(begin);
    begin += strlen("model_cfg.");
    size_t len = strcspn(begin, " ");
    assert_true(len < 96);
    memcpy(out, begin, len);
    out[len] = '\0';
}

static void count(reason *reasons, const char *name)
{
    size_t i = 0;
    while (i < REASONS && reasons[i].count && strcmp(reasons[i].name, name) != 0) {
        i++;
    }
    assert_true(i < REASONS);
    snprintf(reasons[i].name, sizeof reasons[i].name, "%s", name);
    reasons[i].count++;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const reason *)a)->name, ((const reason *)b)->name);
}

/* Millions of weights that are published: of a whole model by open_clip (docs/model_profile.csv), of the image tower
 * alone in the repositories of ViTamin, MobileCLIP and MobileCLIP2. `apart`: how far off rounding may make them, and
 * the batch norms and factors that here are part of a matrix. */
static const struct {
    const char *name;
    bool whole;
    double millions, apart;
} published[] = {
    {"RN50", true, 102.01, 0.05},
    {"RN50-quickgelu", true, 102.01, 0.05},
    {"RN101", true, 119.69, 0.06},
    {"RN50x4", true, 178.30, 0.06},
    {"RN50x16", true, 290.98, 0.11},
    {"RN50x64", true, 623.26, 0.22},
    {"convnext_tiny", true, 92.30, 0.02},
    {"convnext_small", true, 113.28, 0.03},
    {"convnext_base", true, 151.52, 0.03},
    {"convnext_base_w", true, 179.39, 0.03},
    {"convnext_large", true, 321.06, 0.04},
    {"convnext_large_d", true, 351.77, 0.04},
    {"convnext_xlarge", true, 653.89, 0.05},
    {"convnext_xxlarge", true, 1200.58, 0.07},
    {"ViTamin-S", false, 22, 0.5},
    {"ViTamin-B", false, 88, 0.5},
    {"ViTamin-L", false, 333, 0.5},
    {"ViTamin-XL-256", false, 436, 0.5},
    {"MobileCLIP-S1", false, 21.5, 0.1},
    {"MobileCLIP-S2", false, 35.7, 0.1},
    {"MobileCLIP-B", false, 86.3, 0.1},
    {"MobileCLIP2-S0", false, 11.4, 0.1},
    {"MobileCLIP2-S3", false, 125.1, 0.1},
    {"MobileCLIP2-S4", false, 321.6, 0.1},
};

/* Weights of the text tower and the logit scale: those of a model whose image tower is one number. */
static size_t text_weights(const nb_clip_config *config)
{
    nb_clip_config alone = *config;
    alone.patch = 1;
    alone.image = (nb_tower_config){.width = 1,
                                    .no_class_token = true,
                                    .no_position = true,
                                    .no_pre_norm = true,
                                    .final_norm = NB_FINAL_NORM_NONE,
                                    .projection = NB_PROJECTION_NONE};
    return nb_clip_parameters(&alone) - 3; /* of three channels */
}

/* Returns whether its weights are published. */
static bool check_weights(const char *name, const nb_clip_config *config)
{
    size_t all = nb_clip_parameters(config);
    for (size_t i = 0; i < sizeof published / sizeof *published; i++) {
        if (strcmp(published[i].name, name) == 0) {
            double got = (double)(published[i].whole ? all : all - text_weights(config)) / 1e6;
            print_message("%s: %.2f million weights, %.2f published\n", name, got, published[i].millions);
            assert_true(fabs(got - published[i].millions) <= published[i].apart);
            return true;
        }
    }
    return false;
}

static void test_counts(void **state)
{
    (void)state;
    nb_error err = {0};
    nb_strings lines = {0};
    reason reasons[REASONS] = {{"accepted", 1}};
    size_t weighed = 0;
    must(nb_file_lines(golden_path("open_clip_configs.tsv"), 1 << 16, &lines, &err), &err);
    for (size_t i = 0; i < lines.count; i++) {
        nb_clip_config config;
        const char *name;
        char *line = strdup(nb_strings_get(&lines, i)), why[96] = "accepted";
        char *json = config_of(line, &name);
        if (nb_clip_config_parse(&config, json, strlen(json), true, name, &err) != NB_OK) {
            reason_of(&err, why);
        } else {
            weighed += check_weights(name, &config);
        }
        print_message("%s: %s\n", name, why);
        count(reasons, why);
        free(json);
        free(line);
    }
    reasons[0].count--;
    assert_int_equal(weighed, sizeof published / sizeof *published);
    nb_buffer got = {0};
    size_t used = 0;
    while (used < REASONS && reasons[used].name[0]) {
        used++;
    }
    qsort(reasons + 1, used - 1, sizeof *reasons, by_name);
    for (size_t i = 0; i < used; i++) {
        must(nb_buffer_printf(&got, &err, "%s\t%zu\n", reasons[i].name, reasons[i].count), &err);
    }
    print_message("%s", got.data);
    const char *write = getenv("NEGBANK_WRITE_COUNTS");
    if (write) {
        must(nb_file_write(write, true, got.data, got.len, &err), &err);
    } else {
        char *want;
        size_t len;
        must(nb_file_read(golden_path("open_clip_counts.tsv"), 1 << 16, &want, &len, &err), &err);
        assert_string_equal(got.data, want);
        free(want);
    }
    nb_buffer_free(&got);
    nb_strings_free(&lines);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_counts)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
