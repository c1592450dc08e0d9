/* make_weights SOURCE FILE PATH: makes another form of a checkpoint's weights (support/weights/golden_weights.h). */
#include "support/weights/golden_weights.h"

#include <stdio.h>

int main(int argc, char *argv[])
{
    nb_error err = {0};
    if (argc != 4 || golden_weights_make(argv[1], argv[2], argv[3], &err) != NB_OK) {
        fprintf(stderr, "usage: make_weights SOURCE FILE PATH %s\n", err.message);
        return 2;
    }
    return 0;
}
