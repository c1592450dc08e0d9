#include "common/clip/checkpoint/pickle/torch.h"

#include "common/base/text.h"
#include "common/clip/checkpoint/pickle/state_dict.h"
#include "common/clip/checkpoint/pickle/storages.h"
#include "common/clip/checkpoint/safetensors_header.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { OLD_VERSION = 1001, OLD_PICKLES = 4, NAME_BYTES_MAX = 512, KEY_MEMBER_MAX = 768, REBUILD_ARGUMENTS_MIN = 6 };

/* The pickle of the number that the old form begins with. */
static const unsigned char old_magic[] = {0x80, 0x02, 0x8a, 0x0a, 0x6c, 0xfc, 0x9c, 0x46,
                                          0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19, '.'};

struct nb_torch {
    char *path;
    nb_map map; /* empty when the bytes are borrowed */
    nb_tensor *tensors;
    size_t count;
    nb_strings names; /* of the tensors */
    void **copies;    /* [count] of tensors that did not lie row by row; NULL for the others */
    bool scripted;
};

/* A file while it is read. */
typedef struct reading {
    nb_torch *file;
    const unsigned char *bytes;
    size_t len;
    nb_pickle pickle;
    nb_storages storages;
    nb_state_dict state;
    size_t copied; /* bytes */
} reading;

bool nb_torch_recognise(const unsigned char *bytes, size_t len)
{
    return len >= 4 && (memcmp(bytes, "PK\3\4", 4) == 0 || (bytes[0] == 0x80 && bytes[1] >= 2 && bytes[1] <= 5));
}

static nb_status torch_refuse(const reading *r, const char *what, nb_error *err)
{
    return nb_fail(err, NB_ERR_INPUT, "'%s': %s", r->file->path, what);
}

static nb_status torch_cut_short(const reading *r, nb_error *err)
{
    torch_refuse(r, "is cut short inside its storages", err);
    nb_hint(err, "copy or download the file again");
    return NB_ERR_INPUT;
}

static nb_pickle_source torch_source(const reading *r, const unsigned char *at, size_t len)
{
    return (nb_pickle_source){.bytes = at, .len = len, .path = r->file->path, .rule = nb_storage_rule};
}

/* ---- zip archives ---- */

/* "TOP/data.pkl": *top gets the length of "TOP/"; NULL: there is none. */
static const nb_zip_member *torch_find_pickle(const nb_zip *zip, size_t *top)
{
    static const char name[] = "/data.pkl";
    size_t n = sizeof name - 1;
    for (size_t i = 0; i < zip->count; i++) {
        const nb_zip_member *m = &zip->members[i];
        const char *slash = memchr(m->name, '/', m->name_len);
        if (slash && m->name_len - (size_t)(slash - m->name) == n && memcmp(slash, name, n) == 0) {
            *top = (size_t)(slash - m->name) + 1;
            return m;
        }
    }
    return NULL;
}

/* TOP/NAME; NULL: there is none. */
static const nb_zip_member *torch_member(const nb_zip *zip, const char *top, size_t top_len, const char *folder,
                                         const char *name, size_t len)
{
    char path[KEY_MEMBER_MAX];
    size_t folder_len = strlen(folder), total = top_len + folder_len + len;
    if (total > sizeof path) {
        return NULL;
    }
    memcpy(path, top, top_len);
    memcpy(path + top_len, folder, folder_len);
    memcpy(path + top_len + folder_len, name, len);
    return nb_zip_find(zip, path, total);
}

/* Newer versions say the byte order; older ones ran on little-endian machines. */
static nb_status torch_check_order(const reading *r, const nb_zip *zip, const char *top, size_t top_len, nb_error *err)
{
    static const char little[] = "little";
    const nb_zip_member *order = torch_member(zip, top, top_len, "", "byteorder", strlen("byteorder"));
    bool good = !order || (order->stored == sizeof little - 1 && memcmp(order->data, little, sizeof little - 1) == 0);
    return good ? NB_OK : torch_refuse(r, "its numbers are of a machine with the other byte order", err);
}

