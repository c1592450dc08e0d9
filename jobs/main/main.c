#include "jobs/job.h"

int main(int argc, char *argv[])
{
    return nb_program(argc, argv);
}
