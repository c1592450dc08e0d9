/* A .model file: sentencepiece_model.proto in the wire format of Protocol Buffers. */
#include "common/clip/tokenizer/sentencepiece/sentence.h"

#include <string.h>

/* A message, or what is left of it. */
typedef struct message {
    const unsigned char *at, *end;
} message;

/* A field of a message. */
typedef struct field {
    uint32_t number;
    unsigned wire;     /* 0 varint, 1 eight bytes, 2 bytes, 5 four bytes */
    uint64_t value;    /* of a varint */
    const char *bytes; /* [len] of the others */
    size_t len;
} field;

static bool sentence_varint(message *m, uint64_t *value)
{
    *value = 0;
    for (unsigned shift = 0; shift < 64 && m->at < m->end; shift += 7) {
        unsigned char byte = *m->at++;
        *value |= (uint64_t)(byte & 0x7F) << shift;
        if (byte < 0x80) {
            return true;
        }
    }
    return false;
}

/* Takes the next field; false at the end or for what is none, then m->at != m->end. */
static bool sentence_field(message *m, field *f)
{
    uint64_t tag;
    message ahead = *m;
    if (m->at == m->end || !sentence_varint(&ahead, &tag) || tag >> 3 == 0 || tag >> 3 > UINT32_MAX) {
        return false;
    }
    *f = (field){.number = (uint32_t)(tag >> 3), .wire = (unsigned)(tag & 7)};
    uint64_t len = f->wire == 1 ? 8 : f->wire == 5 ? 4 : 0;
    if (f->wire == 0 && !sentence_varint(&ahead, &f->value)) {
        return false;
    }
    if ((f->wire == 2 && !sentence_varint(&ahead, &len)) || len > (uint64_t)(ahead.end - ahead.at) ||
        (f->wire != 0 && f->wire != 1 && f->wire != 2 && f->wire != 5)) {
        return false;
    }
    f->bytes = (const char *)ahead.at;
    f->len = (size_t)len;
    ahead.at += len;
    *m = ahead;
    return true;
}

static message sentence_inner(const field *f)
{
    const unsigned char *begin = (const unsigned char *)f->bytes;
    return (message){begin, begin + f->len};
}

static nb_status sentence_damaged(const char *path, const char *what, nb_error *err)
{
    nb_fail(err, NB_ERR_INPUT, "'%s' is no sentencepiece model: its %s is damaged", path, what);
    return nb_hint(err, "if the file is a pointer of Git LFS, fetch the file itself");
}

static nb_status sentence_refused(const char *path, const char *what, nb_error *err)
{
    return nb_fail(err, NB_ERR_INPUT, "'%s': %s, which is not supported", path, what);
}

/* message SentencePiece { piece = 1; score = 2; type = 3; } */
static nb_status sentence_read_piece(nb_sentence *s, message m, const char *path, nb_error *err)
{
    const char *text = "";
    size_t len = 0;
    float score = 0;
    uint64_t kind = NB_PIECE_NORMAL;
    field f;
    while (sentence_field(&m, &f)) {
        if (f.number == 1 && f.wire == 2) {
            text = f.bytes;
            len = f.len;
        } else if (f.number == 2 && f.wire == 5) {
            uint32_t bits = 0;
            for (size_t i = 4; i > 0; i--) {
                bits = bits << 8 | (unsigned char)f.bytes[i - 1];
            }
            memcpy(&score, &bits, sizeof score);
        } else if (f.number == 3 && f.wire == 0) {
            kind = f.value;
        }
    }
    if (m.at != m.end || kind < NB_PIECE_NORMAL || kind > NB_PIECE_BYTE) {
        return sentence_damaged(path, "vocabulary", err);
    }
    if (kind == NB_PIECE_UNKNOWN && s->pieces.unknown >= 0) {
        return sentence_refused(path, "it has two pieces for what is unknown", err);
    }
    if (kind == NB_PIECE_UNKNOWN) {
        s->pieces.unknown = (int32_t)s->pieces.texts.count;
    }
    return nb_pieces_add(&s->pieces, text, len, score, (nb_piece_kind)kind, err);
}

