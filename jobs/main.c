#include "common/linear/blas.h"
#include "jobs/job.h"

int main(int argc, char *argv[])
{
    nb_blas_choose(argv);
    return nb_program(argc, argv);
}
