#include "common/clip/checkpoint/layers.h"

#include <stdio.h>

/* Counts what goes through it. */
typedef struct counter {
    const nb_layer_visitor *to;
    size_t count;
} counter;

static void layers_count(void *visitor, const nb_layer *layer)
{
    counter *c = visitor;
    c->count++;
    if (c->to) {
        c->to->visit(c->to->visitor, layer);
    }
}

size_t nb_layers_visit(const nb_clip_config *config, const nb_layer_visitor *visitor)
{
    counter c = {.to = visitor};
    if (config->image.convolutions.list) {
        config->image.convolutions.list(config, &(nb_layer_visitor){layers_count, &c});
    }
    return c.count;
}

size_t nb_layers_count(const nb_clip_config *config)
{
    return nb_layers_visit(config, NULL);
}

static void layers_name(char out[NB_TENSOR_PART_NAME_MAX], const char *prefix, const char *name)
{
    snprintf(out, NB_TENSOR_PART_NAME_MAX, "%s%s", name ? prefix : "", name ? name : "");
}

void nb_layer_give(const nb_layer_visitor *visitor, const nb_layer_names *names, nb_layer layer)
{
    layer.outputs = layer.outputs ? layer.outputs : layer.inputs;
    layer.stride = layer.stride ? layer.stride : 1;
    layers_name(layer.name, names->prefix, names->name);
    layers_name(layer.norm, names->prefix, names->norm);
    layers_name(layer.scale, names->prefix, names->scale);
    visitor->visit(visitor->visitor, &layer);
}

size_t nb_layer_slot(size_t a, size_t b)
{
    size_t slot = 0;
    while (slot == a || slot == b) {
        slot++;
    }
    return slot;
}

size_t nb_layer_side(size_t side, const nb_layer *l)
{
    return l->kind == NB_LAYER_NORM ? side : (side + 2 * l->padding - l->kernel) / l->stride + 1;
}
