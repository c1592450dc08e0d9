/* What a source of texts gives, as one text to compare. */
#ifndef NB_TESTS_CANDIDATES_H
#define NB_TESTS_CANDIDATES_H

#include "mining/corpus/formats/source.h"

/* An nb_candidate_sink.take into an nb_buffer: "line:text\n", or "line:[reason]\n" for what is left out. */
static inline nb_status take_candidate(void *state, nb_drop known, const char *bytes, size_t len, uint64_t line,
                                       nb_error *err)
{
    nb_buffer *out = state;
    nb_status status = nb_buffer_printf(out, err, known == NB_KEPT ? "%llu:" : "%llu:[%s]", (unsigned long long)line,
                                        nb_drop_name(known));
    if (status == NB_OK && known == NB_KEPT) {
        status = nb_buffer_append(out, bytes, len, err);
    }
    return status == NB_OK ? nb_buffer_append(out, "\n", 1, err) : status;
}

#endif
