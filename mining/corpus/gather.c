#include "mining/corpus/gather.h"

#include <stdlib.h>

static nb_status read_part(nb_corpus *part, nb_corpus_counts *counts, const nb_team *team, const nb_corpus_plan *plan,
                           char **block, size_t *len, nb_error *err)
{
    nb_status status;
    NB_TRY(nb_corpus_read(part, counts, plan, (size_t)team->rank, (size_t)team->size, err));
    NB_TRY(nb_corpus_canonicalise(part, counts, err));
    NB_TRY(nb_corpus_pack(part, block, len, err));
done:
    return status;
}

static nb_status merge_blocks(nb_corpus *out, nb_corpus_counts *counts, const nb_team *team, const nb_corpus_plan *plan,
                              const char *all, const uint64_t *offset, nb_error *err)
{
    nb_status status = NB_OK;
    for (int r = 0; r < team->size; r++) {
        nb_corpus part = {0};
        status = nb_corpus_unpack(&part, all + offset[r], (size_t)(offset[r + 1] - offset[r]), err);
        if (status == NB_OK) {
            status = nb_corpus_merge(out, &part, err);
        }
        nb_corpus_free(&part);
        NB_TRY(status);
    }
    NB_TRY(nb_corpus_canonicalise(out, counts, err));
    nb_corpus_apply_limit(out, counts, plan->settings.limit);
done:
    return status;
}

nb_status nb_corpus_gather(nb_corpus *out, nb_corpus_counts *counts, const nb_team *team, const nb_corpus_plan *plan,
                           nb_error *err)
{
    nb_corpus part = {0};
    char *block = NULL, *all = NULL;
    uint64_t *offset = NULL;
    size_t len = 0;
    _Static_assert(sizeof *counts % sizeof(uint64_t) == 0, "counts are summed as words");
    *counts = (nb_corpus_counts){0};
    *out = (nb_corpus){0};
    nb_status status = nb_team_agree(team, read_part(&part, counts, team, plan, &block, &len, err), err);
    nb_corpus_free(&part);
    NB_TRY(status);
    NB_TRY(nb_team_sum(team, (uint64_t *)counts, sizeof *counts / sizeof(uint64_t), err));
    NB_TRY(nb_team_gather(team, block, len, &all, &offset, err));
    if (team->rank == 0) {
        status = merge_blocks(out, counts, team, plan, all, offset, err);
    }
    NB_TRY(nb_team_agree(team, status, err));
done:
    free(block);
    free(all);
    free(offset);
    if (status != NB_OK) {
        nb_corpus_free(out);
    }
    return status;
}
