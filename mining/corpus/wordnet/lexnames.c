#include "mining/corpus/wordnet/lexnames.h"

#include "common/base/file.h"

#include <string.h>

/* lexnames(5), by number. */
static const char *const names[] = {
    "adj.all",          "adj.pert",           "adv.all",
    "noun.Tops",        "noun.act",           "noun.animal",
    "noun.artifact",    "noun.attribute",     "noun.body",
    "noun.cognition",   "noun.communication", "noun.event",
    "noun.feeling",     "noun.food",          "noun.group",
    "noun.location",    "noun.motive",        "noun.object",
    "noun.person",      "noun.phenomenon",    "noun.plant",
    "noun.possession",  "noun.process",       "noun.quantity",
    "noun.relation",    "noun.shape",         "noun.state",
    "noun.substance",   "noun.time",          "verb.body",
    "verb.change",      "verb.cognition",     "verb.communication",
    "verb.competition", "verb.consumption",   "verb.contact",
    "verb.creation",    "verb.emotion",       "verb.motion",
    "verb.perception",  "verb.possession",    "verb.social",
    "verb.stative",     "verb.weather",       "adj.ppl",
};
enum { NAMES = sizeof names / sizeof *names };

/* The bit of a name, 0 for an unknown one. */
static nb_lexnames lexnames_bit(const char *name, size_t len)
{
    for (size_t i = 0; i < NAMES; i++) {
        if (strlen(names[i]) == len && memcmp(names[i], name, len) == 0) {
            return (nb_lexnames)1 << i;
        }
    }
    return 0;
}

nb_status nb_lexnames_parse(nb_lexnames *out, const char *list, nb_error *err)
{
    *out = 0;
    for (const char *at = list; at && *at;) {
        size_t len = strcspn(at, ",");
        nb_lexnames bit = lexnames_bit(at, len);
        if (!bit) {
            nb_fail(err, NB_ERR_USAGE, "'%.*s' is no lexicographer file of WordNet", (int)(len < 80 ? len : 80), at);
            return nb_hint(err, "they are noun.Tops, noun.act, noun.animal, ..., adj.all, adj.pert and adj.ppl: "
                                "lexnames(5)");
        }
        *out |= bit;
        at += len + (at[len] == ',');
    }
    return NB_OK;
}

nb_lexnames nb_lexnames_of_path(const char *path)
{
    const char *base = nb_path_base(path), *first = strchr(base, '.'), *second = first ? strchr(first + 1, '.') : NULL;
    return first ? lexnames_bit(base, second ? (size_t)(second - base) : strlen(base)) : 0;
}
