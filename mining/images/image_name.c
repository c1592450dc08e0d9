#include "mining/images/image_name.h"

#include "common/base/file.h"
#include "common/base/text.h"

#include <string.h>
#include <strings.h>

bool nb_image_name_has_suffix(const char *name)
{
    static const char *const suffixes[] = {".jpg", ".jpeg", ".png", ".webp"};
    const char *dot = strrchr(nb_path_base(name), '.');
    for (size_t i = 0; dot && i < sizeof suffixes / sizeof suffixes[0]; i++) {
        if (strcasecmp(dot, suffixes[i]) == 0) {
            return true;
        }
    }
    return false;
}

bool nb_image_name_is_text(const char *name, size_t len)
{
    return nb_text_printable(name, len);
}
