#include "jobs/inspect/inspect_checkup.h"

#include "common/base/file.h"
#include "common/store/embeddings.h"
#include "common/store/hdf5/h5.h"
#include "jobs/inspect/inspect_kinds.h"
#include "mining/corpus/file/corpus_file.h"
#include "scoring/bank/bank.h"
#include "scoring/bank/bank_digests.h"
#include "scoring/files/predictions.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { DAMAGE_MAX = 100, REPORT_MAX = 1 << 20, DAMAGED_SECONDS = 600 };

/* What a look at the inside of a sealed file found. */
typedef struct checkup {
    json_t *damage;
    json_int_t datasets, tiles;
} checkup;

static void inspect_checkup_note(json_t *damage, const char *where, const char *what)
{
    if (json_array_size(damage) < DAMAGE_MAX) {
        json_array_append_new(damage, json_pack("{s:s, s:s}", "where", where, "what", what));
    }
}

/* The bank's own list of digests, NULL where there is none to compare with. */
static json_t *inspect_checkup_read_digests(hid_t file, bool *strict, json_t *damage)
{
    nb_error err = {0};
    nb_digest all = {""};
    char *text = NULL;
    json_t *list = NULL;
    nb_status status = nb_h5_get_text(file, "digests", &text, &err);
    if (status == NB_OK) {
        status = nb_bank_digests_parse(&list, &all, text, &err);
    }
    if (status != NB_OK) {
        inspect_checkup_note(damage, "dataset 'digests'", err.message);
    }
    *strict = all.hex[0] != '\0';
    free(text);
    return list;
}

static void inspect_checkup_check_dataset(checkup *c, hid_t file, const char *name, const json_t *digests, bool strict)
{
    nb_error err = {0};
    char where[256];
    void *data = NULL;
    size_t bytes = 0;
    nb_status status = nb_h5_get_raw(file, name, &data, &bytes, &err);
    if (status == NB_OK && digests && strcmp(name, "digests") != 0) {
        status = nb_bank_digests_check(digests, strict, name, data, bytes, &err);
    }
    if (status != NB_OK) {
        snprintf(where, sizeof where, "dataset '%.200s'", name);
        inspect_checkup_note(c->damage, where, err.message);
    }
    c->datasets++;
    free(data);
}

/* Score files have lists of strings that only their own reader takes. */
static bool inspect_checkup_read_later(const nb_file_kind *kind, const char *name)
{
    return strcmp(kind->name, NB_PREDICTIONS_KIND) == 0 &&
           (strcmp(name, "image") == 0 || strcmp(name, "class_name") == 0 || strcmp(name, "comments") == 0);
}

static void inspect_checkup_check_datasets(checkup *c, const char *path, const nb_file_kind *kind)
{
    nb_error err = {0};
    hid_t file = -1;
    nb_strings names = {0};
    json_t *digests = NULL;
    bool strict = false, store = strcmp(kind->name, NB_STORE_KIND) == 0;
    bool texts = strcmp(kind->name, NB_CORPUS_KIND) == 0;
    if ((texts ? nb_h5_open_texts : nb_h5_open)(&file, path, kind->name, kind->format, &err) != NB_OK ||
        nb_h5_names(file, &names, &err) != NB_OK) {
        inspect_checkup_note(c->damage, "structure", err.message);
    }
    if (names.count && strcmp(kind->name, NB_BANK_KIND) == 0) {
        digests = inspect_checkup_read_digests(file, &strict, c->damage);
    }
    for (size_t i = 0; i < names.count; i++) {
        const char *name = nb_strings_get(&names, i);
        if (inspect_checkup_read_later(kind, name)) {
            c->datasets++;
        } else if (!store || strcmp(name, "embeddings") != 0) { /* those are read tile by tile */
            inspect_checkup_check_dataset(c, file, name, digests, strict);
        }
    }
    json_decref(digests);
    nb_strings_free(&names);
    nb_h5_close(&file);
}

