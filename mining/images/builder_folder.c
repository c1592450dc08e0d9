/* The images of a folder. */
#include "common/base/file.h"
#include "mining/images/builder.h"

#include <errno.h>
#include <fts.h>
#include <stdlib.h>
#include <string.h>

enum { DEPTH_MAX = 64 };

typedef struct slice {
    const char *bytes;
    size_t len;
} slice;

/* A walk through a folder. */
typedef struct walk {
    nb_image_builder *b;
    const char *folder;
    FTS *fts;
    nb_strings names; /* of the images, under the folder, in the file system's order */
} walk;

static int builder_by_bytes(const void *a, const void *b)
{
    const slice *x = a, *y = b;
    return nb_bytes_compare(x->bytes, x->len, y->bytes, y->len);
}

static const char *builder_name_of(const walk *w, const FTSENT *entry)
{
    const char *name = entry->fts_path + strlen(w->folder);
    return name + strspn(name, "/");
}

static nb_status builder_leave_out(const walk *w, const FTSENT *entry, nb_shard_skip why, nb_error *err)
{
    w->b->out->skipped[why]++;
    return nb_image_builder_leave_out(w->b, w->folder, builder_name_of(w, entry), nb_shard_skip_name(why), err);
}

/* Judges what is no folder. */
static nb_status builder_judge(walk *w, const FTSENT *entry, nb_error *err)
{
    const char *name = builder_name_of(w, entry);
    int other = entry->fts_info == FTS_F ? nb_image_name_other(entry->fts_name) : -1;
    if (other >= 0) {
        return w->b->out->others[other]++
                   ? NB_OK
                   : nb_image_builder_leave_out(w->b, w->folder, name, "of a format that is not read", err);
    }
    if (!nb_image_name_has_suffix(entry->fts_name)) {
        return NB_OK;
    }
    if (entry->fts_info != FTS_F) {
        return builder_leave_out(w, entry, entry->fts_info == FTS_SLNONE ? NB_SKIP_DANGLING : NB_SKIP_KIND, err);
    }
    return nb_image_name_is_text(name, strlen(name)) ? nb_strings_push(&w->names, name, strlen(name), err)
                                                     : builder_leave_out(w, entry, NB_SKIP_NAME, err);
}

/* Hidden folders are passed over; hidden images are counted. */
static bool builder_is_hidden(const walk *w, FTSENT *entry)
{
    if (entry->fts_level <= FTS_ROOTLEVEL || (entry->fts_name[0] != '.' && strcmp(entry->fts_name, "__MACOSX") != 0)) {
        return false;
    }
    if (entry->fts_info == FTS_D) {
        fts_set(w->fts, entry, FTS_SKIP);
    } else if (entry->fts_info == FTS_F && nb_image_name_has_suffix(entry->fts_name)) {
        w->b->out->skipped[NB_SKIP_HIDDEN]++;
    }
    return true;
}

static nb_status builder_visit(walk *w, FTSENT *entry, nb_error *err)
{
    if (builder_is_hidden(w, entry)) {
        return NB_OK;
    }
    switch (entry->fts_info) {
    case FTS_D:
        if (entry->fts_level <= DEPTH_MAX) {
            return NB_OK;
        }
        fts_set(w->fts, entry, FTS_SKIP);
        return builder_leave_out(w, entry, NB_SKIP_FOLDER, err);
    case FTS_F:
    case FTS_SLNONE:
    case FTS_DEFAULT: return builder_judge(w, entry, err);
    case FTS_DNR:
    case FTS_ERR:
    case FTS_NS:
        if (entry->fts_level > FTS_ROOTLEVEL) {
            return builder_leave_out(w, entry, NB_SKIP_FOLDER, err);
        }
        errno = entry->fts_errno;
        return nb_fail_errno(err, NB_ERR_INPUT, "cannot read folder '%s'", w->folder);
    default: return NB_OK; /* a folder that is left again, or a link to one above */
    }
}

static nb_status builder_walk(walk *w, nb_error *err)
{
    nb_status status = NB_OK;
    nb_buffer root = {0};
    NB_TRY(nb_buffer_append(&root, w->folder, strlen(w->folder), err));
    char *roots[] = {root.data, NULL};
    w->fts = fts_open(roots, FTS_LOGICAL | FTS_NOCHDIR, NULL);
    if (!w->fts) {
        status = nb_fail_errno(err, NB_ERR_INPUT, "cannot read folder '%s'", w->folder);
        goto done;
    }
    FTSENT *entry;
    while (errno = 0, (entry = fts_read(w->fts)) != NULL) {
        NB_TRY(builder_visit(w, entry, err));
    }
    if (errno) {
        status = nb_fail_errno(err, NB_ERR_IO, "cannot read folder '%s'", w->folder);
    }
done:
    if (w->fts) {
        fts_close(w->fts);
    }
    nb_buffer_free(&root);
    return status;
}

nb_status nb_image_builder_add_folder(nb_image_builder *b, const char *folder, nb_error *err)
{
    walk w = {.b = b, .folder = folder};
    slice *sorted = NULL;
    char *path = NULL;
    nb_status status;
    NB_TRY(builder_walk(&w, err));
    if (!w.names.count) {
        nb_fail(err, NB_ERR_INPUT, "folder '%s' holds no images", folder);
        const nb_strings *left = &b->out->examples;
        status = nb_hint(err,
                         "files named *.jpg, *.jpeg, *.png, *.webp, *.gif, *.bmp or *.tif are looked for, subfolders "
                         "included%s%s",
                         left->count ? "; left out of " : "", left->count ? nb_strings_get(left, 0) : "");
        goto done;
    }
    NB_TRY_NEW(sorted, w.names.count);
    for (size_t i = 0; i < w.names.count; i++) {
        sorted[i] = (slice){nb_strings_get(&w.names, i), nb_strings_len(&w.names, i)};
    }
    qsort(sorted, w.names.count, sizeof *sorted, builder_by_bytes);
    for (size_t i = 0; i < w.names.count; i++) {
        const char *slash = strchr(sorted[i].bytes, '/');
        nb_image_origin from = {.listed = -1, .class_len = slash ? (uint32_t)(slash - sorted[i].bytes) : 0};
        free(path);
        NB_TRY(nb_path_join(&path, folder, sorted[i].bytes, err));
        NB_TRY(nb_image_builder_add_file(b, path, sorted[i].bytes, from, err));
    }
done:
    free(path);
    free(sorted);
    nb_strings_free(&w.names);
    return status;
}
