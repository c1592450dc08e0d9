#include "jobs/embed.h"

#include <stdlib.h>
#include <string.h>

nb_status nb_job_embed_check(nb_job *job, const nb_embed_choice *choice, nb_error *err)
{
    return nb_job_check_outputs(job, &choice->output, choice->resume ? 0 : 1, choice->force, err);
}

nb_status nb_job_embed(nb_job *job, const nb_embed_choice *choice, const nb_clip *clip, nb_store_spec spec,
                       const char *what, const char *note, nb_tile_maker make, void *maker, nb_error *err)
{
    nb_embed_target target = {.path = choice->output, .force = choice->force, .resume = choice->resume};
    nb_digest digest = {""};
    char *provenance = NULL;
    nb_status status;
    NB_TRY(nb_provenance_input(&job->provenance, "model", choice->model, clip->digest.hex, err));
    NB_TRY(nb_job_record_kernel(job, err));
    NB_TRY(nb_job_record_engine(job, clip->engine, err));
    NB_TRY(nb_provenance_text(&job->provenance, &provenance, err));
    spec.width = clip->config.projection;
    spec.half = strcmp(choice->store, "fp16") == 0;
    spec.provenance = provenance;
    NB_TRY(nb_embed_store(&job->team, &job->log, &target, &spec, what, make, maker, &digest, err));
    if (digest.hex[0]) { /* rank 0 wrote a store */
        nb_job_record(job, choice->output, digest.hex);
    }
    nb_log_info(&job->log, "%zu %s -> %s%s", spec.count, what, choice->output, note);
done:
    free(provenance);
    return status;
}
