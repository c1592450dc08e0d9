/* The database files of WordNet, as wndb(5) describes them:
 *
 *     index.*  lemma pos synset_cnt p_cnt ...
 *     data.*   synset_offset lex_filenum ss_type w_cnt word lex_id [word lex_id ...] p_cnt ... | gloss
 *
 * synset_offset has 8 decimal digits, lex_filenum 2, w_cnt is 2 hexadecimal digits. The second field tells the two
 * apart: a letter, or digits. */
#include "mining/corpus/formats/source.h"

enum { HEAD_MAX = 4096 };

typedef struct field {
    const char *at;
    size_t len;
} field;

/* The words of a line, one blank between them. */
typedef struct fields {
    const char *next, *end;
} fields;

/* The next field, of length 0 at the end or where two blanks meet. */
static field wordnet_take_field(fields *f)
{
    field out = {f->next, 0};
    if (f->next < f->end) {
        const char *blank = memchr(f->next, ' ', (size_t)(f->end - f->next));
        out.len = (size_t)((blank ? blank : f->end) - f->next);
        f->next = blank ? blank + 1 : f->end;
    }
    return out;
}

/* The value of a number of digits in the given base (10 or 16), -1 when the field is none of at most max digits. */
static int wordnet_number_of(field f, int base, size_t max)
{
    int value = 0;
    if (!f.len || f.len > max) {
        return -1;
    }
    for (size_t i = 0; i < f.len; i++) {
        char c = f.at[i];
        int digit = c >= '0' && c <= '9'   ? c - '0'
                    : c >= 'a' && c <= 'f' ? c - 'a' + 10
                    : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                           : base;
        if (digit >= base) {
            return -1;
        }
        value = value * base + digit;
    }
    return value;
}

static bool wordnet_is_part_of_speech(field f)
{
    return f.len == 1 && strchr("nvasr", f.at[0]) && f.at[0];
}

static size_t wordnet_without_marker(field word)
{
    static const char *const markers[] = {"(a)", "(p)", "(ip)"};
    for (size_t i = 0; i < sizeof markers / sizeof *markers; i++) {
        size_t len = strlen(markers[i]);
        if (word.len > len && memcmp(word.at + word.len - len, markers[i], len) == 0) {
            return word.len - len;
        }
    }
    return word.len;
}

static nb_status wordnet_refuse(const char *path, uint64_t line, const char *why, nb_error *err)
{
    nb_fail(err, NB_ERR_INPUT, "'%s' line %llu is no line of a WordNet index or data file: %s", path,
            (unsigned long long)line, why);
    return nb_hint(err, "plain word lists are read with --format lines");
}

/* The words of a synset; f stands behind synset_offset and lex_filenum. Checked whole before any word is given on. */
static nb_status wordnet_read_synset(fields f, const char *path, uint64_t line, const nb_candidate_sink *sink,
                                     nb_error *err)
{
    field type = wordnet_take_field(&f);
    int words = wordnet_number_of(wordnet_take_field(&f), 16, 2);
    if (!wordnet_is_part_of_speech(type) || words < 1) {
        return wordnet_refuse(path, line, "ss_type and w_cnt are wrong", err);
    }
    bool adjective = type.at[0] == 'a' || type.at[0] == 's';
    fields ahead = f;
    for (int i = 0; i < words; i++) {
        field word = wordnet_take_field(&ahead);
        if (!word.len || wordnet_number_of(wordnet_take_field(&ahead), 16, 1) < 0) {
            return wordnet_refuse(path, line, "it has fewer words than w_cnt says", err);
        }
    }
    nb_status status = NB_OK;
    for (int i = 0; i < words && status == NB_OK; i++) {
        field word = wordnet_take_field(&f);
        wordnet_take_field(&f);
        status =
            sink->take(sink->state, NB_KEPT, word.at, adjective ? wordnet_without_marker(word) : word.len, line, err);
    }
    return status;
}

static nb_status wordnet_read_entry(const char *text, size_t len, const char *path, uint64_t line,
                                    const nb_candidate_sink *sink, nb_error *err)
{
    fields f = {text, text + len};
    field first = wordnet_take_field(&f), second = wordnet_take_field(&f);
    if (first.len == 8 && wordnet_number_of(first, 10, 8) >= 0 && second.len == 2 &&
        wordnet_number_of(second, 10, 2) >= 0) {
        return wordnet_read_synset(f, path, line, sink, err);
    }
    if (!first.len || !wordnet_is_part_of_speech(second)) {
        return wordnet_refuse(path, line, "it begins neither 'lemma pos' nor 'synset_offset lex_filenum'", err);
    }
    field synsets = wordnet_take_field(&f), pointers = wordnet_take_field(&f);
    if (wordnet_number_of(synsets, 10, 6) < 0 || wordnet_number_of(pointers, 10, 6) < 0) {
        return wordnet_refuse(path, line, "synset_cnt and p_cnt are wrong", err);
    }
    return sink->take(sink->state, NB_KEPT, first.at, first.len, line, err);
}

typedef struct reader {
    const nb_source_piece *piece;
    const nb_candidate_sink *sink;
} reader;

static nb_status wordnet_take_line(void *state, nb_drop known, const char *line, size_t len, uint64_t number,
                                   nb_error *err)
{
    const reader *r = state;
    if (known == NB_KEPT && len && !(len >= 2 && line[0] == ' ' && line[1] == ' ')) {
        return wordnet_read_entry(line, len, r->piece->source->path, number, r->sink, err);
    }
    known = known != NB_KEPT ? known : len ? NB_DROP_COMMENT : NB_DROP_BLANK;
    return r->sink->take(r->sink->state, known, line, len, number, err);
}

static nb_status wordnet_read(nb_source_piece *piece, const nb_candidate_sink *sink, nb_error *err)
{
    reader r = {piece, sink};
    const nb_candidate_sink lines = {.state = &r, .take = wordnet_take_line};
    return nb_source_read_lines(piece, &lines, err);
}

/* A bad line is named by its number in the file, so a file goes whole to one reader. */
static nb_status wordnet_prepare(nb_source *source, const nb_source_choice *choice, const nb_source_head *head,
                                 nb_error *err)
{
    (void)choice;
    (void)head;
    (void)err;
    source->splits = false;
    return NB_OK;
}

/* Named index.* or data.* and beginning with the numbered lines of the licence: "  1 This software ...". */
static bool wordnet_detect(const char *base, const char *head, size_t len)
{
    size_t looked_at = len < HEAD_MAX ? len : HEAD_MAX;
    return (strncmp(base, "index.", 6) == 0 || strncmp(base, "data.", 5) == 0) && len > 4 &&
           memcmp(head, "  1 ", 4) == 0 && memmem(head, looked_at, "WordNet", 7) != NULL;
}

const nb_source_format nb_format_wordnet = {
    .name = "wordnet", .word_list = true, .detect = wordnet_detect, .prepare = wordnet_prepare, .read = wordnet_read};
