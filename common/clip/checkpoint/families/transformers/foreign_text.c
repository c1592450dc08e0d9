#include "common/clip/checkpoint/families/transformers/foreign_text.h"

#include <string.h>

bool nb_foreign_is(const char *model, const char *name)
{
    const char *slash = strrchr(model, '/');
    return strcmp(slash ? slash + 1 : model, name) == 0;
}

/* max_pooler is refused: open_clip itself ends there, since it masks with numbers where PyTorch asks for booleans. */
static nb_status foreign_pooling(nb_clip_config *out, nb_config_section s, bool tanh_head, nb_error *err)
{
    const json_t *value = json_object_get(s.object, "hf_pooler_type");
    const char *pool = value ? json_string_value(value) : "mean_pooler";
    bool first = pool && strcmp(pool, "cls_pooler") == 0;
    if (pool && strcmp(pool, "mean_pooler") == 0) {
        out->text.pooling = NB_POOL_AVERAGE;
    } else if (first || (pool && strcmp(pool, "cls_last_hidden_state_pooler") == 0)) {
        out->text.pooling = NB_POOL_FIRST;
        out->text.tanh_head = first && tanh_head;
    } else {
        return nb_config_refuse(s, "hf_pooler_type", value, err);
    }
    return NB_OK;
}

static nb_status foreign_projection(nb_clip_config *out, nb_config_section s, nb_error *err)
{
    const json_t *value = json_object_get(s.object, "hf_proj_type");
    const char *name = value ? json_string_value(value) : "mlp";
    if (name && strcmp(name, "mlp") == 0) {
        out->text.projection = NB_PROJECTION_MLP;
        out->text.projection_hidden = (out->text.width + out->projection) / 2;
    } else if (name && strcmp(name, "linear") == 0) {
        out->text.projection = NB_PROJECTION_LINEAR;
    } else if (json_is_null(value) && out->text.width == out->projection) {
        out->text.projection = NB_PROJECTION_NONE;
    } else {
        return nb_config_refuse(s, "hf_proj_type", value, err);
    }
    return NB_OK;
}

nb_status nb_foreign_read(nb_clip_config *out, nb_config_section s, bool tanh_head, nb_error *err)
{
    nb_status status;
    out->text.bidirectional = out->text.hides_padding = true;
    out->end_token = NB_END_UNSTATED;
    NB_TRY(nb_config_size(s, "context_length", 77, &out->context, err));
    NB_TRY(foreign_pooling(out, s, tanh_head, err));
    NB_TRY(foreign_projection(out, s, err));
    if (out->text.position_rows && out->context + out->text.position_first > out->text.position_rows) {
        status = nb_fail(err, NB_ERR_INPUT, "'%s': %scontext_length %zu is over the %zu positions of the model", s.path,
                         s.name, out->context, out->text.position_rows - out->text.position_first);
    }
done:
    return status;
}
