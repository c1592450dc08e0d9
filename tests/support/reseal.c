/* reseal FILE...: seals files again after they were changed, as the kinds they say they are. */
#include "common/store/seal.h"

#include <stdio.h>

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        nb_error err = {0};
        nb_seal seal;
        nb_digest digest;
        if (nb_seal_read(&seal, argv[i], NULL, &err) != NB_OK ||
            nb_seal_write(argv[i], seal.kind, seal.hole_begin, seal.hole_end, &digest, &err) != NB_OK) {
            fprintf(stderr, "error: %s\n", err.message);
            return 1;
        }
    }
    return 0;
}
