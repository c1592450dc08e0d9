/** @file
 * Lines of a byte range of a stream, in bounded memory: a line over NB_LINE_BYTES_MAX bytes is passed over and only
 * said to be there.
 *
 * A range [begin, end) holds the lines that begin in it, so that ranges that cover a file hold each of its lines once.
 * Lines end in LF or CRLF; a byte order mark in front of a file is passed over. Nothing here is collective. */
#ifndef NB_MINING_CORPUS_FORMATS_LINE_READER_H
#define NB_MINING_CORPUS_FORMATS_LINE_READER_H

#include "mining/corpus/formats/byte_stream.h"

enum { NB_LINE_BYTES_MAX = 1 << 20 }; /**< bytes of a line at most */

/** Where the reading of a range stands. */
typedef struct nb_line_reader {
    nb_byte_stream *in; /**< borrowed */
    char *buffer;
    size_t at, len;     /**< of the bytes in the buffer, those not given yet */
    uint64_t line, end; /**< place of the next line in the (unpacked) input; lines from `end` on are not of the range */
    uint64_t number;    /**< of the line last given, from 1 in the range */
    size_t mark;        /**< bytes of the byte order mark, until the line behind it is given */
    bool ended;
} nb_line_reader;

/** Begins to read a range.
 * @param r close with nb_line_reader_close, also after a failure
 * @param in opened at nb_line_start(begin); borrowed
 * @param begin, end the range, bytes of the unpacked input
 * @return NB_OK; NB_ERR_LIMIT without memory; else as nb_byte_stream_read. */
nb_status nb_line_reader_open(nb_line_reader *r, nb_byte_stream *in, uint64_t begin, uint64_t end, nb_error *err);

/** Ends the reading.
 * @param r a reader or {0} */
void nb_line_reader_close(nb_line_reader *r);

/** Where reading a range must begin: the byte before says whether a line begins there.
 * @param begin of the range
 * @return bytes */
static inline uint64_t nb_line_start(uint64_t begin)
{
    return begin ? begin - 1 : 0;
}

/** The next line of the range without its end.
 * @param r the reader
 * @param line becomes the line, valid until the next call; NULL when there is none
 * @param len becomes its bytes
 * @param too_long becomes true for a line that is over NB_LINE_BYTES_MAX, of which no bytes are given
 * @return as nb_byte_stream_read. */
nb_status nb_line_next(nb_line_reader *r, const char **line, size_t *len, bool *too_long, nb_error *err);

#endif
