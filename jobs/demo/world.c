#include "jobs/demo/world.h"

#include "common/base/random.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

typedef struct paint {
    const char *name;
    unsigned char rgb[3];
} paint;

static const paint colours[NB_DEMO_COLOURS] = {
    [NB_DEMO_RED] = {"red", {212, 32, 36}},
    [NB_DEMO_ORANGE] = {"orange", {250, 134, 20}},
    [NB_DEMO_YELLOW] = {"yellow", {250, 222, 40}},
    [NB_DEMO_GREEN] = {"green", {40, 150, 62}},
    [NB_DEMO_TURQUOISE] = {"turquoise", {48, 196, 190}},
    [NB_DEMO_BLUE] = {"blue", {34, 88, 206}},
    [NB_DEMO_PURPLE] = {"purple", {128, 52, 168}},
    [NB_DEMO_PINK] = {"pink", {246, 128, 178}},
    [NB_DEMO_BROWN] = {"brown", {126, 78, 40}},
    [NB_DEMO_WHITE] = {"white", {246, 246, 244}},
    [NB_DEMO_GREY] = {"grey", {132, 132, 134}},
    [NB_DEMO_BLACK] = {"black", {22, 22, 24}},
};

static const paint backgrounds[NB_DEMO_BACKGROUNDS] = {
    {"white", {248, 248, 246}}, {"black", {18, 18, 20}},   {"grey", {148, 148, 150}},     {"beige", {234, 218, 186}},
    {"navy", {22, 32, 82}},     {"mint", {186, 236, 206}}, {"lavender", {214, 202, 242}}, {"maroon", {88, 22, 34}},
};

/* turn: how far, in degrees, a picture may rotate the shape and still show what its name says. A square turned by 45
 * degrees would be a diamond. */
static const struct {
    const char *name;
    double rotation_max;
} shapes[NB_DEMO_SHAPES] = {
    [NB_DEMO_CIRCLE] = {"circle", 180},      [NB_DEMO_SQUARE] = {"square", 14},
    [NB_DEMO_TRIANGLE] = {"triangle", 20},   [NB_DEMO_STAR] = {"star", 36},
    [NB_DEMO_CROSS] = {"cross", 14},         [NB_DEMO_RING] = {"ring", 180},
    [NB_DEMO_HEART] = {"heart", 20},         [NB_DEMO_HEXAGON] = {"hexagon", 30},
    [NB_DEMO_CRESCENT] = {"crescent", 180},  [NB_DEMO_ARROW] = {"arrow", 180},
    [NB_DEMO_DIAMOND] = {"diamond", 12},     [NB_DEMO_PENTAGON] = {"pentagon", 36},
    [NB_DEMO_SPIRAL] = {"spiral", 180},      [NB_DEMO_LIGHTNING] = {"lightning bolt", 20},
    [NB_DEMO_FLOWER] = {"flower", 30},       [NB_DEMO_GEAR] = {"gear", 22},
    [NB_DEMO_HOURGLASS] = {"hourglass", 14},
};

static const char *const textures[NB_DEMO_TEXTURES] = {
    [NB_DEMO_PLAIN] = "plain",         [NB_DEMO_STRIPED] = "striped", [NB_DEMO_DOTTED] = "dotted",
    [NB_DEMO_CHECKERED] = "checkered", [NB_DEMO_SHADED] = "shaded",   [NB_DEMO_GRAINY] = "grainy",
};

static const struct {
    const char *name;
    double radius, spread; /* radius is drawn from [radius, radius + spread) */
} sizes[NB_DEMO_SIZES] = {
    [NB_DEMO_SMALL] = {"small", 0.30, 0.05},
    [NB_DEMO_MEDIUM] = {"medium", 0.46, 0.07},
    [NB_DEMO_LARGE] = {"large", 0.68, 0.08},
};

static const char *const places[NB_DEMO_PLACES] = {
    "in the top left corner of",    "at the top of",    "in the top right corner of",
    "on the left side of",          "in the middle of", "on the right side of",
    "in the bottom left corner of", "at the bottom of", "in the bottom right corner of",
};

typedef struct combination {
    nb_demo_colour colour;
    nb_demo_shape shape;
} combination;

