#include "common/base/json_scan.h"

#include <string.h>

enum { REPLACEMENT = 0xFFFD };

/* Where the reading stands; a failure sticks. */
typedef struct scan {
    const char *at, *end;
    const char *why;  /* NULL, or what is wrong */
    bool cut;         /* it is that the bytes end */
    nb_status status; /* NB_ERR_LIMIT without memory */
    nb_error *err;
} scan;

/* Where a string goes; NULL bytes: nowhere. */
typedef struct target {
    nb_buffer *bytes;
    bool surrogates;
} target;

static bool json_fail(scan *s, const char *why)
{
    s->cut = s->cut || (!s->why && s->at >= s->end);
    s->why = s->why ? s->why : why;
    return false;
}

static void json_skip_blanks(scan *s)
{
    while (s->at < s->end && (*s->at == ' ' || *s->at == '\t' || *s->at == '\n' || *s->at == '\r')) {
        s->at++;
    }
}

/* Passes over the character c. */
static bool json_take(scan *s, char c)
{
    bool there = s->at < s->end && *s->at == c;
    s->at += there;
    return there;
}

static void json_put(scan *s, target *to, const char *bytes, size_t len)
{
    if (to->bytes && len && s->status == NB_OK) {
        s->status = nb_buffer_append(to->bytes, bytes, len, s->err);
    }
}

static void json_put_point(scan *s, target *to, uint32_t point)
{
    char out[4];
    size_t len = point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
    static const unsigned char heads[] = {0, 0, 0xC0, 0xE0, 0xF0};
    for (size_t i = len; i > 1; i--, point >>= 6) {
        out[i - 1] = (char)(0x80 | (point & 0x3F));
    }
    out[0] = (char)(heads[len] | point);
    json_put(s, to, out, len);
}

/* Four hexadecimal digits; false when they are none. */
static bool json_hex(scan *s, uint32_t *value)
{
    *value = 0;
    for (int i = 0; i < 4; i++, s->at++) {
        char c = s->at < s->end ? *s->at : 'x';
        unsigned digit = c >= '0' && c <= '9'   ? (unsigned)(c - '0')
                         : c >= 'a' && c <= 'f' ? (unsigned)(c - 'a') + 10
                         : c >= 'A' && c <= 'F' ? (unsigned)(c - 'A') + 10
                                                : 16;
        if (digit == 16) {
            return json_fail(s, "an escape \\u without four hexadecimal digits");
        }
        *value = *value << 4 | digit;
    }
    return true;
}

static bool json_unicode_escape(scan *s, target *to)
{
    uint32_t point, low;
    if (!json_hex(s, &point)) {
        return false;
    }
    if (point >= 0xD800 && point < 0xDC00 && s->end - s->at >= 6 && s->at[0] == '\\' && s->at[1] == 'u') {
        const char *behind = s->at;
        s->at += 2;
        if (!json_hex(s, &low)) {
            return false;
        }
        if (low >= 0xDC00 && low < 0xE000) {
            point = 0x10000 + ((point - 0xD800) << 10) + (low - 0xDC00);
        } else {
            s->at = behind;
        }
    }
    if (point >= 0xD800 && point < 0xE000) {
        to->surrogates = true;
        point = REPLACEMENT;
    }
    json_put_point(s, to, point);
    return true;
}

static bool json_escape(scan *s, target *to)
{
    static const char names[] = "\"\\/bfnrt", values[] = "\"\\/\b\f\n\r\t";
    char c = s->at < s->end ? *s->at++ : '\0';
    const char *found = c ? strchr(names, c) : NULL;
    if (c == 'u') {
        return json_unicode_escape(s, to);
    }
    if (!found) {
        return json_fail(s, "an escape that is none");
    }
    json_put(s, to, &values[found - names], 1);
    return true;
}

/* A string behind its first quote. */
static bool json_string(scan *s, target *to)
{
    for (;;) {
        const char *from = s->at;
        while (s->at < s->end && *s->at != '"' && *s->at != '\\' && (unsigned char)*s->at >= 0x20) {
            s->at++;
        }
        json_put(s, to, from, (size_t)(s->at - from));
        if (s->at == s->end) {
            return json_fail(s, "a string without its end");
        }
        char c = *s->at++;
        if (c == '"') {
            return true;
        }
        if (c != '\\') {
            return json_fail(s, "a control character in a string");
        }
        if (!json_escape(s, to)) {
            return false;
        }
    }
}

static bool json_digits(scan *s)
{
    const char *from = s->at;
    while (s->at < s->end && *s->at >= '0' && *s->at <= '9') {
        s->at++;
    }
    return s->at > from;
}

static bool json_word(scan *s, const char *word)
{
    size_t len = strlen(word);
    bool there = (size_t)(s->end - s->at) >= len && memcmp(s->at, word, len) == 0;
    s->at += there ? len : 0;
    return there;
}

/* A number of any size, or a word. */
static bool json_scalar(scan *s)
{
    static const char *const words[] = {"true", "false", "null", "NaN", "Infinity", "-Infinity"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (json_word(s, words[i])) {
            return true;
        }
    }
    json_take(s, '-');
    if (!json_take(s, '0') && !json_digits(s)) {
        return json_fail(s, "a value is missing, or is none");
    }
    if (json_take(s, '.') && !json_digits(s)) {
        return json_fail(s, "a number that ends too early");
    }
    if (s->at < s->end && (*s->at == 'e' || *s->at == 'E')) {
        s->at++;
        if (!json_take(s, '+')) {
            json_take(s, '-');
        }
        return json_digits(s) || json_fail(s, "a number that ends too early");
    }
    return true;
}