static nb_status torch_read_zip_storages(reading *r, const nb_zip *zip, const char *top, size_t top_len, nb_error *err)
{
    nb_status status = NB_OK;
    for (size_t i = 0; i < r->storages.count; i++) {
        nb_storage *s = &r->storages.list[i];
        const nb_zip_member *m = torch_member(zip, top, top_len, "data/", s->key, s->key_len);
        if (!m) {
            status =
                nb_fail(err, NB_ERR_INPUT, "'%s': its pickle names the storage '%.*s', which is not in the archive",
                        r->file->path, (int)s->key_len, s->key);
            goto done;
        }
        NB_TRY(nb_zip_check(zip, m, &r->file->map, err));
        NB_TRY(nb_storage_place(s, m->data, m->size, r->file->path, err));
    }
done:
    return status;
}

static nb_status torch_read_zip(reading *r, nb_error *err)
{
    nb_zip zip = {0};
    size_t top_len = 0, used;
    nb_status status;
    NB_TRY(nb_zip_open(&zip, r->bytes, r->len, r->file->path, err));
    const nb_zip_member *pickle = torch_find_pickle(&zip, &top_len);
    if (!pickle) {
        torch_refuse(r, "a zip archive, but none of torch.save: it has no data.pkl", err);
        status = NB_ERR_INPUT;
        goto done;
    }
    NB_TRY(nb_zip_check(&zip, pickle, &(nb_map){0}, err));
    const nb_pickle_source source = torch_source(r, pickle->data, (size_t)pickle->size);
    NB_TRY(nb_pickle_scan(&source, &used, err));
    if (used != pickle->size) {
        status = torch_refuse(r, "data.pkl has bytes behind its pickle", err);
        goto done;
    }
    NB_TRY(torch_check_order(r, &zip, pickle->name, top_len, err));
    NB_TRY(nb_pickle_read(&r->pickle, &source, err));
    NB_TRY(nb_storages_list(&r->storages, &r->pickle, r->file->path, err));
    NB_TRY(torch_read_zip_storages(r, &zip, pickle->name, top_len, err));
done:
    nb_zip_close(&zip);
    return status;
}

/* ---- the old form ---- */

/* The version must be the one there ever was, the machine little-endian. */
static nb_status torch_check_system(const reading *r, const nb_pickle *version, const nb_pickle *system, nb_error *err)
{
    const nb_pickle_value *v = nb_pickle_at(version, version->root), *s = nb_pickle_at(system, system->root);
    const nb_pickle_value *little = s->kind == NB_PICKLE_DICT ? nb_pickle_get(system, s, "little_endian") : NULL;
    if (v->kind != NB_PICKLE_INT || v->integer != OLD_VERSION) {
        return torch_refuse(r, "is of another version of torch.save than 1001", err);
    }
    if (!little || little->kind != NB_PICKLE_BOOL || !little->integer) {
        return torch_refuse(r, "its numbers are of a machine with the other byte order", err);
    }
    return NB_OK;
}

/* The storages one behind another, in the order of the keys: each its count of elements and its data. */
static nb_status torch_read_old_storages(reading *r, const nb_pickle *keys, size_t at, nb_error *err)
{
    const nb_pickle_value *list = nb_pickle_at(keys, keys->root);
    nb_status status = NB_OK;
    if (list->kind != NB_PICKLE_LIST || list->count != r->storages.count) {
        return torch_refuse(r, "its list of storages is not that of its pickle", err);
    }
    for (size_t i = 0; i < list->count; i++) {
        const nb_pickle_value *key = nb_pickle_at(keys, list->items[i]);
        nb_storage *s = key->kind == NB_PICKLE_TEXT ? nb_storages_find(&r->storages, key->text, key->len) : NULL;
        int64_t count;
        size_t bytes;
        if (!s || s->data) {
            return torch_refuse(r, "its list of storages is not that of its pickle", err);
        }
        if (r->len - at < sizeof count) {
            return torch_cut_short(r, err);
        }
        memcpy(&count, r->bytes + at, sizeof count);
        at += sizeof count;
        if (count < 0 || (size_t)count != s->count || !nb_mul_size(s->count, nb_dtype_bits(s->dtype) / 8, &bytes)) {
            return torch_refuse(r, "a storage has another count of elements than its pickle says", err);
        }
        if (r->len - at < bytes) {
            return torch_cut_short(r, err);
        }
        NB_TRY(nb_storage_place(s, r->bytes + at, bytes, r->file->path, err));
        at += bytes;
    }
    if (at != r->len) {
        status = nb_fail(err, NB_ERR_INPUT, "'%s' has %zu bytes behind its last storage", r->file->path, r->len - at);
    }
done:
    return status;
}

