#include "common/clip/checkpoint/pickle/pickle.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_ROOM = 64, PROTOCOL_MIN = 2, PROTOCOL_MAX = 3, SHOWN_MAX = 120 };

/* What stands behind an operation's byte. */
typedef enum form {
    FORM_UNKNOWN, /* no operation of ours */
    FORM_NOTHING,
    FORM_U1,
    FORM_U2,
    FORM_U4,
    FORM_I4,
    FORM_F8,
    FORM_TEXT1, /* a byte with the length, then the text */
    FORM_TEXT4, /* four bytes with the length */
    FORM_LONG1, /* a byte with the length, then a signed number */
    FORM_NAME   /* two lines */
} form;

/* An operation of the pickle, taken apart. */
typedef struct operation {
    unsigned char code;
    int64_t number;
    const char *text;
    size_t len;
    size_t at; /* place, for messages */
} operation;

typedef struct machine {
    const nb_pickle_source *source;
    nb_pickle *pickle;
    uint32_t *stack; /* numbers of values */
    size_t height, stack_room;
    size_t *marks; /* heights of the stack */
    size_t mark_count, mark_room;
    uint32_t *memo; /* number of a value + 1; 0: none */
    size_t memo_room;
    size_t at; /* of the operation, for messages */
    bool done;
} machine;

typedef nb_status (*step)(machine *m, const operation *o, nb_error *err);

/* ---- operations as bytes ---- */

static nb_status pickle_push_none(machine *m, const operation *o, nb_error *err);
static nb_status pickle_push_bool(machine *m, const operation *o, nb_error *err);
static nb_status pickle_push_int(machine *m, const operation *o, nb_error *err);
static nb_status pickle_push_real(machine *m, const operation *o, nb_error *err);
static nb_status pickle_push_text(machine *m, const operation *o, nb_error *err);
static nb_status pickle_push_name(machine *m, const operation *o, nb_error *err);
static nb_status pickle_push_empty(machine *m, const operation *o, nb_error *err);
static nb_status pickle_mark(machine *m, const operation *o, nb_error *err);
static nb_status pickle_tuple(machine *m, const operation *o, nb_error *err);
static nb_status pickle_short_tuple(machine *m, const operation *o, nb_error *err);
static nb_status pickle_add(machine *m, const operation *o, nb_error *err);
static nb_status pickle_put(machine *m, const operation *o, nb_error *err);
static nb_status pickle_recall(machine *m, const operation *o, nb_error *err);
static nb_status pickle_persistent(machine *m, const operation *o, nb_error *err);
static nb_status pickle_reduce(machine *m, const operation *o, nb_error *err);
static nb_status pickle_new_object(machine *m, const operation *o, nb_error *err);
static nb_status pickle_build(machine *m, const operation *o, nb_error *err);
static nb_status pickle_protocol(machine *m, const operation *o, nb_error *err);
static nb_status pickle_stop(machine *m, const operation *o, nb_error *err);

static const struct {
    form form;
    step step;
} operations[256] = {
    [0x80] = {FORM_U1, pickle_protocol},
    ['N'] = {FORM_NOTHING, pickle_push_none},
    [0x88] = {FORM_NOTHING, pickle_push_bool},
    [0x89] = {FORM_NOTHING, pickle_push_bool},
    ['J'] = {FORM_I4, pickle_push_int},
    ['K'] = {FORM_U1, pickle_push_int},
    ['M'] = {FORM_U2, pickle_push_int},
    [0x8a] = {FORM_LONG1, pickle_push_int},
    ['G'] = {FORM_F8, pickle_push_real},
    ['X'] = {FORM_TEXT4, pickle_push_text},
    ['U'] = {FORM_TEXT1, pickle_push_text},
    ['c'] = {FORM_NAME, pickle_push_name},
    ['}'] = {FORM_NOTHING, pickle_push_empty},
    [']'] = {FORM_NOTHING, pickle_push_empty},
    [')'] = {FORM_NOTHING, pickle_push_empty},
    ['('] = {FORM_NOTHING, pickle_mark},
    ['t'] = {FORM_NOTHING, pickle_tuple},
    [0x85] = {FORM_NOTHING, pickle_short_tuple},
    [0x86] = {FORM_NOTHING, pickle_short_tuple},
    [0x87] = {FORM_NOTHING, pickle_short_tuple},
    ['a'] = {FORM_NOTHING, pickle_add},
    ['e'] = {FORM_NOTHING, pickle_add},
    ['s'] = {FORM_NOTHING, pickle_add},
    ['u'] = {FORM_NOTHING, pickle_add},
    ['q'] = {FORM_U1, pickle_put},
    ['r'] = {FORM_U4, pickle_put},
    ['h'] = {FORM_U1, pickle_recall},
    ['j'] = {FORM_U4, pickle_recall},
    ['Q'] = {FORM_NOTHING, pickle_persistent},
    ['R'] = {FORM_NOTHING, pickle_reduce},
    [0x81] = {FORM_NOTHING, pickle_new_object},
    ['b'] = {FORM_NOTHING, pickle_build},
    ['.'] = {FORM_NOTHING, pickle_stop},
};

