#include "common/options/option.h"

#include <ctype.h>
#include <string.h>

void nb_option_key(char *out, size_t size, const char *command, const char *option, bool variable)
{
    snprintf(out, size, "%s%s%s%s", variable ? "NEGBANK_" : "", command, variable ? "_" : ".", option);
    for (char *c = out; *c; c++) {
        if (variable) {
            *c = *c == ' ' || *c == '-' ? '_' : (char)toupper((unsigned char)*c);
        } else if (*c == ' ') {
            *c = '.';
        }
    }
}

bool nb_command_option(const nb_command *c, size_t i, nb_option *row)
{
    if (i < c->option_count) {
        *row = c->options[i];
        return true;
    }
    if (!c->more || !c->more(i - c->option_count, row)) {
        return false;
    }
    row->parameter = true;
    return true;
}

static bool option_find_row(const nb_command *c, const char *name, size_t *index)
{
    nb_option row;
    for (*index = 0; nb_command_option(c, *index, &row); ++*index) {
        if (strcmp(row.name, name) == 0) {
            return true;
        }
    }
    return false;
}

bool nb_option_of_key(const nb_command *c, const char *key, size_t *index, const char **stage, size_t *stage_len)
{
    char section[128];
    nb_option_key(section, sizeof section, c->name, "", false);
    size_t len = strlen(section) - 1, named = 0; /* without the dot */
    if (strncmp(key, section, len) != 0) {
        return false;
    }
    if (key[len] == ' ') {
        named = strcspn(key + len + 1, ".");
    }
    const char *dot = key + len + (key[len] == ' ' ? 1 + named : 0);
    size_t found = 0;
    if (*dot != '.' || !option_find_row(c, dot + 1, &found) || (key[len] == ' ' && !named)) {
        return false;
    }
    if (index) {
        *index = found;
    }
    if (stage) {
        *stage = named ? key + len + 1 : "";
    }
    if (stage_len) {
        *stage_len = named;
    }
    return true;
}
