#include "common/clip/checkpoint/names.h"

#include "common/clip/checkpoint/families/family.h"

#include <stdio.h>
#include <string.h>

size_t nb_tensor_part_names(const nb_naming *naming, nb_tensor_part part, size_t layer,
                            char names[NB_TENSOR_PART_PIECES][NB_TENSOR_PART_NAME_MAX])
{
    const nb_tensor_row *row = &naming->rows[part];
    char prefix[NB_TENSOR_PART_NAME_MAX / 2] = "";
    size_t count = 0;
    if ((int)part < NB_TENSOR_PART_BLOCK_COUNT) {
        snprintf(prefix, sizeof prefix, "%s%zu.", naming->blocks, layer);
    }
    for (; count < NB_TENSOR_PART_PIECES && row->pieces[count]; count++) {
        const char *piece = row->pieces[count];
        snprintf(names[count], NB_TENSOR_PART_NAME_MAX, "%s%s", *piece ? prefix : "", piece);
    }
    return count;
}

static bool names_begins_with(const char *text, const char *begin)
{
    return strncmp(text, begin, strlen(begin)) == 0;
}

/* The length of the longest evidence for a naming; 0: none. */
static size_t names_evidence(const nb_checkpoint *checkpoint, const nb_naming *naming)
{
    size_t longest = 0;
    for (size_t i = 0; i < NB_NAMING_EVIDENCE && naming->evidence[i]; i++) {
        size_t len = strlen(naming->evidence[i]);
        longest = len > longest && nb_checkpoint_prefix(checkpoint, naming->evidence[i]) ? len : longest;
    }
    return longest;
}

/* The first naming that a family has for a tower; NULL: there is none. */
static const nb_naming *names_first(const nb_family *family, nb_tower tower)
{
    for (size_t i = 0; family && family->namings && family->namings[i]; i++) {
        if (family->namings[i]->tower == tower) {
            return family->namings[i];
        }
    }
    return NULL;
}

/* The naming of a tower with the longest evidence, of equals the first, and its family; NULL: there is none. */
static const nb_naming *names_of(nb_tower tower, const nb_checkpoint *checkpoint, const nb_family **family)
{
    const nb_naming *found = NULL;
    size_t longest = 0;
    for (size_t i = 0; nb_families[i]; i++) {
        for (size_t k = 0; nb_families[i]->namings && nb_families[i]->namings[k]; k++) {
            const nb_naming *naming = nb_families[i]->namings[k];
            size_t evidence = naming->tower == tower ? names_evidence(checkpoint, naming) : 0;
            if (evidence > longest) {
                longest = evidence;
                found = naming;
                *family = nb_families[i];
            }
        }
    }
    return found;
}

/* A tower that left no trace is expected under the names of the other one's family. */
static void names_find(nb_names *out, const nb_checkpoint *checkpoint)
{
    const nb_family *families[2] = {nb_families[0], nb_families[0]};
    for (int tower = 0; tower < 2; tower++) {
        out->towers[tower] = names_of((nb_tower)tower, checkpoint, &families[tower]);
    }
    for (int tower = 0; tower < 2; tower++) {
        if (!out->towers[tower]) {
            out->towers[tower] = names_first(families[1 - tower], (nb_tower)tower);
        }
        if (!out->towers[tower]) {
            out->towers[tower] = names_first(nb_families[0], (nb_tower)tower);
        }
    }
}

/* Whether a tower's blocks, or what tells it, bear names that begin so. */
static bool names_are_of(const nb_naming *naming, const char *prefix)
{
    bool are = names_begins_with(naming->blocks, prefix);
    for (size_t i = 0; i < NB_NAMING_EVIDENCE && naming->evidence[i]; i++) {
        are = are || names_begins_with(naming->evidence[i], prefix);
    }
    return are;
}

nb_status nb_names_detect(nb_names *out, const nb_checkpoint *checkpoint, nb_error *err)
{
    static const struct {
        const char *prefix, *kind;
    } refused[] = {
        {"visual.trunk.", "an image tower of the timm library, as SigLIP has it"},
        {"vision_model.head.", "an image tower with attention pooling, as SigLIP has it"},
        {"text.", "a text tower of another library or of its own kind"},
    };
    names_find(out, checkpoint);
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        const nb_tensor *t = nb_checkpoint_prefix(checkpoint, refused[i].prefix);
        bool ours = names_are_of(out->towers[NB_TOWER_TEXT], refused[i].prefix) ||
                    names_are_of(out->towers[NB_TOWER_IMAGE], refused[i].prefix);
        if (t && !ours) {
            nb_fail(err, NB_ERR_INPUT, "'%s' holds %s (tensor '%.200s'), which is not supported",
                    nb_checkpoint_path(checkpoint), refused[i].kind, t->name);
            return nb_hint(err, "image towers that are read: ViTs, CLIP's ResNets, ViTamin, ConvNeXt, MobileCLIP's; "
                                "text towers: CLIP's own, SigLIP's, BERT's, RoBERTa's, XLM-R's, mT5's, NLLB's");
        }
    }
    return NB_OK;
}

static bool names_ends_with(const char *text, const char *end)
{
    size_t len = strlen(text), end_len = strlen(end);
    return len >= end_len && strcmp(text + len - end_len, end) == 0;
}

/* What checkpoints hold and no tower reads: the constant that SigLIP adds to every logit, and buffers of numbers that
 * are known anyway or count steps of training: positions that are computed, types of tokens that are all 0, the last
 * three in OpenAI's archives. */
static bool names_harmless(const char *name)
{
    static const char *const ends[] = {"position_ids", "attn_mask", "token_type_ids", "embed_positions.weights",
                                       ".num_batches_tracked"};
    static const char *const whole[] = {"logit_bias", "input_resolution", "context_length", "vocab_size"};
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        if (names_ends_with(name, ends[i])) {
            return true;
        }
    }
    for (size_t i = 0; i < sizeof whole / sizeof *whole; i++) {
        if (strcmp(name, whole[i]) == 0) {
            return true;
        }
    }
    return false;
}

/* The decoder of CoCa, or the classifier of SuperCLIP with its counts: no embedding depends on them. */
static bool names_of_decoder(const char *name)
{
    return names_begins_with(name, "text_decoder.") || strcmp(name, "cap_fq") == 0 || strcmp(name, "num_samples") == 0;
}

nb_status nb_names_check_used(const nb_checkpoint *checkpoint, bool decoder, nb_error *err)
{
    size_t unused = 0, first = 0;
    for (size_t i = nb_checkpoint_count(checkpoint); i-- > 0;) {
        const char *name = nb_checkpoint_at(checkpoint, i)->name;
        if (!nb_checkpoint_used(checkpoint, i) && !names_harmless(name) && !(decoder && names_of_decoder(name))) {
            unused++;
            first = i;
        }
    }
    if (!unused) {
        return NB_OK;
    }
    char more[48] = "";
    if (unused > 1) {
        snprintf(more, sizeof more, " (and %zu more)", unused - 1);
    }
    nb_fail(err, NB_ERR_INPUT, "'%s' has a tensor '%.200s'%s that the configuration does not account for",
            nb_checkpoint_path_at(checkpoint, first), nb_checkpoint_at(checkpoint, first)->name, more);
    nb_hint(err, "more layers than the configuration says, or towers that compute something else than CLIP's");
    return NB_ERR_INPUT;
}
