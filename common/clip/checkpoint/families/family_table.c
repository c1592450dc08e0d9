/* The families, one line each. Where a checkpoint could bear the names of two, the first one has it. */
#include "common/clip/checkpoint/families/family.h"

/* clang-format off */
#define FAMILIES(ROW)   \
    ROW(clip)           \
    ROW(resnet)         \
    ROW(siglip)         \
    ROW(siglip2)        \
    ROW(eva)            \
    ROW(timm_vit)       \
    ROW(pe_core)        \
    ROW(vitamin)        \
    ROW(convnext)       \
    ROW(mobileclip_vit) \
    ROW(fastvit)        \
    ROW(bert)           \
    ROW(t5)             \
    ROW(m2m100)         \
    ROW(open_clip)
/* clang-format on */

#define DECLARE(name) extern const nb_family nb_family_##name;
#define ADDRESS(name) &nb_family_##name,
FAMILIES(DECLARE)
const nb_family *const nb_families[] = {FAMILIES(ADDRESS) NULL};
