#include "common/clip/checkpoint/layers.h"

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

void nb_layer_give(const nb_layer_visitor *visitor, const nb_layer_names *names, nb_layer layer)
{
    layer.outputs = layer.outputs ? layer.outputs : layer.inputs;
    layer.stride = layer.stride ? layer.stride : 1;
    layer.names = names;
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
    return !l->kernel ? side : (side + 2 * l->padding - l->kernel) / l->stride + 1;
}
