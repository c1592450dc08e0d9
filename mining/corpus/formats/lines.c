#include "mining/corpus/formats/source.h"

const nb_source_format nb_format_lines = {.name = "lines", .read = nb_source_read_lines};
