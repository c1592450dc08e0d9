#include "jobs/plan/plan_counts.h"

#include "common/base/file.h"
#include "common/base/json.h"
#include "mining/corpus/file/corpus_file.h"

#include <dirent.h>
#include <glob.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

enum { SAMPLE = 4 << 20, DEPTH_MAX = 64, SHARD_IMAGE = 64 << 10 };

static bool plan_counts_ends_in(const char *path, const char *const *endings, size_t count)
{
    size_t len = strlen(path);
    for (size_t i = 0; i < count; i++) {
        size_t n = strlen(endings[i]);
        if (len > n && strcasecmp(path + len - n, endings[i]) == 0) {
            return true;
        }
    }
    return false;
}

static bool plan_counts_is_packed(const char *path)
{
    static const char *const endings[] = {".gz", ".zst"};
    return plan_counts_ends_in(path, endings, 2);
}

static bool plan_counts_is_image(const char *path)
{
    static const char *const endings[] = {".jpg", ".jpeg", ".jfif", ".jpe", ".png", ".webp"};
    return plan_counts_ends_in(path, endings, 6);
}

static bool plan_counts_is_shard(const char *path)
{
    static const char *const endings[] = {".tar", ".tar.gz", ".tgz", ".tar.zst", ".tzst"};
    return plan_counts_ends_in(path, endings, 5);
}

/* Adds one file's lines, from its first bytes when it is large. */
static nb_status plan_counts_add_lines(nb_plan_count *out, const char *path, nb_error *err)
{
    struct stat st;
    nb_status status = nb_file_check(path, err);
    if (status != NB_OK || stat(path, &st) != 0) {
        return status;
    }
    double size = (double)st.st_size;
    if (plan_counts_is_packed(path)) {
        out->approximate = true;
        out->bytes += 4 * size;
        out->items += 4 * size / 16;
        return NB_OK;
    }
    FILE *file = fopen(path, "rb");
    if (!file) {
        return nb_fail_errno(err, NB_ERR_INPUT, "cannot read '%s'", path);
    }
    char *bytes = nb_alloc(SAMPLE, 1, err);
    size_t got = bytes ? fread(bytes, 1, SAMPLE, file) : 0;
    double lines = 0;
    for (size_t i = 0; i < got; i++) {
        lines += bytes[i] == '\n';
    }
    lines += got > 0 && bytes[got - 1] != '\n';
    fclose(file);
    free(bytes);
    out->approximate = out->approximate || (double)got < size;
    out->items += got ? lines * fmax(1, size / (double)got) : 0;
    out->bytes += size;
    return bytes ? NB_OK : NB_ERR_LIMIT;
}

typedef nb_status (*adder)(nb_plan_count *out, const char *path, nb_error *err);

/* Calls `add` for an input, or for every file that it matches as a pattern. */
static nb_status plan_counts_each(nb_plan_count *out, const char *input, adder add, nb_error *err)
{
    struct stat st;
    glob_t found;
    nb_status status = NB_OK;
    if (stat(input, &st) == 0) {
        return add(out, input, err);
    }
    if (!strpbrk(input, "*?[{") || glob(input, GLOB_BRACE, NULL, &found) != 0) {
        nb_fail(err, NB_ERR_INPUT, "'%s' is not there", input);
        return nb_hint(err, "--items STAGE=N plans for N of what is not there yet");
    }
    for (size_t i = 0; i < found.gl_pathc && status == NB_OK; i++) {
        status = add(out, found.gl_pathv[i], err);
    }
    globfree(&found);
    return status;
}

static nb_status plan_counts_each_of(nb_plan_count *out, const nb_strings *inputs, adder add, nb_error *err)
{
    nb_status status = NB_OK;
    *out = (nb_plan_count){0};
    for (size_t i = 0; i < inputs->count && status == NB_OK; i++) {
        status = plan_counts_each(out, nb_strings_get(inputs, i), add, err);
    }
    return status;
}

nb_status nb_plan_count_lines(nb_plan_count *out, const nb_strings *inputs, nb_error *err)
{
    return plan_counts_each_of(out, inputs, plan_counts_add_lines, err);
}

static nb_status plan_counts_add_folder(nb_plan_count *out, const char *path, int depth, nb_error *err)
{
    DIR *folder = depth < DEPTH_MAX ? opendir(path) : NULL;
    nb_status status = NB_OK;
    if (!folder) {
        return nb_fail_errno(err, NB_ERR_INPUT, "cannot look into '%s'", path);
    }
    for (const struct dirent *entry; status == NB_OK && (entry = readdir(folder));) {
        char *inner = NULL;
        if (entry->d_name[0] == '.') {
            continue;
        }
        status = nb_path_join(&inner, path, entry->d_name, err);
        if (status == NB_OK && plan_counts_is_image(inner)) {
            out->items += 1;
            out->bytes += (double)strlen(inner);
        } else if (status == NB_OK && nb_file_is_directory(inner)) {
            status = plan_counts_add_folder(out, inner, depth + 1, err);
        }
        free(inner);
    }
    closedir(folder);
    return status;
}

static nb_status plan_counts_add_images(nb_plan_count *out, const char *path, nb_error *err)
{
    struct stat st;
    if (stat(path, &st) != 0) {
        return nb_fail_errno(err, NB_ERR_INPUT, "cannot look at '%s'", path);
    }
    if (S_ISDIR(st.st_mode)) {
        return plan_counts_add_folder(out, path, 0, err);
    }
    if (plan_counts_is_shard(path)) {
        double images = ceil((double)st.st_size / SHARD_IMAGE);
        out->approximate = true;
        out->items += images;
        out->bytes += images * 40;
        return NB_OK;
    }
    if (plan_counts_is_image(path)) {
        out->items += 1;
        out->bytes += (double)strlen(path);
        return NB_OK;
    }
    return plan_counts_add_lines(out, path, err);
}

nb_status nb_plan_count_images(nb_plan_count *out, const nb_strings *inputs, nb_error *err)
{
    return plan_counts_each_of(out, inputs, plan_counts_add_images, err);
}

static nb_status plan_counts_count_corpus(nb_plan_count *out, const char *path, nb_error *err)
{
    nb_corpus_info info;
    nb_status status = nb_corpus_file_info(&info, path, err);
    if (status == NB_OK) {
        struct stat st;
        json_t *counts = NULL;
        if (nb_json_parse(&counts, info.counts, strlen(info.counts), 0, NULL, NULL) != NB_OK) {
            counts = NULL; /* none are known then */
        }
        out->items = (double)json_integer_value(json_object_get(counts, "kept"));
        out->bytes = stat(path, &st) == 0 ? fmax(4.0 * (double)st.st_size, 16 * out->items) : 16 * out->items;
        json_decref(counts);
        nb_corpus_info_free(&info);
    }
    return status;
}

nb_status nb_plan_count_rows(nb_plan_count *out, const char *path, bool *found, nb_error *err)
{
    nb_seal seal;
    nb_store store = {0};
    struct stat st;
    nb_status status;
    *out = (nb_plan_count){0};
    *found = stat(path, &st) == 0;
    if (!*found) {
        return NB_OK;
    }
    NB_TRY(nb_seal_read(&seal, path, NULL, err));
    if (strcmp(seal.kind, NB_CORPUS_KIND) == 0) {
        return plan_counts_count_corpus(out, path, err);
    }
    NB_TRY(nb_store_open_parts(&store, path, false, err));
    out->items = (double)store.plan.count;
    out->width = (double)store.plan.width;
    out->bytes = 16 * out->items;
done:
    nb_store_close(&store);
    return status;
}
