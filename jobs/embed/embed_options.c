#include "jobs/embed/embed_options.h"

#include "common/parallel/stop.h"

#include <stdlib.h>
#include <string.h>

nb_status nb_job_embed_check(nb_job *job, const nb_embed_choice *choice, nb_error *err)
{
    nb_part part;
    nb_stop_listen(); /* from here on a request to stop waits for the next tile */
    nb_status status = nb_part_parse(&part, choice->part, err);
    if (status == NB_OK && part.number && choice->force) {
        nb_fail(err, NB_ERR_USAGE, "--force would take from part %zu what other parts have made", part.number);
        status = nb_hint(err, "to begin anew give it with --part 0/%zu, while no other part runs", part.count);
    }
    NB_TRY(nb_agree(job, status, err));
    NB_TRY(nb_job_check_outputs(job, &choice->output, choice->resume || part.count ? 0 : 1, choice->force, err));
done:
    return status;
}

/* Times are of the clock, which SOURCE_DATE_EPOCH replaces: then they are left out. */
static nb_status embed_options_record_account(nb_job *job, const nb_embed_account *a, const char *what, nb_error *err)
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

static void embed_options_say_part(const nb_job *job, const nb_embed_target *target, size_t left)
{
    char part[64];
    snprintf(part, sizeof part, "part %zu of %zu", target->part.number, target->part.count);
    if (left) {
        nb_log_info(&job->log, "%s of '%s' is done, %zu tiles of other parts are not", part, target->path, left);
    } else {
        nb_log_info(&job->log, "%s of '%s' is done, as all others", part, target->path);
    }
}

nb_status nb_job_embed(nb_job *job, nb_embedding *e, nb_error *err)
{
    const nb_embed_choice *choice = e->choice;
    nb_embed_target target = {.path = choice->output, .force = choice->force, .resume = choice->resume};
    nb_embed_account account = {0};
    nb_digest digest = {""};
    char *provenance = NULL;
    nb_status status;
    NB_TRY(nb_part_parse(&target.part, choice->part, err)); /* it was sound before */
    NB_TRY(nb_provenance_input(&job->provenance, "model", choice->model, e->clip->digest.hex, err));
    NB_TRY(nb_job_record_kernel(job, err));
    NB_TRY(nb_job_record_engine(job, e->clip->engine, err));
    NB_TRY(nb_provenance_text(&job->provenance, &provenance, err));
    e->spec.width = e->clip->config.projection;
    e->spec.half = strcmp(choice->store, "fp16") == 0;
    e->spec.provenance = provenance;
    e->work.sharing = nb_sharing_parse(choice->sharing);
    if (strcmp(choice->sharing, NB_SHARING_OLD_WORD) == 0) {
        nb_log_warn(&job->log, "--sharing %s is called %s now; a later version will not know the old word",
                    choice->sharing, nb_sharing_name(e->work.sharing));
    }
    const nb_embed_job store = {
        .log = &job->log, .target = &target, .spec = &e->spec, .corpus = e->corpus, .work = &e->work};
    NB_TRY(nb_embed_store(&job->comm, &store, &digest, &account, err));
    if (digest.hex[0]) { /* rank 0 wrote a store */
        NB_TRY(embed_options_record_account(job, &account, e->work.what, err));
        nb_job_record(job, choice->output, digest.hex);
    }
    if (target.part.count) {
        embed_options_say_part(job, &target, account.left);
    }
    if (!account.left) {
        nb_log_info(&job->log, "%zu %s -> %s%s", e->spec.count, e->work.what, choice->output, e->note);
    }
done:
    e->left = account.left;
    free(provenance);
    return status;
}
