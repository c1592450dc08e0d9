#include "jobs/demo/words.h"

#include "common/base/random.h"
#include "jobs/demo/world.h"

#include <stdlib.h>
#include <string.h>

/* clang-format off */
/* Everyday things a camera may see. */
static const char *const nouns[] = {
    "apple", "apricot", "apron", "ankle", "ant", "anchor", "attic", "avenue", "axe", "baby", "badge", "bakery",
    "balcony", "ball", "banana", "bandage", "banjo", "barn", "barrel", "basket", "bathtub", "beach", "bean", "bear",
    "beard", "bed", "bee", "beetle", "bell", "belt", "bench", "bicycle", "bird", "blanket", "boat", "bone", "book",
    "boot", "bottle", "bowl", "box", "bracelet", "brain", "branch", "bread", "breakfast", "brick", "bridge", "broom",
    "brush", "bucket", "building", "bulb", "bus", "bush", "butter", "butterfly", "button", "cabin", "cabbage",
    "cable", "cactus", "cake", "calendar", "camel", "camera", "camp", "candle", "canoe", "canyon", "car", "card",
    "carpet", "carrot", "castle", "cat", "cave", "ceiling", "chain", "chair", "chalk", "cheese", "cherry", "chess",
    "chicken", "chimney", "church", "cinema", "city", "clock", "cloth", "cloud", "clover", "coat", "coconut",
    "coffee", "coin", "comb", "compass", "computer", "cookie", "copper", "coral", "cord", "cork", "corn", "corner",
    "cottage", "couch", "cow", "crab", "crayon", "crown", "cup", "cupboard", "curtain", "cushion", "dagger", "daisy",
    "dam", "deer", "desk", "dinner", "dish", "dog", "doll", "dolphin", "donkey", "door", "dragon", "drawer", "dress",
    "drum", "duck", "eagle", "ear", "easel", "egg", "elbow", "elephant", "engine", "envelope", "eraser", "eye",
    "face", "factory", "fan", "farm", "feather", "fence", "fern", "field", "finger", "fire", "fireplace", "fish",
    "flag", "flame", "flute", "fly", "fog", "forest", "fork", "fossil", "fountain", "fox", "frame", "frog", "fruit",
    "furnace", "garage", "garden", "garlic", "gate", "ghost", "giraffe", "glacier", "glass", "glove", "goat", "grape",
    "grass", "guitar", "hail", "hair", "hammer", "hammock", "hand", "harbour", "harp", "hat", "hedge", "helmet",
    "hill", "hoof", "horn", "horse", "hospital", "hotel", "house", "ice", "igloo", "insect", "iron", "island",
    "jacket", "jam", "jar", "jeans", "jelly", "jewel", "jug", "juice", "jungle", "kettle", "key", "kitchen", "kite",
    "kitten", "knee", "knife", "ladder", "ladybird", "lake", "lamp", "lantern", "leaf", "leg", "lemon", "letter",
    "library", "lighthouse", "lily", "lion", "lip", "lizard", "lock", "lunch", "magnet", "map", "marble", "market",
    "mask", "meadow", "medal", "melon", "mill", "mirror", "monkey", "moon", "mop", "mosque", "moss", "motorcycle",
    "mountain", "mouse", "mouth", "mud", "mushroom", "nail", "napkin", "neck", "necklace", "needle", "nest", "net",
    "newspaper", "night", "nose", "notebook", "nut", "oak", "oar", "ocean", "onion", "orchard", "oven", "owl",
    "paddle", "page", "paint", "palace", "pan", "panda", "paper", "park", "parrot", "path", "pea", "peach", "pear",
    "pebble", "pen", "pencil", "penguin", "pepper", "piano", "picture", "pie", "pig", "pigeon", "pillow", "pine",
    "pipe", "pizza", "plane", "planet", "plate", "plough", "plum", "pocket", "pond", "potato", "printer", "prize",
    "puddle", "pumpkin", "puppet", "puppy", "purse", "puzzle", "pyramid", "quilt", "rabbit", "radio", "raft", "rain",
    "rainbow", "rake", "ribbon", "rice", "river", "road", "robe", "robot", "rocket", "roof", "room", "rope", "rose",
    "ruler", "sail", "salad", "salt", "sand", "sandal", "saw", "scarf", "school", "scissors", "screw", "seal", "seed",
    "shadow", "shark", "sheep", "shelf", "shell", "ship", "shirt", "shoe", "shoulder", "shovel", "shower", "silk",
    "silver", "sink", "skirt", "sky", "sled", "smoke", "snail", "snake", "snow", "soap", "sock", "sofa", "soup",
    "spade", "spider", "spoon", "spring", "stair", "stamp", "station", "statue", "steam", "stick", "stone", "stool",
    "storm", "stove", "straw", "street", "sugar", "suit", "sun", "swan", "sweater", "swing", "sword", "table", "tail",
    "tank", "teapot", "telescope", "temple", "tent", "thread", "throat", "throne", "thumb", "ticket", "tiger",
    "toast", "toe", "tomato", "tongue", "tooth", "torch", "towel", "tower", "town", "toy", "tractor", "train", "tray",
    "tree", "truck", "trumpet", "trunk", "tulip", "tunnel", "turtle", "umbrella", "valley", "van", "vase",
    "vegetable", "vest", "village", "vine", "violin", "volcano", "waffle", "wagon", "wall", "wallet", "walnut",
    "wardrobe", "watch", "water", "wave", "web", "whale", "wheat", "wheel", "whistle", "wind", "window", "wing",
    "wolf", "wood", "wool", "worm", "wrist", "yarn", "zebra", "zipper",
};

