#include "common/base/file.h"
#include "common/clip/checkpoint/config_infer.h"
#include "common/clip/checkpoint/layout.h"

#include <stdlib.h>
#include <string.h>

enum { CONFIG_BYTES_MAX = 1 << 20 };

static nb_status config_read_tensors(nb_clip_config *out, const char *model, nb_error *err)
{
    nb_checkpoint *checkpoint = NULL;
    nb_status status;
    NB_TRY(nb_checkpoint_open(&checkpoint, model, err));
    NB_TRY(nb_clip_config_infer(out, checkpoint, err));
done:
    nb_checkpoint_close(checkpoint);
    return status;
}

nb_status nb_clip_config_read(nb_clip_config *out, const char *model, nb_error *err)
{
    nb_layout layout;
    char *path = NULL, *text = NULL;
    size_t len;
    nb_status status;
    *out = (nb_clip_config){0};
    NB_TRY(nb_layout_find(&layout, model, err));
    const char *ending = layout.weights ? strrchr(layout.weights, '.') : NULL;
    if (!layout.config && ending && strcmp(ending, ".pt") == 0) {
        status = config_read_tensors(out, model, err);
        goto done;
    }
    NB_TRY(nb_path_join(&path, layout.folder, layout.config ? layout.config : "config.json", err));
    NB_TRY(nb_file_read(path, CONFIG_BYTES_MAX, &text, &len, err));
    NB_TRY(nb_clip_config_parse(out, text, len, layout.open_clip, path, err));
done:
    nb_layout_free(&layout);
    free(text);
    free(path);
    return status;
}
