/* The families of the product and, before them, the models of golden/towers and golden/siglip that a library knows by
 * name: as the real ones of the name behind "tiny_", but for their sizes. A program that has this file among its own
 * has this table. */
#define nb_families nb_families_of_the_product
#include "common/clip/checkpoint/families/family_table.c"
#undef nb_families

#include <string.h>

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
    out->patch = 4;
    out->image.width = 24;
    out->image.layers = 2;
    out->image.heads = out->image.rotary ? 2 : 3;
    out->image.mlp = 40;
    return status;
}

const nb_family nb_family_tiny = {.name = "tiny", .read_trunk = tiny_read_trunk};
const nb_family *const nb_families[] = {FAMILIES(ADDRESS) & nb_family_tiny, NULL};
