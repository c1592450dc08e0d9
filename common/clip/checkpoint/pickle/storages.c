#include "common/clip/checkpoint/pickle/storages.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { PARTS_MIN = 5, PARTS_MAX = 6, KEY_MAX = 64 };

static const struct {
    const char *name;
    nb_dtype dtype;
} types[] = {
    {"torch\nFloatStorage", NB_F32},  {"torch\nHalfStorage", NB_F16}, {"torch\nBFloat16Storage", NB_BF16},
    {"torch\nLongStorage", NB_I64},   {"torch\nIntStorage", NB_I32},  {"torch\nShortStorage", NB_I16},
    {"torch\nCharStorage", NB_I8},    {"torch\nByteStorage", NB_U8},  {"torch\nBoolStorage", NB_BOOL},
    {"torch\nDoubleStorage", NB_F64},
};

static bool storages_equal(const char *name, size_t len, const char *text)
{
    return len == strlen(text) && memcmp(name, text, len) == 0;
}

/* The classes of a scripted module: "__torch__", or below it. */
static bool storages_module_class(const char *name, size_t len)
{
    static const char root[] = "__torch__";
    size_t n = sizeof root - 1;
    return len > n && memcmp(name, root, n) == 0 && (name[n] == '\n' || name[n] == '.');
}

nb_pickle_use nb_storage_rule(const char *name, size_t len)
{
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        if (storages_equal(name, len, types[i].name)) {
            return NB_PICKLE_STANDS;
        }
    }
    if (storages_equal(name, len, "collections\nOrderedDict")) {
        return NB_PICKLE_MAPPING;
    }
    if (storages_equal(name, len, "torch._utils\n_rebuild_tensor_v2") ||
        storages_equal(name, len, "torch._utils\n_rebuild_parameter")) {
        return NB_PICKLE_CALLED;
    }
    return storages_module_class(name, len) ? NB_PICKLE_CLASS : NB_PICKLE_REFUSED;
}

/* ("storage", type, key, device, count[, None]) */
static nb_status storages_read(nb_storage *out, const nb_pickle *p, const nb_pickle_value *value, const char *path,
                               nb_error *err)
{
    const nb_pickle_value *tuple = nb_pickle_at(p, value->argument);
    const nb_pickle_value *part[PARTS_MAX] = {0};
    bool good = tuple->kind == NB_PICKLE_TUPLE && tuple->count >= PARTS_MIN && tuple->count <= PARTS_MAX;
    for (size_t i = 0; good && i < tuple->count; i++) {
        part[i] = nb_pickle_at(p, tuple->items[i]);
    }
    good = good && nb_pickle_is(part[0], NB_PICKLE_TEXT, "storage") && part[1]->kind == NB_PICKLE_NAME &&
           part[2]->kind == NB_PICKLE_TEXT && part[2]->len > 0 && part[2]->len <= KEY_MAX &&
           part[4]->kind == NB_PICKLE_INT && part[4]->integer >= 0 && (!part[5] || part[5]->kind == NB_PICKLE_NONE);
    for (size_t i = 0; good && i < sizeof types / sizeof *types; i++) {
        if (nb_pickle_is(part[1], NB_PICKLE_NAME, types[i].name)) {
            *out = (nb_storage){.key = part[2]->text,
                                .key_len = part[2]->len,
                                .dtype = types[i].dtype,
                                .count = (size_t)part[4]->integer};
            return NB_OK;
        }
    }
    return nb_fail(err, NB_ERR_INPUT, "'%s': its pickle names a storage in another form than torch.save", path);
}

static int storages_by_key(const void *a, const void *b)
{
    const nb_storage *x = a, *y = b;
    return nb_bytes_compare(x->key, x->key_len, y->key, y->key_len);
}

nb_status nb_storages_list(nb_storages *out, const nb_pickle *p, const char *path, nb_error *err)
{
    nb_status status;
    size_t total = 0, kept = 0;
    *out = (nb_storages){0};
    for (size_t i = 0; i < p->count; i++) {
        total += p->values[i].kind == NB_PICKLE_PERSISTENT;
    }
    NB_TRY_NEW(out->list, total);
    for (size_t i = 0; i < p->count; i++) {
        if (p->values[i].kind == NB_PICKLE_PERSISTENT) {
            NB_TRY(storages_read(&out->list[out->count], p, &p->values[i], path, err));
            out->count++;
        }
    }
    qsort(out->list, out->count, sizeof *out->list, storages_by_key);
    for (size_t i = 0; i < out->count; i++) {
        const nb_storage *s = &out->list[i], *before = kept ? &out->list[kept - 1] : NULL;
        if (before && storages_by_key(before, s) == 0) {
            if (before->dtype != s->dtype || before->count != s->count) {
                status = nb_fail(err, NB_ERR_INPUT, "'%s': the storage '%.*s' is of two types or lengths", path,
                                 (int)s->key_len, s->key);
                goto done;
            }
        } else {
            out->list[kept++] = *s;
        }
    }
    out->count = kept;
    status = NB_OK;
done:
    return status;
}

nb_storage *nb_storages_find(const nb_storages *storages, const char *key, size_t len)
{
    const nb_storage wanted = {.key = key, .key_len = len};
    return storages->count ? bsearch(&wanted, storages->list, storages->count, sizeof *storages->list, storages_by_key)
                           : NULL;
}

const nb_storage *nb_storages_of(const nb_storages *storages, const nb_pickle *p, const nb_pickle_value *value)
{
    const nb_pickle_value *key = nb_pickle_at(p, nb_pickle_at(p, value->argument)->items[2]);
    return nb_storages_find(storages, key->text, key->len);
}

nb_status nb_storage_place(nb_storage *s, const unsigned char *data, uint64_t bytes, const char *path, nb_error *err)
{
    size_t want;
    if (!nb_mul_size(s->count, nb_dtype_bits(s->dtype) / 8, &want) || want != bytes) {
        return nb_fail(err, NB_ERR_INPUT, "'%s': the storage '%.*s' has %" PRIu64 " bytes, its pickle says %zu of %s",
                       path, (int)s->key_len, s->key, bytes, s->count, nb_dtype_name(s->dtype));
    }
    s->data = data;
    return NB_OK;
}

void nb_storages_free(nb_storages *storages)
{
    free(storages->list);
    *storages = (nb_storages){0};
}