/* Little-endian, as all numbers of a pickle but floats. */
static int64_t pickle_number(const unsigned char *at, size_t bytes, bool is_signed)
{
    uint64_t value = is_signed && bytes && (at[bytes - 1] & 0x80) ? UINT64_MAX : 0;
    for (size_t i = bytes; i-- > 0;) {
        value = value << 8 | at[i];
    }
    return (int64_t)value;
}

static nb_status pickle_refuse(const nb_pickle_source *s, size_t at, const char *what, nb_error *err)
{
    return nb_fail(err, NB_ERR_INPUT, "'%s': byte %zu of its pickle %s", s->path, at, what);
}

static nb_status pickle_refuse_name(const nb_pickle_source *s, const char *name, size_t len, const char *what,
                                    nb_error *err)
{
    char shown[SHOWN_MAX];
    size_t n = len < sizeof shown - 1 ? len : sizeof shown - 1;
    memcpy(shown, name, n);
    shown[n] = '\0';
    for (char *line = strchr(shown, '\n'); line; line = strchr(line, '\n')) {
        *line = '.';
    }
    nb_fail(err, NB_ERR_INPUT, "'%s': its pickle %s '%s', which no weights need", s->path, what, shown);
    nb_hint(err, "a state dict of tensors is read, as torch.save(model.state_dict(), path) writes it; or convert the "
                 "checkpoint to safetensors");
    return NB_ERR_INPUT;
}

/* A name for what is refused, as Python's pickletools has it. */
static const char *pickle_refused_operation(unsigned char code)
{
    static const struct {
        unsigned char code;
        const char *name;
    } names[] = {{'i', "INST"},
                 {'o', "OBJ"},
                 {0x93, "STACK_GLOBAL"},
                 {0x92, "NEWOBJ_EX"},
                 {0x82, "EXT1"},
                 {0x83, "EXT2"},
                 {0x84, "EXT4"},
                 {'P', "PERSID"},
                 {0x95, "FRAME"},
                 {0x94, "MEMOIZE"},
                 {'0', "POP"},
                 {'1', "POP_MARK"},
                 {'2', "DUP"},
                 {'I', "INT"},
                 {'L', "LONG"},
                 {'S', "STRING"},
                 {'V', "UNICODE"},
                 {'F', "FLOAT"},
                 {'d', "DICT"},
                 {'l', "LIST"},
                 {'B', "BINBYTES"},
                 {'C', "SHORT_BINBYTES"},
                 {0x8b, "LONG4"},
                 {'T', "BINSTRING"},
                 {0x8c, "SHORT_BINUNICODE"}};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (names[i].code == code) {
            return names[i].name;
        }
    }
    return "of no known name";
}

/* Bytes of a field of fixed width; 0 for other forms. */
static size_t pickle_width(form f)
{
    static const unsigned char widths[] = {
        [FORM_U1] = 1,    [FORM_U2] = 2,    [FORM_U4] = 4,    [FORM_I4] = 4,  [FORM_F8] = 8,
        [FORM_TEXT1] = 1, [FORM_TEXT4] = 4, [FORM_LONG1] = 1, [FORM_NAME] = 0};
    return widths[f];
}