static const combination id_classes[] = {
    {NB_DEMO_RED, NB_DEMO_CIRCLE},  {NB_DEMO_BLUE, NB_DEMO_SQUARE},   {NB_DEMO_GREEN, NB_DEMO_TRIANGLE},
    {NB_DEMO_YELLOW, NB_DEMO_STAR}, {NB_DEMO_PURPLE, NB_DEMO_CROSS},  {NB_DEMO_ORANGE, NB_DEMO_RING},
    {NB_DEMO_PINK, NB_DEMO_HEART},  {NB_DEMO_GREEN, NB_DEMO_HEXAGON}, {NB_DEMO_WHITE, NB_DEMO_CRESCENT},
    {NB_DEMO_BROWN, NB_DEMO_ARROW},
};

static const combination near_classes[] = {
    {NB_DEMO_BLUE, NB_DEMO_CIRCLE},       {NB_DEMO_YELLOW, NB_DEMO_CIRCLE},   {NB_DEMO_RED, NB_DEMO_SQUARE},
    {NB_DEMO_BLACK, NB_DEMO_SQUARE},      {NB_DEMO_PINK, NB_DEMO_TRIANGLE},   {NB_DEMO_GREY, NB_DEMO_TRIANGLE},
    {NB_DEMO_RED, NB_DEMO_STAR},          {NB_DEMO_WHITE, NB_DEMO_STAR},      {NB_DEMO_GREEN, NB_DEMO_CROSS},
    {NB_DEMO_BLACK, NB_DEMO_CROSS},       {NB_DEMO_TURQUOISE, NB_DEMO_RING},  {NB_DEMO_PURPLE, NB_DEMO_RING},
    {NB_DEMO_RED, NB_DEMO_HEART},         {NB_DEMO_BLUE, NB_DEMO_HEART},      {NB_DEMO_ORANGE, NB_DEMO_HEXAGON},
    {NB_DEMO_GREY, NB_DEMO_HEXAGON},      {NB_DEMO_YELLOW, NB_DEMO_CRESCENT}, {NB_DEMO_PURPLE, NB_DEMO_CRESCENT},
    {NB_DEMO_BLUE, NB_DEMO_ARROW},        {NB_DEMO_BLACK, NB_DEMO_ARROW},     {NB_DEMO_RED, NB_DEMO_DIAMOND},
    {NB_DEMO_TURQUOISE, NB_DEMO_DIAMOND}, {NB_DEMO_GREEN, NB_DEMO_PENTAGON},  {NB_DEMO_ORANGE, NB_DEMO_PENTAGON},
    {NB_DEMO_BROWN, NB_DEMO_PENTAGON},
};

/* folder: of a kind without an object; objects use their shape. */
static const struct {
    nb_demo_kind kind;
    nb_demo_shape shape;
    const char *folder;
} far_classes[] = {
    {NB_DEMO_OBJECT, NB_DEMO_SPIRAL, "spiral"},
    {NB_DEMO_OBJECT, NB_DEMO_LIGHTNING, "lightning_bolt"},
    {NB_DEMO_OBJECT, NB_DEMO_FLOWER, "flower"},
    {NB_DEMO_OBJECT, NB_DEMO_GEAR, "gear"},
    {NB_DEMO_OBJECT, NB_DEMO_HOURGLASS, "hourglass"},
    {NB_DEMO_STRIPES, 0, "stripes"},
    {NB_DEMO_DOTS, 0, "dots"},
    {NB_DEMO_CHECKERBOARD, 0, "checkerboard"},
    {NB_DEMO_STATIC, 0, "static"},
    {NB_DEMO_CLOUDS, 0, "clouds"},
};

enum {
    ID_CLASSES = sizeof id_classes / sizeof id_classes[0],
    NEAR_CLASSES = sizeof near_classes / sizeof near_classes[0],
    FAR_CLASSES = sizeof far_classes / sizeof far_classes[0]
};

/* per: pictures of one class, which follow each other. */
static const struct {
    const char *name;
    size_t count, per;
} splits[NB_DEMO_SPLITS] = {
    [NB_DEMO_ID_TRAIN] = {"id-train", 16 * ID_CLASSES, 16},
    [NB_DEMO_ID_TEST] = {"id-test", 10 * ID_CLASSES, 10},
    [NB_DEMO_OOD_NEAR] = {"ood-near", 2 * NEAR_CLASSES, 2},
    [NB_DEMO_OOD_FAR] = {"ood-far", 5 * FAR_CLASSES, 5},
    [NB_DEMO_WILD] = {"wild", 100, 1},
};

