#include "common/base/file.h"
#include "common/image/decode.h"
#include "common/image/write_png.h"
#include "jobs/demo/draw.h"
#include "jobs/demo/training.h"

#include <archive.h>
#include <archive_entry.h>
#include <stdio.h>

static nb_status training_write_refuse(struct archive *tar, const char *path, nb_error *err)
{
    const char *cause = archive_error_string(tar);
    return nb_fail(err, NB_ERR_IO, "cannot write '%s': %s", path, cause ? cause : "no cause is known");
}

/* One member; no time and no owner, so that the bytes are the same every time. */
static nb_status training_write_add(struct archive *tar, const char *path, const char *name, const char *bytes,
                                    size_t len, nb_error *err)
{
    nb_status status = NB_OK;
    struct archive_entry *entry = archive_entry_new();
    if (!entry) {
        return nb_fail(err, NB_ERR_LIMIT, "no memory for a member of '%s'", path);
    }
    archive_entry_set_pathname(entry, name);
    archive_entry_set_filetype(entry, AE_IFREG);
    archive_entry_set_perm(entry, 0644);
    archive_entry_set_size(entry, (la_int64_t)len);
    if (archive_write_header(tar, entry) != ARCHIVE_OK || archive_write_data(tar, bytes, len) != (la_ssize_t)len) {
        status = training_write_refuse(tar, path, err);
    }
    archive_entry_free(entry);
    return status;
}

/* A training picture and its caption. */
static nb_status training_write_add_pair(struct archive *tar, const char *path, uint64_t seed, uint64_t i,
                                         nb_image *image, nb_error *err)
{
    nb_buffer png = {0};
    nb_buffer caption = {0};
    char name[32];
    nb_demo_scene scene = nb_demo_training_scene(seed, i);
    nb_status status;
    nb_demo_draw(&scene, image->rgb, image->width);
    NB_TRY(nb_image_encode_png(&png, image, err));
    snprintf(name, sizeof name, "%06llu.png", (unsigned long long)i);
    NB_TRY(training_write_add(tar, path, name, png.data, png.len, err));
    NB_TRY(nb_demo_training_caption(&caption, &scene, seed, i, err));
    snprintf(name, sizeof name, "%06llu.txt", (unsigned long long)i);
    NB_TRY(training_write_add(tar, path, name, caption.data, caption.len, err));
done:
    nb_buffer_free(&png);
    nb_buffer_free(&caption);
    return status;
}

nb_status nb_demo_training_write(const char *path, const nb_demo_shard *shard, bool force, const nb_log *log,
                                 nb_error *err)
{
    size_t count = shard->count, side = shard->side;
    nb_status status;
    nb_output output = {0};
    nb_image image = {0};
    struct archive *tar = NULL;
    nb_progress progress = nb_progress_start(log, "training pictures", (double)count);
    NB_TRY(nb_output_begin(&output, path, force, err));
    NB_TRY(nb_image_create(&image, side, side, err));
    tar = archive_write_new();
    if (!tar || archive_write_set_format_ustar(tar) != ARCHIVE_OK ||
        archive_write_open_filename(tar, output.partial) != ARCHIVE_OK) {
        status = tar ? training_write_refuse(tar, path, err) : nb_fail(err, NB_ERR_LIMIT, "no memory for '%s'", path);
        goto done;
    }
    for (size_t i = 0; i < count; i++) {
        NB_TRY(training_write_add_pair(tar, path, shard->seed, i, &image, err));
        nb_progress_update(&progress, (double)(i + 1));
    }
    if (archive_write_close(tar) != ARCHIVE_OK) {
        status = training_write_refuse(tar, path, err);
        goto done;
    }
    NB_TRY(nb_output_commit(&output, err));
    nb_progress_finish(&progress);
done:
    if (tar) {
        archive_write_free(tar);
    }
    nb_image_free(&image);
    nb_output_end(&output);
    return status;
}
