#include "common/clip/tokenizer/text_clean.h"

#include "common/base/memory.h"

#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

enum { SHORTEST_NAME = 2, LONGEST_NAME = 32, REPLACEMENT = 0xFFFD, CAPITAL_SIGMA = 0x03A3, CAPITAL_I_DOT = 0x0130 };

typedef struct reference {
    const char *name, *text;
} reference;

static const reference references[] = {
#include "common/clip/tokenizer/entities.inc"
};

size_t nb_text_decode(const char *p, int32_t *code_point)
{
    const unsigned char *u = (const unsigned char *)p;
    if (u[0] < 0x80) {
        *code_point = u[0];
        return 1;
    }
    if (u[0] < 0xE0) {
        *code_point = (u[0] & 0x1F) << 6 | (u[1] & 0x3F);
        return 2;
    }
    if (u[0] < 0xF0) {
        *code_point = (u[0] & 0x0F) << 12 | (u[1] & 0x3F) << 6 | (u[2] & 0x3F);
        return 3;
    }
    *code_point = (u[0] & 0x07) << 18 | (u[1] & 0x3F) << 12 | (u[2] & 0x3F) << 6 | (u[3] & 0x3F);
    return 4;
}

static size_t text_clean_encode(int32_t code_point, char *out)
{
    return (size_t)utf8proc_encode_char(code_point, (utf8proc_uint8_t *)out);
}

static bool text_clean_is_space(int32_t c)
{
    if (c < 0x80) {
        return c == ' ' || (c >= 0x09 && c <= 0x0D);
    }
    return c == 0x85 || c == 0xA0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200A) || c == 0x2028 || c == 0x2029 ||
           c == 0x202F || c == 0x205F || c == 0x3000;
}

nb_text_class nb_text_classify(int32_t c)
{
    if (c < 0x80) {
        int32_t low = c | 0x20;
        return low >= 'a' && low <= 'z' ? NB_TEXT_LETTER
               : c >= '0' && c <= '9'   ? NB_TEXT_NUMBER
               : text_clean_is_space(c) ? NB_TEXT_SPACE
                                        : NB_TEXT_OTHER;
    }
    /* A mark whose capital is a letter: ignoring case, `regex` finds it neither in \p{L} nor in its complement. */
    if (c == 0x0345) {
        return NB_TEXT_NOTHING;
    }
    if (text_clean_is_space(c)) {
        return NB_TEXT_SPACE;
    }
    switch (utf8proc_category(c)) {
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LL:
    case UTF8PROC_CATEGORY_LT:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_LO: return NB_TEXT_LETTER;
    case UTF8PROC_CATEGORY_ND:
    case UTF8PROC_CATEGORY_NL:
    case UTF8PROC_CATEGORY_NO: return NB_TEXT_NUMBER;
    default: return NB_TEXT_OTHER;
    }
}

/* ---- HTML character references ---- */