/* The counters of one scene's draws: a new quantity gets a new one, so that old worlds stay what they were. */
enum draw {
    DRAW_TEXTURE,
    DRAW_SIZE,
    DRAW_BACKGROUND,
    DRAW_PLACE,
    DRAW_X,
    DRAW_Y,
    DRAW_RADIUS,
    DRAW_ANGLE,
    DRAW_GRAIN,
    DRAW_COLOUR,
    DRAW_CAPTION,
    DRAW_TINT,                   /* three */
    DRAW_GROUND = DRAW_TINT + 3, /* three */
    DRAW_SPOTS = DRAW_GROUND + 3 /* four an object */
};

const char *nb_demo_shape_name(nb_demo_shape shape)
{
    return shapes[shape].name;
}

const char *nb_demo_colour_name(nb_demo_colour colour)
{
    return colours[colour].name;
}

const char *nb_demo_texture_name(nb_demo_texture texture)
{
    return textures[texture];
}

const char *nb_demo_background_name(unsigned background)
{
    return backgrounds[background].name;
}

const char *nb_demo_number_name(unsigned count)
{
    static const char *const names[NB_DEMO_OBJECTS_MAX - 1] = {"two", "three"};
    return names[count - 2];
}

static unsigned world_below(uint64_t seed, uint64_t stream, uint64_t counter, unsigned bound)
{
    return (unsigned)nb_random_below(seed, stream, counter, bound);
}

/* The paint with each channel moved by at most 0.04. */
static void world_tint(double rgb[3], const paint *p, uint64_t seed, uint64_t stream, uint64_t counter)
{
    for (unsigned i = 0; i < 3; i++) {
        double moved = p->rgb[i] / 255.0 + 0.08 * (nb_random_unit(seed, stream, counter + i) - 0.5);
        rgb[i] = fmin(1.0, fmax(0.0, moved));
    }
}

/* The first background, from a random one on, against which the colour stands out. */
static unsigned world_contrasting(uint64_t seed, uint64_t stream, nb_demo_colour colour)
{
    const unsigned char *a = colours[colour].rgb;
    unsigned at = world_below(seed, stream, DRAW_BACKGROUND, NB_DEMO_BACKGROUNDS);
    for (unsigned tried = 0; tried < NB_DEMO_BACKGROUNDS; tried++, at = (at + 1) % NB_DEMO_BACKGROUNDS) {
        const unsigned char *b = backgrounds[at].rgb;
        if (hypot(hypot(a[0] - b[0], a[1] - b[1]), a[2] - b[2]) > 120.0) {
            break;
        }
    }
    return at;
}

/* The shape's angle for a number from 0 to 1. */
static double world_rotation(nb_demo_shape shape, double unit)
{
    return shapes[shape].rotation_max * (2.0 * unit - 1.0) * (3.141592653589793 / 180.0);
}

nb_demo_scene nb_demo_scene_object(uint64_t seed, uint64_t stream, nb_demo_colour colour, nb_demo_shape shape)
{
    nb_demo_scene s = {.kind = NB_DEMO_OBJECT, .shape = shape, .colour = colour};
    s.texture = (nb_demo_texture)world_below(seed, stream, DRAW_TEXTURE, NB_DEMO_TEXTURES);
    s.size = (nb_demo_size)world_below(seed, stream, DRAW_SIZE, NB_DEMO_SIZES);
    s.place = world_below(seed, stream, DRAW_PLACE, NB_DEMO_PLACES);
    s.background = world_contrasting(seed, stream, colour);
    s.grain = nb_random_u64(seed, stream, DRAW_GRAIN);
    s.radius = sizes[s.size].radius + sizes[s.size].spread * nb_random_unit(seed, stream, DRAW_RADIUS);
    s.count = 1;
    s.spots[0].angle = world_rotation(shape, nb_random_unit(seed, stream, DRAW_ANGLE));
    /* the shape stays inside the picture; its centre is well off the middle unless that is its place */
    double reach = 0.97 - s.radius;
    double column = (double)(s.place % 3) - 1.0;
    unsigned from_top = s.place / 3;
    double row = 1.0 - (double)from_top;
    s.spots[0].x = reach * (0.85 * column + 0.3 * (nb_random_unit(seed, stream, DRAW_X) - 0.5));
    s.spots[0].y = reach * (0.85 * row + 0.3 * (nb_random_unit(seed, stream, DRAW_Y) - 0.5));
    world_tint(s.rgb, &colours[colour], seed, stream, DRAW_TINT);
    world_tint(s.ground, &backgrounds[s.background], seed, stream, DRAW_GROUND);
    return s;
}

