// clang-format off
/** @file
 * Input files of a corpus: from bytes to raw candidates, one file a format, one line in the table of source.c.
 *
 *     format   what is a candidate
 *     -------------------------------------------------------------------------------------------------------------
 *     lines    one candidate a line
 *     csv      one column of comma-separated records (RFC 4180): fields may be quoted, then hold commas, line ends
 *              and doubled quotes; blank records are passed over, counted as blank
 *     tsv      the same with tabs
 *     jsonl    one JSON object a line; the string under one key
 *     json     an array of strings, or of objects; lines are elements
 *     parquet  a column of texts: flat, of any encoding and page version, uncompressed or with snappy, gzip, zstd or
 *              lz4_raw; a row that is null is counted as missing, lines are rows (parquet/parquet.c)
 *     wordnet  WordNet database files (wndb(5)): index.* give the lemma of a line, data.* all words of a synset,
 *              without adjective markers like "(a)"; lines beginning with two blanks are the licence, counted as
 *              comments
 *
 * Each but parquet may be packed by gzip, zstd, bzip2 or xz. A byte order mark in front of a file is passed over; lines
 * end in LF or CRLF and are numbered from 1. What holds no text (foreign.h) is refused by its name. A line, or a field of a quoted record, over NB_LINE_BYTES_MAX bytes is counted as too long.
 *
 * A file is read in pieces that depend on the file alone: byte ranges of NB_PIECE_BYTES of a plain file of lines, runs
 * of row groups of Parquet, any other file whole. Nothing here is collective. */
// clang-format on
#ifndef NB_MINING_CORPUS_FORMATS_SOURCE_H
#define NB_MINING_CORPUS_FORMATS_SOURCE_H

#include "common/base/tag.h"
#include "mining/corpus/formats/line_reader.h"
#include "mining/corpus/text/normalise.h"

#include <string.h>

enum { NB_PIECE_BYTES = 4 << 20 }; /**< of a plain file of lines */

/** Takes the raw candidates of a piece. */
typedef struct nb_candidate_sink {
    void *state;
    /** One candidate bytes [len] of a line of the piece, from 1. known: NB_KEPT for a text still to be normalised, else
     * why it is none. */
    nb_status (*take)(void *state, nb_drop known, const char *bytes, size_t len, uint64_t line, nb_error *err);
} nb_candidate_sink;

struct nb_source_format;

/** One input, inspected. */
typedef struct nb_source {
    const char *path; /**< borrowed */
    const struct nb_source_format *format;
    const char *key; /**< jsonl, json; NULL: none; borrowed */
    uint64_t bytes;  /**< size of the file */
    uint64_t column; /**< csv, tsv, parquet: number of the column, from 0 */
    uint64_t units;  /**< parquet: pieces at most; 0: it may be cut anywhere */
    nb_tag tag;
    nb_packing packing;
    bool header;      /**< csv, tsv: the first record names the columns */
    bool quotes;      /**< csv, tsv: fields may be quoted */
    bool replace;     /**< what is not UTF-8 becomes U+FFFD */
    bool underscores; /**< '_' becomes a blank: words of WordNet and of tagged word lists */
    bool strict;      /**< what is odd is an error, not counted */
    bool splits;      /**< may be read from any line on */
} nb_source;

/** One piece of an input while it is read. */
typedef struct nb_source_piece {
    const nb_source *source;
    nb_byte_stream *in; /**< opened at nb_line_start(begin) */
    uint64_t begin, end;
    uint64_t lines;     /**< set by reading: lines that begin in the piece */
    uint64_t sanitised; /**< set by reading: lines whose bytes had to be replaced */
    uint64_t stray;     /**< set by reading: quoted fields of csv and tsv with something behind their end */
    uint64_t swallowed; /**< set by reading: quoted fields of tsv that hold both tabs and line ends */
} nb_source_piece;

/** What to look for, as the options say it. */
typedef struct nb_source_choice {
    const char *format; /**< NB_SOURCE_FORMATS */
    const char *tag;    /**< NB_SOURCE_TAGS */
    const char *column; /**< csv, tsv, parquet: a name, or a number from 1; NULL: none is given */
    const char *key;    /**< jsonl, json; NULL: none is given */
    bool header;        /**< csv, tsv with a numbered column: the first record is no candidate */
    bool quotes;        /**< csv, tsv */
    bool replace;       /**< what is not UTF-8 is sanitised, not dropped */
    bool strict;        /**< what is odd is an error, not counted */
} nb_source_choice;

