#include "jobs/embed.h"

#include "common/parallel/stop.h"

#include <stdlib.h>
#include <string.h>

nb_status nb_job_embed_check(nb_job *job, const nb_embed_choice *choice, nb_error *err)
{
    nb_stop_listen(); /* from here on a request to stop waits for the next tile */
    return nb_job_check_outputs(job, &choice->output, choice->resume ? 0 : 1, choice->force, err);
}

/* Times are of the clock, which SOURCE_DATE_EPOCH replaces: then they are left out. */
static nb_status record_account(nb_job *job, const nb_embed_account *a, const char *what, nb_error *err)
{
    json_t *tiles = json_pack("{s:s, s:s, s:I, s:I}", "rows", what, "shared by", nb_sharing_name(a->sharing), "made",
                              (json_int_t)a->made, "found done", (json_int_t)a->kept);
    if (tiles && !getenv("SOURCE_DATE_EPOCH")) {
        json_t *more =
            json_pack("{s:I, s:I, s:i, s:f, s:{s:f, s:f, s:f, s:f, s:f}}", "fewest a rank", (json_int_t)a->fewest,
                      "most a rank", (json_int_t)a->most, "slowest rank", a->slowest, "seconds", a->seconds,
                      "seconds of all ranks", "read", a->times.read, "decode", a->times.decode, "compute",
                      a->times.compute, "write", a->times.write, "wait", a->times.wait);
        json_object_update(tiles, more);
        json_decref(more);
    }
    return nb_provenance_measured(&job->provenance, "tiles", tiles, err);
}

nb_status nb_job_embed(nb_job *job, const nb_embed_choice *choice, const nb_clip *clip, nb_store_spec spec,
                       nb_embed_work work, const char *note, nb_error *err)
{
    nb_embed_target target = {.path = choice->output, .force = choice->force, .resume = choice->resume};
    nb_embed_account account;
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
    work.sharing = nb_sharing_parse(choice->sharing);
    NB_TRY(nb_embed_store(&job->team, &job->log, &target, &spec, &work, &digest, &account, err));
    if (digest.hex[0]) { /* rank 0 wrote a store */
        NB_TRY(record_account(job, &account, work.what, err));
        nb_job_record(job, choice->output, digest.hex);
    }
    nb_log_info(&job->log, "%zu %s -> %s%s", spec.count, work.what, choice->output, note);
done:
    free(provenance);
    return status;
}
