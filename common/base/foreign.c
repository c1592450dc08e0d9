#include "common/base/foreign.h"

#include "common/base/text.h"

#include <stdint.h>
#include <string.h>
#include <strings.h>

#define UNPACK    "unpack it, and give the files inside"
#define DOWNLOAD  "fetch the file itself: this is what a server or git put in its place"
#define NOT_TEXTS "it holds no texts: give the file that does"
#define CONVERT   "make it UTF-8: iconv -t UTF-8 -f "

/* Bytes at a place of the file. A magic with bytes that no text has is refused even when lines are asked for. */
typedef struct magic {
    const char *bytes;
    unsigned char len;
    unsigned short place;
    nb_foreign is;
} magic;

static const char twice[] = "compressed twice"; /* as texts are read unpacked */

#define MAGIC(text) text, sizeof(text) - 1

static const magic magics[] = {
    {MAGIC("PK\x03\x04"), 0, {"a ZIP archive", UNPACK, false}},
    {MAGIC("PK\x05\x06"), 0, {"an empty ZIP archive", UNPACK, false}},
    {MAGIC("ustar"), 257, {"a tar archive", UNPACK, false}},
    {MAGIC("7z\xBC\xAF\x27\x1C"), 0, {"a 7z archive", UNPACK, false}},
    {MAGIC("Rar!\x1A\x07"), 0, {"a RAR archive", UNPACK, false}},
    {MAGIC("\x1F\x8B"), 0, {twice, "decompress it once", false}},
    {MAGIC("\x28\xB5\x2F\xFD"), 0, {twice, "decompress it once", false}},
    {MAGIC("\xFD"
           "7zXZ\0"),
     0,
     {twice, "decompress it once", false}},
    {MAGIC("\x04\x22\x4D\x18"), 0, {"compressed with lz4", "decompress it", false}},
    {MAGIC("\x1F\x9D"), 0, {"compressed with compress", "decompress it", false}},
    {MAGIC("SQLite format 3\0"), 0, {"an SQLite database", "export the texts: sqlite3 -csv", false}},
    {MAGIC("ARROW1\0\0"), 0, {"an Arrow (Feather) file", "write it as Parquet or CSV", false}},
    {MAGIC("\xFF\xFF\xFF\xFF"), 0, {"an Arrow stream", "write it as Parquet or CSV", false}},
    {MAGIC("FEA1\0"), 0, {"a Feather file", "write it as Parquet or CSV", false}},
    {MAGIC("Obj\x01"), 0, {"an Avro file", "write it as Parquet or CSV", false}},
    {MAGIC("\x93NUMPY"), 0, {"a NumPy array", NOT_TEXTS, false}},
    {MAGIC("\x89HDF\r\n\x1A\n"), 0, {"an HDF5 file", NOT_TEXTS, false}},
    {MAGIC("\x89PNG\r\n"), 0, {"a PNG image", NOT_TEXTS, false}},
    {MAGIC("\xFF\xD8\xFF"), 0, {"a JPEG image", NOT_TEXTS, false}},
    {MAGIC("\x7F"
           "ELF"),
     0,
     {"a program", NOT_TEXTS, false}},
    {MAGIC("\xFF\xFE\0\0"), 0, {"UTF-32 text", CONVERT "UTF-32", false}},
    {MAGIC("\0\0\xFE\xFF"), 0, {"UTF-32 text", CONVERT "UTF-32", false}},
    {MAGIC("\xFF\xFE"), 0, {"UTF-16 text", CONVERT "UTF-16", false}},
    {MAGIC("\xFE\xFF"), 0, {"UTF-16 text", CONVERT "UTF-16", false}},
    {MAGIC("ORC"), 0, {"an ORC file", "write it as Parquet or CSV", true}},
    {MAGIC("\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1"), 0, {"an old Office file", "save it as CSV", false}},
    {MAGIC("GIF8"), 0, {"a GIF image", NOT_TEXTS, true}},
    {MAGIC("II*\0"), 0, {"a TIFF image", NOT_TEXTS, false}},
    {MAGIC("MM\0*"), 0, {"a TIFF image", NOT_TEXTS, false}},
    {MAGIC("LZIP\x01"), 0, {"compressed with lzip", "decompress it", false}},
    {MAGIC("\x5D\0\0"), 0, {"compressed with lzma", "decompress it, or pack it with xz", false}},
    {MAGIC("x\x9C"), 0, {"compressed with zlib", "decompress it", false}},
    {MAGIC("x\xDA"), 0, {"compressed with zlib", "decompress it", false}},
    {MAGIC("!<arch>\n"), 0, {"an ar archive", UNPACK, true}},
    {MAGIC("070701"), 0, {"a cpio archive", UNPACK, true}},
    {MAGIC("-----BEGIN PGP"), 0, {"encrypted or signed", "decrypt it", true}},
    {MAGIC("(lp0\n"), 0, {"a Python pickle", NOT_TEXTS, true}},
    {MAGIC("(dp0\n"), 0, {"a Python pickle", NOT_TEXTS, true}},
    {MAGIC("version http://git-media.io/"), 0, {"a Git LFS pointer", "git lfs pull fetches the file", true}},
    {MAGIC("version https://hawser.github.com/"), 0, {"a Git LFS pointer", "git lfs pull fetches the file", true}},
    {MAGIC("/annex/objects/"), 0, {"a git-annex pointer", "git annex get fetches the file", true}},
    {MAGIC("# xet version "), 0, {"a Xet pointer", "git xet fetches the file", true}},
    {MAGIC("{\\rtf"), 0, {"an RTF file", "save it as plain text", true}},
    {MAGIC("%!PS"), 0, {"a PostScript file", "take its text out first: ps2ascii", true}},
    {MAGIC("%PDF-"), 0, {"a PDF file", "take its text out first: pdftotext", true}},
    {MAGIC("version https://git-lfs.github.com/spec/"),
     0,
     {"a Git LFS pointer", "git lfs pull fetches the file", true}},
};