/* Two lines; *len: bytes of both without the last line's end. False: they do not end. */
static bool pickle_two_lines(const unsigned char *at, size_t left, size_t *len)
{
    const unsigned char *first = memchr(at, '\n', left);
    size_t used = first ? (size_t)(first - at) + 1 : 0;
    const unsigned char *second = first ? memchr(at + used, '\n', left - used) : NULL;
    *len = second ? (size_t)(second - at) : 0;
    return second != NULL;
}

/* The operation at *at, which moves behind it. */
static nb_status pickle_next(operation *o, const nb_pickle_source *s, size_t *at, nb_error *err)
{
    static const char *const ends = "is the last: the pickle is cut short";
    if (*at >= s->len) {
        return pickle_refuse(s, *at, ends, err);
    }
    *o = (operation){.code = s->bytes[*at], .at = *at};
    form f = operations[o->code].form;
    const unsigned char *field = s->bytes + *at + 1;
    size_t left = s->len - *at - 1, width;
    if (f == FORM_UNKNOWN) {
        return nb_fail(err, NB_ERR_INPUT,
                       "'%s': byte %zu of its pickle is the operation 0x%02x (%s), which no weights need", s->path, *at,
                       (unsigned)o->code, pickle_refused_operation(o->code));
    }
    width = pickle_width(f);
    if (width > left) {
        return pickle_refuse(s, *at, ends, err);
    }
    o->number = pickle_number(field, width, f == FORM_I4);
    if (f == FORM_TEXT1 || f == FORM_TEXT4 || f == FORM_LONG1) {
        o->text = (const char *)field + width;
        o->len = (size_t)o->number;
        if (o->len > left - width) {
            return pickle_refuse(s, *at, ends, err);
        }
        width += o->len;
    } else if (f == FORM_NAME) {
        o->text = (const char *)field;
        if (!pickle_two_lines(field, left, &o->len)) {
            return pickle_refuse(s, *at, ends, err);
        }
        width = o->len + 1;
    }
    *at += 1 + width;
    return NB_OK;
}

nb_status nb_pickle_scan(const nb_pickle_source *s, size_t *used, nb_error *err)
{
    operation o = {0};
    size_t at = 0;
    nb_status status;
    while (o.code != '.') {
        NB_TRY(pickle_next(&o, s, &at, err));
        if (o.code == 'c' && s->rule(o.text, o.len) == NB_PICKLE_REFUSED) {
            return pickle_refuse_name(s, o.text, o.len, "wants", err);
        }
    }
    *used = at;
    status = NB_OK;
done:
    return status;
}

/* ---- the stack ---- */

static nb_status pickle_push_number(machine *m, uint32_t value, nb_error *err)
{
    nb_status status = NB_OK;
    NB_TRY_ROOM(m->stack, m->height, m->stack_room, FIRST_ROOM);
    m->stack[m->height++] = value;
done:
    return status;
}

static nb_status pickle_push(machine *m, const nb_pickle_value *value, nb_error *err)
{
    nb_pickle *p = m->pickle;
    nb_status status = NB_OK;
    if (p->count == NB_PICKLE_VALUES_MAX) {
        return nb_fail(err, NB_ERR_LIMIT, "'%s': its pickle holds more than %d values", m->source->path,
                       NB_PICKLE_VALUES_MAX);
    }
    NB_TRY_ROOM(p->values, p->count, p->capacity, FIRST_ROOM);
    p->values[p->count++] = *value;
    status = pickle_push_number(m, (uint32_t)(p->count - 1), err);
done:
    return status;
}

/* Values above the last mark, which are all an operation may take. */
static size_t pickle_above(const machine *m)
{
    return m->height - (m->mark_count ? m->marks[m->mark_count - 1] : 0);
}

static nb_status pickle_lacks(const machine *m, const char *what, nb_error *err)
{
    return pickle_refuse(m->source, m->at, what, err);
}

