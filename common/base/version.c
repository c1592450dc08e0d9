#include "common/base/version.h"

#include "nb_commit.h"

const char *nb_version(void)
{
    return NB_VERSION;
}

const char *nb_commit(void)
{
    return NB_COMMIT;
}