/* A key and its colon. */
static bool json_key(scan *s, target *to)
{
    json_skip_blanks(s);
    if (!json_take(s, '"')) {
        return json_fail(s, "a key is missing");
    }
    if (!json_string(s, to)) {
        return false;
    }
    json_skip_blanks(s);
    return json_take(s, ':') || json_fail(s, "a ':' is missing");
}

/* Objects and arrays that are open: a bit each, 1 for an object. */
typedef struct open_values {
    unsigned char bits[NB_JSON_DEPTH_MAX / 8 + 1];
    size_t depth;
} open_values;

static bool json_is_object_open(const open_values *o)
{
    return o->bits[(o->depth - 1) / 8] >> (o->depth - 1) % 8 & 1;
}

/* The beginning of a value: *open is true when values in it follow. */
static bool json_begin_value(scan *s, open_values *o, bool *open)
{
    target nowhere = {0};
    json_skip_blanks(s);
    *open = false;
    bool object = s->at < s->end && *s->at == '{';
    if (!object && !(s->at < s->end && *s->at == '[')) {
        return json_take(s, '"') ? json_string(s, &nowhere) : json_scalar(s);
    }
    s->at++;
    json_skip_blanks(s);
    if (json_take(s, object ? '}' : ']')) {
        return true;
    }
    if (o->depth == NB_JSON_DEPTH_MAX) {
        return json_fail(s, "it is nested too deep");
    }
    unsigned bit = 1u << o->depth % 8;
    o->bits[o->depth / 8] = (unsigned char)(object ? o->bits[o->depth / 8] | bit : o->bits[o->depth / 8] & ~bit);
    o->depth++;
    *open = true;
    return !object || json_key(s, &nowhere);
}

/* Behind a value in others: closes those that end here. *more is true when a value follows. */
static bool json_end_value(scan *s, open_values *o, bool *more)
{
    target nowhere = {0};
    *more = false;
    while (o->depth) {
        bool object = json_is_object_open(o);
        json_skip_blanks(s);
        if (json_take(s, ',')) {
            *more = true;
            return !object || json_key(s, &nowhere);
        }
        if (!json_take(s, object ? '}' : ']')) {
            return json_fail(s, "a ',' or an end is missing");
        }
        o->depth--;
    }
    return true;
}

static bool json_skip_value(scan *s)
{
    open_values o = {.depth = 0};
    bool more = true;
    while (more) {
        bool open;
        if (!json_begin_value(s, &o, &open)) {
            return false;
        }
        if (!open && !json_end_value(s, &o, &more)) {
            return false;
        }
    }
    return true;
}

/* Whether [from, to) is a number without a fraction. */
static bool json_is_integer_text(const char *from, const char *to)
{
    from += from < to && *from == '-';
    size_t digits = 0;
    while (from + digits < to && from[digits] >= '0' && from[digits] <= '9') {
        digits++;
    }
    return digits && from + digits == to;
}

/* The value under the key that was asked for. */
static bool json_wanted_value(scan *s, nb_json_found *out)
{
    target text = {.bytes = &out->text};
    nb_buffer_clear(&out->text);
    out->kind = NB_JSON_TEXT;
    if (json_take(s, '"')) {
        bool good = json_string(s, &text);
        out->surrogates = text.surrogates;
        return good;
    }
    const char *from = s->at;
    if (!json_skip_value(s)) {
        return false;
    }
    out->surrogates = false;
    out->kind = json_is_integer_text(from, s->at) ? NB_JSON_INTEGER : NB_JSON_MISSING;
    if (out->kind == NB_JSON_INTEGER) {
        json_put(s, &text, from, (size_t)(s->at - from));
    }
    return true;
}

/* The members of an object behind its brace. */
static bool json_members(scan *s, nb_json_found *out, const char *key)
{
    json_skip_blanks(s);
    if (json_take(s, '}')) {
        return true;
    }
    for (;;) {
        target name = {.bytes = &out->key};
        nb_buffer_clear(&out->key);
        if (!json_key(s, &name)) {
            return false;
        }
        bool wanted = out->key.len == strlen(key) && (!out->key.len || memcmp(out->key.data, key, out->key.len) == 0);
        json_skip_blanks(s);
        if (!(wanted ? json_wanted_value(s, out) : json_skip_value(s))) {
            return false;
        }
        json_skip_blanks(s);
        if (json_take(s, '}')) {
            return true;
        }
        if (!json_take(s, ',')) {
            return json_fail(s, "a ',' or an end is missing");
        }
    }
}

static bool json_whole(scan *s, nb_json_found *out, const char *key)
{
    target text = {.bytes = &out->text};
    json_skip_blanks(s);
    if (!json_take(s, key ? '{' : '"')) {
        bool any = json_skip_value(s);
        return any ? json_fail(s, "it is another value") : false;
    }
    if (key) {
        out->kind = NB_JSON_MISSING;
        return json_members(s, out, key);
    }
    out->kind = NB_JSON_TEXT;
    bool good = json_string(s, &text);
    out->surrogates = text.surrogates;
    return good;
}

nb_status nb_json_scan(nb_json_found *out, const char *bytes, size_t len, const char *key, nb_error *err)
{
    scan s = {.at = bytes, .end = bytes + len, .err = err};
    nb_buffer_clear(&out->text);
    out->surrogates = false;
    if (json_whole(&s, out, key)) {
        json_skip_blanks(&s);
        if (s.at < s.end) {
            json_fail(&s, "something follows the value");
        }
    }
    out->why = s.why;
    out->cut = s.cut;
    out->kind = s.why ? NB_JSON_BAD : out->kind;
    return s.status;
}
