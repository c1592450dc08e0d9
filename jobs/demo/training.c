#include "jobs/demo/training.h"

#include "common/base/random.h"

#include <stdio.h>
#include <string.h>

/* Pictures draw from one stream, captions from another; those of the splits and words lie elsewhere. */
static const uint64_t picture_stream = (uint64_t)1 << 41, caption_stream = (uint64_t)1 << 42;

enum picture_draw { KIND, COLOUR, SHAPE, COUNT, SCENE_DRAWS = 64 };
enum caption_draw { STYLE, PLACE, TEMPLATE, NUMBER, COLOUR_WORD, SHAPE_WORD };

enum { SYNONYMS = 4 };

/* Other words for the same, the list ends with NULL. */
static const char *const colour_words[NB_DEMO_COLOURS][SYNONYMS] = {
    [NB_DEMO_RED] = {"crimson", "scarlet"},
    [NB_DEMO_ORANGE] = {"tangerine"},
    [NB_DEMO_YELLOW] = {"golden"},
    [NB_DEMO_GREEN] = {"emerald"},
    [NB_DEMO_BLUE] = {"azure"},
    [NB_DEMO_PURPLE] = {"violet", "mauve"},
    [NB_DEMO_PINK] = {"rose"},
    [NB_DEMO_BROWN] = {"wooden"},
    [NB_DEMO_WHITE] = {"ivory"},
    [NB_DEMO_GREY] = {"silver"},
    [NB_DEMO_BLACK] = {"ebony"},
};
static const char *const shape_words[NB_DEMO_SHAPES_TRAINED][SYNONYMS] = {
    [NB_DEMO_CIRCLE] = {"disc", "dot", "ball"},
    [NB_DEMO_SQUARE] = {"box", "tile"},
    [NB_DEMO_TRIANGLE] = {"wedge", "pyramid"},
    [NB_DEMO_STAR] = {"five-pointed star", "asterisk"},
    [NB_DEMO_CROSS] = {"plus sign"},
    [NB_DEMO_RING] = {"hoop", "annulus", "doughnut"},
    [NB_DEMO_HEART] = {"valentine", "love heart"},
    [NB_DEMO_HEXAGON] = {"honeycomb cell", "six-sided figure"},
    [NB_DEMO_CRESCENT] = {"sickle", "half moon"},
    [NB_DEMO_ARROW] = {"pointer", "cursor"},
    [NB_DEMO_DIAMOND] = {"rhombus", "lozenge"},
    [NB_DEMO_PENTAGON] = {"five-sided figure"},
    [NB_DEMO_FLOWER] = {"blossom"},
    [NB_DEMO_GEAR] = {"cogwheel", "sprocket"},
};
static const char *const pattern_words[NB_DEMO_KINDS_TRAINED][SYNONYMS] = {
    [NB_DEMO_STRIPES] = {"stripes", "zebra stripes"},
    [NB_DEMO_DOTS] = {"dots", "polka dots"},
    [NB_DEMO_CHECKERBOARD] = {"checkerboard", "chess board"},
};

static unsigned training_draw(uint64_t seed, uint64_t stream, uint64_t i, unsigned which, unsigned bound)
{
    return (unsigned)nb_random_below(seed, stream, i * SCENE_DRAWS + which, bound);
}

nb_demo_scene nb_demo_training_scene(uint64_t seed, uint64_t i)
{
    uint64_t stream = picture_stream + 1 + i;
    unsigned kind = training_draw(seed, picture_stream, i, KIND, 100);
    if (kind < 12) {
        return nb_demo_scene_pattern(seed, stream, (nb_demo_kind)(NB_DEMO_STRIPES + kind % 3));
    }
    nb_demo_colour colour = (nb_demo_colour)training_draw(seed, picture_stream, i, COLOUR, NB_DEMO_COLOURS);
    nb_demo_shape shape = (nb_demo_shape)training_draw(seed, picture_stream, i, SHAPE, NB_DEMO_SHAPES_TRAINED);
    unsigned count = training_draw(seed, picture_stream, i, COUNT, 8);
    return count > 1 ? nb_demo_scene_object(seed, stream, colour, shape)
                     : nb_demo_scene_several(seed, stream, colour, shape, count + 2);
}

/* A caption while it is made. */
typedef struct writer {
    const nb_demo_scene *scene;
    uint64_t seed, i;
} writer;

static unsigned training_choose(const writer *w, unsigned which, unsigned bound)
{
    return training_draw(w->seed, caption_stream, w->i, which, bound);
}

/* The name itself three times out of four, else one of its synonyms, if it has any. */
static const char *training_word(const writer *w, unsigned which, const char *name,
                                 const char *const synonyms[SYNONYMS])
{
    unsigned n = 0;
    unsigned pick = training_choose(w, which, 1000);
    while (n < SYNONYMS && synonyms[n]) {
        n++;
    }
    return n && pick < 250 ? synonyms[pick % n] : name;
}