/** The beginning of a file while it is inspected. */
typedef struct nb_source_head {
    const char *bytes; /**< [len] the first ones, unpacked, without a byte order mark */
    size_t len;
    nb_byte_stream *in; /**< the file */
} nb_source_head;

/** A format: how its files are recognised and read. */
typedef struct nb_source_format {
    const char *name;
    bool word_list;   /**< '_' stands for a blank whatever the tag */
    bool uses_column; /**< it has columns, one of which holds the texts */
    bool uses_key;    /**< likewise keys */
    /** True when a file with this base name (without .gz, .zst, .bz2, .xz) and these first bytes is surely of the
     * format; NULL: never. */
    bool (*detect)(const char *base, const char *head, size_t len);
    /** Fills in what reading needs, from the first bytes of the file. NULL: nothing. */
    nb_status (*prepare)(nb_source *source, const nb_source_choice *choice, const nb_source_head *head, nb_error *err);
    /** Gives every candidate of the piece to the sink, in the order of the file. NB_ERR_INPUT names file and line. */
    nb_status (*read)(nb_source_piece *piece, const nb_candidate_sink *sink, nb_error *err);
} nb_source_format;

extern const nb_source_format nb_format_lines, nb_format_wordnet, nb_format_csv, nb_format_tsv, nb_format_jsonl,
    nb_format_json, nb_format_parquet;

/** Finds a format.
 * @param name of NB_SOURCE_FORMATS but "auto"
 * @return the format, NULL for an unknown name */
const nb_source_format *nb_source_format_find(const char *name);

#define NB_SOURCE_FORMATS "auto|lines|csv|tsv|jsonl|json|parquet|wordnet" /**< the choices of --format */
#define NB_SOURCE_TAGS    "by-file|noun|adj|none"                         /**< and those of --tag */

/** Looks at a file.
 *
 * Format "auto" takes the first format that detects it, else lines. Tag "by-file": a base name that starts with "noun."
 * or ends in ".noun" is of nouns, likewise "adj", others are untagged; .gz, .zst, .bz2 and .xz do not count.
 * @param source becomes what was found
 * @param path the file; borrowed
 * @param choice what to look for; the key is borrowed
 * @return NB_OK; NB_ERR_INPUT when the file is missing, no regular file, empty, damaged at its start, holds no text, or
 * has no such column; NB_ERR_USAGE for an unknown format or tag, without the column or key its format needs; NB_ERR_IO
 * when it cannot be read; NB_ERR_LIMIT without memory. */
nb_status nb_source_open(nb_source *source, const char *path, const nb_source_choice *choice, nb_error *err);

/** The same for bytes in memory.
 * @param source becomes what was found
 * @param path stands in messages and tells the format; borrowed
 * @param bytes [len] the whole content; not needed afterwards
 * @param len bytes
 * @param choice as for nb_source_open
 * @return as nb_source_open. */
nb_status nb_source_open_bytes(nb_source *source, const char *path, const char *bytes, size_t len,
                               const nb_source_choice *choice, nb_error *err);

/** Whether a file has the column or key that was chosen; where it has not, it is read in another way.
 * @param source the file
 * @param choice what it was opened with
 * @return true also when neither was chosen */
bool nb_source_has_chosen(const nb_source *source, const nb_source_choice *choice);

/** The number in the whole file of a line of a piece, for messages: counts the lines before the piece.
 * @param piece the piece
 * @param line its line, from 1
 * @return the number, from 1; `line` when the file cannot be read */
uint64_t nb_source_line(const nb_source_piece *piece, uint64_t line);

/** Reads a piece of lines.
 * @param piece its `lines` are set
 * @param sink takes each line with NB_KEPT, or with NB_DROP_LONG and no bytes
 * @return NB_ERR_LIMIT without memory; what the sink returned; else as nb_byte_stream_read. */
nb_status nb_source_read_lines(nb_source_piece *piece, const nb_candidate_sink *sink, nb_error *err);

#endif
