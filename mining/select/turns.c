#include "mining/select/turns.h"

#include <stdlib.h>
#include <string.h>

/* The best of a list. */
typedef struct list {
    nb_subset subset;
    nb_ranked *best; /* [count] in order */
    size_t count, next;
    size_t *number; /* [count] of the candidate among all that stand in any list */
} list;

/* An entry of a list, while candidates are numbered. */
typedef struct entry {
    uint64_t id;
    size_t list, place;
} entry;

typedef struct length_counter {
    const nb_selection_basis *basis;
    uint64_t lengths[NB_LISTS_MAX];
} length_counter;

static nb_status turns_count_tile(void *state, size_t begin, size_t rows, const nb_ledger_tile *tile, nb_error *err)
{
    length_counter *c = state;
    (void)begin;
    (void)err;
    for (size_t i = 0; i < rows; i++) {
        for (size_t l = 0; l < c->basis->list_count && tile->reasons[i] == NB_ACCEPTED; l++) {
            c->lengths[l] += nb_subset_lists(&c->basis->lists[l], tile, i);
        }
    }
    return NB_OK;
}

static int turns_by_id(const void *a, const void *b)
{
    const entry *x = a, *y = b;
    return (x->id > y->id) - (x->id < y->id);
}

/* Numbers the candidates of all lists, the same one with the same number; *numbers: how many. */
static nb_status turns_number(list *lists, size_t count, size_t *numbers, nb_error *err)
{
    size_t total = 0, at = 0;
    entry *entries = NULL;
    nb_status status;
    for (size_t l = 0; l < count; l++) {
        total += lists[l].count;
    }
    NB_TRY_NEW(entries, total + 1);
    for (size_t l = 0; l < count; l++) {
        NB_TRY_NEW(lists[l].number, lists[l].count + 1);
        for (size_t i = 0; i < lists[l].count; i++) {
            entries[at++] = (entry){lists[l].best[i].id, l, i};
        }
    }
    qsort(entries, total, sizeof *entries, turns_by_id);
    *numbers = 0;
    for (size_t i = 0; i < total; i++) {
        *numbers += i && entries[i].id != entries[i - 1].id;
        lists[entries[i].list].number[entries[i].place] = *numbers;
    }
    ++*numbers;
done:
    free(entries);
    return status;
}

/* Takes turns until `kept` candidates are chosen. */
static nb_status turns_take(nb_selection *out, const nb_selection_basis *basis, list *lists, size_t kept, nb_error *err)
{
    size_t count = basis->list_count;
    uint8_t *taken = NULL;
    size_t numbers;
    nb_status status;
    NB_TRY(turns_number(lists, count, &numbers, err));
    NB_TRY_NEW(taken, numbers);
    for (size_t l = 0, idle = 0; out->count < kept && idle < count; l = (l + 1) % count) {
        list *from = &lists[l];
        size_t before = out->count;
        for (size_t turn = 0; turn < basis->lists[l].take && out->count < kept;) {
            if (from->next == from->count) {
                break;
            }
            size_t i = from->next++;
            if (!taken[from->number[i]]) {
                taken[from->number[i]] = 1;
                out->ids[out->count] = from->best[i].id;
                out->values[out->count++] = nb_subset_value(&from->subset, from->best[i].key);
                turn++;
            }
        }
        idle = out->count > before ? 0 : idle + 1; /* lists may end */
    }
done:
    free(taken);
    return status;
}

nb_status nb_select_in_turns(nb_selection *out, const nb_selection_basis *basis, size_t kept, nb_error *err)
{
    length_counter lengths = {.basis = basis};
    list lists[NB_LISTS_MAX] = {{.best = NULL}};
    nb_status status = nb_subset_visit(basis, turns_count_tile, &lengths, err);
    NB_TRY(nb_comm_agree(basis->comm, status, err));
    NB_TRY(nb_comm_sum(basis->comm, lengths.lengths, NB_LISTS_MAX, err));
    for (size_t l = 0; l < basis->list_count; l++) {
        size_t length = out->listed[l] = (size_t)lengths.lengths[l];
        lists[l].subset = (nb_subset){.basis = basis, .list = &basis->lists[l]};
        if (length) {
            NB_TRY(
                nb_subset_best(&lists[l].subset, length < kept ? length : kept, &lists[l].best, &lists[l].count, err));
        }
    }
    status = basis->comm->rank == 0 ? turns_take(out, basis, lists, kept, err) : NB_OK;
    status = nb_comm_agree(basis->comm, status, err);
done:
    for (size_t l = 0; l < basis->list_count; l++) {
        free(lists[l].best);
        free(lists[l].number);
    }
    return status;
}