static nb_pickle_value *pickle_value(const machine *m, size_t from_top)
{
    return &m->pickle->values[m->stack[m->height - 1 - from_top]];
}

/* Appends the `count` topmost values to the items of a value, and takes them from the stack. */
static nb_status pickle_move_items(machine *m, uint32_t to, size_t count, nb_error *err)
{
    nb_pickle_value *v = &m->pickle->values[to];
    nb_status status = NB_OK;
    for (size_t i = m->height - count; i < m->height; i++) {
        NB_TRY_ROOM(v->items, v->count, v->capacity, 4);
        v->items[v->count++] = m->stack[i];
    }
    m->height -= count;
done:
    return status;
}

/* ---- the operations ---- */

static nb_status pickle_push_none(machine *m, const operation *o, nb_error *err)
{
    (void)o;
    return pickle_push(m, &(nb_pickle_value){.kind = NB_PICKLE_NONE}, err);
}

static nb_status pickle_push_bool(machine *m, const operation *o, nb_error *err)
{
    return pickle_push(m, &(nb_pickle_value){.kind = NB_PICKLE_BOOL, .integer = o->code == 0x88}, err);
}

static nb_status pickle_push_int(machine *m, const operation *o, nb_error *err)
{
    int64_t number = o->number;
    if (o->code == 0x8a) {
        if (o->len > sizeof number) {
            return pickle_lacks(m, "is a number of over 64 bits", err);
        }
        number = pickle_number((const unsigned char *)o->text, o->len, true);
    }
    return pickle_push(m, &(nb_pickle_value){.kind = NB_PICKLE_INT, .integer = number}, err);
}

static nb_status pickle_push_real(machine *m, const operation *o, nb_error *err)
{
    (void)o;
    return pickle_push(m, &(nb_pickle_value){.kind = NB_PICKLE_REAL}, err);
}

static nb_status pickle_push_text(machine *m, const operation *o, nb_error *err)
{
    return pickle_push(m, &(nb_pickle_value){.kind = NB_PICKLE_TEXT, .text = o->text, .len = o->len}, err);
}

static nb_status pickle_push_name(machine *m, const operation *o, nb_error *err)
{
    return pickle_push(m, &(nb_pickle_value){.kind = NB_PICKLE_NAME, .text = o->text, .len = o->len}, err);
}

static nb_status pickle_push_empty(machine *m, const operation *o, nb_error *err)
{
    nb_pickle_kind kind = o->code == '}' ? NB_PICKLE_DICT : o->code == ']' ? NB_PICKLE_LIST : NB_PICKLE_TUPLE;
    return pickle_push(m, &(nb_pickle_value){.kind = kind}, err);
}

static nb_status pickle_mark(machine *m, const operation *o, nb_error *err)
{
    nb_status status = NB_OK;
    (void)o;
    NB_TRY_ROOM(m->marks, m->mark_count, m->mark_room, FIRST_ROOM);
    m->marks[m->mark_count++] = m->height;
done:
    return status;
}

static nb_status pickle_make_tuple(machine *m, size_t count, nb_error *err)
{
    nb_status status;
    NB_TRY(pickle_push(m, &(nb_pickle_value){.kind = NB_PICKLE_TUPLE}, err));
    uint32_t tuple = m->stack[--m->height];
    NB_TRY(pickle_move_items(m, tuple, count, err));
    status = pickle_push_number(m, tuple, err);
done:
    return status;
}

static nb_status pickle_tuple(machine *m, const operation *o, nb_error *err)
{
    size_t count = pickle_above(m);
    (void)o;
    if (!m->mark_count) {
        return pickle_lacks(m, "ends a tuple that has no beginning", err);
    }
    m->mark_count--;
    return pickle_make_tuple(m, count, err);
}

static nb_status pickle_short_tuple(machine *m, const operation *o, nb_error *err)
{
    size_t count = (size_t)o->code - 0x84;
    return pickle_above(m) >= count ? pickle_make_tuple(m, count, err)
                                    : pickle_lacks(m, "makes a tuple of more values than there are", err);
}