/* Near synonyms of the classes, other things in the pictures, and what real lists hold: compounds, names, accents (of
 * "cafe" in both Unicode spellings), digits. */
static const char *const phrases[] = {
    "disc", "red disc", "crimson circle", "scarlet disc", "red ball", "red dot", "round red shape", "blue box",
    "blue tile", "azure square", "square of blue", "green wedge", "green pyramid", "emerald triangle", "gold star",
    "golden star", "five-pointed star", "yellow asterisk", "purple plus sign", "violet cross", "plus sign", "hoop",
    "orange hoop", "orange band", "tangerine ring", "annulus", "doughnut", "pink valentine", "rose heart",
    "love heart", "green honeycomb cell", "six-sided figure", "white moon", "half moon", "new moon", "sickle",
    "brown pointer", "wooden arrow", "direction sign", "cursor", "rhombus", "lozenge", "kite shape",
    "five-sided figure", "spiral", "coil", "whirlpool", "snail shell", "lightning bolt", "thunderbolt", "spark",
    "blossom", "petal", "cogwheel", "gear", "sprocket", "sand timer", "hourglass", "stripes", "zebra stripes",
    "polka dots", "checkerboard", "chess board", "tartan", "static noise", "television snow", "grain",
    "blurred clouds", "fog bank", "geometric shape", "outline", "silhouette", "icon", "logo", "traffic sign",
    "playing card", "sticker", "yellow_jacket", "ice_cream", "fire_engine", "traffic_light", "swimming_pool",
    "bow_and_arrow", "red_circle", "blue_square", "guide_dog", "washing_machine", "tennis ball", "soccer ball",
    "stop sign", "wall clock", "paper clip", "rubber band", "coffee mug", "picture frame", "night sky", "sea shore",
    "mountain range", "city street", "living room", "railway station", "bird nest", "apple tree", "birthday cake",
    "wedding ring", "sheriff's badge", "rock 'n' roll", "mother-in-law", "caf\303\251", "cafe\314\201",
    "cr\303\250me br\303\273l\303\251e", "jalape\303\261o", "na\303\257vet\303\251", "fa\303\247ade", "Eiffel Tower",
    "New York", "Mount Everest", "3D printer", "1950s car", "route 66",
};

