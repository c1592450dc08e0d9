#include "common/options/method.h"

#include <string.h>

enum { SLOT = 8 }; /* bytes a value has in the block of a command: enough for every type but a list */
_Static_assert(sizeof(int64_t) <= SLOT && sizeof(double) <= SLOT && sizeof(const char *) <= SLOT, "a value in a slot");

static bool method_same_text(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

/* In all but the offset. */
static bool method_same_row(const nb_option *a, const nb_option *b)
{
    return method_same_text(a->name, b->name) && a->type == b->type && method_same_text(a->fallback, b->fallback) &&
           method_same_text(a->value, b->value) && method_same_text(a->word, b->word) &&
           method_same_text(a->choices, b->choices) && a->choice == b->choice &&
           !(a->min < b->min || a->min > b->min || a->max < b->max || a->max > b->max) &&
           a->unrecorded == b->unrecorded && method_same_text(a->help, b->help);
}

/* True when a row like row `k` of method `m` stands before it in the table. */
static bool method_repeats(nb_method_table table, size_t m, size_t k)
{
    const nb_option *row = &table(m)->rows[k];
    for (size_t i = 0; i < m; i++) {
        const nb_method_parameters *p = table(i);
        for (size_t j = 0; j < p->count; j++) {
            if (method_same_row(&p->rows[j], row)) {
                return true;
            }
        }
    }
    return false;
}

bool nb_method_row(nb_method_table table, size_t i, nb_option *row)
{
    const nb_method_parameters *p;
    size_t number = 0;
    for (size_t m = 0; (p = table(m)) != NULL; m++) {
        for (size_t k = 0; k < p->count; k++) {
            if (method_repeats(table, m, k)) {
                continue;
            }
            if (number == i) {
                *row = p->rows[k];
                row->offset = i * SLOT;
                return true;
            }
            number++;
        }
    }
    return false;
}

nb_status nb_method_defaults(void *block, const nb_method_parameters *p, nb_error *err)
{
    nb_status status = NB_OK;
    memset(block, 0, p->size);
    for (size_t k = 0; k < p->count && status == NB_OK; k++) {
        const nb_option *o = &p->rows[k];
        if (o->fallback) {
            status = nb_option_read(o, (char *)block + o->offset, o->fallback, o->name, err);
        }
    }
    return status;
}

nb_status nb_method_set(void *block, const nb_method_parameters *p, const char *name, const char *text, nb_error *err)
{
    for (size_t k = 0; k < p->count; k++) {
        const nb_option *o = &p->rows[k];
        if (strcmp(o->name, name) == 0) {
            return nb_option_read(o, (char *)block + o->offset, text, name, err);
        }
    }
    return nb_fail(err, NB_ERR_USAGE, "'%s' is none of its parameters", name);
}

nb_status nb_method_values(void *block, const nb_method_parameters *p, const nb_parsed *parsed, nb_error *err)
{
    memset(block, 0, p->size);
    for (size_t k = 0; k < p->count; k++) {
        const nb_option *o = &p->rows[k], *option = nb_option_named(parsed, o->name);
        if (!option || option->type != o->type) {
            return nb_fail(err, NB_ERR_INTERNAL, "parameter '%s' is no option of '%s'", o->name, parsed->command->name);
        }
        void *at = (char *)block + o->offset;
        const void *value = nb_option_value(parsed, option);
        switch (o->type) {
        case NB_OPTION_FLAG: memcpy(at, value, sizeof(bool)); break;
        case NB_OPTION_INT: memcpy(at, value, sizeof(int64_t)); break;
        case NB_OPTION_REAL: memcpy(at, value, sizeof(double)); break;
        default: memcpy(at, value, sizeof(const char *)); break;
        }
    }
    return NB_OK;
}
