#include "mining/embed/embedding_files.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>

/* A file of a folder. */
typedef struct numbered {
    const char *name; /* borrowed */
    size_t stem;      /* bytes before its number */
    unsigned long long number;
} numbered;

/* Whether a name is STEM_NUMBER and the suffix. */
static bool embedding_files_parse(numbered *out, const char *name, const char *suffix)
{
    enum { DIGITS_MAX = 15 };
    size_t len = strlen(name), digits = 0, tail = strlen(suffix);
    if (len < tail || strcmp(name + len - tail, suffix) != 0) {
        return false;
    }
    len -= tail;
    while (digits < len && name[len - digits - 1] >= '0' && name[len - digits - 1] <= '9') {
        digits++;
    }
    if (!digits || digits > DIGITS_MAX || digits >= len || name[len - digits - 1] != '_') {
        return false;
    }
    *out = (numbered){name, len - digits, strtoull(name + len - digits, NULL, 10)};
    return true;
}

static int embedding_files_by_number(const void *a, const void *b)
{
    const numbered *x = a, *y = b;
    return (x->number > y->number) - (x->number < y->number);
}

static nb_status embedding_files_names(nb_strings *names, const char *folder, const char *suffix, nb_error *err)
{
    nb_status status = NB_OK;
    DIR *open = opendir(folder);
    if (!open) {
        return nb_fail_errno(err, NB_ERR_IO, "cannot read folder '%s'", folder);
    }
    numbered found;
    for (const struct dirent *entry = readdir(open); entry && status == NB_OK; entry = readdir(open)) {
        if (embedding_files_parse(&found, entry->d_name, suffix)) {
            status = nb_strings_push(names, entry->d_name, strlen(entry->d_name), err);
        }
    }
    closedir(open);
    return status;
}

/* The files are numbered through from 0, and have one name. */
static nb_status embedding_files_check(const numbered *parts, size_t count, const char *folder, const char *suffix,
                                       nb_error *err)
{
    for (size_t i = 0; i < count; i++) {
        if (parts[i].stem != parts[0].stem || memcmp(parts[i].name, parts[0].name, parts[0].stem) != 0) {
            return nb_fail(err, NB_ERR_INPUT, "folder '%s' holds parts of two kinds: '%s' and '%s'", folder,
                           parts[0].name, parts[i].name);
        }
        if (parts[i].number != i) {
            return nb_fail(err, NB_ERR_INPUT, "folder '%s': '%.*s%zu%s' is missing or twice there", folder,
                           (int)parts[0].stem, parts[0].name, i < parts[i].number ? i : (size_t)parts[i].number,
                           suffix);
        }
    }
    return NB_OK;
}

nb_status nb_embedding_files_list_parts(nb_strings *out, const char *folder, const char *suffix, nb_error *err)
{
    nb_strings names = {0};
    numbered *parts = NULL;
    char *path = NULL;
    nb_status status;
    NB_TRY(embedding_files_names(&names, folder, suffix, err));
    NB_TRY_NEW(parts, names.count);
    for (size_t i = 0; i < names.count; i++) {
        embedding_files_parse(&parts[i], nb_strings_get(&names, i), suffix);
    }
    qsort(parts, names.count, sizeof *parts, embedding_files_by_number);
    NB_TRY(embedding_files_check(parts, names.count, folder, suffix, err));
    for (size_t i = 0; i < names.count; i++) {
        free(path);
        NB_TRY(nb_path_join(&path, folder, parts[i].name, err));
        NB_TRY(nb_strings_push(out, path, strlen(path), err));
    }
done:
    free(path);
    free(parts);
    nb_strings_free(&names);
    return status;
}

nb_status nb_embedding_files_list(nb_strings *out, const char *path, nb_error *err)
{
    char *images = NULL;
    nb_status status;
    if (!nb_file_is_directory(path)) {
        return nb_strings_push(out, path, strlen(path), err);
    }
    NB_TRY(nb_path_join(&images, path, "img_emb", err));
    size_t before = out->count;
    NB_TRY(nb_embedding_files_list_parts(out, nb_file_is_directory(images) ? images : path, ".npy", err));
    if (out->count == before) {
        nb_fail(err, NB_ERR_INPUT, "folder '%s' holds no embeddings", path);
        status = nb_hint(err, "files img_emb_0.npy, img_emb_1.npy, ... are looked for, in it or in its folder img_emb");
    }
done:
    free(images);
    return status;
}

static nb_status embedding_files_add(nb_embedding_files *f, const char *path, nb_error *err)
{
    nb_npy *part = &f->parts[f->count];
    nb_status status = nb_npy_open(part, path, err);
    if (status != NB_OK) {
        return status;
    }
    f->count++;
    if (part->rank != 2) {
        nb_fail(err, NB_ERR_INPUT, "'%s' is a vector of %zu numbers, a matrix of embeddings [N, d] is needed", path,
                part->rows);
        return nb_hint(err, "one embedding: numpy.save(path, a[None])");
    }
    if (!part->columns || (f->count == 1 && !part->rows)) {
        return nb_fail(err, NB_ERR_INPUT, "'%s' is not a matrix of embeddings: it is %zu by %zu", path, part->rows,
                       part->columns);
    }
    if (f->count > 1 && part->columns != f->columns) {
        return nb_fail(err, NB_ERR_INPUT, "'%s' has embeddings of width %zu, those before it are %zu wide", path,
                       part->columns, f->columns);
    }
    f->columns = part->columns;
    f->half = (f->half || f->count == 1) && part->type == NB_NPY_F16 && !part->swapped;
    f->rows += part->rows;
    f->begin[f->count] = f->rows;
    return NB_OK;
}

nb_status nb_embedding_files_open(nb_embedding_files *out, const nb_strings *paths, nb_error *err)
{
    nb_status status;
    *out = (nb_embedding_files){0};
    NB_TRY_NEW(out->parts, paths->count);
    NB_TRY_NEW(out->begin, paths->count + 1);
    for (size_t i = 0; i < paths->count; i++) {
        NB_TRY(embedding_files_add(out, nb_strings_get(paths, i), err));
    }
done:
    return status;
}

void nb_embedding_files_close(nb_embedding_files *files)
{
    for (size_t i = 0; i < files->count; i++) {
        nb_npy_close(&files->parts[i]);
    }
    free(files->parts);
    free(files->begin);
    *files = (nb_embedding_files){0};
}

/* The file that holds a row, which becomes the row in it. */
static const nb_npy *embedding_files_find(const nb_embedding_files *files, size_t *row)
{
    size_t low = 0, high = files->count;
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        *(files->begin[middle] <= *row ? &low : &high) = middle;
    }
    *row -= files->begin[low];
    return &files->parts[low];
}

void nb_embedding_files_row(const nb_embedding_files *files, size_t row, double *out)
{
    const nb_npy *part = embedding_files_find(files, &row);
    for (size_t i = 0; i < files->columns; i++) {
        out[i] = nb_npy_at(part, row * files->columns + i);
    }
}

void nb_embedding_files_bits(const nb_embedding_files *files, size_t row, uint16_t *out)
{
    const nb_npy *part = embedding_files_find(files, &row);
    for (size_t i = 0; i < files->columns; i++) {
        size_t at = part->by_columns ? i * part->rows + row : row * files->columns + i;
        memcpy(&out[i], part->data + at * sizeof *out, sizeof *out);
    }
}