static nb_status torch_read_old(reading *r, nb_error *err)
{
    enum { VERSION, SYSTEM, OBJECT, KEYS };
    nb_pickle other[OLD_PICKLES] = {{0}};
    nb_pickle_source sources[OLD_PICKLES];
    size_t at = sizeof old_magic, used;
    nb_status status;
    if (r->len < at || memcmp(r->bytes, old_magic, at) != 0) {
        torch_refuse(r, "is a pickle, but none of torch.save", err);
        nb_hint(err,
                "a file of torch.save(model.state_dict(), path) is read; or convert the checkpoint to safetensors");
        return NB_ERR_INPUT;
    }
    for (size_t i = 0; i < OLD_PICKLES; i++) { /* all of them are looked through before one is read */
        sources[i] = torch_source(r, r->bytes + at, r->len - at);
        NB_TRY(nb_pickle_scan(&sources[i], &used, err));
        sources[i].len = used;
        at += used;
    }
    for (size_t i = 0; i < OLD_PICKLES; i++) {
        NB_TRY(nb_pickle_read(i == OBJECT ? &r->pickle : &other[i], &sources[i], err));
    }
    NB_TRY(torch_check_system(r, &other[VERSION], &other[SYSTEM], err));
    NB_TRY(nb_storages_list(&r->storages, &r->pickle, r->file->path, err));
    NB_TRY(torch_read_old_storages(r, &other[KEYS], at, err));
done:
    for (size_t i = 0; i < OLD_PICKLES; i++) {
        nb_pickle_free(&other[i]);
    }
    return status;
}

/* ---- tensors ---- */

/* A tuple of sizes; false: it is none, or has too many. */
static bool torch_sizes(const nb_pickle *p, const nb_pickle_value *tuple, size_t *count,
                        size_t sizes[NB_TENSOR_RANK_MAX])
{
    if (tuple->kind != NB_PICKLE_TUPLE || tuple->count > NB_TENSOR_RANK_MAX) {
        return false;
    }
    *count = tuple->count;
    for (size_t i = 0; i < tuple->count; i++) {
        const nb_pickle_value *v = nb_pickle_at(p, tuple->items[i]);
        if (v->kind != NB_PICKLE_INT || v->integer < 0) {
            return false;
        }
        sizes[i] = (size_t)v->integer;
    }
    return true;
}

/* The elements from the first to the last must lie in the storage. */
static bool torch_inside(const nb_tensor *t, const size_t *strides, size_t offset, const nb_storage *s)
{
    size_t last = offset, step;
    if (t->count == 0) {
        return offset <= s->count;
    }
    for (size_t i = 0; i < t->rank; i++) {
        if (!nb_mul_size(t->shape[i] - 1, strides[i], &step) || step > SIZE_MAX - last) {
            return false;
        }
        last += step;
    }
    return last < s->count;
}

static bool torch_row_by_row(const nb_tensor *t, const size_t *strides)
{
    size_t expected = 1;
    for (size_t i = t->rank; i-- > 0;) {
        if (t->shape[i] != 1 && strides[i] != expected) {
            return false;
        }
        expected *= t->shape[i];
    }
    return true;
}

