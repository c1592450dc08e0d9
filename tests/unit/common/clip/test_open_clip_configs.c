/* The configurations that the open_clip library lists (golden/open_clip_configs.tsv has their facts), through the
 * reader: how many it takes, and how many it refuses for which reason (golden/open_clip_counts.tsv). After a change of
 * what is read: NEGBANK_WRITE_COUNTS=tests/golden/open_clip_counts.tsv build/tests/test_open_clip_configs */
#include "support/support.h"

#include "common/clip/checkpoint/config.h"

#include <jansson.h>
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

static void test_counts(void **state)
{
    (void)state;
    nb_error err = {0};
    nb_strings lines = {0};
    reason reasons[REASONS] = {{"accepted", 1}};
    must(nb_file_lines(golden_path("open_clip_configs.tsv"), 1 << 16, &lines, &err), &err);
    for (size_t i = 0; i < lines.count; i++) {
        nb_clip_config config;
        const char *name;
        char *line = strdup(nb_strings_get(&lines, i)), why[96] = "accepted";
        char *json = config_of(line, &name);
        if (nb_clip_config_parse(&config, json, strlen(json), true, name, &err) != NB_OK) {
            reason_of(&err, why);
        }
        print_message("%s: %s\n", name, why);
        count(reasons, why);
        free(json);
        free(line);
    }
    reasons[0].count--;
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
