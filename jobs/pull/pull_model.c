/* negbank pull --model: a checkpoint folder, file by file.
 *
 * Files gather in DIR.partial, each under its final name once its digest holds, and the folder gets its name when the
 * checkpoint in it can be opened. What an interrupted run left there is checked again, as what comes is. Digests come
 * from SHA256SUMS where the server has one (signed with --verify), and from the hub's x-linked-etag for large files;
 * what came is written down in the folder's own SHA256SUMS. */
#include "jobs/pull/pull_model.h"

#include "common/base/file.h"
#include "common/base/text.h"
#include "common/clip/checkpoint/checkpoint.h"
#include "common/clip/checkpoint/layout.h"
#include "common/clip/model/model.h"
#include "common/transfer/download.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SUMS   "SHA256SUMS"
#define SOURCE ".source" /* in DIR.partial: where its files come from */

enum { SUMS_MAX = 1 << 20 };

typedef struct run {
    const nb_job *job;
    nb_http *http;
    const nb_model_pull *what;
    nb_url base;
    char *folder;              /* DIR.partial */
    nb_strings names, digests; /* of SHA256SUMS */
    bool listed;               /* the server has SHA256SUMS */
    nb_buffer sums;            /* of what came */
    nb_strings got;            /* names of what came */
    int64_t bytes;             /* of what was fetched */
} run;

/* ---- SHA256SUMS ---- */

/* Lines "HEX  NAME" or "HEX *NAME"; names in other folders are of no interest here. */
static nb_status pull_model_parse_sums(run *r, char *text, nb_error *err)
{
    nb_status status = NB_OK;
    size_t number = 0;
    for (char *line = text, *end; line && *line; line = end) {
        end = strchr(line, '\n');
        if (end) {
            *end++ = '\0';
        }
        number++;
        size_t len = strlen(line);
        if (!len) {
            continue;
        }
        if (len < 67 || strspn(line, "0123456789abcdef") != 64 || line[64] != ' ' ||
            (line[65] != ' ' && line[65] != '*')) {
            return nb_fail(err, NB_ERR_VERIFY, "'%s" SUMS "' line %zu is not 'SHA-256  name'", r->base.shown, number);
        }
        const char *name = line + 66;
        name += strncmp(name, "./", 2) == 0 ? 2 : 0;
        NB_TRY(nb_strings_push(&r->names, name, strlen(name), err));
        NB_TRY(nb_strings_push(&r->digests, line, 64, err));
    }
done:
    return status;
}

static nb_status pull_model_check_sums_signature(run *r, const nb_buffer *sums, nb_error *err)
{
    nb_url url = {0};
    nb_http_reply reply = {0};
    nb_signature signature;
    nb_status status;
    NB_TRY(nb_url_beside(&url, &r->base, SUMS ".minisig", err));
    NB_TRY(nb_http_get(r->http, &url, NB_SIGNATURE_MAX, &reply, err));
    if (reply.status != 200) {
        status = nb_fail(err, NB_ERR_VERIFY, "'%s' is not signed: there is no '%s'", r->base.shown, url.shown);
        goto done;
    }
    NB_TRY(nb_signature_parse(&signature, url.shown, reply.body.len ? reply.body.data : "", reply.body.len, err));
    const nb_trusted_keys trusted = {r->what->keys, r->what->key_count};
    NB_TRY(nb_signature_check(&signature, &trusted, sums->data, sums->len, SUMS, err));
done:
    nb_http_reply_free(&reply);
    nb_url_free(&url);
    return status;
}

static nb_status pull_model_read_sums(run *r, nb_error *err)
{
    nb_url url = {0};
    nb_http_reply reply = {0};
    nb_status status;
    NB_TRY(nb_url_beside(&url, &r->base, SUMS, err));
    NB_TRY(nb_http_get(r->http, &url, SUMS_MAX, &reply, err));
    r->listed = reply.status == 200 && reply.body.len > 0;
    if (r->what->key_count && !r->listed) {
        status = nb_fail(err, NB_ERR_VERIFY, "'%s' cannot be verified: it has no " SUMS, r->base.shown);
        goto done;
    }
    if (r->what->key_count) {
        NB_TRY(pull_model_check_sums_signature(r, &reply.body, err));
    }
    NB_TRY(r->listed ? pull_model_parse_sums(r, reply.body.data, err) : NB_OK);
done:
    nb_http_reply_free(&reply);
    nb_url_free(&url);
    return status;
}