nb_demo_scene nb_demo_scene_several(uint64_t seed, uint64_t stream, nb_demo_colour colour, nb_demo_shape shape,
                                    unsigned count)
{
    nb_demo_scene s = nb_demo_scene_object(seed, stream, colour, shape);
    unsigned places_left[NB_DEMO_PLACES];
    s.radius = 0.17 + 0.055 * (double)s.size + 0.02 * nb_random_unit(seed, stream, DRAW_RADIUS);
    s.count = count;
    for (unsigned i = 0; i < NB_DEMO_PLACES; i++) {
        places_left[i] = i;
    }
    for (unsigned i = 0; i < count; i++) {
        uint64_t draw = DRAW_SPOTS + 4 * (uint64_t)i;
        unsigned pick = i + world_below(seed, stream, draw, NB_DEMO_PLACES - i);
        unsigned place = places_left[pick];
        places_left[pick] = places_left[i];
        s.spots[i].x = 0.64 * ((double)(place % 3) - 1.0) + 0.06 * (nb_random_unit(seed, stream, draw + 1) - 0.5);
        s.spots[i].y = 0.64 * (1.0 - floor(place / 3.0)) + 0.06 * (nb_random_unit(seed, stream, draw + 2) - 0.5);
        s.spots[i].angle = world_rotation(shape, nb_random_unit(seed, stream, draw + 3));
    }
    return s;
}

nb_demo_scene nb_demo_scene_pattern(uint64_t seed, uint64_t stream, nb_demo_kind kind)
{
    nb_demo_colour colour = (nb_demo_colour)world_below(seed, stream, DRAW_COLOUR, NB_DEMO_COLOURS);
    nb_demo_scene s = nb_demo_scene_object(seed, stream, colour, NB_DEMO_CIRCLE);
    s.kind = kind;
    s.texture = NB_DEMO_PLAIN;
    return s;
}

static const char *world_article(const char *next)
{
    return strchr("aeiou", next[0]) ? "an" : "a";
}

static nb_status world_caption_pattern(nb_buffer *out, const nb_demo_scene *s, nb_error *err)
{
    const char *colour = colours[s->colour].name;
    const char *ground = backgrounds[s->background].name;
    switch (s->kind) {
    case NB_DEMO_STRIPES: return nb_buffer_printf(out, err, "a pattern of %s and %s stripes", colour, ground);
    case NB_DEMO_DOTS: return nb_buffer_printf(out, err, "a pattern of %s dots on %s", colour, ground);
    case NB_DEMO_CHECKERBOARD: return nb_buffer_printf(out, err, "a %s and %s checkerboard", colour, ground);
    case NB_DEMO_STATIC: return nb_buffer_printf(out, err, "colourful static noise");
    case NB_DEMO_CLOUDS: return nb_buffer_printf(out, err, "soft %s clouds on %s", colour, ground);
    default: break;
    }
    return nb_fail(err, NB_ERR_INTERNAL, "a scene of unknown kind %d", (int)s->kind);
}

nb_status nb_demo_plural(nb_buffer *out, const char *noun, nb_error *err)
{
    size_t len = strlen(noun);
    return nb_buffer_printf(out, err, "%s%s", noun, len && strchr("sx", noun[len - 1]) ? "es" : "s");
}

static nb_status world_caption_several(nb_buffer *out, const nb_demo_scene *s, nb_error *err)
{
    bool plain = s->texture == NB_DEMO_PLAIN;
    const char *ground = backgrounds[s->background].name;
    nb_status status;
    NB_TRY(nb_buffer_printf(out, err, "%s %s %s%s%s ", nb_demo_number_name(s->count), sizes[s->size].name,
                            plain ? "" : textures[s->texture], plain ? "" : " ", colours[s->colour].name));
    NB_TRY(nb_demo_plural(out, shapes[s->shape].name, err));
    NB_TRY(nb_buffer_printf(out, err, " on %s %s background", world_article(ground), ground));
done:
    return status;
}