/* APPEND, APPENDS, SETITEM, SETITEMS: one item or one pair, or all above the mark. */
static nb_status pickle_add(machine *m, const operation *o, nb_error *err)
{
    bool pairs = o->code == 's' || o->code == 'u', all = o->code == 'e' || o->code == 'u';
    size_t count = all ? pickle_above(m) : 1 + (size_t)pairs;
    if (all && !m->mark_count) {
        return pickle_lacks(m, "adds items that have no beginning", err);
    }
    m->mark_count -= all;
    if (pickle_above(m) < count + 1 || (pairs && count % 2)) {
        return pickle_lacks(m, "adds items that are not there", err);
    }
    if (pickle_value(m, count)->kind != (pairs ? NB_PICKLE_DICT : NB_PICKLE_LIST)) {
        return pickle_lacks(m, "adds items to what is no list or dict", err);
    }
    return pickle_move_items(m, m->stack[m->height - 1 - count], count, err);
}

static nb_status pickle_put(machine *m, const operation *o, nb_error *err)
{
    size_t number = (size_t)o->number;
    nb_status status = NB_OK;
    if (!pickle_above(m) || number >= NB_PICKLE_VALUES_MAX) {
        return pickle_lacks(m, "remembers a value that is not there, or under too high a number", err);
    }
    if (number >= m->memo_room) {
        size_t room = 2 * m->memo_room > number + FIRST_ROOM ? 2 * m->memo_room : number + FIRST_ROOM;
        uint32_t *memo = nb_grow(m->memo, room, sizeof *memo, err);
        if (!memo) {
            return NB_ERR_LIMIT;
        }
        memset(memo + m->memo_room, 0, (room - m->memo_room) * sizeof *memo);
        m->memo = memo;
        m->memo_room = room;
    }
    m->memo[number] = m->stack[m->height - 1] + 1;
    return status;
}

static nb_status pickle_recall(machine *m, const operation *o, nb_error *err)
{
    size_t number = (size_t)o->number;
    if (number >= m->memo_room || !m->memo[number]) {
        return pickle_lacks(m, "recalls a value that was not remembered", err);
    }
    return pickle_push_number(m, m->memo[number] - 1, err);
}

static nb_status pickle_persistent(machine *m, const operation *o, nb_error *err)
{
    (void)o;
    if (!pickle_above(m)) {
        return pickle_lacks(m, "names a storage that is not there", err);
    }
    uint32_t argument = m->stack[--m->height];
    return pickle_push(m, &(nb_pickle_value){.kind = NB_PICKLE_PERSISTENT, .argument = argument}, err);
}

/* Takes a callee and its tuple of arguments from the stack: the callee must be a name that may be used so. */
static nb_status pickle_take_call(machine *m, nb_pickle_value *call, nb_pickle_use *use, nb_error *err)
{
    if (pickle_above(m) < 2 || pickle_value(m, 0)->kind != NB_PICKLE_TUPLE) {
        return pickle_lacks(m, "calls nothing", err);
    }
    const nb_pickle_value *callee = pickle_value(m, 1);
    if (callee->kind != NB_PICKLE_NAME) {
        return pickle_lacks(m, "calls what is no global name", err);
    }
    *use = m->source->rule(callee->text, callee->len);
    call->argument = m->stack[m->height - 1];
    call->callee = m->stack[m->height - 2];
    m->height -= 2;
    return NB_OK;
}

static nb_status pickle_reduce(machine *m, const operation *o, nb_error *err)
{
    nb_pickle_value call = {.kind = NB_PICKLE_CALL};
    nb_pickle_use use;
    nb_status status;
    (void)o;
    NB_TRY(pickle_take_call(m, &call, &use, err));
    const nb_pickle_value *callee = &m->pickle->values[call.callee];
    if (use == NB_PICKLE_MAPPING && m->pickle->values[call.argument].count == 0) {
        status = pickle_push(m, &(nb_pickle_value){.kind = NB_PICKLE_DICT}, err);
    } else if (use == NB_PICKLE_CALLED) {
        status = pickle_push(m, &call, err);
    } else {
        status = pickle_refuse_name(m->source, callee->text, callee->len, "calls", err);
    }
done:
    return status;
}