static const char *pull_model_listed_digest(const run *r, const char *name)
{
    for (size_t i = 0; i < r->names.count; i++) {
        if (strcmp(nb_strings_get(&r->names, i), name) == 0) {
            return nb_strings_get(&r->digests, i);
        }
    }
    return NULL;
}

/* ---- one file ---- */

static nb_status pull_model_note_file(run *r, const char *name, const nb_digest *digest, nb_error *err)
{
    nb_status status = nb_buffer_printf(&r->sums, err, "%s  %s\n", digest->hex, name);
    return status == NB_OK ? nb_strings_push(&r->got, name, strlen(name), err) : status;
}

/* The digest that a hub tells of a large file. */
static bool pull_model_hub_digest(char out[65], const char *hub)
{
    size_t quote = *hub == '"';
    if (strlen(hub) != 64 + 2 * quote || strspn(hub + quote, "0123456789abcdef") != 64) {
        return false;
    }
    memcpy(out, hub + quote, 64);
    out[64] = '\0';
    return true;
}

static nb_status pull_model_check_file(run *r, const char *name, const char *part, const char *hub, nb_digest *sum,
                                       nb_error *err)
{
    char linked[65];
    const char *want = pull_model_listed_digest(r, name);
    nb_status status = nb_digest_file(sum, part, err);
    if (status != NB_OK) {
        return status;
    }
    if (r->listed && r->what->key_count && !want) {
        return nb_fail(err, NB_ERR_VERIFY, "'%s%s' is not in the signed " SUMS, r->base.shown, name);
    }
    if (!want && pull_model_hub_digest(linked, hub)) {
        want = linked;
    }
    return !want || strcmp(want, sum->hex) == 0 ? NB_OK
                                                : nb_fail(err, NB_ERR_VERIFY, "'%s%s' has SHA-256 %s, it should be %s",
                                                          r->base.shown, name, sum->hex, want);
}

/* A file that an interrupted run left under its final name: *kept when it has the digest that is listed. Another one is
 * removed. Where none is listed it becomes a part again, of which the server says whether it is whole and, if it is a
 * hub, which digest it has. */
static nb_status pull_model_look_at_kept(run *r, const char *name, const char *path, const char *part, bool *kept,
                                         nb_error *err)
{
    const char *want = pull_model_listed_digest(r, name);
    nb_digest sum;
    nb_owner owner = nb_file_owner(path);
    nb_status status = NB_OK;
    *kept = false;
    if (owner == NB_OWNER_NONE) {
        return NB_OK;
    }
    if (owner == NB_OWNER_OURS && want) {
        NB_TRY(nb_digest_file(&sum, path, err));
        *kept = strcmp(sum.hex, want) == 0;
    }
    if (*kept) {
        NB_TRY(pull_model_note_file(r, name, &sum, err));
    } else if (want || owner == NB_OWNER_OTHER) {
        nb_log_warn(&r->job->log, "'%s' is not what the server has and is fetched anew", path);
        status = unlink(path) == 0 ? NB_OK : nb_fail_errno(err, NB_ERR_IO, "cannot remove '%s'", path);
    } else if (rename(path, part) != 0) {
        status = nb_fail_errno(err, NB_ERR_IO, "cannot rename '%s'", path);
    }
done:
    return status;
}

/* *found false: the server has no such file. A wrong digest of a file continued from an earlier run gets one new try.
 */
static nb_status pull_model_fetch_file(run *r, const char *name, bool *found, nb_error *err)
{
    nb_url url = {0};
    char *path = NULL;
    nb_buffer part = {0};
    nb_digest sum;
    nb_downloaded got = {0};
    nb_status status;
    NB_TRY(nb_path_join(&path, r->folder, name, err));
    NB_TRY(nb_buffer_printf(&part, err, "%s.part", path));
    bool unproven = nb_file_owner(path) != NB_OWNER_NONE;
    NB_TRY(pull_model_look_at_kept(r, name, path, part.data, found, err));
    if (*found) {
        goto done;
    }
    NB_TRY(nb_url_beside(&url, &r->base, name, err));
    nb_download d = {.url = &url,
                     .path = part.data,
                     .expect = -1,
                     .max_bytes = r->what->max_bytes - r->bytes,
                     .checked = pull_model_listed_digest(r, name) != NULL,
                     .optional = true};
    for (int attempt = 0; attempt < 2; attempt++) {
        char digest[65];
        NB_TRY(nb_download_run(r->http, &d, &got, err));
        if (unproven && got.joined && !d.checked && !pull_model_hub_digest(digest, got.linked_etag)) {
            nb_download_forget(part.data); /* nothing tells whether it is still what came */
            NB_TRY(nb_download_run(r->http, &d, &got, err));
        }
        *found = got.found;
        status = got.found ? pull_model_check_file(r, name, part.data, got.linked_etag, &sum, err) : NB_OK;
        if (status != NB_OK || !got.found) {
            nb_download_forget(part.data);
        }
        if (status != NB_ERR_VERIFY || !got.joined) {
            break;
        }
        if (attempt == 0) {
            nb_error_clear(err);
        }
    }
    NB_TRY(status);
    if (*found) {
        struct stat st;
        r->bytes += stat(part.data, &st) == 0 ? (int64_t)st.st_size : 0;
        if (rename(part.data, path) != 0) { /* what lies beside it stays, for the next run */
            status = nb_fail_errno(err, NB_ERR_IO, "cannot rename '%s'", part.data);
            goto done;
        }
        NB_TRY(nb_sync_folder_of(path, err));
        NB_TRY(pull_model_note_file(r, name, &sum, err));
        nb_log_info(&r->job->log, "%s", name);
    }
done:
    free(path);
    nb_buffer_free(&part);
    nb_url_free(&url);
    return status;
}