static void inspect_checkup_check_tiles(checkup *c, const char *path)
{
    nb_error err = {0};
    nb_store store;
    if (nb_store_open(&store, path, false, &err) != NB_OK) {
        inspect_checkup_note(c->damage, "structure", err.message);
        return;
    }
    void *row = nb_alloc(1, nb_store_row_bytes(&store.plan), &err);
    for (size_t t = 0; row && t < store.plan.tile_count; t++) {
        size_t first = nb_store_tile_begin(&store.plan, t);
        char where[96];
        if (nb_store_raw_rows(&store, &first, 1, row, &err) != NB_OK) {
            snprintf(where, sizeof where, "tile %zu (rows %zu to %zu)", t, first,
                     first + nb_store_tile_rows(&store.plan, t) - 1);
            inspect_checkup_note(c->damage, where, "its bytes do not match their checksum");
        }
        c->tiles++;
    }
    free(row);
    nb_store_close(&store);
}

/* Everything that can be said of the inside; `sealed`: the seal matches its bytes. */
static void inspect_checkup_look_inside(checkup *c, const char *path, const nb_file_kind *kind, bool sealed)
{
    nb_error err = {0};
    inspect_checkup_check_datasets(c, path, kind);
    if (strcmp(kind->name, NB_STORE_KIND) == 0) {
        inspect_checkup_check_tiles(c, path);
    }
    if (sealed && !json_array_size(c->damage) && kind->read(path, &err) != NB_OK) {
        inspect_checkup_note(c->damage, "content", err.message);
    }
}

static void inspect_checkup_write_all(int fd, const char *text, size_t len)
{
    while (len) {
        ssize_t n = write(fd, text, len);
        if (n < 0 && errno != EINTR) {
            return;
        }
        text += n > 0 ? n : 0;
        len -= n > 0 ? (size_t)n : 0;
    }
}

/* The child's whole life. */
static void inspect_checkup_report_inside(int fd, const char *path, const nb_file_kind *kind, bool sealed)
{
    checkup c = {.damage = json_array()};
    if (!sealed) {
        alarm(DAMAGED_SECONDS);
    }
    inspect_checkup_look_inside(&c, path, kind, sealed);
    json_t *root = json_pack("{s:O, s:I, s:I}", "damage", c.damage, "datasets", c.datasets, "tiles", c.tiles);
    char *text = json_dumps(root, 0);
    if (text) {
        inspect_checkup_write_all(fd, text, strlen(text));
    }
    free(text);
    json_decref(root);
    json_decref(c.damage);
}

static nb_status inspect_checkup_read_report(int fd, json_t **report, nb_error *err)
{
    nb_buffer text = {.max = REPORT_MAX};
    nb_status status = NB_OK;
    char part[4096];
    for (ssize_t n = 1; n && status == NB_OK;) {
        n = read(fd, part, sizeof part);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        status = n > 0 ? nb_buffer_append(&text, part, (size_t)n, err) : NB_OK;
        n = n < 0 ? 0 : n;
    }
    *report = text.data ? json_loads(text.data, 0, NULL) : NULL;
    nb_buffer_free(&text);
    return status;
}

static nb_status inspect_checkup_ask_child(const char *path, const nb_file_kind *kind, bool sealed, json_t **report,
                                           nb_error *err)
{
    int ends[2];
    *report = NULL;
    if (pipe(ends) != 0) {
        return nb_fail_errno(err, NB_ERR_LIMIT, "cannot start a process to look into '%s'", path);
    }
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        close(ends[0]);
        inspect_checkup_report_inside(ends[1], path, kind, sealed);
        _exit(0);
    }
    close(ends[1]);
    if (child < 0) {
        close(ends[0]);
        return nb_fail_errno(err, NB_ERR_LIMIT, "cannot start a process to look into '%s'", path);
    }
    nb_status status = inspect_checkup_read_report(ends[0], report, err);
    close(ends[0]);
    while (waitpid(child, NULL, 0) < 0 && errno == EINTR) {
    }
    return status;
}

