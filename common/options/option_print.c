/* Values as text, and --print-config. */
#include "common/options/option.h"

static const char *const option_print_source[] = {"default", "environment", "run file", "command line"};

nb_status nb_option_format(nb_buffer *out, const nb_parsed *p, const nb_option *o, nb_error *err)
{
    const void *at = nb_option_value(p, o);
    switch (o->type) {
    case NB_OPTION_FLAG: return nb_buffer_printf(out, err, "%s", *(const bool *)at ? "true" : "false");
    case NB_OPTION_INT:
        return o->word && !*(const int64_t *)at ? nb_buffer_printf(out, err, "%s", o->word)
                                                : nb_buffer_printf(out, err, "%lld", (long long)*(const int64_t *)at);
    case NB_OPTION_REAL: return nb_buffer_printf(out, err, "%.15g", *(const double *)at);
    case NB_OPTION_LIST: {
        const nb_strings *list = at;
        for (size_t i = 0; i < list->count; i++) {
            nb_status status = nb_buffer_printf(out, err, "%s%s", i ? ", " : "", nb_strings_get(list, i));
            if (status != NB_OK) {
                return status;
            }
        }
        return NB_OK;
    }
    default: {
        const char *text = *(const char *const *)at;
        return nb_buffer_printf(out, err, "%s", text ? text : "");
    }
    }
}

/* A YAML double-quoted scalar, empty for NULL; the reader of run files takes "$$" for a dollar sign. */
static void option_print_quoted(FILE *out, const char *text)
{
    fputc('"', out);
    for (; text && *text; text++) {
        if (*text == '"' || *text == '\\') {
            fputc('\\', out);
        }
        if (*text == '$') {
            fputc('$', out);
        }
        if ((unsigned char)*text < 0x20) {
            fprintf(out, "\\x%02x", (unsigned)(unsigned char)*text);
        } else {
            fputc(*text, out);
        }
    }
    fputc('"', out);
}

static nb_status option_print_value(const nb_parsed *p, const nb_option *o, FILE *out, nb_error *err)
{
    if (o->type == NB_OPTION_LIST) {
        const nb_strings *list = nb_option_value(p, o);
        fputc('[', out);
        for (size_t k = 0; k < list->count; k++) {
            fputs(k ? ", " : "", out);
            option_print_quoted(out, nb_strings_get(list, k));
        }
        fputc(']', out);
        return NB_OK;
    }
    nb_buffer value = {0};
    nb_status status = nb_option_format(&value, p, o, err);
    if (status == NB_OK) {
        bool plain = o->type == NB_OPTION_FLAG || o->type == NB_OPTION_INT || o->type == NB_OPTION_REAL;
        if (plain) {
            fputs(value.data, out);
        } else {
            option_print_quoted(out, value.data);
        }
    }
    nb_buffer_free(&value);
    return status;
}

nb_status nb_options_print(const nb_parsed *p, FILE *out, nb_error *err)
{
    char prefix[128];
    nb_option_key(prefix, sizeof prefix, p->command->name, "", false);
    for (size_t i = 0; i < p->option_count; i++) {
        const nb_option *o = &p->options[i];
        bool unset = p->source[i] == NB_FROM_DEFAULT && !o->fallback && o->type != NB_OPTION_FLAG;
        fprintf(out, "%s%s%s: ", unset ? "# " : "", prefix, o->name);
        if (!unset) {
            nb_status status = option_print_value(p, o, out, err);
            if (status != NB_OK) {
                return status;
            }
        }
        fprintf(out, "%s# %s\n", unset ? "" : "  ", unset ? "not set" : option_print_source[p->source[i]]);
    }
    return NB_OK;
}
