/* Values as text, and --print-config. */
#include "common/options/option.h"

#include "common/base/text.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

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

/* What stands in an address beside where it leads: user, password and query. */
static bool option_print_secret(const char *text)
{
    const char *host = text ? strstr(text, "://") : NULL;
    if (!host || (strncasecmp(text, "http://", 7) != 0 && strncasecmp(text, "https://", 8) != 0)) {
        return false;
    }
    return memchr(host + 3, '@', strcspn(host + 3, "/")) || strpbrk(host, "?#");
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
        size_t control = nb_text_control(text);
        if (control == 1) {
            fprintf(out, "\\x%02x", (unsigned)(unsigned char)*text);
        } else if (control) { /* U+0080 to U+009F, U+2028 and U+2029 */
            unsigned last = (unsigned)(unsigned char)text[control - 1];
            fprintf(out, "\\u%04x", control == 2 ? last : 0x2028 + (last & 1));
            text += control - 1;
        } else {
            fputc(*text, out);
        }
    }
    fputc('"', out);
}

/* *hidden: the text is an address whose secrets are left out. */
static nb_status option_print_text(FILE *out, const char *text, bool *hidden, nb_error *err)
{
    nb_status status = NB_OK;
    char *copy = NULL;
    if (option_print_secret(text)) {
        NB_TRY_NEW(copy, strlen(text) + 1);
        memcpy(copy, text, strlen(text));
        nb_text_hide_secrets(copy);
        *hidden = true;
    }
    option_print_quoted(out, copy ? copy : text);
done:
    free(copy);
    return status;
}

static nb_status option_print_value(const nb_parsed *p, const nb_option *o, FILE *out, bool *hidden, nb_error *err)
{
    if (o->type == NB_OPTION_LIST) {
        const nb_strings *list = nb_option_value(p, o);
        fputc('[', out);
        for (size_t k = 0; k < list->count; k++) {
            fputs(k ? ", " : "", out);
            nb_status status = option_print_text(out, nb_strings_get(list, k), hidden, err);
            if (status != NB_OK) {
                return status;
            }
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
            status = option_print_text(out, value.data, hidden, err);
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
        bool hidden = false;
        if (!unset) {
            nb_status status = option_print_value(p, o, out, &hidden, err);
            if (status != NB_OK) {
                return status;
            }
        }
        fprintf(out, "%s# %s%s\n", unset ? "" : "  ", unset ? "not set" : option_print_source[p->source[i]],
                hidden ? ", without the secrets in its address" : "");
    }
    return NB_OK;
}
