#include "common/base/text.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Length of the well-formed sequence at p, 0 if there is none (Unicode 15, table 3-7). */
static size_t text_sequence(const unsigned char *p, size_t left)
{
    if (p[0] < 0x80) {
        return 1;
    }
    size_t need = p[0] >= 0xC2 && p[0] <= 0xDF ? 2 : (p[0] & 0xF0) == 0xE0 ? 3 : p[0] >= 0xF0 && p[0] <= 0xF4 ? 4 : 0;
    if (!need || need > left) {
        return 0;
    }
    unsigned low = p[0] == 0xE0 ? 0xA0 : p[0] == 0xF0 ? 0x90 : 0x80;
    unsigned high = p[0] == 0xED ? 0x9F : p[0] == 0xF4 ? 0x8F : 0xBF;
    if (p[1] < low || p[1] > high) {
        return 0;
    }
    for (size_t i = 2; i < need; i++) {
        if ((p[i] & 0xC0) != 0x80) {
            return 0;
        }
    }
    return need;
}

size_t nb_text_mark_len(const char *bytes, size_t len)
{
    return len >= 3 && memcmp(bytes, "\xEF\xBB\xBF", 3) == 0 ? 3 : 0;
}

bool nb_utf8_valid(const char *bytes, size_t len)
{
    const unsigned char *p = (const unsigned char *)bytes;
    for (size_t i = 0; i < len;) {
        size_t step = text_sequence(p + i, len - i);
        if (!step) {
            return false;
        }
        i += step;
    }
    return true;
}

/* As nb_text_control, of bytes that need not end. */
static size_t text_control(const unsigned char *p, size_t left)
{
    if (left && (p[0] < 0x20 || p[0] == 0x7f)) {
        return 1;
    }
    if (left >= 2 && p[0] == 0xC2 && p[1] >= 0x80 && p[1] <= 0x9F) {
        return 2;
    }
    return left >= 3 && p[0] == 0xE2 && p[1] == 0x80 && (p[2] == 0xA8 || p[2] == 0xA9) ? 3 : 0;
}

size_t nb_text_control(const char *text)
{
    return text_control((const unsigned char *)text, strnlen(text, 3));
}

bool nb_text_printable(const char *bytes, size_t len)
{
    const unsigned char *p = (const unsigned char *)bytes;
    for (size_t i = 0; i < len;) {
        size_t step = text_sequence(p + i, len - i);
        if (!step || text_control(p + i, len - i)) {
            return false;
        }
        i += step;
    }
    return true;
}

nb_status nb_strings_check_printable(const nb_strings *list, const char *what, nb_error *err)
{
    for (size_t i = 0; i < list->count; i++) {
        if (!nb_text_printable(nb_strings_get(list, i), nb_strings_len(list, i))) {
            return nb_fail(err, NB_ERR_INPUT, "entry %zu of '%s' holds control characters or line ends", i, what);
        }
    }
    return NB_OK;
}

static bool text_starts_number(const char *text)
{
    return (*text >= '0' && *text <= '9') || *text == '-' || *text == '+' || *text == '.';
}

void nb_text_sanitise(char *text)
{
    unsigned char *p = (unsigned char *)text;
    size_t left = strlen(text);
    while (left) {
        size_t step = text_sequence(p, left);
        if (!step || text_control(p, left)) {
            step = step ? step : 1;
            memset(p, '?', step);
        }
        p += step;
        left -= step;
    }
}

void nb_text_rename(char *text, size_t size, const nb_renames *names)
{
    for (size_t i = 0; names && i < names->from.count; i++) {
        const char *from = nb_strings_get(&names->from, i), *to = nb_strings_get(&names->to, i);
        size_t len = nb_strings_len(&names->from, i), put = nb_strings_len(&names->to, i);
        for (char *at = strstr(text, from); at; at = strstr(at + put, from)) {
            size_t before = (size_t)(at - text), behind = strlen(at + len);
            if (before + put >= size) {
                *at = '\0';
                break;
            }
            behind = before + put + behind < size ? behind : size - 1 - before - put;
            memmove(at + put, at + len, behind);
            memcpy(at, to, put);
            at[put + behind] = '\0';
        }
    }
}