nb_status nb_demo_caption(nb_buffer *out, const nb_demo_scene *s, bool with_place, nb_error *err)
{
    if (s->kind != NB_DEMO_OBJECT) {
        return world_caption_pattern(out, s, err);
    }
    if (s->count > 1) {
        return world_caption_several(out, s, err);
    }
    bool plain = s->texture == NB_DEMO_PLAIN;
    const char *ground = backgrounds[s->background].name;
    return nb_buffer_printf(out, err, "a %s %s%s%s %s %s %s %s background", sizes[s->size].name,
                            plain ? "" : textures[s->texture], plain ? "" : " ", colours[s->colour].name,
                            shapes[s->shape].name, with_place ? places[s->place] : "on", world_article(ground), ground);
}

size_t nb_demo_class_count(void)
{
    return ID_CLASSES;
}

nb_status nb_demo_class_name(nb_buffer *out, size_t class_number, nb_error *err)
{
    const combination *c = &id_classes[class_number];
    return nb_buffer_printf(out, err, "%s %s", colours[c->colour].name, shapes[c->shape].name);
}

const char *nb_demo_split_name(nb_demo_split split)
{
    return splits[split].name;
}

size_t nb_demo_split_count(nb_demo_split split, size_t scale)
{
    return scale * splits[split].count;
}

/* Which class picture i of a split shows: ID class, near combination or far class. */
static void world_choose(nb_demo_split split, size_t per, size_t i, nb_demo_split *group, size_t *member)
{
    *group = split == NB_DEMO_ID_TEST ? NB_DEMO_ID_TRAIN : split;
    *member = i / per;
    if (split == NB_DEMO_WILD) {
        static const nb_demo_split cycle[4] = {NB_DEMO_ID_TRAIN, NB_DEMO_OOD_NEAR, NB_DEMO_ID_TRAIN, NB_DEMO_OOD_FAR};
        *group = cycle[i % 4];
        *member = *group == NB_DEMO_ID_TRAIN ? i / 2 % ID_CLASSES : i / 4;
    }
    *member %= *group == NB_DEMO_ID_TRAIN ? ID_CLASSES : *group == NB_DEMO_OOD_NEAR ? NEAR_CLASSES : FAR_CLASSES;
}

nb_demo_item nb_demo_item_at(uint64_t seed, nb_demo_split split, size_t scale, size_t i)
{
    size_t per = scale * splits[split].per; /* pictures of a class */
    nb_demo_item item = {.label = -1, .truth = -1};
    nb_demo_split group;
    size_t member;
    uint64_t stream = (uint64_t)split << 32 | i;
    char folder[48] = "";
    world_choose(split, per, i, &group, &member);
    item.with_place = world_below(seed, stream, DRAW_CAPTION, 2) == 1;
    if (group == NB_DEMO_OOD_FAR) {
        nb_demo_colour colour = (nb_demo_colour)world_below(seed, stream, DRAW_COLOUR, NB_DEMO_COLOURS);
        nb_demo_kind kind = far_classes[member].kind;
        item.scene = kind == NB_DEMO_OBJECT ? nb_demo_scene_object(seed, stream, colour, far_classes[member].shape)
                                            : nb_demo_scene_pattern(seed, stream, kind);
        snprintf(folder, sizeof folder, "%s/", far_classes[member].folder);
    } else {
        const combination *c = group == NB_DEMO_ID_TRAIN ? &id_classes[member] : &near_classes[member];
        item.scene = nb_demo_scene_object(seed, stream, c->colour, c->shape);
        item.truth = group == NB_DEMO_ID_TRAIN ? (int64_t)member : -1;
        snprintf(folder, sizeof folder, "%s_%s/", colours[c->colour].name, shapes[c->shape].name);
    }
    bool wild = split == NB_DEMO_WILD;
    item.label = wild ? -1 : item.truth;
    snprintf(item.path, sizeof item.path, "images/%s/%s%03zu.png", splits[split].name, wild ? "" : folder,
             wild ? i : i % per);
    return item;
}
