/* Parquet: any bytes are read or refused, texts lie in memory that may be read, and two parts hold the rows of the
 * whole. */
#include "fuzz/fuzz.h"

#include "mining/corpus/formats/source.h"

enum { ROWS_MAX = 20000 }; /* a few bytes may stand for very many rows */

typedef struct taken {
    uint64_t rows, sum;
} taken;

static nb_status take(void *state, nb_drop known, const char *bytes, size_t len, uint64_t line, nb_error *err)
{
    taken *t = state;
    require(line > 0 && len <= NB_LINE_BYTES_MAX);
    t->sum = t->sum * 31 + (uint64_t)known;
    for (size_t i = 0; i < len; i++) {
        t->sum = t->sum * 31 + (unsigned char)bytes[i];
    }
    return ++t->rows < ROWS_MAX ? NB_OK : nb_fail(err, NB_STOPPED, "enough");
}

static nb_status read_part(taken *out, const nb_source *source, const char *bytes, uint64_t begin, uint64_t end)
{
    const nb_candidate_sink sink = {.state = out, .take = take};
    nb_source_piece piece = {.source = source, .begin = begin, .end = end};
    nb_error error = {0}, *err = &error;
    nb_status status;
    NB_TRY(nb_byte_stream_open_bytes(&piece.in, source->path, bytes, source->bytes, 0, err));
    NB_TRY(source->format->read(&piece, &sink, err));
done:
    nb_byte_stream_close(piece.in);
    require_message(status, err);
    return status;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const columns[] = {NULL, "1", "2", "caption"};
    const char *bytes = (const char *)data;
    for (size_t i = 0; i < sizeof columns / sizeof *columns; i++) {
        const nb_source_choice choice = {.format = "parquet", .tag = "none", .column = columns[i]};
        nb_error err = {0};
        nb_source source;
        nb_status status = nb_source_open_bytes(&source, "fuzz.parquet", bytes, size, &choice, &err);
        require_message(status, &err);
        if (status != NB_OK) {
            continue;
        }
        taken whole = {0}, parts = {0};
        uint64_t cut = size / 3;
        status = read_part(&whole, &source, bytes, 0, UINT64_MAX);
        require(status == NB_OK || status == NB_ERR_INPUT || status == NB_ERR_LIMIT || status == NB_STOPPED);
        if (status == NB_OK) {
            require(read_part(&parts, &source, bytes, 0, cut) == NB_OK);
            require(read_part(&parts, &source, bytes, cut, UINT64_MAX) == NB_OK);
            require(parts.rows == whole.rows && parts.sum == whole.sum);
        }
    }
    return 0;
}
