/** @file
 * What exists in the demo world: shapes, colours, textures, backgrounds, the classes made of them, the splits, and the
 * scenes. A scene describes one picture; draw.h paints it and nb_demo_caption puts it into words.
 *
 * Everything is a function of (seed, split, index). Which folders and files exist does not depend on the seed, only
 * what is in the pictures does. */
#ifndef NB_DEMO_WORLD_H
#define NB_DEMO_WORLD_H

#include "common/base/memory.h"

/** Shapes. */
typedef enum nb_demo_shape {
    NB_DEMO_CIRCLE,
    NB_DEMO_SQUARE,
    NB_DEMO_TRIANGLE,
    NB_DEMO_STAR,
    NB_DEMO_CROSS,
    NB_DEMO_RING,
    NB_DEMO_HEART,
    NB_DEMO_HEXAGON,
    NB_DEMO_CRESCENT,
    NB_DEMO_ARROW,
    NB_DEMO_DIAMOND,
    NB_DEMO_PENTAGON,
    NB_DEMO_SHAPES_NAMED, /**< those above make ID and near-OOD classes, those below far-OOD ones */
    NB_DEMO_FLOWER = NB_DEMO_SHAPES_NAMED,
    NB_DEMO_GEAR,
    NB_DEMO_SHAPES_TRAINED, /**< those above are in training pictures (jobs/demo/training.h), those below in none */
    NB_DEMO_SPIRAL = NB_DEMO_SHAPES_TRAINED,
    NB_DEMO_LIGHTNING,
    NB_DEMO_HOURGLASS,
    NB_DEMO_SHAPES
} nb_demo_shape;

/** Colours. */
typedef enum nb_demo_colour {
    NB_DEMO_RED,
    NB_DEMO_ORANGE,
    NB_DEMO_YELLOW,
    NB_DEMO_GREEN,
    NB_DEMO_TURQUOISE,
    NB_DEMO_BLUE,
    NB_DEMO_PURPLE,
    NB_DEMO_PINK,
    NB_DEMO_BROWN,
    NB_DEMO_WHITE,
    NB_DEMO_GREY,
    NB_DEMO_BLACK,
    NB_DEMO_COLOURS
} nb_demo_colour;

/** What an object is filled with. */
typedef enum nb_demo_texture {
    NB_DEMO_PLAIN,
    NB_DEMO_STRIPED,
    NB_DEMO_DOTTED,
    NB_DEMO_CHECKERED,
    NB_DEMO_SHADED,
    NB_DEMO_GRAINY,
    NB_DEMO_TEXTURES
} nb_demo_texture;

/** How large an object is. */
typedef enum nb_demo_size { NB_DEMO_SMALL, NB_DEMO_MEDIUM, NB_DEMO_LARGE, NB_DEMO_SIZES } nb_demo_size;

/** How many backgrounds and places there are, and objects in a picture at most. */
enum { NB_DEMO_BACKGROUNDS = 8, NB_DEMO_PLACES = 9, NB_DEMO_OBJECTS_MAX = 3 };

/** What fills the picture: one shape on a background, or a few alike, or no object at all. */
typedef enum nb_demo_kind {
    NB_DEMO_OBJECT,
    NB_DEMO_STRIPES,
    NB_DEMO_DOTS,
    NB_DEMO_CHECKERBOARD,
    NB_DEMO_KINDS_TRAINED,                  /**< as with shapes */
    NB_DEMO_STATIC = NB_DEMO_KINDS_TRAINED, /**< every pixel on its own */
    NB_DEMO_CLOUDS                          /**< smooth noise */
} nb_demo_kind;

/** Where one object is. */
typedef struct nb_demo_spot {
    double x, y;  /**< centre */
    double angle; /**< radians, counter-clockwise */
} nb_demo_spot;

/** One picture. Lengths are in half picture widths: the picture is [-1, 1] x [-1, 1], y upwards. */
typedef struct nb_demo_scene {
    nb_demo_kind kind;
    nb_demo_shape shape;
    nb_demo_colour colour;
    nb_demo_texture texture;
    nb_demo_size size;
    unsigned background; /**< < NB_DEMO_BACKGROUNDS */
    unsigned place;      /**< < NB_DEMO_PLACES: rows from the top, 4 is the middle */
    unsigned count;      /**< objects, alike but for where they are; 1 to NB_DEMO_OBJECTS_MAX */
    nb_demo_spot spots[NB_DEMO_OBJECTS_MAX];
    double radius;    /**< of the circle around the shape */
    double rgb[3];    /**< the colour as this picture shows it, 0 to 1 */
    double ground[3]; /**< the background's */
    uint64_t grain;   /**< seed of what is random in the pixels */
} nb_demo_scene;

