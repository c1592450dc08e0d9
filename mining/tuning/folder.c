#include "mining/tuning/folder.h"

#include "common/base/file.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char weights_name[] = "model.safetensors", state_name[] = "state.safetensors";

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
    NB_TRY(nb_path_join(&f->state, partial.data, state_name, err));
    NB_TRY(nb_path_join(&f->weights, partial.data, weights_name, err));
    NB_TRY(nb_path_join(&f->stray, path.data, state_name, err));
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
    free(f->weights);
    free(f->stray);
    *f = (nb_tune_folder){0};
}

/* A file that is not there is no error, on a disk that cannot be written to neither. */
static nb_status folder_remove_file(const char *path, nb_error *err)
{
    return access(path, F_OK) != 0 || unlink(path) == 0 || errno == ENOENT
               ? NB_OK
               : nb_fail_errno(err, NB_ERR_IO, "cannot remove '%s'", path);
}

nb_status nb_tune_folder_begin(const nb_tune_folder *f, bool keep, nb_error *err)
{
    nb_buffer half = {0}; /* a state that was being written; its run may save none again */
    nb_status status;
    NB_TRY(nb_make_directories(f->partial, err));
    if (access(f->partial, W_OK | X_OK) != 0) {
        status = nb_fail_errno(err, NB_ERR_IO, "cannot write into '%s'", f->partial);
        goto done;
    }
    NB_TRY(nb_buffer_printf(&half, err, "%s.partial", f->state));
    NB_TRY(folder_remove_file(half.data, err));
    if (!keep) {
        NB_TRY(folder_remove_file(f->state, err));
    }
done:
    nb_buffer_free(&half);
    return status;
}

bool nb_tune_folder_complete(const nb_tune_folder *f)
{
    return nb_file_is_directory(f->path) && access(f->state, F_OK) != 0 && access(f->weights, F_OK) != 0;
}

/* Moves one file of the partial into the folder that is there. */
static nb_status folder_move(const nb_tune_folder *f, const char *name, nb_error *err)
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

/* All but the state. */
static nb_status folder_move_all(const nb_tune_folder *f, nb_error *err)
{
    nb_status status = NB_OK;
    DIR *folder = opendir(f->partial);
    if (!folder) {
        return nb_fail_errno(err, NB_ERR_IO, "cannot read '%s'", f->partial);
    }
    for (struct dirent *e = readdir(folder); e && status == NB_OK; e = readdir(folder)) {
        if (e->d_name[0] != '.' && strcmp(e->d_name, weights_name) != 0 && strcmp(e->d_name, state_name) != 0) {
            status = folder_move(f, e->d_name, err);
        }
    }
    closedir(folder);
    return status == NB_OK ? folder_move(f, weights_name, err) : status;
}

nb_status nb_tune_folder_commit(const nb_tune_folder *f, nb_error *err)
{
    nb_status status;
    if (nb_file_is_directory(f->path)) {
        NB_TRY(folder_move_all(f, err));
        NB_TRY(nb_sync_folder_of(f->stray, err));
    } else {
        if (rename(f->partial, f->path) != 0) {
            status = nb_fail_errno(err, NB_ERR_IO, "cannot rename '%s' to '%s'", f->partial, f->path);
            goto done;
        }
        NB_TRY(nb_sync_folder_of(f->path, err));
    }
    NB_TRY(nb_tune_folder_clean(f, err));
done:
    return status;
}

nb_status nb_tune_folder_clean(const nb_tune_folder *f, nb_error *err)
{
    nb_status status;
    NB_TRY(folder_remove_file(f->stray, err));
    NB_TRY(folder_remove_file(f->state, err));
    if (nb_file_is_directory(f->partial) && rmdir(f->partial) != 0 && errno != ENOTEMPTY && errno != EEXIST) {
        status = nb_fail_errno(err, NB_ERR_IO, "cannot remove '%s'", f->partial);
    }
done:
    return status;
}