/* TrainerSpec: model_type = 3, treat_whitespace_as_suffix = 24, byte_fallback = 35 */
static nb_status sentence_read_trainer(nb_sentence *s, message m, const char *path, nb_error *err)
{
    enum { UNIGRAM = 1, BPE = 2 };
    uint64_t type = UNIGRAM;
    bool suffix = false;
    field f;
    while (sentence_field(&m, &f)) {
        type = f.number == 3 && f.wire == 0 ? f.value : type;
        suffix = f.number == 24 && f.wire == 0 ? f.value != 0 : suffix;
        s->pieces.byte_fallback = f.number == 35 && f.wire == 0 ? f.value != 0 : s->pieces.byte_fallback;
    }
    if (m.at != m.end) {
        return sentence_damaged(path, "trainer_spec", err);
    }
    if (type != UNIGRAM && type != BPE) {
        return sentence_refused(path, "model_type is neither unigram nor BPE", err);
    }
    s->pairs = type == BPE;
    return suffix ? sentence_refused(path, "treat_whitespace_as_suffix is set", err) : NB_OK;
}

/* NormalizerSpec: precompiled_charsmap = 2, add_dummy_prefix = 3, remove_extra_whitespaces = 4, escape_whitespaces = 5;
 * the last value of a field counts. */
static nb_status sentence_read_normalizer(nb_sentence *s, message m, const char *path, nb_error *err)
{
    field f, map = {0};
    while (sentence_field(&m, &f)) {
        if (f.number == 2 && f.wire == 2) {
            map = f;
        } else if (f.wire == 0) {
            s->dummy_prefix = f.number == 3 ? f.value != 0 : s->dummy_prefix;
            s->remove_extra = f.number == 4 ? f.value != 0 : s->remove_extra;
            s->escape = f.number == 5 ? f.value != 0 : s->escape;
        }
    }
    if (m.at != m.end) {
        return sentence_damaged(path, "normalizer_spec", err);
    }
    if (!map.bytes) { /* a message that is there twice is merged */
        return NB_OK;
    }
    nb_charsmap_free(&s->map);
    return nb_charsmap_read(&s->map, map.bytes, map.len, path, err);
}

/* message ModelProto { pieces = 1; trainer_spec = 2; normalizer_spec = 3; } */
static nb_status sentence_read_fields(nb_sentence *s, message m, const char *path, nb_error *err)
{
    nb_status status = NB_OK;
    field f;
    while (sentence_field(&m, &f)) {
        if (f.wire == 2 && f.number >= 1 && f.number <= 3) {
            NB_TRY(f.number == 1   ? sentence_read_piece(s, sentence_inner(&f), path, err)
                   : f.number == 2 ? sentence_read_trainer(s, sentence_inner(&f), path, err)
                                   : sentence_read_normalizer(s, sentence_inner(&f), path, err));
        }
    }
    if (m.at != m.end || s->pieces.texts.count == 0) {
        status = sentence_damaged(path, m.at != m.end ? "content" : "vocabulary", err);
    }
done:
    return status;
}

nb_status nb_sentence_read_model(nb_sentence *s, const char *bytes, size_t len, const char *path, nb_error *err)
{
    const unsigned char *begin = (const unsigned char *)bytes;
    nb_status status;
    *s = (nb_sentence){.dummy_prefix = true, .remove_extra = true, .escape = true};
    s->pieces.unknown = -1;
    s->pieces.single = true;
    NB_TRY(sentence_read_fields(s, (message){begin, begin + len}, path, err));
    if (s->pieces.unknown < 0) {
        status = sentence_refused(path, "it has no piece for what is unknown", err);
        goto done;
    }
    for (size_t i = 0; i < s->pieces.texts.count && s->pairs; i++) {
        if (s->pieces.kinds[i] == NB_PIECE_UNUSED) {
            status = sentence_refused(path, "it is a BPE with unused pieces", err);
            goto done;
        }
    }
    NB_TRY(nb_pieces_finish(&s->pieces, path, err));
done:
    if (status != NB_OK) {
        nb_sentence_free(s);
    }
    return status;
}