static const char *training_colour_word(const writer *w)
{
    return training_word(w, COLOUR_WORD, nb_demo_colour_name(w->scene->colour), colour_words[w->scene->colour]);
}

/* Which of its properties a noun phrase names. */
enum { NAME_COLOUR = 1, NAME_TEXTURE = 2 };

/* "striped red circle", "two circles". */
static nb_status training_noun_phrase(const writer *w, nb_buffer *out, unsigned names, nb_error *err)
{
    const nb_demo_scene *s = w->scene;
    const char *shape = training_word(w, SHAPE_WORD, nb_demo_shape_name(s->shape), shape_words[s->shape]);
    nb_status status = NB_OK;
    if (s->count > 1 && training_choose(w, NUMBER, 4)) {
        NB_TRY(nb_buffer_printf(out, err, "%s ", nb_demo_number_name(s->count)));
    }
    if (names & NAME_TEXTURE) {
        NB_TRY(nb_buffer_printf(out, err, "%s ", nb_demo_texture_name(s->texture)));
    }
    if (names & NAME_COLOUR) {
        NB_TRY(nb_buffer_printf(out, err, "%s ", training_colour_word(w)));
    }
    status = s->count > 1 ? nb_demo_plural(out, shape, err) : nb_buffer_printf(out, err, "%s", shape);
done:
    return status;
}

/* A noun phrase in one of the usual prompts. */
static nb_status training_prompted(const writer *w, nb_buffer *out, const char *phrase, nb_error *err)
{
    bool one = w->scene->kind == NB_DEMO_OBJECT && w->scene->count == 1;
    const char *article = one ? "a " : "";
    switch (training_choose(w, TEMPLATE, 10)) {
    case 0: return nb_buffer_printf(out, err, "%s%s", article, phrase);
    case 1: return nb_buffer_printf(out, err, "the nice %s.", phrase);
    case 2: return nb_buffer_printf(out, err, "a picture of %s%s", article, phrase);
    case 3: return nb_buffer_printf(out, err, "a drawing of %s%s", article, phrase);
    case 4:
    case 5:
    case 6: return nb_buffer_printf(out, err, "a photo of %s%s", article, phrase);
    default: return nb_buffer_printf(out, err, "%s", phrase);
    }
}

/* A property alone, in the prompt for adjectives or without one. */
static nb_status training_described(const writer *w, nb_buffer *out, const char *adjective, nb_error *err)
{
    return training_choose(w, TEMPLATE, 2) ? nb_buffer_printf(out, err, "this is a %s photo", adjective)
                                           : nb_buffer_printf(out, err, "%s", adjective);
}

static nb_status training_of_object(const writer *w, nb_buffer *out, unsigned style, nb_error *err)
{
    const nb_demo_scene *s = w->scene;
    nb_buffer phrase = {0};
    nb_status status;
    unsigned names = style < 40 ? NAME_COLOUR : style < 52 ? NAME_COLOUR | NAME_TEXTURE : style < 58 ? NAME_TEXTURE : 0;
    NB_TRY(training_noun_phrase(w, &phrase, names, err));
    if (style < 68) {
        status = training_prompted(w, out, phrase.data, err);
    } else if (style < 74) {
        status = training_described(w, out, training_colour_word(w), err);
    } else if (style < 77) {
        status = training_described(w, out, nb_demo_texture_name(s->texture), err);
    } else if (style < 84) {
        status = nb_buffer_printf(out, err, "%s on %s", phrase.data, nb_demo_background_name(s->background));
    } else {
        status = nb_demo_caption(out, s, training_choose(w, PLACE, 2), err);
    }
done:
    nb_buffer_free(&phrase);
    return status;
}

static nb_status training_of_pattern(const writer *w, nb_buffer *out, unsigned style, nb_error *err)
{
    const nb_demo_scene *s = w->scene;
    const char *const *words = pattern_words[s->kind];
    const char *pattern = training_word(w, SHAPE_WORD, words[0], words + 1);
    nb_buffer phrase = {0};
    nb_status status;
    if (style < 35) {
        status = training_prompted(w, out, pattern, err);
    } else if (style < 70) {
        NB_TRY(nb_buffer_printf(&phrase, err, "%s %s", training_colour_word(w), pattern));
        status = training_prompted(w, out, phrase.data, err);
    } else {
        status = nb_demo_caption(out, s, false, err);
    }
done:
    nb_buffer_free(&phrase);
    return status;
}

nb_status nb_demo_training_caption(nb_buffer *out, const nb_demo_scene *scene, uint64_t seed, uint64_t i, nb_error *err)
{
    writer w = {.scene = scene, .seed = seed, .i = i};
    unsigned style = training_choose(&w, STYLE, 100);
    return scene->kind == NB_DEMO_OBJECT ? training_of_object(&w, out, style, err)
                                         : training_of_pattern(&w, out, style, err);
}
