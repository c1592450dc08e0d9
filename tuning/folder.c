#include "tuning/folder.h"

#include "common/base/file.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char weights[] = "model.safetensors";

nb_status nb_tune_folder_open(nb_tune_folder *f, const char *output, nb_error *err)
{
    nb_buffer path = {0}, partial = {0};
    size_t len = strlen(output);
    nb_status status;
    *f = (nb_tune_folder){0};
    while (len > 1 && output[len - 1] == '/') {
        len--;
    }
    NB_TRY(nb_buffer_append(&path, output, len, err));
    NB_TRY(nb_buffer_printf(&partial, err, "%s.partial", path.data));
    NB_TRY(nb_path_join(&f->state, partial.data, "state.safetensors", err));
done:
    f->path = path.data;
    f->partial = partial.data;
    if (status != NB_OK) {
        nb_tune_folder_close(f);
    }
    return status;
}

void nb_tune_folder_close(nb_tune_folder *f)
{
    free(f->path);
    free(f->partial);
    free(f->state);
    *f = (nb_tune_folder){0};
}

nb_status nb_tune_folder_begin(const nb_tune_folder *f, bool keep, nb_error *err)
{
    nb_status status = nb_make_directories(f->partial, err);
    if (status == NB_OK && access(f->partial, W_OK | X_OK) != 0) {
        status = nb_fail_errno(err, NB_ERR_IO, "cannot write into '%s'", f->partial);
    }
    if (status == NB_OK && !keep && unlink(f->state) != 0 && errno != ENOENT) {
        status = nb_fail_errno(err, NB_ERR_IO, "cannot remove '%s'", f->state);
    }
    return status;
}

/* Moves one file of the partial into the folder that is there. */
static nb_status move(const nb_tune_folder *f, const char *name, nb_error *err)
{
    char *from = NULL, *to = NULL;
    nb_status status;
    NB_TRY(nb_path_join(&from, f->partial, name, err));
    NB_TRY(nb_path_join(&to, f->path, name, err));
    if (rename(from, to) != 0) {
        status = nb_fail_errno(err, NB_ERR_IO, "cannot rename '%s' to '%s'", from, to);
    }
done:
    free(from);
    free(to);
    return status;
}

static nb_status move_all(const nb_tune_folder *f, nb_error *err)
{
    nb_status status = NB_OK;
    DIR *folder = opendir(f->partial);
    if (!folder) {
        return nb_fail_errno(err, NB_ERR_IO, "cannot read '%s'", f->partial);
    }
    for (struct dirent *e = readdir(folder); e && status == NB_OK; e = readdir(folder)) {
        if (e->d_name[0] != '.' && strcmp(e->d_name, weights) != 0) {
            status = move(f, e->d_name, err);
        }
    }
    closedir(folder);
    return status == NB_OK ? move(f, weights, err) : status;
}

nb_status nb_tune_folder_commit(const nb_tune_folder *f, nb_error *err)
{
    nb_status status = NB_OK;
    if (unlink(f->state) != 0 && errno != ENOENT) {
        return nb_fail_errno(err, NB_ERR_IO, "cannot remove '%s'", f->state);
    }
    if (!nb_file_is_directory(f->path)) {
        return rename(f->partial, f->path) == 0
                   ? NB_OK
                   : nb_fail_errno(err, NB_ERR_IO, "cannot rename '%s' to '%s'", f->partial, f->path);
    }
    NB_TRY(move_all(f, err));
    if (rmdir(f->partial) != 0) {
        status = nb_fail_errno(err, NB_ERR_IO, "cannot remove '%s'", f->partial);
    }
done:
    return status;
}
