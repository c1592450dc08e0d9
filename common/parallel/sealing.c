#include "common/parallel/sealing.h"

#include <stdlib.h>

/* What rank 0 found when it began. */
typedef struct sealing_facts {
    uint64_t pieces, size, hole_begin, hole_end;
} sealing_facts;

/* Ranks other than 0 follow it: where there are pieces for them they map the file that they see under the name. */
static nb_status sealing_follow(nb_sealing *s, const sealing_facts *facts, const char *path, nb_error *err)
{
    nb_status status;
    s->pieces = (size_t)facts->pieces;
    s->seal = (nb_seal){.size = facts->size, .hole_begin = facts->hole_begin, .hole_end = facts->hole_end};
    if (s->pieces < 2) {
        return NB_OK;
    }
    NB_TRY(nb_map_open(&s->map, path, err));
    if (s->map.len != facts->size) {
        nb_fail(err, NB_ERR_IO, "'%s' has %zu bytes here, %llu on rank 0", path, s->map.len,
                (unsigned long long)facts->size);
        status = nb_hint(err, "the nodes must see one file under that name");
    }
done:
    return status;
}

/* Collective: the digests of all pieces on all ranks, which rank 0 has begun with `status`. */
static nb_status sealing_hash(const nb_comm *comm, nb_sealing *s, const char *path, unsigned char **digests,
                              nb_status status, nb_error *err)
{
    sealing_facts facts = {s->pieces, s->map.len, s->seal.hole_begin, s->seal.hole_end};
    size_t size = (size_t)comm->size;
    NB_TRY(nb_comm_agree(comm, status, err));
    NB_TRY(nb_comm_broadcast(comm, &facts, sizeof facts, err));
    if (comm->rank != 0) {
        status = sealing_follow(s, &facts, path, err);
    }
    if (status == NB_OK) {
        *digests = nb_alloc((size_t)facts.pieces, NB_SEAL_DIGEST_BYTES, err);
        status = *digests ? NB_OK : NB_ERR_LIMIT;
    }
    for (size_t i = (size_t)comm->rank; status == NB_OK && i < facts.pieces; i += size) {
        nb_sealing_hash(s, i, *digests + i * NB_SEAL_DIGEST_BYTES);
    }
    NB_TRY(nb_comm_agree(comm, status, err));
    if (facts.pieces > 1) {
        NB_TRY(nb_comm_or(comm, *digests, (size_t)facts.pieces * NB_SEAL_DIGEST_BYTES / sizeof(uint64_t), err));
    }
done:
    return status;
}

nb_status nb_comm_seal_verify(const nb_comm *comm, nb_seal *out, const char *path, const char *kind, nb_error *err)
{
    nb_sealing s = {0};
    unsigned char *digests = NULL;
    nb_status status = comm->rank == 0 ? nb_sealing_check(&s, path, kind, err) : NB_OK;
    NB_TRY(sealing_hash(comm, &s, path, &digests, status, err));
    if (comm->rank == 0) {
        status = nb_sealing_verify(&s, path, digests, err);
    }
    NB_TRY(nb_comm_agree(comm, status, err));
    *out = s.seal;
    NB_TRY(nb_comm_broadcast(comm, out, sizeof *out, err));
done:
    free(digests);
    nb_sealing_close(&s);
    return status;
}

nb_status nb_comm_seal_write(const nb_comm *comm, const nb_seal_order *order, nb_digest *digest, nb_error *err)
{
    nb_sealing s = {0};
    unsigned char *digests = NULL;
    nb_status status = comm->rank == 0
                           ? nb_sealing_begin(&s, order->path, order->kind, order->hole_begin, order->hole_end, err)
                           : NB_OK;
    NB_TRY(sealing_hash(comm, &s, order->path, &digests, status, err));
    if (comm->rank == 0) {
        status = nb_sealing_write(&s, order->path, digests, digest, err);
    }
    NB_TRY(nb_comm_agree(comm, status, err));
done:
    free(digests);
    nb_sealing_close(&s);
    return status;
}
