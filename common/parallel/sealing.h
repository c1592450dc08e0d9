/* Seals (common/store/seal.h) made and checked by all ranks, each of which hashes a share of the pieces. */
#ifndef NB_COMMON_PARALLEL_SEALING_H
#define NB_COMMON_PARALLEL_SEALING_H

#include "common/parallel/comm.h"
#include "common/store/seal.h"

/** nb_seal_verify by all ranks together. Collective: `path` and `kind` agree on all ranks, which see the same file.
 *
 * @param comm the ranks
 * @param out  the seal, on all ranks
 * @param path the file
 * @param kind what it must be; NULL: any
 * @return the same on all ranks: as nb_seal_verify; NB_ERR_IO also when ranks see files of other sizes. */
NB_CHECKED nb_status nb_comm_seal_verify(const nb_comm *comm, nb_seal *out, const char *path, const char *kind,
                                         nb_error *err);

/** A file to be sealed; borrowed. */
typedef struct nb_seal_order {
    const char *path;              /**< the same on all ranks, which have written and synced it */
    const char *kind;              /**< what it is */
    uint64_t hole_begin, hole_end; /**< as nb_seal_write takes them */
} nb_seal_order;

/** nb_seal_write by all ranks together. Collective: all of `order` agrees on all ranks.
 *
 * @param comm   the ranks
 * @param order  what is sealed
 * @param digest rank 0: of the sealed file; untouched elsewhere
 * @return the same on all ranks: as nb_seal_write; NB_ERR_IO also when ranks see files of other sizes. */
NB_CHECKED nb_status nb_comm_seal_write(const nb_comm *comm, const nb_seal_order *order, nb_digest *digest,
                                        nb_error *err);

#endif
