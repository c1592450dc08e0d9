#include "mining/corpus/text/normalise.h"

#include "common/base/text.h"
#include "common/clip/tokenizer/text_clean.h"

#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>
#include <xxhash.h>

static const char *const drop_names[NB_DROP_COUNT] = {"kept",    "comment",     "bad-json",  "missing",  "invalid-utf8",
                                                      "control", "blank",       "too-long",  "excluded", "lexname",
                                                      "proper",  "subcategory", "duplicate", "limit"};

const char *nb_drop_name(nb_drop drop)
{
    return (unsigned)drop < NB_DROP_COUNT ? drop_names[drop] : "unknown";
}

nb_status nb_normaliser_open(nb_normaliser *n, size_t max_bytes, nb_error *err)
{
    nb_status status = NB_OK;
    *n = (nb_normaliser){0};
    if (max_bytes < 1 || max_bytes > NB_TEXT_BYTES_MAX) {
        return nb_fail(err, NB_ERR_USAGE, "texts of at most %zu bytes were asked for, the limit must be 1 to %d",
                       max_bytes, NB_TEXT_BYTES_MAX);
    }
    n->max_bytes = max_bytes;
    /* Form C is at most 3.5 times shorter (U+1FBE U+0308 U+0301 becomes U+0390): more than this cannot fit. */
    n->capacity = 4 * max_bytes;
    /* Decomposing and folding give at most 1.5 code points a byte (U+0390); one more for the NUL of utf8proc. */
    n->point_capacity = 2 * n->capacity + 1;
    NB_TRY_NEW(n->collapsed, n->capacity);
    NB_TRY_NEW(n->points, n->point_capacity);
done:
    if (status != NB_OK) {
        nb_normaliser_close(n);
    }
    return status;
}

void nb_normaliser_close(nb_normaliser *n)
{
    free(n->collapsed);
    free(n->points);
    *n = (nb_normaliser){0};
}

static bool normalise_is_ascii(const char *bytes, size_t len)
{
    size_t i = 0;
    for (; i + 8 <= len; i += 8) {
        uint64_t word;
        memcpy(&word, bytes + i, sizeof word);
        if (word & 0x8080808080808080u) {
            return false;
        }
    }
    unsigned rest = 0;
    for (; i < len; i++) {
        rest |= (unsigned char)bytes[i];
    }
    return rest < 0x80;
}

/* White space collapsed so far: blanks are written in front of the next character, so none are left at the end. */
typedef struct scan {
    char *out;
    size_t used, capacity;
    bool blank_before, control, overflow;
} scan;

static inline void normalise_put(scan *s, const char *bytes, size_t len)
{
    size_t blank = s->blank_before && s->used;
    if (len + blank > s->capacity - s->used) {
        s->overflow = true;
        return;
    }
    if (blank) {
        s->out[s->used++] = ' ';
    }
    s->blank_before = false;
    for (size_t i = 0; i < len; i++) {
        s->out[s->used++] = bytes[i];
    }
}

static void normalise_scan_ascii(scan *s, const char *bytes, size_t len, bool underscores)
{
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)bytes[i];
        if (c == ' ' || (c >= '\t' && c <= '\r') || (c == '_' && underscores)) {
            s->blank_before = true;
        } else if (c < 0x20 || c == 0x7F) {
            s->control = true;
            return;
        } else {
            normalise_put(s, bytes + i, 1);
        }
    }
}

/* Characters of class 0 that neither decompose nor compose with one before them: text of these alone is in form C. The
 * rest is left to utf8proc. */
static bool normalise_inert(int32_t c)
{
    return c < 0x300 || (c >= 0x400 && c <= 0x482) || (c >= 0x2010 && c <= 0x2027) || (c >= 0x3041 && c <= 0x3096) ||
           (c >= 0x30A1 && c <= 0x30FA) || (c >= 0x4E00 && c <= 0x9FFF) || (c >= 0xAC00 && c <= 0xD7A3);
}

