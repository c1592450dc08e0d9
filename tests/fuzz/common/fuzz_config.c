/* Run files and the options of all commands. The first byte chooses: even, a run file; odd, the words of a command line
 * (one a line) and, behind a NUL, the run file they may name. */
#include "fuzz/fuzz.h"

#include "common/options/run_file.h"
#include "jobs/commands.h"

enum { WORDS_MAX = 16, TEXT_MAX = 4096 };

/* Every choice is one of its words, every number within its bounds. */
static void check_settings(const nb_parsed *p)
{
    for (size_t i = 0; i < p->option_count; i++) {
        const nb_option *o = &p->options[i];
        const void *at = nb_option_value(p, o);
        bool bounded = o->min != 0 || o->max != 0;
        if (p->source[i] == NB_FROM_DEFAULT) {
            continue;
        }
        if (o->type == NB_OPTION_CHOICE) {
            const char *value = *(const char *const *)at;
            const char *found = strstr(o->choices, value);
            require(*value && !strchr(value, '|') && found != NULL);
        } else if (o->type == NB_OPTION_INT && bounded) {
            double value = (double)*(const int64_t *)at;
            require(value >= o->min && value <= o->max);
        } else if (o->type == NB_OPTION_REAL && bounded) {
            double value = *(const double *)at;
            require(value >= o->min && value <= o->max);
        }
    }
}

static void print(const nb_parsed *p)
{
    nb_error err = {0};
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    require(out != NULL);
    require(nb_options_print(p, out, &err) == NB_OK);
    nb_options_help(p->command, out);
    fclose(out);
    require(len > 0);
    free(text);
}

static void parse_options(unsigned choice, const char *words, const char *config, size_t config_len)
{
    static char text[TEXT_MAX];
    char *argv[WORDS_MAX + 3];
    int argc = 0;
    nb_error err = {0};
    nb_parsed parsed;
    const nb_command_list commands = nb_commands();
    snprintf(text, sizeof text, "%s", words);
    for (char *p = text; *p && argc < WORDS_MAX;) {
        char *end = strchr(p, '\n');
        argv[argc++] = p;
        if (!end) {
            break;
        }
        *end = '\0';
        p = end + 1;
    }
    static char flag[] = "--config";
    if (config) {
        argv[argc++] = flag;
        argv[argc++] = (char *)(uintptr_t)memory_file(config, config_len);
    }
    argv[argc] = NULL;
    nb_status status = nb_options_parse(&parsed, commands.all[choice % commands.count], commands, argc, argv, &err);
    require_message(status, &err);
    if (status == NB_OK) {
        check_settings(&parsed);
        print(&parsed);
        nb_parsed_free(&parsed);
    }
}

static void read_config(const uint8_t *data, size_t size)
{
    nb_error err = {0};
    nb_pairs pairs;
    nb_status status = nb_config_read(&pairs, memory_file(data, size), &err);
    require_message(status, &err);
    require(status != NB_OK || pairs.keys.count == pairs.values.count);
    nb_pairs_free(&pairs);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!size) {
        return 0;
    }
    if (data[0] % 2 == 0) {
        read_config(data + 1, size - 1);
        return 0;
    }
    char *words = malloc(size);
    require(words != NULL);
    memcpy(words, data + 1, size - 1);
    words[size - 1] = '\0';
    size_t used = strlen(words);
    bool more = used + 1 < size;
    parse_options(data[0] / 2, words, more ? words + used + 1 : NULL, more ? size - used - 2 : 0);
    free(words);
    return 0;
}
