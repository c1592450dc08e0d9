/* config.json (first byte even), open_clip_config.json ('o') and preprocessor_config.json (other odd ones) of a
 * checkpoint: read or refused, and what is read fits together. */
#include "fuzz/fuzz.h"

#include "common/clip/checkpoint/layers.h"
#include "common/clip/preprocess/preprocess.h"

#include <math.h>

static void check_tower(const nb_tower_config *t)
{
    require(t->width && t->layers && t->heads && t->mlp && t->width % t->heads == 0);
    require(t->epsilon >= 0 && t->epsilon < 1);
}

/* The sides of the images in each slot, and what the last layer made. */
typedef struct walk {
    size_t side[NB_LAYER_SLOTS], channels[NB_LAYER_SLOTS], last;
} walk;

/* Every layer reads what an earlier one wrote, of the channels that this one has. */
static void check_layer(void *visitor, const nb_layer *l)
{
    walk *w = visitor;
    size_t from = l->kind == NB_LAYER_GATE ? l->out : l->in;
    require(l->in < NB_LAYER_SLOTS && l->out < NB_LAYER_SLOTS && l->inputs && l->outputs);
    require(w->channels[l->in] == l->inputs && w->side[l->in] + 2 * l->padding >= l->kernel);
    require(l->in != l->out || l->kind == NB_LAYER_NORM);
    w->side[l->out] = nb_layer_side(w->side[from], l);
    require(w->side[l->out] && (!l->adds || w->channels[l->out] == l->outputs));
    w->channels[l->out] = l->outputs;
    w->last = l->out;
}

/* Stages of thousands of blocks take their time. */
static void check_convolutions(const nb_clip_config *c)
{
    walk w = {.side = {c->image_size}, .channels = {3}};
    require(c->image.width && c->image_size % c->patch == 0);
    require(!c->image.heads || c->image.width % c->image.heads == 0);
    if (c->image.convolutions.depths[0] < 100) {
        require(nb_layers_visit(c, &(nb_layer_visitor){check_layer, &w}) > 0);
        require(w.channels[w.last] == c->image.width && w.side[w.last] == c->image_size / c->patch);
    }
}

static void check_image(const nb_clip_config *c)
{
    if (c->image.convolutions.list) {
        check_convolutions(c);
    } else {
        check_tower(&c->image);
    }
}

static void read_shape(const char *folder)
{
    nb_error err = {0};
    nb_clip_config c;
    nb_status status = nb_clip_config_read(&c, folder, &err);
    require_message(status, &err);
    if (status == NB_OK) {
        check_tower(&c.text);
        check_image(&c);
        require(c.projection && c.context && c.vocabulary && c.patch && c.image_size >= c.patch);
        require(nb_clip_patches(&c) >= 1);
    }
}

static void read_preprocess(const char *folder)
{
    nb_error err = {0};
    nb_preprocess p;
    const char *file;
    nb_status status = nb_preprocess_read(&p, folder, 224, &file, &err);
    require_message(status, &err);
    if (status == NB_OK) {
        require(file && p.size == 224 && p.edge >= p.size && p.rescale > 0);
        for (size_t i = 0; i < 3; i++) {
            require(isfinite(p.mean[i]) && isfinite(p.std[i]) && p.std[i] > 0);
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *folder = memory_folder();
    if (!size) {
        return 0;
    }
    if (data[0] == 'o') {
        nb_error err = {0};
        nb_clip_config c;
        nb_status status =
            nb_clip_config_parse(&c, (const char *)data + 1, size - 1, true, "open_clip_config.json", &err);
        require_message(status, &err);
        if (status == NB_OK) {
            check_tower(&c.text);
            check_image(&c);
            require(c.projection && c.context && c.vocabulary && c.patch && c.image_size >= c.patch);
            require(!c.image.rotary || c.image.width / c.image.heads % 4 == 0);
        }
    } else if (data[0] % 2 == 0) {
        put_file(folder, "config.json", data + 1, size - 1);
        read_shape(folder);
    } else {
        put_file(folder, "preprocessor_config.json", data + 1, size - 1);
        read_preprocess(folder);
    }
    return 0;
}