const char *nb_renamed(const nb_renames *names, const char *text)
{
    for (size_t i = 0; names && i < names->from.count; i++) {
        if (strcmp(nb_strings_get(&names->from, i), text) == 0) {
            return nb_strings_get(&names->to, i);
        }
    }
    return text;
}

void nb_renames_free(nb_renames *names)
{
    nb_strings_free(&names->from);
    nb_strings_free(&names->to);
}

void nb_text_hide_secrets(char *text)
{
    char *host = strstr(text, "://");
    if (!host) {
        return;
    }
    host += 3;
    bool s3 = strncmp(text, "s3:", 3) == 0; /* its keys may hold '?' and nothing else */
    if (!s3) {
        text[strcspn(text, "?#")] = '\0';
    }
    size_t len = strcspn(host, "/");
    for (size_t i = len; i > 0; i--) {
        if (host[i - 1] == '@') {
            memmove(host, host + i, strlen(host + i) + 1);
            break;
        }
    }
}

void nb_text_hide_passwords(char *text)
{
    for (char *host = strstr(text, "://"); host; host = strstr(host, "://")) {
        host += 3;
        size_t len = strcspn(host, "/?# '\"");
        for (size_t i = len; i > 0; i--) {
            if (host[i - 1] == '@') {
                memmove(host, host + i, strlen(host + i) + 1);
                break;
            }
        }
    }
}

bool nb_parse_int(const char *text, int64_t *out)
{
    char *end;
    errno = 0;
    long long value = strtoll(text, &end, 10);
    if (!text_starts_number(text) || end == text || *end || errno) {
        return false;
    }
    *out = value;
    return true;
}

bool nb_parse_bytes(const char *text, uint64_t *out)
{
    static const char units[] = "KMGT";
    char digits[24];
    int64_t number;
    size_t len = strlen(text), shift = 0;
    const char *unit = len ? strchr(units, text[len - 1]) : NULL;
    if (unit) {
        shift = 10 * (size_t)(unit - units + 1);
        len--;
    }
    if (len >= sizeof digits) {
        return false;
    }
    memcpy(digits, text, len);
    digits[len] = '\0';
    if (!nb_parse_int(digits, &number) || number < 0 || number > INT64_MAX >> shift) {
        return false;
    }
    *out = (uint64_t)number << shift;
    return true;
}

bool nb_parse_real(const char *text, double *out)
{
    char *end;
    errno = 0;
    double value = strtod(text, &end);
    if (!text_starts_number(text) || end == text || *end || !isfinite(value)) {
        return false;
    }
    *out = value;
    return true;
}

static void text_prefixed(char out[32], double value, const char *unit)
{
    static const char prefix[] = " kMGTPE";
    size_t i = 0;
    while (fabs(value) >= 999.5 && i + 2 < sizeof prefix) {
        value /= 1000;
        i++;
    }
    if (i) {
        snprintf(out, 32, "%.3g %c%s", value, prefix[i], unit);
    } else {
        snprintf(out, 32, *unit ? "%.0f %s" : "%.0f", value, unit);
    }
}

void nb_format_count(char out[32], double count)
{
    text_prefixed(out, count, "");
}

void nb_format_bytes(char out[32], double bytes)
{
    text_prefixed(out, bytes, "B");
}

void nb_format_seconds(char out[32], double seconds)
{
    if (seconds < 10) {
        snprintf(out, 32, "%.1f s", seconds);
    } else if (seconds < 60) {
        snprintf(out, 32, "%.0f s", seconds);
    } else if (seconds < 3600) {
        snprintf(out, 32, "%d min %02d s", (int)(seconds / 60), (int)seconds % 60);
    } else {
        snprintf(out, 32, "%.0f h %02d min", floor(seconds / 3600), (int)fmod(seconds / 60, 60));
    }
}