/* What is no mark on paper: zero width spaces, soft hyphens, byte order marks, variation selectors, ... */
static bool normalise_ignorable(int32_t c)
{
    return (c == 0xAD || c >= 0x34F) && utf8proc_get_property(c)->ignorable;
}

static bool normalise_joiner(int32_t c)
{
    return c == 0x200C || c == 0x200D;
}

/* Whether a text has characters between which joiners change what is read: of scripts from Arabic on, or emoji. */
static bool normalise_joins(const char *bytes, size_t len)
{
    int32_t c;
    for (size_t i = 0; i < len;) {
        i += nb_text_decode(bytes + i, &c);
        bool among = (c >= 0x600 && c < 0x1E00) || (c >= 0x2600 && c < 0x27C0) || (c >= 0x1F000 && c < 0x1FB00);
        if (among && !normalise_ignorable(c)) {
            return true;
        }
    }
    return false;
}

/* True when the text scanned is in form C for certain. */
static bool normalise_scan_unicode(scan *s, const char *bytes, size_t len, bool underscores, bool joiners)
{
    bool composed = true;
    joiners = joiners && normalise_joins(bytes, len);
    for (size_t i = 0; i < len;) {
        int32_t c;
        size_t step = nb_text_decode(bytes + i, &c);
        if ((c == '_' && underscores) || nb_text_classify(c) == NB_TEXT_SPACE) {
            s->blank_before = true;
        } else if (c < 0x20 || (c >= 0x7F && c < 0xA0)) {
            s->control = true;
            break;
        } else if (!normalise_ignorable(c) || (joiners && normalise_joiner(c))) {
            normalise_put(s, bytes + i, step);
            composed = composed && normalise_inert(c);
        }
        i += step;
    }
    return composed;
}

/* utf8proc (to 2.8 at least) takes U+11A7, a vowel, for a final consonant and swallows it behind a Hangul syllable. A
 * surrogate, which no text holds, goes through composition in its place. */
enum { HANGUL_T_BASE = 0x11A7, STAND_IN = 0xD800 };

static void normalise_replace(int32_t *points, utf8proc_ssize_t count, int32_t from, int32_t to)
{
    for (utf8proc_ssize_t i = 0; i < count; i++) {
        points[i] = points[i] == from ? to : points[i];
    }
}

/* Form C of n->text through the code points, folded when asked for. False when it does not fit. */
static bool normalise_compose(nb_normaliser *n, bool fold)
{
    int options = UTF8PROC_STABLE | UTF8PROC_COMPOSE | (fold ? UTF8PROC_CASEFOLD : 0);
    utf8proc_ssize_t capacity = (utf8proc_ssize_t)n->point_capacity - 1;
    utf8proc_ssize_t count = utf8proc_decompose((const utf8proc_uint8_t *)n->text, (utf8proc_ssize_t)n->len, n->points,
                                                capacity, (utf8proc_option_t)options);
    if (count < 0 || count > capacity) {
        return false;
    }
    normalise_replace(n->points, count, HANGUL_T_BASE, STAND_IN);
    count = utf8proc_normalize_utf32(n->points, count, (utf8proc_option_t)options);
    normalise_replace(n->points, count, STAND_IN, HANGUL_T_BASE);
    utf8proc_ssize_t len = utf8proc_reencode(n->points, count, (utf8proc_option_t)0);
    if (count < 0 || len < 0) {
        return false;
    }
    n->text = (const char *)n->points;
    n->len = (size_t)len;
    return true;
}

enum { ONES_SHIFT = 7 };
static const uint64_t ones = 0x0101010101010101u, highs = 0x8080808080808080u;

/* The high bit of every byte below `limit` (1 to 128) of a word of ASCII. */
static inline uint64_t normalise_below(uint64_t word, unsigned limit)
{
    return ~(word + ones * (128 - limit)) & highs;
}