/* Copies a tensor whose elements lie in another order, row by row. */
static nb_status torch_copy(reading *r, size_t number, const size_t *strides, nb_error *err)
{
    nb_tensor *t = &r->file->tensors[number];
    size_t element = nb_dtype_bits(t->dtype) / 8, at[NB_TENSOR_RANK_MAX] = {0}, place = 0, bytes = t->count * element;
    const unsigned char *from = t->data;
    if (bytes > r->len - r->copied) { /* more than the whole file: the same elements over and over */
        return nb_tensor_refuse(err, r->file->path, t->name, "its strides repeat elements");
    }
    unsigned char *copy = nb_alloc(t->count, element, err);
    if (!copy) {
        return NB_ERR_LIMIT;
    }
    r->file->copies[number] = copy;
    r->copied += bytes;
    for (size_t i = 0; i < t->count; i++) {
        memcpy(copy + i * element, from + place * element, element);
        for (size_t k = t->rank; k-- > 0;) {
            place += strides[k];
            if (++at[k] < t->shape[k]) {
                break;
            }
            place -= strides[k] * t->shape[k];
            at[k] = 0;
        }
    }
    t->data = copy;
    return NB_OK;
}

/* The arguments of _rebuild_tensor_v2: storage, offset, sizes, strides, requires_grad, hooks; a parameter's first is
 * such a call. NULL: another call. */
static const nb_pickle_value *torch_arguments(const nb_pickle *p, const nb_pickle_value *call)
{
    for (int depth = 0; depth < 2 && call->kind == NB_PICKLE_CALL; depth++) {
        const nb_pickle_value *arguments = nb_pickle_at(p, call->argument), *callee = nb_pickle_at(p, call->callee);
        if (nb_pickle_is(callee, NB_PICKLE_NAME, "torch._utils\n_rebuild_tensor_v2")) {
            return arguments->count >= REBUILD_ARGUMENTS_MIN ? arguments : NULL;
        }
        if (!arguments->count) {
            return NULL;
        }
        call = nb_pickle_at(p, arguments->items[0]);
    }
    return NULL;
}

static nb_status torch_read_tensor(reading *r, size_t number, nb_error *err)
{
    const nb_pickle *p = &r->pickle;
    nb_tensor *t = &r->file->tensors[number];
    const nb_pickle_value *arguments = torch_arguments(p, nb_pickle_at(p, r->state.values[number]));
    size_t strides[NB_TENSOR_RANK_MAX], strides_count, bytes;
    *t = (nb_tensor){.name = nb_strings_get(&r->file->names, number)};
    size_t len = nb_strings_len(&r->file->names, number);
    if (len != strlen(t->name) || len > NAME_BYTES_MAX || !nb_utf8_valid(t->name, len) ||
        !nb_tensor_name_printable(t->name)) {
        return torch_refuse(r, "a tensor's name is empty, too long or holds control characters", err);
    }
    const nb_pickle_value *storage = arguments ? nb_pickle_at(p, arguments->items[0]) : NULL;
    const nb_pickle_value *offset = arguments ? nb_pickle_at(p, arguments->items[1]) : NULL;
    if (!storage || storage->kind != NB_PICKLE_PERSISTENT || offset->kind != NB_PICKLE_INT || offset->integer < 0 ||
        !torch_sizes(p, nb_pickle_at(p, arguments->items[2]), &t->rank, t->shape) ||
        !torch_sizes(p, nb_pickle_at(p, arguments->items[3]), &strides_count, strides) || strides_count != t->rank) {
        return nb_tensor_refuse(err, r->file->path, t->name, "it is not rebuilt as torch.save writes it");
    }
    const nb_storage *s = nb_storages_of(&r->storages, p, storage);
    t->dtype = s->dtype;
    size_t first = (size_t)offset->integer;
    if (!nb_tensor_size(t, &t->count, &bytes) || !torch_inside(t, strides, first, s)) {
        return nb_tensor_refuse(err, r->file->path, t->name, "its shape goes beyond its storage");
    }
    t->data = s->data + first * (nb_dtype_bits(t->dtype) / 8);
    return t->count == 0 || torch_row_by_row(t, strides) ? NB_OK : torch_copy(r, number, strides, err);
}

