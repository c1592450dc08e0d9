/* Scores the embeddings of an .npy file (float32 [n, width]) with a bank, through the installed library alone:
 *
 *     example B.nbank I.npy [SCORE [PARAMETERS]]
 *
 * prints "label score ood_score" a line, as the program's score file has them. Batch scores run in four threads at once
 * and must agree to the bit; a program that starts MPI is caught. */
#include <negbank.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { THREADS = 4 };

/* Called instead of MPI's own, were the library to call them. */
int MPI_Init(int *argc, char ***argv);
int MPI_Init_thread(int *argc, char ***argv, int required, int *provided);

int MPI_Init(int *argc, char ***argv)
{
    (void)argc, (void)argv;
    fprintf(stderr, "the library starts MPI\n");
    exit(99);
}

int MPI_Init_thread(int *argc, char ***argv, int required, int *provided)
{
    (void)required, (void)provided;
    return MPI_Init(argc, argv);
}

typedef struct work {
    const char *path, *score, *parameters;
    const float *rows;
    size_t count;
    negbank_result *results;
    negbank_scorer *scorer; /* shared by all threads; NULL: a stream of this thread's own bank */
    int code;
    char why[512];
} work;

/* Saves the state into a file of this thread's, and goes on from it in a stream of its own, as a service does that is
 * started again. */
static int start_again(work *w, const negbank_scorer *scorer, negbank_stream **stream)
{
    char path[64];
    snprintf(path, sizeof path, "%p.state", (void *)w);
    int code = negbank_stream_save(*stream, path, w->why, sizeof w->why);
    negbank_stream_destroy(*stream);
    *stream = NULL;
    code = code ? code : negbank_stream_create(stream, scorer, w->why, sizeof w->why);
    code = code ? code : negbank_stream_restore(*stream, path, w->why, sizeof w->why);
    remove(path);
    return code;
}

/* A stream over everything, in batches of 32, with a bank that this thread opens; it is stopped once. */
static int run_stream(work *w)
{
    negbank_bank *bank = NULL;
    negbank_scorer *scorer = NULL;
    negbank_stream *stream = NULL;
    size_t at = 0;
    int code = negbank_open(&bank, w->path, w->why, sizeof w->why);
    code = code ? code : negbank_scorer_create(&scorer, bank, w->score, w->parameters, w->why, sizeof w->why);
    code = code ? code : negbank_stream_create(&stream, scorer, w->why, sizeof w->why);
    for (; !code && at < w->count; at += 32) {
        size_t n = w->count - at < 32 ? w->count - at : 32;
        code =
            negbank_stream_push(stream, w->rows + at * negbank_width(bank), n, w->results + at, w->why, sizeof w->why);
        code = code || at != 32 ? code : start_again(w, scorer, &stream);
    }
    negbank_stream_destroy(stream);
    negbank_scorer_destroy(scorer);
    negbank_close(bank);
    return code;
}

static void *run(void *argument)
{
    work *w = argument;
    w->code =
        w->scorer ? negbank_score(w->scorer, w->rows, w->count, w->results, w->why, sizeof w->why) : run_stream(w);
    return NULL;
}

static float *read_npy(const char *path, size_t width, size_t *count)
{
    unsigned char head[10];
    FILE *f = fopen(path, "rb");
    float *rows = NULL;
    if (f && fread(head, 1, sizeof head, f) == sizeof head) {
        long begin = 10 + head[8] + 256 * head[9], end;
        fseek(f, 0, SEEK_END);
        end = ftell(f);
        *count = (size_t)(end - begin) / (width * sizeof *rows);
        rows = malloc(*count * width * sizeof *rows);
        fseek(f, begin, SEEK_SET);
        if (!rows || fread(rows, width * sizeof *rows, *count, f) != *count) {
            free(rows);
            rows = NULL;
        }
    }
    if (f) {
        fclose(f);
    }
    return rows;
}

int main(int argc, char *argv[])
{
    const char *score = argc > 3 ? argv[3] : NULL, *parameters = argc > 4 ? argv[4] : NULL;
    negbank_bank *bank = NULL;
    negbank_scorer *scorer = NULL;
    work works[THREADS];
    pthread_t threads[THREADS];
    float *rows = NULL;
    size_t count = 0;
    char why[512];
    int code = argc < 3 ? 2 : negbank_open(&bank, argv[1], why, sizeof why);
    if (!code) {
        code = negbank_scorer_create(&scorer, bank, score, parameters, why, sizeof why);
    }
    if (code) {
        fprintf(stderr, "%d: %s\n", code, argc < 3 ? "usage: example B.nbank I.npy [SCORE [PARAMETERS]]" : why);
        goto done;
    }
    fprintf(stderr, "%zu labels, %zu negatives by '%s', width %zu; %s\n", negbank_label_count(bank),
            negbank_negative_count(bank), negbank_criterion(bank), negbank_width(bank),
            negbank_scorer_description(scorer));
    static const char *const of_streams[] = {"adaneg", "interneg", "oodd", "tins"};
    int streams = 0;
    for (size_t i = 0; score && i < sizeof of_streams / sizeof *of_streams; i++) {
        streams = streams || strcmp(score, of_streams[i]) == 0;
    }
    rows = read_npy(argv[2], negbank_width(bank), &count);
    if (!rows || !count) {
        fprintf(stderr, "cannot read '%s'\n", argv[2]);
        code = 4;
        goto done;
    }
    for (int t = 0; t < THREADS; t++) {
        works[t] = (work){.path = argv[1],
                          .score = score,
                          .parameters = parameters,
                          .rows = rows,
                          .count = count,
                          .results = calloc(count, sizeof(negbank_result)),
                          .scorer = streams ? NULL : scorer};
        pthread_create(&threads[t], NULL, run, &works[t]);
    }
    for (int t = 0; t < THREADS; t++) {
        pthread_join(threads[t], NULL);
        if (works[t].code) {
            fprintf(stderr, "%d: %s\n", works[t].code, works[t].why);
            code = works[t].code;
        } else if (memcmp(works[t].results, works[0].results, count * sizeof(negbank_result)) != 0) {
            fprintf(stderr, "thread %d gives other scores than thread 0\n", t);
            code = 1;
        }
    }
    for (size_t i = 0; i < count && !code; i++) {
        const negbank_result *r = &works[0].results[i];
        printf(r->ood_score >= 0 ? "%d\t%.9g\t%.9g\n" : "%d\t%.9g\tnan\n", r->label, r->score, r->ood_score);
    }
    for (int t = 0; t < THREADS; t++) {
        free(works[t].results);
    }
done:
    free(rows);
    negbank_scorer_destroy(scorer);
    negbank_close(bank);
    return code;
}
