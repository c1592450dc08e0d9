#include "common/clip/checkpoint/pickle/state_dict.h"

#include <stdlib.h>
#include <string.h>

enum { DEPTH_MAX = 64, NAME_MAX_BYTES = 512, VISITS_MAX = 1 << 20 };

/* A walk through the attributes of a module. */
typedef struct walk {
    nb_state_dict *out;
    const nb_pickle *pickle;
    const char *path;
    nb_buffer name; /* of where it is, "a.b." */
    size_t visits;
} walk;

static nb_status state_add(nb_state_dict *out, const char *name, size_t len, uint32_t value, nb_error *err)
{
    nb_status status;
    NB_TRY_ROOM(out->values, out->names.count, out->capacity, 64);
    out->values[out->names.count] = value;
    NB_TRY(nb_strings_push(&out->names, name, len, err));
done:
    return status;
}

/* Tensors and, below them, those of the modules that are attributes; what else a module has is none of its state. */
static nb_status state_walk(walk *w, const nb_pickle_value *module, size_t depth, nb_error *err)
{
    size_t len = w->name.len;
    nb_status status = NB_OK;
    if (!module->has_state) {
        return NB_OK;
    }
    const nb_pickle_value *attributes = nb_pickle_at(w->pickle, module->argument);
    for (size_t i = 0; i + 1 < attributes->count; i += 2) {
        const nb_pickle_value *key = nb_pickle_at(w->pickle, attributes->items[i]);
        const nb_pickle_value *value = nb_pickle_at(w->pickle, attributes->items[i + 1]);
        bool inner = value->kind == NB_PICKLE_OBJECT;
        if (key->kind != NB_PICKLE_TEXT || depth == DEPTH_MAX || ++w->visits > VISITS_MAX ||
            len + key->len > NAME_MAX_BYTES) {
            return nb_fail(err, NB_ERR_INPUT, "'%s': its module has attributes without names, or too many of them",
                           w->path);
        }
        if (!inner && value->kind != NB_PICKLE_CALL) {
            continue;
        }
        NB_TRY(nb_buffer_append(&w->name, key->text, key->len, err));
        if (inner) {
            NB_TRY(nb_buffer_append(&w->name, ".", 1, err));
            NB_TRY(state_walk(w, value, depth + 1, err));
        } else {
            NB_TRY(state_add(w->out, w->name.data, w->name.len, attributes->items[i + 1], err));
        }
        w->name.len = len;
    }
done:
    return status;
}

/* A dict of tensors. */
static nb_status state_read_dict(nb_state_dict *out, const nb_pickle *p, const nb_pickle_value *dict, const char *path,
                                 nb_error *err)
{
    static const char prefix[] = "module.";
    size_t cut = 0;
    nb_status status = NB_OK;
    for (size_t i = 0; i + 1 < dict->count; i += 2) {
        const nb_pickle_value *key = nb_pickle_at(p, dict->items[i]), *value = nb_pickle_at(p, dict->items[i + 1]);
        if (key->kind != NB_PICKLE_TEXT || value->kind != NB_PICKLE_CALL) {
            bool named = key->kind == NB_PICKLE_TEXT;
            nb_fail(err, NB_ERR_INPUT, "'%s': the entry '%.*s' of its dict is no tensor", path,
                    named ? (int)(key->len < 200 ? key->len : 200) : 1, named ? key->text : "?");
            nb_hint(err, "a state dict of tensors is read, or a dict with one under \"state_dict\"");
            return NB_ERR_INPUT;
        }
        bool prefixed = key->len >= sizeof prefix - 1 && memcmp(key->text, prefix, sizeof prefix - 1) == 0;
        if (i == 0 && prefixed) {
            cut = sizeof prefix - 1;
        }
        if (cut && !prefixed) {
            return nb_fail(err, NB_ERR_INPUT, "'%s': some names of its dict begin with 'module.', '%.*s' does not",
                           path, (int)(key->len < 200 ? key->len : 200), key->text);
        }
        NB_TRY(state_add(out, key->text + cut, key->len - cut, dict->items[i + 1], err));
    }
done:
    return status;
}

nb_status nb_state_dict_find(nb_state_dict *out, const nb_pickle *p, const char *path, nb_error *err)
{
    const nb_pickle_value *root = nb_pickle_at(p, p->root), *inner;
    walk w = {.out = out, .pickle = p, .path = path};
    nb_status status;
    *out = (nb_state_dict){.scripted = root->kind == NB_PICKLE_OBJECT};
    inner = root->kind == NB_PICKLE_DICT ? nb_pickle_get(p, root, "state_dict") : NULL;
    if (out->scripted) {
        status = state_walk(&w, root, 0, err);
    } else if (root->kind == NB_PICKLE_DICT && (!inner || inner->kind == NB_PICKLE_DICT)) {
        status = state_read_dict(out, p, inner ? inner : root, path, err);
    } else {
        nb_fail(err, NB_ERR_INPUT, "'%s' holds no state dict", path);
        nb_hint(err, "a dict of tensors is read, or a dict with one under \"state_dict\"");
        status = NB_ERR_INPUT;
    }
    if (status == NB_OK && out->names.count == 0) {
        status = nb_fail(err, NB_ERR_INPUT, "'%s' holds no tensor", path);
    }
    nb_buffer_free(&w.name);
    return status;
}

void nb_state_dict_free(nb_state_dict *state)
{
    nb_strings_free(&state->names);
    free(state->values);
    *state = (nb_state_dict){0};
}