/** A shape in words.
 * @param shape the shape
 * @return a noun, a constant string */
const char *nb_demo_shape_name(nb_demo_shape shape);

/** A colour in words.
 * @param colour the colour
 * @return an adjective, a constant string */
const char *nb_demo_colour_name(nb_demo_colour colour);

/** A texture in words.
 * @param texture the texture
 * @return an adjective, a constant string */
const char *nb_demo_texture_name(nb_demo_texture texture);

/** A background in words.
 * @param background below NB_DEMO_BACKGROUNDS
 * @return an adjective, a constant string */
const char *nb_demo_background_name(unsigned background);

/** A scene of one object; everything else is drawn from (seed, stream).
 * @param seed, stream what is drawn depends on
 * @param colour, shape of the object
 * @return the scene */
nb_demo_scene nb_demo_scene_object(uint64_t seed, uint64_t stream, nb_demo_colour colour, nb_demo_shape shape);

/** The same with several smaller objects, which do not cover each other.
 * @param seed, stream, colour, shape as there
 * @param count 2 to NB_DEMO_OBJECTS_MAX
 * @return the scene */
nb_demo_scene nb_demo_scene_several(uint64_t seed, uint64_t stream, nb_demo_colour colour, nb_demo_shape shape,
                                    unsigned count);

/** A scene without an object.
 * @param seed, stream what is drawn depends on
 * @param kind other than NB_DEMO_OBJECT
 * @return the scene */
nb_demo_scene nb_demo_scene_pattern(uint64_t seed, uint64_t stream, nb_demo_kind kind);

/** Appends a scene's words: "a large striped red circle on a grey background", "two small red circles on ...".
 * @param out appended to
 * @param scene the scene
 * @param with_place also where a single object is: "... in the top left corner of a grey background"
 * @return NB_OK; NB_ERR_LIMIT without memory; NB_ERR_INTERNAL for a scene of unknown kind. */
nb_status nb_demo_caption(nb_buffer *out, const nb_demo_scene *scene, bool with_place, nb_error *err);

/** Appends a word or phrase in the plural.
 * @param out appended to
 * @param noun in the singular
 * @return NB_OK, or NB_ERR_LIMIT without memory. */
nb_status nb_demo_plural(nb_buffer *out, const char *noun, nb_error *err);

/** A number in words.
 * @param count 2 to NB_DEMO_OBJECTS_MAX
 * @return "two", "three" */
const char *nb_demo_number_name(unsigned count);

/** The size of the ID label set.
 * @return classes */
size_t nb_demo_class_count(void);

/** Appends a label of the ID label set, "colour shape".
 * @param out appended to
 * @param class_number below nb_demo_class_count()
 * @return NB_OK, or NB_ERR_LIMIT without memory. */
nb_status nb_demo_class_name(nb_buffer *out, size_t class_number, nb_error *err);

/** The sets of pictures. */
typedef enum nb_demo_split {
    NB_DEMO_ID_TRAIN,
    NB_DEMO_ID_TEST,
    NB_DEMO_OOD_NEAR, /**< shapes and colours of the ID classes' kind in other combinations */
    NB_DEMO_OOD_FAR,  /**< shapes of no ID class, patterns, noise */
    NB_DEMO_WILD,     /**< half ID classes, a quarter near, a quarter far */
    NB_DEMO_SPLITS
} nb_demo_split;

/** A split in words.
 * @param split the split
 * @return "id-train", ... */
const char *nb_demo_split_name(nb_demo_split split);

/** How many pictures a split has.
 * @param split the split
 * @param scale times the usual number of pictures of every class, at least 1
 * @return pictures */
size_t nb_demo_split_count(nb_demo_split split, size_t scale);

/** One picture of a split. */
typedef struct nb_demo_item {
    char path[96];   /**< "images/id-train/red_circle/000.png": below the world's folder, no blanks */
    int64_t label;   /**< the ID class in ID splits, else -1 (wild images are unlabelled) */
    int64_t truth;   /**< the ID class shown, -1 for none, in every split */
    bool with_place; /**< its caption says where the object is */
    nb_demo_scene scene;
} nb_demo_item;

/** A picture of a split.
 * @param seed of the world
 * @param split, scale as for nb_demo_split_count
 * @param i below that count
 * @return the picture */
nb_demo_item nb_demo_item_at(uint64_t seed, nb_demo_split split, size_t scale, size_t i);

#endif
