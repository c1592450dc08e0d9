#include "mining/corpus/source.h"

static nb_status read_lines(const nb_source_share *share, const nb_sink *sink, nb_error *err)
{
    nb_line_walk walk = nb_line_walk_start(share);
    const char *line;
    size_t len;
    nb_status status = NB_OK;
    while (status == NB_OK && nb_line_walk_next(&walk, &line, &len)) {
        status = sink->take(sink->state, NB_KEPT, line, len, walk.number, err);
    }
    return status;
}

const nb_source_format nb_format_lines = {.name = "lines", .read = read_lines};
