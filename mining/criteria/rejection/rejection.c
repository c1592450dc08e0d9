#include "mining/criteria/rejection/rejection.h"

#include <string.h>

const nb_rejection *nb_rejection_find(const char *name)
{
    for (size_t i = 0; nb_rejections[i]; i++) {
        if (strcmp(nb_rejections[i]->name, name) == 0) {
            return nb_rejections[i];
        }
    }
    return NULL;
}
