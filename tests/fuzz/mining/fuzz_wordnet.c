/* WordNet's database files: those of nouns are the input, cut at its first NUL, those of adjectives have a word. What
 * is taken can be asked about any of its words. */
#include "../fuzz.h"

#include "mining/corpus/wordnet/database.h"

static const char adjective_data[] = "00001740 00 a 01 able 0 000 | having the means\n";
static const char adjective_index[] = "able a 1 0 1 1 00001740  \n";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *folder = memory_folder();
    const uint8_t *cut = size ? memchr(data, 0, size) : NULL;
    size_t first = cut ? (size_t)(cut - data) : size, unknown;
    nb_error err = {0};
    nb_strings labels = {0};
    nb_wordnet *w;
    nb_normaliser n;
    put_file(folder, "data.noun", data, first);
    put_file(folder, "index.noun", cut ? cut + 1 : data, cut ? size - first - 1 : 0);
    put_file(folder, "data.adj", adjective_data, sizeof adjective_data - 1);
    put_file(folder, "index.adj", adjective_index, sizeof adjective_index - 1);
    require(nb_strings_push(&labels, "dog", 3, &err) == NB_OK && nb_strings_push(&labels, "a b", 3, &err) == NB_OK);
    require(nb_normaliser_open(&n, NB_TEXT_BYTES_MAX, &err) == NB_OK);
    const nb_wordnet_rules rules = {.folder = folder, .excluded = 6, .proper = true, .labels = &labels};
    nb_status status = nb_wordnet_open(&w, &rules, &unknown, &err);
    require_message(status, &err);
    require(unknown <= labels.count && (status == NB_OK) == (w != NULL));
    for (size_t at = cut ? first + 1 : size; w && at < size;) {
        const uint8_t *end = memchr(data + at, ' ', size - at);
        size_t len = end ? (size_t)(end - data) - at : size - at;
        nb_drop drop = nb_wordnet_judge(w, &n, (const char *)data + at, len, NB_TAG_NOUN);
        require(drop == NB_KEPT || drop == NB_DROP_LEXNAME || drop == NB_DROP_PROPER || drop == NB_DROP_SUBCATEGORY);
        at += len + 1;
    }
    nb_wordnet_close(w);
    nb_normaliser_close(&n);
    nb_strings_free(&labels);
    nb_error_clear(&err);
    return 0;
}
