#include "mining/images/image_name.h"

#include "common/base/file.h"
#include "common/base/text.h"

#include <string.h>
#include <strings.h>

/* The number of a name's suffix among `count`, -1 for none of them. */
static int image_name_suffix(const char *name, const char *const *suffixes, int count)
{
    const char *dot = strrchr(nb_path_base(name), '.');
    for (int i = 0; dot && i < count; i++) {
        if (strcasecmp(dot, suffixes[i]) == 0) {
            return i;
        }
    }
    return -1;
}

bool nb_image_name_has_suffix(const char *name)
{
    static const char *const suffixes[] = {".jpg",  ".jpeg", ".jfif", ".jpe", ".pjpeg", ".pjp", ".png",
                                           ".apng", ".webp", ".gif",  ".bmp", ".tif",   ".tiff"};
    return image_name_suffix(name, suffixes, sizeof suffixes / sizeof suffixes[0]) >= 0;
}

static const char *const image_name_others[NB_IMAGE_OTHER_SUFFIXES] = {
    ".img", ".avif", ".heic", ".heif", ".jp2", ".j2k", ".jxl", ".ppm", ".pgm", ".pbm",
    ".pnm", ".tga",  ".svg",  ".ico",  ".psd", ".dib", ".exr", ".hdr", ".dds", ".eps",
    ".pcx", ".raw",  ".dng",  ".cr2",  ".cr3", ".nef", ".arw", ".orf", ".rw2", ".raf"};

int nb_image_name_other(const char *name)
{
    return image_name_suffix(name, image_name_others, NB_IMAGE_OTHER_SUFFIXES);
}

const char *nb_image_other_suffix(int number)
{
    return image_name_others[number];
}

bool nb_image_name_hidden(const char *name)
{
    for (const char *part = name; part; part = strchr(part, '/')) {
        part += *part == '/';
        if (strncmp(part, "._", 2) == 0 || strncmp(part, "__MACOSX/", 9) == 0) {
            return true;
        }
    }
    return false;
}

bool nb_image_name_is_text(const char *name, size_t len)
{
    return nb_text_printable(name, len);
}
