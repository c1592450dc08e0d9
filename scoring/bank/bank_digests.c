#include "scoring/bank/bank_digests.h"

#include "common/base/json.h"
#include "common/base/memory.h"

#include <stdlib.h>
#include <string.h>

static nb_status bank_digests_no_memory(nb_error *err)
{
    return nb_fail(err, NB_ERR_LIMIT, "out of memory for digests");
}

nb_status nb_bank_digests_add(json_t *list, const char *name, const void *data, size_t bytes, nb_error *err)
{
    nb_digest digest = nb_digest_bytes(data, bytes);
    return json_object_set_new(list, name, json_string(digest.hex)) == 0 ? NB_OK : bank_digests_no_memory(err);
}

static int bank_digests_by_name(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The digest over the whole list. */
static nb_status bank_digests_digest_of_all(const json_t *list, nb_digest *all, nb_error *err)
{
    nb_buffer lines = {0};
    const char **names = NULL;
    const char *name;
    const json_t *value;
    size_t count = 0;
    nb_status status;
    NB_TRY_NEW(names, json_object_size(list) + 1);
    json_object_foreach((json_t *)(uintptr_t)list, name, value)
    {
        names[count++] = name;
    }
    qsort(names, count, sizeof *names, bank_digests_by_name);
    for (size_t i = 0; i < count; i++) {
        const char *hex = json_string_value(json_object_get(list, names[i]));
        NB_TRY(nb_buffer_printf(&lines, err, "%s %s\n", names[i], hex ? hex : ""));
    }
    *all = nb_digest_bytes(lines.data ? lines.data : "", lines.len);
done:
    free(names);
    nb_buffer_free(&lines);
    return status;
}

nb_status nb_bank_digests_text(const json_t *list, char **text, nb_error *err)
{
    nb_digest all;
    nb_status status = bank_digests_digest_of_all(list, &all, err);
    *text = NULL;
    if (status != NB_OK) {
        return status;
    }
    json_t *root = json_pack("{s:O, s:s}", "datasets", (json_t *)(uintptr_t)list, "all", all.hex);
    *text = root ? json_dumps(root, JSON_INDENT(1) | JSON_PRESERVE_ORDER) : NULL;
    json_decref(root);
    return *text ? NB_OK : bank_digests_no_memory(err);
}

static bool bank_digests_all_strings(const json_t *object)
{
    const char *name;
    const json_t *value;
    json_object_foreach((json_t *)(uintptr_t)object, name, value)
    {
        if (!json_is_string(value)) {
            return false;
        }
    }
    return json_is_object(object);
}

nb_status nb_bank_digests_parse(json_t **list, nb_digest *all, const char *text, nb_error *err)
{
    nb_digest have;
    nb_status status;
    json_t *root = NULL;
    *list = NULL;
    *all = (nb_digest){""};
    NB_TRY(nb_json_parse(&root, text, strlen(text), JSON_REJECT_DUPLICATES, NULL, err));
    json_t *datasets = json_object_get(root, "datasets");
    const char *want = json_string_value(json_object_get(root, "all"));
    if (!datasets && bank_digests_all_strings(root)) { /* older than the final format */
        *list = json_incref(root);
    } else if (!bank_digests_all_strings(datasets) || !want || json_object_size(root) != 2) {
        status = nb_fail(err, NB_ERR_INPUT, "'digests' is not a list of digests");
    } else {
        NB_TRY(bank_digests_digest_of_all(datasets, &have, err));
        if (strcmp(have.hex, want) != 0) {
            status = nb_fail(err, NB_ERR_VERIFY, "the list of digests does not match its own");
            goto done;
        }
        *all = have;
        *list = json_incref(datasets);
    }
done:
    json_decref(root);
    return status;
}

nb_status nb_bank_digests_check(const json_t *list, bool must, const char *name, const void *data, size_t bytes,
                                nb_error *err)
{
    const char *want = json_string_value(json_object_get(list, name));
    if (!want && !must) {
        return NB_OK;
    }
    if (!want) {
        return nb_fail(err, NB_ERR_VERIFY, "'%s' has no digest", name);
    }
    return strcmp(nb_digest_bytes(data, bytes).hex, want) == 0
               ? NB_OK
               : nb_fail(err, NB_ERR_VERIFY, "'%s' does not match its digest", name);
}