static nb_status pickle_new_object(machine *m, const operation *o, nb_error *err)
{
    nb_pickle_value object = {.kind = NB_PICKLE_OBJECT};
    nb_pickle_use use;
    nb_status status;
    (void)o;
    NB_TRY(pickle_take_call(m, &object, &use, err));
    const nb_pickle_value *callee = &m->pickle->values[object.callee];
    if (use != NB_PICKLE_CLASS || m->pickle->values[object.argument].count) {
        status = pickle_refuse_name(m->source, callee->text, callee->len, "makes an instance of", err);
    } else {
        status = pickle_push(m, &object, err);
    }
done:
    return status;
}

/* The state of an instance. A dict's, which holds what a module says of its versions, is of no interest. */
static nb_status pickle_build(machine *m, const operation *o, nb_error *err)
{
    (void)o;
    if (pickle_above(m) < 2) {
        return pickle_lacks(m, "gives a state to nothing", err);
    }
    nb_pickle_value *object = pickle_value(m, 1);
    if (pickle_value(m, 0)->kind != NB_PICKLE_DICT ||
        (object->kind != NB_PICKLE_DICT && (object->kind != NB_PICKLE_OBJECT || object->has_state))) {
        return pickle_lacks(m, "gives a state to what cannot have it", err);
    }
    if (object->kind == NB_PICKLE_OBJECT) {
        object->has_state = true;
        object->argument = m->stack[m->height - 1];
    }
    m->height--;
    return NB_OK;
}

static nb_status pickle_protocol(machine *m, const operation *o, nb_error *err)
{
    if (o->number >= PROTOCOL_MIN && o->number <= PROTOCOL_MAX) {
        return NB_OK;
    }
    nb_fail(err, NB_ERR_INPUT, "'%s': its pickle has protocol %d; 2 and 3 are read", m->source->path, (int)o->number);
    nb_hint(err, "torch.save writes protocol 2 by default");
    return NB_ERR_INPUT;
}

static nb_status pickle_stop(machine *m, const operation *o, nb_error *err)
{
    (void)o;
    if (m->height != 1 || m->mark_count) {
        return pickle_lacks(m, "ends it with another number of values than one", err);
    }
    m->pickle->root = m->stack[0];
    m->done = true;
    return NB_OK;
}

/* ---- whole pickles ---- */

nb_status nb_pickle_read(nb_pickle *out, const nb_pickle_source *source, nb_error *err)
{
    machine m = {.source = source, .pickle = out};
    size_t at = 0;
    nb_status status = NB_OK;
    *out = (nb_pickle){0};
    while (!m.done) {
        operation o;
        NB_TRY(pickle_next(&o, source, &at, err));
        m.at = o.at;
        NB_TRY(operations[o.code].step(&m, &o, err));
    }
done:
    free(m.stack);
    free(m.marks);
    free(m.memo);
    if (status != NB_OK) {
        nb_pickle_free(out);
    }
    return status;
}

const nb_pickle_value *nb_pickle_at(const nb_pickle *p, uint32_t i)
{
    return &p->values[i];
}

bool nb_pickle_is(const nb_pickle_value *v, nb_pickle_kind kind, const char *text)
{
    return v->kind == kind && v->len == strlen(text) && memcmp(v->text, text, v->len) == 0;
}

const nb_pickle_value *nb_pickle_get(const nb_pickle *p, const nb_pickle_value *dict, const char *key)
{
    for (size_t i = dict->count; i >= 2; i -= 2) {
        if (nb_pickle_is(nb_pickle_at(p, dict->items[i - 2]), NB_PICKLE_TEXT, key)) {
            return nb_pickle_at(p, dict->items[i - 1]);
        }
    }
    return NULL;
}

void nb_pickle_free(nb_pickle *p)
{
    for (size_t i = 0; i < p->count; i++) {
        free(p->values[i].items);
    }
    free(p->values);
    *p = (nb_pickle){0};
}