static bool foreign_bzip2(const char *head, size_t len)
{
    return len >= 10 && memcmp(head, "BZh", 3) == 0 && memcmp(head + 4, "1AY&SY", 6) == 0;
}

/* A pickle begins with its protocol; a byte 0x80 begins no UTF-8 text. */
static bool foreign_pickle(const char *head, size_t len)
{
    return len >= 2 && head[0] == '\x80' && head[1] >= 2 && head[1] <= 5;
}

/* Eight bytes with the length of the JSON behind them. */
static bool foreign_safetensors(const char *head, size_t len)
{
    uint64_t size;
    if (len < 10 || head[8] != '{') {
        return false;
    }
    memcpy(&size, head, sizeof size);
    return size >= 2 && size < 1 << 27;
}

/* Without a mark: every second byte of the first ones is NUL, as in texts of letters below U+0100. */
static bool foreign_utf16(const char *head, size_t len)
{
    size_t nuls[2] = {0}, looked_at = len < 64 ? len / 2 * 2 : 64;
    for (size_t i = 0; i < looked_at; i++) {
        nuls[i % 2] += head[i] == '\0';
    }
    return looked_at >= 8 && (nuls[0] * 2 == looked_at || nuls[1] * 2 == looked_at) && nuls[0] != nuls[1];
}

static bool foreign_html(const char *head, size_t len)
{
    static const char *const begins[] = {"<!doctype html", "<html", "<head>", "<?xml", "<!--"};
    size_t at = nb_text_mark_len(head, len);
    while (at < len && strchr(" \t\r\n", head[at]) && head[at]) {
        at++;
    }
    for (size_t i = 0; i < sizeof begins / sizeof *begins; i++) {
        size_t size = strlen(begins[i]);
        if (len - at >= size && strncasecmp(head + at, begins[i], size) == 0) {
            return true;
        }
    }
    return false;
}

/* "PARE": its footer is encrypted. */
static bool foreign_parquet(const char *head, size_t len)
{
    return len >= 4 && (memcmp(head, "PAR1", 4) == 0 || memcmp(head, "PARE", 4) == 0);
}

/* More control characters than stray ones among texts: of records of another program. */
static bool foreign_binary(const char *head, size_t len)
{
    enum { SHARE = 32, FEWEST = 4 };
    size_t count = 0;
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)head[i];
        count += (c < 0x20 && !strchr("\t\n\v\f\r\b\x1B", c)) || c == 0 || c == 0x7F;
    }
    return count >= FEWEST && count >= len / SHARE;
}

/* The line ends of old Macs: no line feed, and a carriage return that is not the last byte. */
static bool foreign_returns(const char *head, size_t len)
{
    const char *first = memchr(head, '\r', len);
    return first && first + 1 < head + len && !memchr(head, '\n', len);
}

nb_foreign nb_foreign_tell(const char *head, size_t len)
{
    if (!len) {
        return (nb_foreign){0};
    }
    for (size_t i = 0; i < sizeof magics / sizeof *magics; i++) {
        const magic *m = &magics[i];
        if (len >= (size_t)m->place + m->len && memcmp(head + m->place, m->bytes, m->len) == 0) {
            return m->is;
        }
    }
    if (foreign_bzip2(head, len)) {
        return (nb_foreign){twice, "decompress it once", false};
    }
    if (foreign_pickle(head, len)) {
        return (nb_foreign){"a Python pickle", NOT_TEXTS, false};
    }
    if (foreign_safetensors(head, len)) {
        return (nb_foreign){"a safetensors file", NOT_TEXTS, false};
    }
    if (foreign_utf16(head, len)) {
        return (nb_foreign){"UTF-16 text", CONVERT "UTF-16LE (or UTF-16BE)", false};
    }
    if (foreign_html(head, len)) {
        return (nb_foreign){"an HTML or XML page", DOWNLOAD, true};
    }
    if (foreign_parquet(head, len)) { /* which corpora are read from */
        return (nb_foreign){0};
    }
    if (foreign_binary(head, len)) {
        return (nb_foreign){"binary data", NOT_TEXTS, true};
    }
    if (foreign_returns(head, len)) {
        return (nb_foreign){"text whose lines end with carriage returns alone", "tr '\\r' '\\n' makes lines of it",
                            true};
    }
    return (nb_foreign){0};
}

nb_status nb_foreign_refuse(const char *path, const char *head, size_t len, nb_error *err)
{
    nb_foreign is = nb_foreign_tell(head, len);
    if (is.name && strcmp(is.name, twice) == 0) {
        is = (nb_foreign){"compressed", "decompress it; also on the way: <(zcat FILE)", false};
    }
    if (foreign_parquet(head, len)) {
        is = (nb_foreign){"a Parquet file", "write the column as lines of text", false};
    }
    if (!is.name) {
        return NB_OK;
    }
    nb_fail(err, NB_ERR_INPUT, "'%s' is %s%s", path, is.name,
            strstr(is.name, "text") ? ", which is not read" : ", not lines of text");
    return nb_hint(err, "%s", is.hint);
}
