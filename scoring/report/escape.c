#include "scoring/report/escape.h"

#include <string.h>
#include <utf8proc.h>

static const char replacement[] = "\xEF\xBF\xBD";

/* One character of a text: its bytes, or what stands for one that cannot be shown. */
typedef struct sign {
    const char *bytes;
    size_t len;
    utf8proc_int32_t point;
} sign;

static bool escape_next_sign(const char **text, sign *out)
{
    if (!**text) {
        return false;
    }
    utf8proc_int32_t point = -1;
    utf8proc_ssize_t step =
        utf8proc_iterate((const utf8proc_uint8_t *)*text, (utf8proc_ssize_t)strnlen(*text, 4), &point);
    bool bad = step < 1 || point < 0x20 || (point >= 0x7f && point < 0xa0) || point == 0xfffe || point == 0xffff;
    *out = bad ? (sign){replacement, sizeof replacement - 1, 0xfffd} : (sign){*text, (size_t)step, point};
    *text += step < 1 ? 1 : step;
    return true;
}

static const char *escape_markup(utf8proc_int32_t point)
{
    switch (point) {
    case '&': return "&amp;";
    case '<': return "&lt;";
    case '>': return "&gt;";
    case '"': return "&quot;";
    case '\'': return "&#39;";
    default: return NULL;
    }
}

static const char *escape_markdown(utf8proc_int32_t point)
{
    switch (point) {
    case '|': return "\\|";
    case '\\': return "\\\\";
    case '`': return "\\`";
    case '*': return "\\*";
    case '_': return "\\_";
    case '[': return "\\[";
    case ']': return "\\]";
    case '<': return "&lt;";
    case '>': return "&gt;";
    case '&': return "&amp;";
    default: return NULL;
    }
}

static const char *escape_latex(utf8proc_int32_t point)
{
    switch (point) {
    case '\\': return "\\textbackslash{}";
    case '{': return "\\{";
    case '}': return "\\}";
    case '$': return "\\$";
    case '&': return "\\&";
    case '#': return "\\#";
    case '%': return "\\%";
    case '_': return "\\_";
    case '^': return "\\textasciicircum{}";
    case '~': return "\\textasciitilde{}";
    case '<': return "\\textless{}";
    case '>': return "\\textgreater{}";
    case 0xfffd: return "?";
    default: return NULL;
    }
}

static nb_status escape(nb_buffer *out, const char *text, const char *(*coded)(utf8proc_int32_t point), nb_error *err)
{
    nb_status status = nb_buffer_append(out, "", 0, err);
    sign s;
    while (status == NB_OK && escape_next_sign(&text, &s)) {
        const char *code = coded(s.point);
        status = nb_buffer_append(out, code ? code : s.bytes, code ? strlen(code) : s.len, err);
    }
    return status;
}

nb_status nb_escape_markup(nb_buffer *out, const char *text, nb_error *err)
{
    return escape(out, text, escape_markup, err);
}

nb_status nb_escape_markdown(nb_buffer *out, const char *text, nb_error *err)
{
    return escape(out, text, escape_markdown, err);
}

nb_status nb_escape_latex(nb_buffer *out, const char *text, nb_error *err)
{
    return escape(out, text, escape_latex, err);
}

static const char *escape_doubled_quote(utf8proc_int32_t point)
{
    return point == '"' ? "\"\"" : NULL;
}

nb_status nb_escape_csv(nb_buffer *out, const char *text, nb_error *err)
{
    const char *quote = strpbrk(text, "\",;\t ") ? "\"" : "";
    nb_status status;
    NB_TRY(nb_buffer_append(out, quote, strlen(quote), err));
    NB_TRY(escape(out, text, escape_doubled_quote, err));
    NB_TRY(nb_buffer_append(out, quote, strlen(quote), err));
done:
    return status;
}

size_t nb_display_width(const char *text)
{
    size_t width = 0;
    sign s;
    while (escape_next_sign(&text, &s)) {
        width += (size_t)utf8proc_charwidth(s.point);
    }
    return width;
}

nb_status nb_shorten(nb_buffer *out, const char *text, size_t width, nb_error *err)
{
    bool whole = nb_display_width(text) <= width;
    size_t used = whole ? 0 : 1;
    sign s;
    nb_status status = nb_buffer_append(out, "", 0, err);
    while (status == NB_OK && escape_next_sign(&text, &s)) {
        used += (size_t)utf8proc_charwidth(s.point);
        if (used > width) {
            break;
        }
        status = nb_buffer_append(out, s.bytes, s.len, err);
    }
    return status == NB_OK && !whole ? nb_buffer_append(out, "\xE2\x80\xA6", 3, err) : status;
}