static int torch_by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* A name that is there twice has two meanings. */
static nb_status torch_check_names(const reading *r, nb_error *err)
{
    const nb_torch *f = r->file;
    const char **names = NULL;
    nb_status status;
    NB_TRY_NEW(names, f->count);
    for (size_t i = 0; i < f->count; i++) {
        names[i] = f->tensors[i].name;
    }
    qsort(names, f->count, sizeof *names, torch_by_text);
    for (size_t i = 1; i < f->count; i++) {
        if (strcmp(names[i - 1], names[i]) == 0) {
            status = nb_tensor_refuse(err, f->path, names[i], "is there twice");
            goto done;
        }
    }
done:
    free(names);
    return status;
}

static nb_status torch_read_tensors(reading *r, nb_error *err)
{
    nb_torch *f = r->file;
    nb_status status;
    NB_TRY(nb_state_dict_find(&r->state, &r->pickle, f->path, err));
    f->scripted = r->state.scripted;
    f->names = r->state.names;
    r->state.names = (nb_strings){0};
    NB_TRY_NEW(f->tensors, f->names.count);
    NB_TRY_NEW(f->copies, f->names.count);
    for (; f->count < f->names.count; f->count++) {
        NB_TRY(torch_read_tensor(r, f->count, err));
    }
    NB_TRY(torch_check_names(r, err));
done:
    return status;
}

/* ---- the file ---- */

/* Takes the map, whatever comes of it. */
static nb_status torch_open_bytes(nb_torch **out, const unsigned char *bytes, size_t len, nb_map map, const char *path,
                                  nb_error *err)
{
    reading r = {.bytes = bytes, .len = len};
    nb_torch *f = NULL;
    nb_status status;
    *out = NULL;
    NB_TRY_NEW(f, 1);
    r.file = f;
    f->map = map;
    map = (nb_map){0};
    NB_TRY_NEW(f->path, strlen(path) + 1);
    memcpy(f->path, path, strlen(path) + 1);
    NB_TRY(len >= 4 && bytes[0] == 'P' ? torch_read_zip(&r, err) : torch_read_old(&r, err));
    NB_TRY(torch_read_tensors(&r, err));
    *out = f;
    f = NULL;
done:
    nb_pickle_free(&r.pickle);
    nb_storages_free(&r.storages);
    nb_state_dict_free(&r.state);
    nb_map_close(&map);
    nb_torch_close(f);
    return status;
}

nb_status nb_torch_open(nb_torch **out, const char *path, nb_error *err)
{
    nb_map map;
    *out = NULL;
    nb_status status = nb_map_open(&map, path, err);
    return status == NB_OK ? torch_open_bytes(out, map.data, map.len, map, path, err) : status;
}

nb_status nb_torch_open_memory(nb_torch **out, const void *bytes, size_t len, const char *name, nb_error *err)
{
    return torch_open_bytes(out, bytes, len, (nb_map){0}, name, err);
}

size_t nb_torch_count(const nb_torch *f)
{
    return f->count;
}

const nb_tensor *nb_torch_at(const nb_torch *f, size_t i)
{
    return &f->tensors[i];
}

bool nb_torch_scripted(const nb_torch *f)
{
    return f->scripted;
}

void nb_torch_drop(const nb_torch *f, const nb_tensor *tensor)
{
    size_t number = (size_t)(tensor - f->tensors);
    if (f->map.data && tensor->count && !f->copies[number]) {
        nb_map_drop(&f->map, tensor->data, tensor->count * nb_dtype_bits(tensor->dtype) / 8);
    }
}

void nb_torch_close(nb_torch *f)
{
    if (f) {
        for (size_t i = 0; f->copies && i < f->names.count; i++) {
            free(f->copies[i]);
        }
        free(f->copies);
        free(f->tensors);
        free(f->path);
        nb_strings_free(&f->names);
        nb_map_close(&f->map);
        free(f);
    }
}