static nb_status pull_model_need_file(run *r, const char *name, nb_error *err)
{
    bool found;
    nb_status status = pull_model_fetch_file(r, name, &found, err);
    if (status == NB_OK && !found) {
        nb_fail(err, NB_ERR_NETWORK, "'%s' has no '%s'", r->base.shown, name);
        status =
            nb_hint(err, "the address must be that of the folder: '.../resolve/main/' of a Hugging Face repository");
    }
    return status;
}

/* ---- all files ---- */

static nb_status pull_model_fetch_shards(run *r, const char *index, nb_error *err)
{
    char *path = NULL, *text = NULL;
    size_t len = 0;
    nb_shard_map map = {0};
    nb_status status;
    NB_TRY(nb_path_join(&path, r->folder, index, err));
    NB_TRY(nb_file_read(path, NB_INDEX_BYTES_MAX, &text, &len, err));
    NB_TRY(nb_shard_map_parse(&map, text, len, path, err));
    for (size_t i = 0; i < map.shards.count; i++) {
        const char *shard = nb_strings_get(&map.shards, i);
        if (!nb_plain_name(shard) || shard[0] == '.') {
            status = nb_fail(err, NB_ERR_INPUT, "'%s': a shard's name is no plain file name", path);
            goto done;
        }
        NB_TRY(pull_model_need_file(r, shard, err));
    }
done:
    nb_shard_map_free(&map);
    free(text);
    free(path);
    return status;
}

/* OpenAI's archives, which have no configuration. */
static nb_status pull_model_fetch_archive(run *r, bool *found, nb_error *err)
{
    static const char *const names[] = {"ViT-B-32.pt", "ViT-B-16.pt", "ViT-L-14.pt", "ViT-L-14-336px.pt", "RN50.pt",
                                        "RN101.pt",    "RN50x4.pt",   "RN50x16.pt",  "RN50x64.pt"};
    nb_status status = NB_OK;
    *found = false;
    for (size_t i = 0; i < sizeof names / sizeof *names && !*found; i++) {
        NB_TRY(pull_model_fetch_file(r, names[i], found, err));
    }
done:
    return status;
}

/* Those that the configurations which came make preferred. */
static nb_status pull_model_fetch_weights(run *r, nb_error *err)
{
    nb_strings names = {0};
    bool found = false;
    nb_status status;
    NB_TRY(nb_layout_weights(&names, r->folder, err));
    for (size_t i = 0; i < names.count && !found; i++) {
        const char *name = nb_strings_get(&names, i);
        NB_TRY(pull_model_fetch_file(r, name, &found, err));
        if (found && nb_layout_index(name)) {
            NB_TRY(pull_model_fetch_shards(r, name, err));
        }
    }
    NB_TRY(found ? NB_OK : pull_model_fetch_archive(r, &found, err));
    if (!found) {
        nb_fail(err, NB_ERR_NETWORK, "'%s' has no weights", r->base.shown);
        nb_hint(err, "looked for are model.safetensors, pytorch_model.bin, open_clip_model.safetensors, "
                     "open_clip_pytorch_model.bin, the indices of their shards and OpenAI's ViT-*.pt and RN*.pt");
        status = NB_ERR_NETWORK;
    }
done:
    nb_strings_free(&names);
    return status;
}

