#include "support/tower_folders.h"

#include "support/checkpoint_folders.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The product's families and, behind them, the models of golden/towers that a library knows by name: as the real ones
 * of the name behind "tiny_", but for their sizes. This table stands in place of the product's. */
#define nb_families nb_families_of_the_product
#include "common/clip/checkpoint/families/family_table.c"
#undef nb_families

extern const nb_family nb_family_tiny;
extern const nb_family *const nb_families[];

static nb_status tiny_read_trunk(nb_clip_config *out, nb_config_section s, const char *model, bool *known,
                                 nb_error *err)
{
    nb_status status;
    *known = false;
    if (strncmp(model, "tiny_", 5) != 0) {
        return NB_OK;
    }
    status = nb_family_eva.read_trunk(out, s, model + 5, known, err);
    if (status == NB_OK && !*known) {
        status = nb_family_timm_vit.read_trunk(out, s, model + 5, known, err);
    }
    if (status == NB_OK && !*known) {
        status = nb_family_siglip.read_trunk(out, s, model + 5, known, err);
    }
    if (status == NB_OK && !*known) {
        status = nb_family_pe_core.read_trunk(out, s, model + 5, known, err);
    }
    if (status == NB_OK && !*known) {
        status = nb_family_vitamin.read_trunk(out, s, model + 5, known, err);
    }
    if (status == NB_OK && !*known) {
        status = nb_family_convnext.read_trunk(out, s, model + 5, known, err);
    }
    if (status == NB_OK && !*known) {
        status = nb_family_mobileclip_vit.read_trunk(out, s, model + 5, known, err);
    }
    if (status == NB_OK && !*known) {
        status = nb_family_fastvit.read_trunk(out, s, model + 5, known, err);
    }
    out->image.width = 24;
    out->image.layers = out->image.layers || !out->image.convolutions.list ? 2 : 0;
    out->image.heads = out->image.rotary ? 2 : 3;
    out->image.mlp = 40;
    if (out->image.convolutions.list) { /* whose patch is what the layers make of it */
        static const nb_convolutions vitamin = {.stem = 6, .depths = {2, 1}, .widths = {6, 10}};
        static const nb_convolutions convnext = {.stem = 6, .depths = {1, 2, 1, 1}, .widths = {6, 10, 12, 24}};
        static const nb_convolutions four = {.stem = 4, .depths = {1, 1, 1, 2}, .widths = {4, 8, 16, 32}};
        static const nb_convolutions five = {.stem = 4, .depths = {1, 2, 1, 1, 1}, .widths = {4, 8, 16, 32, 64}};
        bool fast = strstr(model, "fastvit") != NULL, deep = out->image.convolutions.depths[4] != 0;
        nb_convolutions tiny = out->image.layers ? vitamin : !fast ? convnext : deep ? five : four;
        out->image.width = !fast ? 24 : deep ? 128 : 64;
        tiny.list = out->image.convolutions.list;
        out->image.convolutions = tiny;
        out->image.heads = 3;
    } else {
        out->patch = 4;
    }
    if (out->image.pool_heads) { /* fewer heads and a wider MLP than the blocks', or the other way round */
        out->image.pool_heads = out->image.no_class_token ? 3 : 1;
        out->image.pool_mlp = out->image.no_class_token ? 32 : 56;
    }
    return status;
}

static nb_status tiny_read_text(nb_clip_config *out, nb_config_section s, const char *model, bool *known, nb_error *err)
{
    nb_status status = NB_OK;
    *known = false;
    for (size_t i = 0; strncmp(model, "tiny_", 5) == 0 && nb_families_of_the_product[i] && !*known && status == NB_OK;
         i++) {
        if (nb_families_of_the_product[i]->read_text) {
            status = nb_families_of_the_product[i]->read_text(out, s, model + 5, known, err);
        }
    }
    if (*known) {
        nb_tower_config *t = &out->text;
        t->embedding_scale = t->embedding_scale > 0 ? sqrtf(24) : 0;
        t->width = 24;
        t->layers = 2;
        t->heads = 3;
        t->mlp = 40;
        t->position_rows = t->position_rows ? out->context + 3 : 0;
        t->projection_hidden = t->projection_hidden ? (t->width + out->projection) / 2 : 0;
        out->vocabulary = 1000;
    }
    return status;
}

const nb_family nb_family_tiny = {.name = "tiny", .read_trunk = tiny_read_trunk, .read_text = tiny_read_text};
const nb_family *const nb_families[] = {FAMILIES(ADDRESS) & nb_family_tiny, NULL};

const char *const tower_families[] = {"causal-last",
                                      "causal-eos",
                                      "causal-first",
                                      "clipa",
                                      "bidirectional-argmax",
                                      "bidirectional-first",
                                      "eva01",
                                      "eva02",
                                      "eva02-avg",
                                      "eva02-enormous",
                                      "eva01-avg",
                                      "timm-clip",
                                      "timm-gap",
                                      "pe-core",
                                      "pe-core-patches",
                                      "roberta",
                                      "roberta-cls",
                                      "mt5",
                                      "nllb",
                                      "coca",
                                      "coca-correct"};
const size_t tower_family_count = sizeof tower_families / sizeof *tower_families;

const char *const convolution_families[] = {"resnet",   "vitamin",      "vitamin-no-position",
                                            "convnext", "convnext-mlp", "mobileclip-vit",
                                            "fastvit",  "fastvit-five"};
const size_t convolution_family_count = sizeof convolution_families / sizeof *convolution_families;

float *convolution_pixels(size_t side)
{
    size_t count = CONVOLUTION_IMAGES * 3 * side * side;
    float *out = malloc(count * sizeof *out);
    for (size_t i = 0; i < count; i++) {
        out[i] = (float)((uint32_t)i * UINT32_C(2654435761) >> 8) / 4194304.0f - 2.0f;
    }
    return out;
}

const char *tower_golden(const char *family, const char *file)
{
    char name[160];
    snprintf(name, sizeof name, "towers/%s/%s", family, file);
    return golden_path(name);
}

const char *tower_folder(const char *family)
{
    static const char *const own[] = {"open_clip_config.json", "open_clip_model.safetensors"};
    const char *folder = fresh_folder();
    for (size_t i = 0; i < 2; i++) {
        copy_file(folder, tower_golden(family, own[i]), own[i]);
    }
    take_golden(folder, "vocab.json", "vocab.json");
    take_golden(folder, "merges.txt", "merges.txt");
    return folder;
}

void tower_texts(nb_strings *texts)
{
    nb_error err = {0};
    nb_strings lines = {0};
    must(nb_file_lines(golden_path("tiny-quickgelu/texts.jsonl"), 1 << 16, &lines, &err), &err);
    for (size_t i = 0; i < TOWER_TEXTS; i++) {
        json_t *object = json_loads(nb_strings_get(&lines, i), 0, NULL), *text = json_object_get(object, "text");
        must(nb_strings_push(texts, json_string_value(text), json_string_length(text), &err), &err);
        json_decref(object);
    }
    nb_strings_free(&lines);
}
