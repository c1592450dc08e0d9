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

static void option_from_table(const nb_option *from, nb_option *row)
{
    *row = *from;
    if (row->choice && row->fallback && !row->fallback[0]) {
        row->fallback = row->choice(0);
    }
}

bool nb_command_option(const nb_command *c, size_t i, nb_option *row)
{
    size_t place = 0, extra = 0;
    while (place < c->option_count && c->options[place].name) {
        place++;
    }
    if (i < place) {
        option_from_table(&c->options[i], row);
        return true;
    }
    for (; c->more && c->more(extra, row); extra++) {
        if (place + extra == i) {
            row->parameter = true;
            return true;
        }
    }
    i = i - extra + (place < c->option_count); /* of the table, behind the place */
    if (i >= c->option_count) {
        return false;
    }
    option_from_table(&c->options[i], row);
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

const char *nb_option_choices(const nb_option *o, char *room, size_t size)
{
    size_t len = 0;
    const char *word;
    if (!o->choice) {
        return o->choices;
    }
    room[0] = '\0';
    for (size_t i = 0; len + 1 < size && (word = o->choice(i)) != NULL; i++) {
        int n = snprintf(room + len, size - len, "%s%s", i ? "|" : "", word);
        if (n < 0 || (size_t)n >= size - len) {
            room[len] = '\0';
            break;
        }
        len += (size_t)n;
    }
    return room;
}

/* "a, b or c" of "a|b|c" into room [size]. */
static void option_list_words(const char *choices, char *room, size_t size)
{
    size_t len = 0;
    room[0] = '\0';
    for (const char *p = choices; *p && len + 1 < size; p += strcspn(p, "|"), p += *p == '|') {
        size_t word = strcspn(p, "|");
        const char *between = p == choices ? "" : p[word] ? ", " : " or ";
        int n = snprintf(room + len, size - len, "%s%.*s", between, (int)word, p);
        len = n < 0 || (size_t)n >= size - len ? size - 1 : len + (size_t)n;
    }
}

const char *nb_option_help(const nb_option *o, char *room, size_t size)
{
    char words[NB_OPTION_CHOICES_MAX];
    if (o->describe) {
        o->describe(o, room, size);
    } else if (!o->help) {
        option_list_words(nb_option_choices(o, words, sizeof words), room, size);
    }
    return o->help && !o->describe ? o->help : room;
}