/* Files that say how images and texts are prepared, where there are any. */
static nb_status pull_model_fetch_preparation(run *r, nb_error *err)
{
    static const char *const optional[] = {"preprocessor_config.json", "processor_config.json", "tokenizer_config.json",
                                           "special_tokens_map.json"};
    bool found, vocabulary;
    nb_status status;
    for (size_t i = 0; i < sizeof optional / sizeof *optional; i++) {
        NB_TRY(pull_model_fetch_file(r, optional[i], &found, err));
    }
    NB_TRY(pull_model_fetch_file(r, "vocab.json", &vocabulary, err));
    if (vocabulary) {
        NB_TRY(pull_model_need_file(r, "merges.txt", err));
        goto done;
    }
    NB_TRY(pull_model_fetch_file(r, "spiece.model", &found, err)); /* of sentencepiece, which has no merges */
    if (found) {
        NB_TRY(pull_model_fetch_file(r, "tokenizer.json", &found, err));
        goto done;
    }
    NB_TRY(pull_model_fetch_file(r, "tokenizer.json", &found, err));
    if (!found) {
        NB_TRY(pull_model_fetch_file(r, "vocab.txt", &found, err)); /* of BERT's WordPiece */
    }
    NB_TRY(found ? NB_OK : pull_model_need_file(r, "tokenizer.json", err));
done:
    return status;
}

static nb_status pull_model_fetch_all(run *r, nb_error *err)
{
    bool config, open_clip, archive = false;
    nb_status status;
    NB_TRY(pull_model_fetch_file(r, "config.json", &config, err));
    NB_TRY(pull_model_fetch_file(r, "open_clip_config.json", &open_clip, err));
    if (!config && !open_clip) {
        NB_TRY(pull_model_fetch_archive(r, &archive, err));
        NB_TRY(archive ? NB_OK : pull_model_need_file(r, "config.json", err));
    }
    NB_TRY(pull_model_fetch_preparation(r, err));
    NB_TRY(archive ? NB_OK : pull_model_fetch_weights(r, err));
done:
    return status;
}

/* ---- the folder ---- */

/* A partial of another source, or of another state of it, is not continued. */
static nb_status pull_model_open_folder(run *r, nb_error *err)
{
    char *path = NULL, *text = NULL;
    nb_buffer now = {0};
    size_t len = 0;
    nb_status status;
    struct stat st;
    NB_TRY(nb_make_directories(r->folder, err));
    if (lstat(r->folder, &st) != 0 || !S_ISDIR(st.st_mode) || st.st_uid != geteuid()) {
        nb_fail(err, NB_ERR_IO, "'%s' is a link, or another user's", r->folder);
        status = nb_hint(err, "remove it, or choose another folder");
        goto done;
    }
    NB_TRY(nb_path_join(&path, r->folder, SOURCE, err));
    NB_TRY(nb_buffer_printf(&now, err, "%s\n", nb_digest_bytes(r->base.request, strlen(r->base.request)).hex));
    for (size_t i = 0; i < r->digests.count; i++) {
        NB_TRY(nb_buffer_printf(&now, err, "%s\n", nb_strings_get(&r->digests, i)));
    }
    if (nb_file_owner(path) != NB_OWNER_OURS) {
        NB_TRY(nb_file_write(path, true, now.data, now.len, err));
        goto done;
    }
    NB_TRY(nb_file_read(path, SUMS_MAX, &text, &len, err));
    if (len != now.len || memcmp(text, now.data, len) != 0) {
        nb_fail(err, NB_ERR_USAGE, "'%s' holds files of another checkpoint", r->folder);
        status = nb_hint(err, "remove it, or choose another folder");
    }
done:
    nb_buffer_free(&now);
    free(text);
    free(path);
    return status;
}

static nb_status pull_model_refuse_existing(const char *folder, bool force, nb_error *err)
{
    DIR *d = opendir(folder);
    size_t entries = 0;
    while (d && readdir(d)) {
        entries++;
    }
    if (d) {
        closedir(d);
    }
    if ((d && entries > 2 && !force) || (!d && errno != ENOENT)) {
        nb_fail(err, NB_ERR_USAGE, "output '%s' exists", folder);
        return nb_hint(err, "choose another folder, or put the files into it with --force");
    }
    return NB_OK;
}

static bool pull_model_came(const run *r, const char *name)
{
    for (size_t i = 0; i < r->got.count; i++) {
        if (strcmp(nb_strings_get(&r->got, i), name) == 0) {
            return true;
        }
    }
    return false;
}