static const char *const adjectives[] = {
    "able", "absent", "abstract", "academic", "acid", "active", "actual", "afraid", "aged", "alive", "alone", "amber",
    "ancient", "angry", "angular", "annual", "asleep", "awake", "awkward", "bald", "bare", "basic", "beautiful",
    "bent", "big", "bitter", "blank", "blind", "blond", "blunt", "blurred", "bold", "bored", "bottomless", "bouncy",
    "brave", "brief", "bright", "brilliant", "broad", "broken", "bumpy", "busy", "calm", "careful", "careless",
    "central", "cheap", "cheerful", "chubby", "circular", "civil", "clean", "clear", "clever", "cloudy", "clumsy",
    "coarse", "cold", "colourful", "comic", "common", "complex", "concave", "cool", "correct", "costly", "cosy",
    "cracked", "crazy", "creamy", "crimson", "crisp", "crooked", "crowded", "cruel", "curious", "curly", "curved",
    "damp", "dangerous", "dark", "dead", "deaf", "deep", "delicate", "dense", "dim", "dirty", "distant", "dizzy",
    "domestic", "dotted", "double", "dry", "dull", "dusty", "eager", "early", "eastern", "easy", "elastic",
    "electric", "elegant", "empty", "endless", "enormous", "equal", "evil", "exact", "faded", "faint", "fair",
    "faithful", "false", "familiar", "famous", "fancy", "fast", "fat", "fatal", "fertile", "few", "final", "firm",
    "flat", "flexible", "floral", "fluffy", "foggy", "foreign", "formal", "fragile", "free", "fresh", "friendly",
    "frosty", "frozen", "full", "funny", "furry", "fuzzy", "gentle", "giant", "glad", "glossy", "golden", "graceful",
    "grand", "grainy", "greasy", "great", "greedy", "guilty", "hairy", "handsome", "handy", "happy", "hard", "harsh",
    "healthy", "heavy", "helpful", "hexagonal", "high", "hollow", "holy", "honest", "hot", "huge", "humble", "hungry",
    "icy", "ideal", "idle", "ill", "indigo", "ivory", "jagged", "jolly", "juicy", "keen", "kind", "lame", "large",
    "late", "lazy", "lean", "left-handed", "level", "light", "likely", "liquid", "little", "lively", "local",
    "lonely", "long", "loose", "loud", "lovely", "low", "loyal", "lucky", "mad", "magic", "main", "male", "marine",
    "mature", "mauve", "mean", "medical", "mellow", "metallic", "mild", "minor", "misty", "modern", "modest", "moist",
    "muddy", "naked", "narrow", "nasty", "native", "natural", "naughty", "neat", "nervous", "new", "nice", "noble",
    "noisy", "normal", "northern", "numb", "oblong", "odd", "old", "olive", "opaque", "open", "oval", "pale",
    "parallel", "partial", "patient", "perfect", "plain", "plastic", "pleasant", "pointed", "polite", "poor",
    "popular", "pretty", "private", "proud", "public", "pure", "quick", "quiet", "random", "rapid", "rare", "raw",
    "ready", "real", "rectangular", "regular", "rich", "ripe", "rocky", "rotten", "rough", "round", "royal", "rude",
    "rural", "rusty", "sad", "safe", "salty", "sandy", "scarlet", "scary", "secret", "serious", "shaded", "shaggy",
    "shallow", "sharp", "shiny", "short", "shy", "sick", "silent", "silky", "silly", "silver", "similar", "simple",
    "sleepy", "slim", "slippery", "slow", "small", "smart", "smooth", "soft", "solar", "solid", "sore", "sour",
    "southern", "spare", "spicy", "spiral", "spotted", "square", "stable", "stale", "starry", "steep", "sticky",
    "stiff", "straight", "strange", "striped", "strong", "sturdy", "sudden", "sunny", "sweet", "symmetric", "tall",
    "tame", "tart", "tender", "tense", "thick", "thin", "thirsty", "tidy", "tight", "tiny", "tired", "toothed",
    "transparent", "triangular", "tropical", "true", "turquoise", "twin", "ugly", "uneven", "unique", "upper",
    "urban", "useful", "vague", "vast", "velvet", "vertical", "violet", "vivid", "wavy", "warm", "weak", "wealthy",
    "western", "wet", "wide", "wild", "wise", "wooden", "woolly", "wrong", "yellowish", "young", "zigzag",
};
/* clang-format on */

enum {
    NOUNS = sizeof nouns / sizeof nouns[0],
    PHRASES = sizeof phrases / sizeof phrases[0],
    ADJECTIVES = sizeof adjectives / sizeof adjectives[0]
};

/* One stream a list; the world's own streams are below 2^35. */
static const uint64_t order_stream = (uint64_t)1 << 40;

static nb_status words_push_text(nb_strings *lines, const char *text, nb_error *err)
{
    return nb_strings_push(lines, text, strlen(text), err);
}