static int text_clean_hex_value(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

static bool text_clean_is_noncharacter(int32_t c)
{
    return (c & 0xFFFE) == 0xFFFE || (c >= 0xFDD0 && c <= 0xFDEF);
}

/* The UTF-8 text of a numeric reference into out[4]; what the standard calls an error is repaired as browsers do,
 * except that control codes and noncharacters vanish as in Python. */
static size_t text_clean_numeric_text(int32_t number, char *out)
{
    static const uint16_t windows[32] = {0x20AC, 0x81,   0x201A, 0x192,  0x201E, 0x2026, 0x2020, 0x2021,
                                         0x2C6,  0x2030, 0x160,  0x2039, 0x152,  0x8D,   0x17D,  0x8F,
                                         0x90,   0x2018, 0x2019, 0x201C, 0x201D, 0x2022, 0x2013, 0x2014,
                                         0x2DC,  0x2122, 0x161,  0x203A, 0x153,  0x9D,   0x17E,  0x178};
    if (number >= 0x80 && number <= 0x9F) {
        return text_clean_encode(windows[number - 0x80], out);
    }
    if (number == 0 || (number >= 0xD800 && number <= 0xDFFF) || number > 0x10FFFF) {
        return text_clean_encode(REPLACEMENT, out);
    }
    bool blank = number == '\t' || number == '\n' || number == '\f' || number == '\r';
    if ((number < 0x20 && !blank) || number == 0x7F || text_clean_is_noncharacter(number)) {
        return 0;
    }
    return text_clean_encode(number, out);
}

/* Reads "#65;" or "#x41;" (the ';' is optional) at p; returns the bytes read, 0 when it is no numeric reference. */
static size_t text_clean_read_numeric(const char *p, size_t left, char *out, size_t *out_len)
{
    bool hex = left > 1 && (p[1] == 'x' || p[1] == 'X');
    size_t first = hex ? 2 : 1, at = first;
    int base = hex ? 16 : 10;
    int32_t number = 0;
    for (; at < left; at++) {
        int digit = text_clean_hex_value(p[at]);
        if (digit < 0 || digit >= base) {
            break;
        }
        number = number > 0x10FFFF ? number : number * base + digit;
    }
    if (at == first) {
        return 0;
    }
    *out_len = text_clean_numeric_text(number, out);
    return at < left && p[at] == ';' ? at + 1 : at;
}

static const reference *text_clean_find_reference(const char *name, size_t len)
{
    size_t low = 0, high = sizeof references / sizeof *references;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const char *candidate = references[middle].name;
        int order = strncmp(candidate, name, len);
        if (order == 0 && !candidate[len]) {
            return &references[middle];
        }
        if (order < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return NULL;
}

static bool text_clean_is_name_character(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/* The longest name of the table that starts at p; *used is its length, NULL when there is none. */
static const reference *text_clean_read_named(const char *p, size_t left, size_t *used)
{
    size_t run = 0, most = left < LONGEST_NAME ? left : LONGEST_NAME;
    while (run < most && text_clean_is_name_character(p[run])) {
        run++;
    }
    if (run < most && p[run] == ';') {
        run++;
    }
    for (size_t len = run; len >= SHORTEST_NAME; len--) {
        const reference *found = text_clean_find_reference(p, len);
        if (found) {
            *used = len;
            return found;
        }
    }
    return NULL;
}

static nb_status text_clean_unescape(nb_buffer *out, const char *text, size_t len, nb_error *err)
{
    nb_status status = NB_OK;
    for (size_t at = 0; at < len;) {
        const char *ampersand = memchr(text + at, '&', len - at);
        size_t plain = ampersand ? (size_t)(ampersand - text) : len;
        NB_TRY(nb_buffer_append(out, text + at, plain - at, err));
        if (!ampersand) {
            break;
        }
        at = plain + 1;
        char number[4];
        const char *replacement = "&";
        size_t replacement_len = 1, used = 0;
        if (at < len && text[at] == '#') {
            used = text_clean_read_numeric(text + at, len - at, number, &replacement_len);
            replacement = used ? number : replacement;
        } else {
            const reference *found = text_clean_read_named(text + at, len - at, &used);
            replacement = found ? found->text : replacement;
            replacement_len = strlen(replacement);
        }
        NB_TRY(nb_buffer_append(out, replacement, replacement_len, err));
        at += used;
    }
done:
    return status;
}

/* ---- lower case ---- */

static bool text_clean_is_case_ignorable(int32_t c)
{
    switch (utf8proc_category(c)) {
    case UTF8PROC_CATEGORY_MN:
    case UTF8PROC_CATEGORY_ME:
    case UTF8PROC_CATEGORY_CF:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_SK: return true;
    default: break;
    }
    /* Word_Break = MidLetter, MidNumLet or Single_Quote */
    static const uint16_t middle[] = {'\'',   '.',    ':',    0xB7,   0x387,  0x55F,  0x5F4,  0x2018, 0x2019,
                                      0x2024, 0x2027, 0xFE13, 0xFE52, 0xFE55, 0xFF07, 0xFF0E, 0xFF1A};
    for (size_t i = 0; i < sizeof middle / sizeof *middle; i++) {
        if (c == middle[i]) {
            return true;
        }
    }
    return false;
}

/* The property Cased, right for code points that are not case-ignorable. */
static bool text_clean_is_cased(int32_t c)
{
    utf8proc_category_t category = utf8proc_category(c);
    if (category == UTF8PROC_CATEGORY_LU || category == UTF8PROC_CATEGORY_LL || category == UTF8PROC_CATEGORY_LT) {
        return true;
    }
    /* Other_Uppercase and Other_Lowercase */
    return c == 0xAA || c == 0xBA || (c >= 0x2160 && c <= 0x217F) || (c >= 0x24B6 && c <= 0x24E9) ||
           (c >= 0x1F130 && c <= 0x1F149) || (c >= 0x1F150 && c <= 0x1F169) || (c >= 0x1F170 && c <= 0x1F189);
}

/* True when the capital sigma at text[at] ends a word (Unicode 3.13, Final_Sigma). The scans stop at the next sigma,
 * which is cased, so that all of them together are linear. */
static bool text_clean_is_final_sigma(const char *text, size_t len, size_t at)
{
    int32_t c = 0;
    bool cased = false;
    for (size_t i = at; i > 0;) {
        do {
            i--;
        } while ((text[i] & 0xC0) == 0x80);
        nb_text_decode(text + i, &c);
        if (!text_clean_is_case_ignorable(c)) {
            cased = text_clean_is_cased(c);
            break;
        }
    }
    if (!cased) {
        return false;
    }
    size_t step;
    for (size_t i = at + nb_text_decode(text + at, &c); i < len; i += step) {
        step = nb_text_decode(text + i, &c);
        if (!text_clean_is_case_ignorable(c)) {
            return !text_clean_is_cased(c);
        }
    }
    return true;
}

/* ---- the whole ---- */

/* str.strip(): White_Space and the four separators that `regex` does not take for blanks. */
static bool text_clean_is_stripped(int32_t c)
{
    return text_clean_is_space(c) || (c >= 0x1C && c <= 0x1F);
}

static void text_clean_strip(const char **text, size_t *len)
{
    int32_t c;
    while (*len) {
        size_t step = nb_text_decode(*text, &c);
        if (!text_clean_is_stripped(c)) {
            break;
        }
        *text += step;
        *len -= step;
    }
    while (*len) {
        size_t last = *len;
        do {
            last--;
        } while (((*text)[last] & 0xC0) == 0x80);
        nb_text_decode(*text + last, &c);
        if (!text_clean_is_stripped(c)) {
            break;
        }
        *len = last;
    }
}

static bool text_clean_is_blank(const nb_text_cleaning *cleaning, int32_t c)
{
    return cleaning->separators ? text_clean_is_stripped(c) : text_clean_is_space(c);
}

/* Writes the lower case of the code point c, of `step` bytes at text[at]; the bytes written. */
static size_t text_clean_lower(const char *text, size_t len, size_t at, nb_text_lower lower, char *out)
{
    int32_t c;
    size_t step = nb_text_decode(text + at, &c);
    if (lower == NB_LOWER_NONE) {
        memcpy(out, text + at, step);
        return step;
    }
    if (c < 0x80) {
        *out = (char)(c >= 'A' && c <= 'Z' ? c + 0x20 : c);
        return 1;
    }
    if (c == CAPITAL_I_DOT) {
        memcpy(out, "i\xCC\x87", 3);
        return 3;
    }
    if (c == CAPITAL_SIGMA) {
        bool final = lower == NB_LOWER_TEXT && text_clean_is_final_sigma(text, len, at);
        return text_clean_encode(final ? 0x03C2 : 0x03C3, out);
    }
    return text_clean_encode(utf8proc_tolower(c), out);
}

/* Blanks collapsed and lower case into out, which has room for 2 * len bytes: no code point of one byte grows, and none
 * gives more than four. */
static size_t text_clean_collapse_and_lower(const char *text, size_t len, const nb_text_cleaning *cleaning, char *out)
{
    size_t used = 0, step;
    bool blank = false;
    for (size_t at = 0; at < len; at += step) {
        int32_t c;
        step = nb_text_decode(text + at, &c);
        if (cleaning->collapse && text_clean_is_blank(cleaning, c)) {
            if (!blank) {
                out[used++] = ' ';
            }
            blank = true;
            continue;
        }
        blank = false;
        used += text_clean_lower(text, len, at, cleaning->lower, out + used);
    }
    return used;
}

/* Underscores to blanks and punctuation out, into out of len bytes. */
static size_t text_clean_drop_punctuation(const char *text, size_t len, const nb_text_cleaning *cleaning, char *out)
{
    size_t used = 0;
    for (size_t i = 0; i < len; i++) {
        char c = cleaning->underscores && text[i] == '_' ? ' ' : text[i];
        bool punctuation =
            (c >= '!' && c <= '/') || (c >= ':' && c <= '@') || (c >= '[' && c <= '`') || (c >= '{' && c <= '~');
        if (!cleaning->no_punctuation || !punctuation) {
            out[used++] = c;
        }
    }
    return used;
}

const nb_text_cleaning nb_text_cleaning_clip = {
    .unescape = true, .strip_before = true, .lower = NB_LOWER_TEXT, .collapse = true};

nb_status nb_text_clean_as(char **out, size_t *out_len, const char *text, const nb_text_cleaning *cleaning,
                           nb_error *err)
{
    nb_status status = NB_OK;
    nb_buffer once = {.max = SIZE_MAX / 4}, twice = {.max = SIZE_MAX / 4};
    size_t len = *out_len;
    char *kept = NULL;
    *out = NULL;
    if (cleaning->unescape && len && memchr(text, '&', len)) {
        NB_TRY(text_clean_unescape(&once, text, len, err));
        NB_TRY(text_clean_unescape(&twice, once.data, once.len, err));
        text = twice.data;
        len = twice.len;
    }
    if (cleaning->strip_before) {
        text_clean_strip(&text, &len);
    }
    if (len > (SIZE_MAX - 1) / 2) {
        status = nb_fail(err, NB_ERR_LIMIT, "a text of %zu bytes is too long to clean", len);
        goto done;
    }
    if (cleaning->underscores || cleaning->no_punctuation) {
        NB_TRY_NEW(kept, len + 1);
        len = text_clean_drop_punctuation(text, len, cleaning, kept);
        text = kept;
    }
    NB_TRY_NEW(*out, 2 * len + 1);
    *out_len = text_clean_collapse_and_lower(text, len, cleaning, *out);
    if (cleaning->strip_after) {
        const char *rest = *out;
        text_clean_strip(&rest, out_len);
        memmove(*out, rest, *out_len);
        (*out)[*out_len] = '\0';
    }
done:
    nb_buffer_free(&once);
    nb_buffer_free(&twice);
    free(kept);
    return status;
}

nb_status nb_text_clean(char **out, size_t *out_len, const char *text, size_t len, nb_error *err)
{
    *out_len = len;
    return nb_text_clean_as(out, out_len, text, &nb_text_cleaning_clip, err);
}
