#include "common/image/foreign_bytes.h"

#include <string.h>
#include <strings.h>

/* A format that is known by bytes at an offset. */
typedef struct mark {
    size_t at, len;
    const char *bytes, *what;
} mark;

#define MARK(offset, literal, words)                                                                                   \
    {                                                                                                                  \
        (offset), sizeof(literal) - 1, (literal), (words)                                                              \
    }

static const mark image_marks[] = {
    MARK(0, "II+\0", "a BigTIFF image"),
    MARK(0, "MM\0+", "a BigTIFF image"),
    MARK(4, "ftypavif", "an AVIF image"),
    MARK(4, "ftypavis", "an AVIF image"),
    MARK(4, "ftyphei", "a HEIC image"),
    MARK(4, "ftyphev", "a HEIC image"),
    MARK(4, "ftypmif1", "a HEIF image"),
    MARK(4, "ftypmsf1", "a HEIF image"),
    MARK(4, "ftypcrx ", "a raw photograph (CR3)"),
    MARK(4, "ftyp", "an MPEG-4 film"),
    MARK(0, "\xff\x0a", "a JPEG XL image"),
    MARK(0, "\0\0\0\x0cJXL ", "a JPEG XL image"),
    MARK(0, "\0\0\0\x0cjP  ", "a JPEG 2000 image"),
    MARK(0, "\xff\x4f\xff\x51", "a JPEG 2000 image"),
    MARK(0, "8BPS", "a Photoshop image"),
    MARK(0, "\0\0\1\0", "an icon"),
    MARK(0, "\0\0\2\0", "a cursor"),
    MARK(0, "FUJIFILMCCD-RAW", "a raw photograph (RAF)"),
    MARK(0, "DDS ", "a DirectDraw surface"),
    MARK(0, "v/1\x01", "an OpenEXR image"),
    MARK(0, "#?RADIANCE", "a Radiance image"),
    MARK(0, "BM", "a BMP image with an unknown header"),
    MARK(0, "GIF8", "a GIF image of an unknown version"),
};

static const mark other_marks[] = {
    MARK(0, "\x1f\x8b", "gzip data"),
    MARK(0, "\x28\xb5\x2f\xfd", "zstd data"),
    MARK(0, "PK\3\4", "a zip archive"),
    MARK(0, "Rar!", "a RAR archive"),
    MARK(0, "7z\xbc\xaf", "a 7z archive"),
    MARK(257, "ustar", "a tar archive"),
    MARK(0, "%PDF-", "a PDF document"),
    MARK(0, "\0\5\x16\7", "a file of macOS's attributes (AppleDouble)"),
    MARK(0, "\xd0\xcf\x11\xe0", "a Windows compound file, Thumbs.db for instance"),
    MARK(0, "\x1a\x45\xdf\xa3", "a Matroska or WebM film"),
    MARK(0, "RIFF", "a RIFF file that holds no WebP"),
    MARK(0, "\x93NUMPY", "a NumPy array"),
    MARK(0, "\x89HDF", "an HDF5 file"),
    MARK(0, "PAR1", "a Parquet file"),
};

/* Beginnings of texts, behind white space, in any case. */
static const mark text_marks[] = {
    MARK(0, "<!doctype html", "HTML"), MARK(0, "<html", "HTML"), MARK(0, "<head", "HTML"), MARK(0, "<body", "HTML"),
    MARK(0, "<svg", "an SVG image"),   MARK(0, "<?xml", "XML"),  MARK(0, "{", "JSON"),     MARK(0, "[", "JSON"),
};

static const char pointer_mark[] = "version https://git-lfs";

static const char *foreign_find(const mark *marks, size_t count, const unsigned char *bytes, size_t len)
{
    for (size_t i = 0; i < count; i++) {
        const mark *m = &marks[i];
        if (m->at + m->len <= len && memcmp(bytes + m->at, m->bytes, m->len) == 0) {
            return m->what;
        }
    }
    return NULL;
}

static const char *foreign_text(const char *text, size_t len)
{
    while (len && strchr(" \t\r\n", *text)) {
        text++;
        len--;
    }
    for (size_t i = 0; i < sizeof text_marks / sizeof text_marks[0]; i++) {
        const mark *m = &text_marks[i];
        if (m->len <= len && strncasecmp(text, m->bytes, m->len) == 0) {
            return m->what;
        }
    }
    return "text";
}

/* Printable bytes, or above ASCII: a page of text in any coding but UTF-16. */
static bool foreign_is_text(const unsigned char *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (bytes[i] < ' ' && !(bytes[i] && strchr("\t\r\n\f\v", bytes[i]))) {
            return false;
        }
    }
    return true;
}

static bool foreign_all_zero(const unsigned char *bytes, size_t len)
{
    return !bytes[0] && memcmp(bytes, bytes + 1, len - 1) == 0;
}

const char *nb_image_foreign(const unsigned char *bytes, size_t len, nb_image_fault *fault)
{
    enum { LOOKED_AT = 256 };
    const size_t bom = len >= 3 && memcmp(bytes, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
    const unsigned char *text = bytes + bom;
    size_t text_len = len - bom < LOOKED_AT ? len - bom : LOOKED_AT;
    *fault = NB_IMAGE_POINTER;
    if (len >= sizeof pointer_mark - 1 && memcmp(bytes, pointer_mark, sizeof pointer_mark - 1) == 0) {
        return "a Git LFS pointer";
    }
    *fault = NB_IMAGE_FORMAT;
    const char *what = foreign_find(image_marks, sizeof image_marks / sizeof image_marks[0], bytes, len);
    if (what) {
        return what;
    }
    *fault = NB_IMAGE_UNKNOWN;
    what = foreign_find(other_marks, sizeof other_marks / sizeof other_marks[0], bytes, len);
    if (!what && foreign_all_zero(bytes, len)) {
        what = "nothing but zeros";
    }
    if (!what && text_len && text[0] < 0x80 && foreign_is_text(text, text_len)) {
        *fault = NB_IMAGE_TEXT;
        what = foreign_text((const char *)text, text_len);
        if (strcmp(what, "an SVG image") == 0) {
            *fault = NB_IMAGE_FORMAT;
        }
    }
    return what;
}