static nb_status words_push_all(nb_strings *lines, const char *const *words, size_t count, nb_error *err)
{
    nb_status status = NB_OK;
    for (size_t i = 0; i < count && status == NB_OK; i++) {
        status = words_push_text(lines, words[i], err);
    }
    return status;
}

/* Every colour with every shape (the ID labels among them), every texture with every shape. */
static nb_status words_push_combinations(nb_strings *lines, nb_error *err)
{
    nb_buffer b = {0};
    nb_status status = NB_OK;
    for (unsigned s = 0; s < NB_DEMO_SHAPES; s++) {
        const char *shape = nb_demo_shape_name((nb_demo_shape)s);
        NB_TRY(words_push_text(lines, shape, err));
        for (unsigned i = 0; i < (unsigned)NB_DEMO_COLOURS + NB_DEMO_TEXTURES; i++) {
            const char *what = i < NB_DEMO_COLOURS ? nb_demo_colour_name((nb_demo_colour)i)
                                                   : nb_demo_texture_name((nb_demo_texture)(i - NB_DEMO_COLOURS));
            nb_buffer_clear(&b);
            NB_TRY(nb_buffer_printf(&b, err, "%s %s", what, shape));
            NB_TRY(nb_strings_push(lines, b.data, b.len, err));
        }
    }
done:
    nb_buffer_free(&b);
    return status;
}

/* A line over the 256 bytes a corpus accepts by default. */
static nb_status words_push_overlong(nb_strings *lines, nb_error *err)
{
    nb_buffer b = {0};
    nb_status status = NB_OK;
    while (b.len <= 300) {
        NB_TRY(nb_buffer_printf(&b, err, "%sa very long line", b.len ? " and " : ""));
    }
    NB_TRY(nb_strings_push(lines, b.data, b.len, err));
done:
    nb_buffer_free(&b);
    return status;
}

/* The lines of `tidy` shuffled into `lines`; some are repeated, some have blanks where they should not. */
static nb_status words_push_untidy(nb_strings *lines, const nb_strings *tidy, uint64_t seed, uint64_t stream,
                                   nb_error *err)
{
    nb_status status = NB_OK;
    nb_buffer b = {0};
    size_t *order = NULL;
    NB_TRY_NEW(order, tidy->count);
    for (size_t i = 0; i < tidy->count; i++) {
        size_t j = (size_t)nb_random_below(seed, stream, i, i + 1);
        order[i] = order[j];
        order[j] = i;
    }
    for (size_t i = 0; i < tidy->count; i++) {
        const char *text = nb_strings_get(tidy, order[i]);
        const char *blanks = i % 23 == 5 ? "  " : "";
        nb_buffer_clear(&b);
        NB_TRY(nb_buffer_printf(&b, err, "%s%s%s", blanks, text, i % 31 == 7 ? "\t" : blanks));
        NB_TRY(nb_strings_push(lines, b.data, b.len, err));
        if (i % 19 == 3) {
            NB_TRY(words_push_text(lines, text, err));
        }
        if (i % 67 == 11) {
            NB_TRY(words_push_text(lines, i % 2 ? "" : "   ", err));
        }
    }
done:
    nb_buffer_free(&b);
    free(order);
    return status;
}

nb_status nb_demo_words_push(nb_strings *lines, nb_demo_words list, uint64_t seed, nb_error *err)
{
    nb_status status = NB_OK;
    nb_strings tidy = {0};
    if (list == NB_DEMO_NOUNS) {
        NB_TRY(words_push_all(&tidy, nouns, NOUNS, err));
        NB_TRY(words_push_all(&tidy, phrases, PHRASES, err));
        NB_TRY(words_push_combinations(&tidy, err));
        NB_TRY(words_push_overlong(&tidy, err));
    } else {
        NB_TRY(words_push_all(&tidy, adjectives, ADJECTIVES, err));
        for (unsigned i = 0; i < NB_DEMO_COLOURS; i++) {
            NB_TRY(words_push_text(&tidy, nb_demo_colour_name((nb_demo_colour)i), err));
        }
    }
    NB_TRY(words_push_untidy(lines, &tidy, seed, order_stream + (uint64_t)list, err));
done:
    nb_strings_free(&tidy);
    return status;
}