/* Removes what is in the folder and did not come, or came for a part of it: it would become part of the checkpoint. */
static nb_status pull_model_sweep(const run *r, nb_error *err)
{
    DIR *d = opendir(r->folder);
    nb_status status = d ? NB_OK : nb_fail_errno(err, NB_ERR_IO, "cannot read '%s'", r->folder);
    for (const struct dirent *e; status == NB_OK && (e = readdir(d)) != NULL;) {
        bool stays = strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0 || strcmp(e->d_name, SOURCE) == 0 ||
                     pull_model_came(r, e->d_name);
        if (!stays && unlinkat(dirfd(d), e->d_name, 0) != 0) {
            status = nb_fail_errno(err, NB_ERR_IO, "'%s' did not come from '%s', and cannot be removed from '%s'",
                                   e->d_name, r->base.shown, r->folder);
        }
    }
    if (d) {
        closedir(d);
    }
    return status;
}

/* The folder under its name; with --force its files go into the one that is there. */
static nb_status pull_model_commit(run *r, nb_error *err)
{
    char *from = NULL, *to = NULL, *sums = NULL, *source = NULL;
    nb_clip *clip = NULL;
    nb_status status;
    NB_TRY(pull_model_sweep(r, err));
    status = nb_clip_open(&clip, r->folder, err); /* as `check` reads it: every file, and every weight */
    if (status != NB_OK) {
        nb_context(err, "what came is no checkpoint that can be read");
        goto done;
    }
    NB_TRY(nb_path_join(&sums, r->folder, SUMS, err));
    NB_TRY(nb_file_write(sums, true, r->sums.data, r->sums.len, err));
    NB_TRY(nb_strings_push(&r->got, SUMS, strlen(SUMS), err));
    NB_TRY(nb_path_join(&source, r->folder, SOURCE, err));
    unlink(source);
    NB_TRY(nb_sync_folder_of(source, err));
    if (rename(r->folder, r->what->output) == 0) {
        status = nb_sync_folder_of(r->folder, err);
        goto done;
    }
    for (size_t i = 0; i < r->got.count; i++) {
        free(from);
        free(to);
        from = to = NULL;
        NB_TRY(nb_path_join(&from, r->folder, nb_strings_get(&r->got, i), err));
        NB_TRY(nb_path_join(&to, r->what->output, nb_strings_get(&r->got, i), err));
        if (rename(from, to) != 0) {
            status = nb_fail_errno(err, NB_ERR_IO, "cannot rename '%s' to '%s'", from, to);
            goto done;
        }
    }
    rmdir(r->folder);
    NB_TRY(nb_sync_folder_of(to, err));
done:
    nb_clip_close(clip);
    free(from);
    free(to);
    free(sums);
    free(source);
    return status;
}

static nb_status pull_model_find_base(run *r, nb_error *err)
{
    nb_buffer b = {0};
    const char *from = r->what->from;
    nb_status status;
    if (!nb_url_like(from)) {
        return nb_url_folder(&r->base, from, err);
    }
    NB_TRY(nb_buffer_printf(&b, err, "%s%s", from, from[strlen(from) - 1] == '/' ? "" : "/"));
    NB_TRY(nb_url_parse(&r->base, b.data, err));
done:
    nb_buffer_free(&b);
    return status;
}

nb_status nb_job_pull_model(const nb_job *job, nb_http *http, const nb_model_pull *what, nb_error *err)
{
    run r = {.job = job, .http = http, .what = what};
    nb_buffer folder = {0};
    size_t len = strlen(what->output);
    int lock = -1;
    nb_status status;
    while (len > 1 && what->output[len - 1] == '/') {
        len--;
    }
    NB_TRY(pull_model_refuse_existing(what->output, what->force, err));
    NB_TRY(pull_model_find_base(&r, err));
    NB_TRY(nb_http_set_own(http, &r.base, err));
    NB_TRY(nb_buffer_printf(&folder, err, "%.*s.partial", (int)len, what->output));
    r.folder = folder.data;
    NB_TRY(nb_cache_lock(&lock, what->cache, nb_digest_bytes(folder.data, folder.len).hex, &job->log, err));
    NB_TRY(pull_model_read_sums(&r, err));
    NB_TRY(pull_model_open_folder(&r, err));
    NB_TRY(pull_model_fetch_all(&r, err));
    NB_TRY(pull_model_commit(&r, err));
    nb_log_info(&job->log, "%s -> %s (%zu files)", r.base.shown, what->output, r.got.count - 1);
done:
    nb_cache_unlock(&lock);
    nb_buffer_free(&folder);
    nb_buffer_free(&r.sums);
    nb_strings_free(&r.names);
    nb_strings_free(&r.digests);
    nb_strings_free(&r.got);
    nb_url_free(&r.base);
    return status;
}
