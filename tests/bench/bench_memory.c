/* The memory of one rank beyond its weights: runs a command and prints, in MiB, its peak, the bytes of the checkpoint's
 * weights as the engine packs them, and the difference. Exits with 1 when that is over LIMIT MiB.
 *
 *   bench_memory LIMIT DIR ENGINE COMMAND... */
#include "bench/engine.h"
#include "common/base/text.h"
#include "common/clip/model/weights.h"

#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

/* The command's greatest resident set, in bytes. */
static nb_status run(char **command, double *peak, nb_error *err)
{
    struct rusage used;
    int how = 0;
    pid_t child = fork();
    if (child == 0) {
        execvp(command[0], command);
        _exit(127);
    }
    if (child < 0 || wait4(child, &how, 0, &used) != child) {
        return nb_fail_errno(err, NB_ERR_LIMIT, "cannot run '%s'", command[0]);
    }
    *peak = 1024.0 * (double)used.ru_maxrss;
    return WIFEXITED(how) && WEXITSTATUS(how) == 0 ? NB_OK : nb_fail(err, NB_ERR_INTERNAL, "'%s' failed", command[0]);
}

int main(int argc, char **argv)
{
    const double mib = 1 << 20;
    nb_clip_config config;
    nb_error err = {0};
    double limit, peak = 0;
    if (argc < 5 || !nb_parse_real(argv[1], &limit)) {
        fprintf(stderr, "bench_memory: see the head of tests/bench/bench_memory.c\n");
        return 2;
    }
    const nb_engine *engine = bench_engine(argv[3], &err);
    if (!engine || nb_clip_config_read(&config, argv[2], &err) != NB_OK || run(argv + 4, &peak, &err) != NB_OK) {
        fprintf(stderr, "bench_memory: %s\n", err.message);
        return 1;
    }
    double weights = (double)nb_clip_weight_bytes(&config, engine);
    printf("%.0f\t%.0f\t%.0f\n", peak / mib, weights / mib, (peak - weights) / mib);
    return (peak - weights) / mib > limit;
}