/* The inside as the child saw it; what it could not survive is damage of the structure. */
static nb_status inspect_checkup_check_inside(const char *path, const nb_file_kind *kind, bool sealed, json_t *damage,
                                              json_t *checked, nb_error *err)
{
    json_t *report;
    nb_status status = inspect_checkup_ask_child(path, kind, sealed, &report, err);
    if (status == NB_OK && !report) {
        inspect_checkup_note(damage, "structure", "HDF5 cannot read what is left of it");
    }
    json_array_extend(damage, json_object_get(report, "damage"));
    json_object_set(checked, "datasets", json_object_get(report, "datasets"));
    if (json_integer_value(json_object_get(report, "tiles"))) {
        json_object_set(checked, "tiles", json_object_get(report, "tiles"));
    }
    json_decref(report);
    return status;
}

static nb_status inspect_checkup_check_sealed(const char *path, json_t *info, json_t *damage, json_t *checked,
                                              nb_error *err)
{
    nb_seal seal;
    nb_error found = {0};
    nb_status status = nb_seal_verify(&seal, path, NULL, &found);
    const nb_file_kind *kind = nb_file_kind_find(seal.kind);
    if (status != NB_OK && status != NB_ERR_VERIFY && !seal.size) { /* nothing of it can be believed */
        *err = found;
        return status;
    }
    if (status == NB_OK && !kind) {
        return nb_fail(err, NB_ERR_INPUT, "'%s' is a negbank '%s', which this version does not know", path, seal.kind);
    }
    json_object_set_new(info, "kind", json_string(seal.kind));
    json_object_set_new(info, "bytes", json_integer((json_int_t)seal.size));
    json_object_set_new(info, "sha256", json_string(seal.digest.hex));
    if (status != NB_OK) {
        inspect_checkup_note(damage, "seal", found.message);
    }
    if (!kind || (status != NB_OK && status != NB_ERR_VERIFY)) { /* cut short, or not even the kind is right */
        return NB_OK;
    }
    return inspect_checkup_check_inside(path, kind, status == NB_OK, damage, checked, err);
}

/* A score file has no seal: its rows are read, and its last line must be whole. */
static nb_status inspect_checkup_check_scores(const char *path, json_t *info, json_t *damage, json_t *checked,
                                              nb_error *err)
{
    nb_scores scores = {0};
    nb_error found = {0};
    nb_map map;
    nb_digest digest;
    nb_status status = nb_map_open(&map, path, err);
    if (status != NB_OK) {
        return status;
    }
    digest = nb_digest_bytes(map.data, map.len);
    json_object_set_new(info, "kind", json_string(NB_SCORES_KIND));
    json_object_set_new(info, "bytes", json_integer((json_int_t)map.len));
    json_object_set_new(info, "sha256", json_string(digest.hex));
    if (nb_scores_read(&scores, path, &found) != NB_OK) {
        inspect_checkup_note(damage, "rows", found.message);
    } else if (map.data[map.len - 1] != '\n') {
        inspect_checkup_note(damage, "rows", "the last line has no end: the file is cut short");
    }
    json_object_set_new(checked, "rows", json_integer((json_int_t)scores.count));
    nb_scores_free(&scores);
    nb_map_close(&map);
    return NB_OK;
}

nb_status nb_checkup(const char *path, json_t *info, bool *whole, nb_error *err)
{
    json_t *damage = json_array(), *checked = json_object();
    nb_status status = nb_file_check(path, err);
    if (status == NB_OK) {
        status = nb_looks_like_scores(path) ? inspect_checkup_check_scores(path, info, damage, checked, err)
                                            : inspect_checkup_check_sealed(path, info, damage, checked, err);
    }
    *whole = status == NB_OK && !json_array_size(damage);
    json_object_set_new(info, "whole", json_boolean(*whole));
    json_object_set_new(info, "checked", checked);
    json_object_set_new(info, "damage", damage);
    return status;
}