/* The high bit of every byte of a word of ASCII that equals c. */
static inline uint64_t normalise_equal(uint64_t word, unsigned char c)
{
    return normalise_below(word ^ (ones * c), 1);
}

/* True for ASCII that is canonical as it stands, but for the length: no byte to drop or change, single blanks only. */
static bool normalise_is_plain(const char *bytes, size_t len, bool underscores)
{
    uint64_t before = highs >> (8 * ONES_SHIFT); /* a blank in front of the first byte: none may follow */
    for (size_t i = 0; i < len; i += 8) {
        uint64_t word = ones * 'x';
        size_t part = len - i < 8 ? len - i : 8;
        memcpy(&word, bytes + i, part);
        if (word & highs) {
            return false;
        }
        uint64_t blanks = normalise_equal(word, ' ');
        uint64_t bad =
            normalise_below(word, ' ') | normalise_equal(word, 0x7F) | (underscores ? normalise_equal(word, '_') : 0);
        if (bad | (blanks & (blanks << 8 | before))) {
            return false;
        }
        before = blanks >> (8 * ONES_SHIFT);
    }
    return len && bytes[len - 1] != ' ';
}

/* `joiners`: they stay where they matter. */
static nb_drop normalise_text(nb_normaliser *n, const char *bytes, size_t len, bool underscores, bool joiners)
{
    scan s = {.out = n->collapsed, .capacity = n->capacity};
    bool composed = true;
    if (len <= n->max_bytes && normalise_is_plain(bytes, len, underscores)) {
        n->text = bytes;
        n->len = len;
        return NB_KEPT;
    }
    if (normalise_is_ascii(bytes, len)) {
        normalise_scan_ascii(&s, bytes, len, underscores);
    } else if (!nb_utf8_valid(bytes, len)) {
        return NB_DROP_UTF8;
    } else {
        composed = normalise_scan_unicode(&s, bytes, len, underscores, joiners);
    }
    if (s.control) {
        return NB_DROP_CONTROL;
    }
    if (!s.used && !s.overflow) {
        return NB_DROP_BLANK;
    }
    n->text = n->collapsed;
    n->len = s.used;
    if (s.overflow || (!composed && !normalise_compose(n, false)) || n->len > n->max_bytes) {
        return NB_DROP_LONG;
    }
    return NB_KEPT;
}

nb_drop nb_normalise(nb_normaliser *n, const char *bytes, size_t len, bool underscores)
{
    return normalise_text(n, bytes, len, underscores, true);
}

/* Bytes of the longest part in front that begins a well-formed character without being one; at least 1. */
static size_t normalise_bad_part(const unsigned char *b, size_t len)
{
    size_t want = b[0] >= 0xC2 && b[0] <= 0xDF ? 2 : (b[0] & 0xF0) == 0xE0 ? 3 : b[0] >= 0xF0 && b[0] <= 0xF4 ? 4 : 1;
    if (want < 3 || len < 2) {
        return 1;
    }
    unsigned low = b[0] == 0xE0 ? 0xA0 : b[0] == 0xF0 ? 0x90 : 0x80;
    unsigned high = b[0] == 0xED ? 0x9F : b[0] == 0xF4 ? 0x8F : 0xBF;
    if (b[1] < low || b[1] > high) {
        return 1;
    }
    return want == 4 && len > 2 && (b[2] & 0xC0) == 0x80 ? 3 : 2;
}

/* Bytes of the well-formed character in front, 0 when there is none. */
static size_t normalise_good_part(const char *bytes, size_t len)
{
    for (size_t n = 1; n <= 4 && n <= len; n++) {
        if (nb_utf8_valid(bytes, n)) {
            return n;
        }
    }
    return 0;
}

