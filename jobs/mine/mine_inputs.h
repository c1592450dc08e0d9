/* What `mine` reads: the candidates, the labels with their embeddings, images; all of one checkpoint. */
#ifndef NB_JOBS_MINE_MINE_INPUTS_H
#define NB_JOBS_MINE_MINE_INPUTS_H

#include "jobs/job.h"
#include "mining/affinity/candidates.h"

/* What the command line says; NULL where it says nothing. */
typedef struct nb_mine_sources {
    const char *texts, *labels, *label_embeddings, *model, *precision, *id_images, *wild_images, *calibrate, *stop_list;
    nb_strings prompt;   /* for the labels */
    bool allow_mismatch; /* what is of another checkpoint than the texts is a warning, not an error */
} nb_mine_sources;

typedef struct nb_mine_inputs {
    nb_job *job;
    const nb_mine_sources *from;
    nb_store texts, id_images, wild_images, calibrate; /* path NULL: not given */
    nb_strings labels, stops;
    float *label_rows;     /* [C, d] as they came */
    double *label_doubles; /* [C, d] normalised */
    double *prototypes;    /* [C, d], NULL without ID images */
    nb_candidates candidates;
} nb_mine_inputs;

/* Collective. Opens and records all of them. NB_ERR_INPUT when widths or known checkpoints differ; NB_ERR_USAGE unless
 * the labels' embeddings come one way, or when the images held out are the very ones mined with. Close it also after a
 * failure; close takes {0}. */
nb_status nb_mine_inputs_open(nb_mine_inputs *out, nb_job *job, const nb_mine_sources *from, nb_error *err);
void nb_mine_inputs_close(nb_mine_inputs *inputs);

#endif
