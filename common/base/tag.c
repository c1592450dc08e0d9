#include "common/base/tag.h"

#include <string.h>

static const char *const names[NB_TAG_COUNT] = {"none", "noun", "adj"};

const char *nb_tag_name(nb_tag tag)
{
    return (unsigned)tag < NB_TAG_COUNT ? names[tag] : "unknown";
}

bool nb_tag_parse(const char *name, nb_tag *out)
{
    for (int i = 0; i < NB_TAG_COUNT; i++) {
        if (strcmp(name, names[i]) == 0) {
            *out = (nb_tag)i;
            return true;
        }
    }
    return false;
}