nb_status nb_utf8_replace(nb_buffer *out, const char *bytes, size_t len, nb_error *err)
{
    nb_status status = NB_OK;
    for (size_t i = 0; i < len;) {
        size_t good = i, step;
        while (good < len && (step = normalise_good_part(bytes + good, len - good)) != 0) {
            good += step;
        }
        NB_TRY(nb_buffer_append(out, bytes + i, good - i, err));
        i = good;
        if (i < len) {
            NB_TRY(nb_buffer_append(out, "\xEF\xBF\xBD", 3, err));
            i += normalise_bad_part((const unsigned char *)bytes + i, len - i);
        }
    }
done:
    return status;
}

nb_drop nb_normalise_key(nb_normaliser *n, const char *bytes, size_t len)
{
    nb_drop drop = normalise_text(n, bytes, len, true, false);
    if (drop == NB_DROP_BLANK) {
        drop = normalise_text(n, bytes, len, false, false); /* underscores alone stand for themselves */
    }
    if (drop != NB_KEPT) {
        return drop;
    }
    if (!normalise_is_ascii(n->text, n->len)) {
        /* the code points are about to be overwritten */
        if (n->text != n->collapsed) {
            memcpy(n->collapsed, n->text, n->len);
            n->text = n->collapsed;
        }
        return normalise_compose(n, true) ? NB_KEPT : NB_DROP_LONG;
    }
    for (size_t i = 0; i < n->len; i++) {
        char c = n->text[i];
        n->collapsed[i] = c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
    }
    n->text = n->collapsed;
    return NB_KEPT;
}

nb_status nb_label_set_open(nb_label_set *set, size_t count, nb_error *err)
{
    nb_status status = NB_OK;
    *set = (nb_label_set){0};
    if (count > SIZE_MAX / 32) {
        return nb_fail(err, NB_ERR_LIMIT, "%zu labels are too many", count);
    }
    set->slot_count = 16;
    while (set->slot_count < 2 * count) {
        set->slot_count *= 2;
    }
    NB_TRY_NEW(set->slots, set->slot_count);
done:
    return status;
}

void nb_label_set_close(nb_label_set *set)
{
    nb_strings_free(&set->keys);
    free(set->slots);
    *set = (nb_label_set){0};
}

/* The slot that holds the key, or the empty one where it belongs. At least half of the slots are empty. */
static size_t normalise_find_slot(const nb_label_set *set, const nb_normaliser *n)
{
    size_t mask = set->slot_count - 1;
    size_t slot = (size_t)XXH3_64bits(n->text, n->len) & mask;
    while (set->slots[slot]) {
        size_t key = (size_t)set->slots[slot] - 1;
        const char *bytes = nb_strings_get(&set->keys, key);
        if (nb_bytes_compare(bytes, nb_strings_len(&set->keys, key), n->text, n->len) == 0) {
            break;
        }
        slot = (slot + 1) & mask;
    }
    return slot;
}

nb_status nb_label_set_add(nb_label_set *set, const nb_normaliser *n, size_t *index, nb_error *err)
{
    size_t slot = normalise_find_slot(set, n);
    if (set->slots[slot]) {
        *index = (size_t)set->slots[slot] - 1;
        return NB_OK;
    }
    *index = set->keys.count;
    if (2 * (set->keys.count + 1) > set->slot_count) {
        return nb_fail(err, NB_ERR_INTERNAL, "a set of labels grew over the %zu it was opened for", set->keys.count);
    }
    nb_status status = nb_strings_push(&set->keys, n->text, n->len, err);
    if (status == NB_OK) {
        set->slots[slot] = set->keys.count;
    }
    return status;
}

bool nb_label_set_find(const nb_label_set *set, const nb_normaliser *n, size_t *index)
{
    uint64_t slot = set->keys.count ? set->slots[normalise_find_slot(set, n)] : 0;
    *index = slot ? (size_t)slot - 1 : 0;
    return slot != 0;
}

bool nb_label_set_has(const nb_label_set *set, nb_normaliser *n, const char *text, size_t len)
{
    return set->keys.count && nb_normalise_key(n, text, len) == NB_KEPT && set->slots[normalise_find_slot(set, n)] != 0;
}
