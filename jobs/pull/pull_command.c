/* negbank pull: a bank, or a checkpoint, from a server; nothing gets its final name before it was verified. */
#include "jobs/commands.h"

#include "common/base/file.h"
#include "common/store/seal.h"
#include "common/transfer/download.h"
#include "jobs/pull/pull_model.h"
#include "jobs/pull/pull_subject.h"
#include "jobs/transfer.h"
#include "scoring/bank/bank.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct settings {
    nb_talk talk;
    nb_transfer_choice transfer;
    const char *what, *model, *output, *index, *sha256, *name, *version;
    nb_strings verify;
    int64_t max_size; /* MiB */
    bool force, offline;
} settings;

typedef struct run {
    nb_job *job;
    const settings *set;
    nb_http *http;
    nb_cache cache;
    nb_public_key *keys;
    size_t key_count;
    nb_url url, signature_url;
    char expected[65];    /* SHA-256 of the file, "" unknown */
    int64_t bytes;        /* -1 unknown */
    char *name, *version; /* in the index; NULL: by address */
    char *path;           /* in the cache */
    nb_digest proven;     /* of the file at `path` */
} run;

enum { SUM_MAX = 4096 };

static bool pull_take_digest(char out[65], const char *text, size_t len)
{
    if (len < 64 || strspn(text, "0123456789abcdefABCDEF") != 64) {
        return false;
    }
    for (size_t i = 0; i < 64; i++) {
        out[i] = text[i] >= 'A' && text[i] <= 'F' ? (char)(text[i] - 'A' + 'a') : text[i];
    }
    out[64] = '\0';
    return true;
}

/* ---- which file, and what is known of it ---- */

/* Where the digest an address had last is kept, for use offline. */
static nb_status pull_address_note(const run *r, char **path, nb_error *err)
{
    return nb_cache_path(path, &r->cache, "addresses", nb_digest_bytes(r->url.request, strlen(r->url.request)).hex, "",
                         err);
}

static nb_status pull_digest_from_note(run *r, nb_error *err)
{
    char *path = NULL, *text = NULL;
    size_t len = 0;
    nb_status status;
    NB_TRY(pull_address_note(r, &path, err));
    nb_owner owner = nb_file_owner(path);
    if (owner == NB_OWNER_OTHER && !r->key_count) { /* it tells which bank the address is */
        nb_fail(err, NB_ERR_VERIFY, "what the cache knows of '%s' is another user's", r->url.shown);
        status = nb_hint(err, "--verify KEY or --sha256 HEX tells whether it is to be trusted");
        goto done;
    }
    bool known = owner != NB_OWNER_NONE && nb_file_read(path, SUM_MAX, &text, &len, NULL) == NB_OK &&
                 pull_take_digest(r->expected, text, len);
    if (!known) {
        nb_fail(err, NB_ERR_NETWORK, "'%s' is not in the cache", r->url.shown);
        status = nb_hint(err, "pull it once without --offline");
    }
done:
    free(text);
    free(path);
    return status;
}

static nb_status pull_digest_from_server(run *r, nb_error *err)
{
    nb_url sum = {0};
    nb_http_reply reply = {0};
    nb_status status;
    NB_TRY(nb_url_suffixed(&sum, &r->url, ".sha256", err));
    NB_TRY(nb_http_get(r->http, &sum, SUM_MAX, &reply, err));
    if (reply.status == 404) {
        nb_log_warn(&r->job->log, "'%s' has no .sha256 beside it: only the bank's own seal is checked", r->url.shown);
    } else if (reply.status != 200) {
        status = nb_http_refused(&(nb_http_request){.method = "GET", .url = &sum}, &reply, err);
    } else if (!pull_take_digest(r->expected, reply.body.len ? reply.body.data : "", reply.body.len)) {
        status = nb_fail(err, NB_ERR_VERIFY, "'%s' does not begin with a SHA-256", sum.shown);
    }
done:
    nb_http_reply_free(&reply);
    nb_url_free(&sum);
    return status;
}

static nb_status pull_resolve_address(run *r, nb_error *err)
{
    nb_status status;
    NB_TRY(nb_url_parse(&r->url, r->set->what, err));
    NB_TRY(nb_http_set_own(r->http, &r->url, err));
    NB_TRY(nb_url_suffixed(&r->signature_url, &r->url, ".minisig", err));
    if (!r->expected[0]) {
        NB_TRY(r->set->offline ? pull_digest_from_note(r, err) : pull_digest_from_server(r, err));
    }
done:
    return status;
}

static nb_status pull_copy(char **out, const char *text, nb_error *err)
{
    *out = strdup(text);
    return *out ? NB_OK : nb_fail(err, NB_ERR_LIMIT, "out of memory for a name");
}

static nb_status pull_take_entry(run *r, const json_t *bank, const nb_url *index, nb_error *err)
{
    const char *signature = nb_index_text_of(bank, "signature"), *sum = nb_index_text_of(bank, "sha256");
    nb_status status;
    NB_TRY(nb_url_beside(&r->url, index, nb_index_text_of(bank, "file"), err));
    if (*signature) {
        NB_TRY(nb_url_beside(&r->signature_url, index, signature, err));
    } else if (r->key_count) { /* the index vouches for its entry, the bank's own signature for the bank */
        return nb_fail(err, NB_ERR_VERIFY, "'%s' is not signed: index '%s' names no signature of it", r->url.shown,
                       index->shown);
    }
    NB_TRY(pull_copy(&r->name, nb_index_text_of(bank, "name"), err));
    NB_TRY(pull_copy(&r->version, nb_index_text_of(bank, "version"), err));
    if (r->expected[0] && strcmp(r->expected, sum) != 0) {
        return nb_fail(err, NB_ERR_VERIFY, "the index has SHA-256 %s for it, --sha256 says %s", sum, r->expected);
    }
    memcpy(r->expected, sum, sizeof r->expected);
    r->bytes = json_integer_value(json_object_get(bank, "bytes"));
done:
    return status;
}

/* NAME or NAME@VERSION, through an index. */
static nb_status pull_resolve_name(run *r, nb_error *err)
{
    const settings *s = r->set;
    nb_url url = {0};
    nb_index index = {0};
    char *name = strdup(s->what), *at = name ? strrchr(name, '@') : NULL;
    nb_status status = name ? NB_OK : nb_fail(err, NB_ERR_LIMIT, "out of memory for a name");
    NB_TRY(status);
    if (at) {
        *at = '\0';
    }
    if (!s->index) {
        nb_fail(err, NB_ERR_USAGE, "'%s' is no address, and a name needs --index URL", s->what);
        status = nb_hint(err, "pull URL, or pull NAME[@VERSION] --index URL");
        goto done;
    }
    NB_TRY(nb_url_parse(&url, s->index, err));
    NB_TRY(nb_http_set_own(r->http, &url, err));
    const nb_index_place place = {.url = &url, .cache = &r->cache, .trusted = {r->keys, r->key_count}};
    NB_TRY(s->offline ? nb_index_kept(&index, &place, err) : nb_index_fetch(&index, r->http, &place, err));
    const json_t *bank = nb_index_find(&index, name, at ? at + 1 : NULL);
    if (!bank) {
        nb_fail(err, NB_ERR_USAGE, "index '%s' has no bank '%s'%s%s", url.shown, name, at ? " of version " : "",
                at ? at + 1 : "");
        status = nb_hint(err, "it has %zu banks, the newest '%s'", json_array_size(index.banks),
                         nb_index_text_of(json_array_get(index.banks, json_array_size(index.banks) - 1), "name"));
        goto done;
    }
    NB_TRY(pull_take_entry(r, bank, &url, err));
done:
    nb_index_free(&index);
    nb_url_free(&url);
    free(name);
    return status;
}

/* ---- proof ---- */

/* Where the signature that an address had last is kept, for use offline. */
static nb_status pull_signature_path(const run *r, char **path, nb_error *err)
{
    const char *address = r->signature_url.request;
    return nb_cache_path(path, &r->cache, "signatures", nb_digest_bytes(address, strlen(address)).hex, ".minisig", err);
}

/* The signature: from the server, or the copy in the cache. */
static nb_status pull_read_signature(run *r, const char *copy, nb_buffer *text, nb_error *err)
{
    nb_http_reply reply = {0};
    char *kept = NULL;
    size_t len = 0;
    nb_status status = NB_OK;
    if (!r->set->offline) {
        NB_TRY(nb_http_get(r->http, &r->signature_url, NB_SIGNATURE_MAX, &reply, err));
        if (reply.status == 404) {
            status = nb_fail(err, NB_ERR_VERIFY, "'%s' is not signed: there is no '%s'", r->url.shown,
                             r->signature_url.shown);
            goto done;
        }
        if (reply.status != 200) {
            status = nb_http_refused(&(nb_http_request){.method = "GET", .url = &r->signature_url}, &reply, err);
            goto done;
        }
        NB_TRY(nb_buffer_append(text, reply.body.len ? reply.body.data : "", reply.body.len, err));
        goto done;
    }
    if (access(copy, F_OK) != 0) {
        nb_fail(err, NB_ERR_VERIFY, "the cache has no signature of '%s'", r->url.shown);
        status = nb_hint(err, "pull it once with --verify and without --offline");
        goto done;
    }
    NB_TRY(nb_file_read(copy, NB_SIGNATURE_MAX, &kept, &len, err));
    NB_TRY(nb_buffer_append(text, kept, len, err));
done:
    free(kept);
    nb_http_reply_free(&reply);
    return status;
}

static nb_status pull_check_signature(run *r, const nb_map *map, const char *sum, nb_error *err)
{
    nb_buffer text = {0};
    nb_signature signature;
    char *copy = NULL, *file = NULL;
    nb_status status = NB_OK;
    if (!r->key_count) {
        return NB_OK;
    }
    NB_TRY(pull_signature_path(r, &copy, err));
    NB_TRY(nb_url_name(&file, &r->url, err));
    NB_TRY(pull_read_signature(r, copy, &text, err));
    NB_TRY(nb_signature_parse(&signature, r->signature_url.shown, text.data ? text.data : "", text.len, err));
    NB_TRY(nb_signature_check(&signature, &(nb_trusted_keys){r->keys, r->key_count}, map->data, map->len, r->url.shown,
                              err));
    const nb_pull_subject asked = {.shown = r->url.shown,
                                   .file = file,
                                   .name = r->name ? r->name : r->set->name,
                                   .version = r->version ? r->version : r->set->version,
                                   .sha256 = sum,
                                   .by_index = r->name != NULL};
    NB_TRY(nb_pull_subject_check(&signature, &asked, &r->job->log, err));
    if (!r->set->offline && nb_cache_takes(copy)) {
        NB_TRY(nb_file_write(copy, true, text.data, text.len, err));
    }
    char id[17];
    nb_key_id_text(id, signature.id);
    nb_log_info(&r->job->log, "signed by key %s", id);
done:
    free(copy);
    free(file);
    nb_buffer_free(&text);
    return status;
}

/* Digest, seal and signature of a file; *sum is its digest. */
static nb_status pull_prove(run *r, const char *path, nb_digest *sum, nb_error *err)
{
    nb_map map = {0};
    nb_seal seal;
    nb_status status;
    NB_TRY(nb_map_open(&map, path, err));
    *sum = nb_digest_bytes(map.data, map.len);
    if (r->expected[0] && strcmp(sum->hex, r->expected) != 0) {
        status =
            nb_fail(err, NB_ERR_VERIFY, "'%s' has SHA-256 %s, it should be %s", r->url.shown, sum->hex, r->expected);
        goto done;
    }
    NB_TRY(pull_check_signature(r, &map, sum->hex, err));
    status = nb_seal_verify(&seal, path, NB_BANK_KIND, err);
    if (status != NB_OK) {
        nb_context(err, "'%s' is no whole bank", r->url.shown);
    }
done:
    nb_map_close(&map);
    return status;
}

/* ---- fetching ---- */

/* One download and its proof; *again: what was kept of an earlier one may be what is wrong. */
static nb_status pull_fetch_once(run *r, const char *part, nb_digest *sum, bool *again, nb_error *err)
{
    nb_download d = {.url = &r->url,
                     .path = part,
                     .expect = r->bytes,
                     .max_bytes = r->set->max_size << 20,
                     .checked = r->expected[0] != '\0'};
    nb_downloaded got;
    nb_status status;
    *again = false;
    status = nb_download_run(r->http, &d, &got, err);
    if (status == NB_OK) {
        status = pull_prove(r, part, sum, err);
    }
    if (status == NB_ERR_VERIFY || status == NB_ERR_INPUT) {
        nb_download_forget(part);
        *again = got.joined;
    }
    return status;
}

static nb_status pull_keep_in_cache(run *r, const char *part, const nb_digest *sum, nb_error *err)
{
    nb_output out = {0};
    char *note = NULL;
    nb_status status;
    free(r->path);
    r->path = NULL;
    NB_TRY(nb_cache_path(&r->path, &r->cache, "banks", sum->hex, ".nbank", err));
    NB_TRY(nb_output_begin(&out, r->path, true, err));
    if (rename(part, out.partial) != 0) {
        status = nb_fail_errno(err, NB_ERR_IO, "cannot rename '%s'", part);
        goto done;
    }
    NB_TRY(nb_output_commit(&out, err));
    nb_download_forget(part); /* what lay beside it */
    r->proven = *sum;
    NB_TRY(pull_address_note(r, &note, err));
    if (nb_cache_takes(note)) {
        NB_TRY(nb_file_write(note, true, sum->hex, 64, err));
    }
done:
    free(note);
    nb_output_end(&out);
    return status;
}

static nb_status pull_fetch(run *r, nb_error *err)
{
    nb_digest sum;
    char *part = NULL;
    bool again = false;
    nb_status status;
    if (r->set->offline) {
        nb_fail(err, NB_ERR_NETWORK, "'%s' is not in the cache", r->url.shown);
        return nb_hint(err, "pull it once without --offline");
    }
    nb_digest key = nb_digest_bytes(r->url.request, strlen(r->url.request));
    NB_TRY(nb_cache_path(&part, &r->cache, "parts", r->expected[0] ? r->expected : key.hex, ".part", err));
    if (access(r->cache.folder, W_OK) != 0) {
        nb_fail_errno(err, NB_ERR_IO, "'%s' is not in the cache, and '%s' cannot be written", r->url.shown,
                      r->cache.folder);
        status = nb_hint(err, "give --cache DIR, a folder of your own");
        goto done;
    }
    status = pull_fetch_once(r, part, &sum, &again, err);
    if (again) {
        nb_log_warn(&r->job->log, "%s; it is fetched anew", err->message);
        nb_error_clear(err);
        status = pull_fetch_once(r, part, &sum, &again, err);
    }
    NB_TRY(status);
    NB_TRY(pull_keep_in_cache(r, part, &sum, err));
done:
    free(part);
    return status;
}

/* The cached file, when it is there and whole. */
static nb_status pull_look_in_cache(run *r, bool *found, nb_error *err)
{
    nb_digest sum;
    nb_map map;
    nb_status status = NB_OK;
    *found = false;
    if (!r->expected[0]) {
        return NB_OK;
    }
    NB_TRY(nb_cache_path(&r->path, &r->cache, "banks", r->expected, ".nbank", err));
    if (access(r->path, F_OK) != 0) {
        goto done;
    }
    NB_TRY(nb_digest_file(&sum, r->path, err));
    if (strcmp(sum.hex, r->expected) != 0) {
        nb_log_warn(&r->job->log, "'%s' was damaged and is fetched anew", r->path);
        unlink(r->path);
        goto done;
    }
    NB_TRY(nb_map_open(&map, r->path, err));
    status = pull_check_signature(r, &map, sum.hex, err);
    nb_map_close(&map);
    *found = status == NB_OK;
    r->proven = sum;
done:
    return status;
}

/* A copy under the output's name. Others may write into the cache too, so it is the copy that is checked. */
static nb_status pull_copy_out(run *r, nb_error *err)
{
    nb_output out = {0};
    nb_map map = {0};
    nb_digest sum;
    FILE *f = NULL;
    nb_status status;
    NB_TRY(nb_map_open(&map, r->path, err));
    NB_TRY(nb_output_begin(&out, r->set->output, r->set->force, err));
    NB_TRY(nb_output_file(&f, &out, err));
    bool wrote = fwrite(map.data, 1, map.len, f) == map.len;
    NB_TRY(nb_output_close(f, wrote, &out, err));
    NB_TRY(nb_digest_file(&sum, out.partial, err));
    if (strcmp(sum.hex, r->proven.hex) != 0) {
        status = nb_fail(err, NB_ERR_VERIFY, "'%s' changed while it was copied", r->path);
        goto done;
    }
    NB_TRY(nb_output_commit(&out, err));
    nb_log_info(&r->job->log, "%s -> %s", r->url.shown, r->set->output);
done:
    nb_output_end(&out);
    nb_map_close(&map);
    return status;
}

static nb_status pull_give_out(run *r, nb_error *err)
{
    if (r->set->output) {
        return pull_copy_out(r, err);
    }
    if (nb_file_owner(r->path) == NB_OWNER_OTHER) {
        nb_log_warn(&r->job->log, "'%s' is another user's, who can change it; -o FILE makes a copy", r->path);
    }
    printf("%s\n", r->path);
    return fflush(stdout) == 0 ? NB_OK : nb_fail_errno(err, NB_ERR_IO, "cannot write to standard output");
}

static nb_status pull_bank(run *r, nb_error *err)
{
    const settings *s = r->set;
    char lock_name[65];
    int lock = -1;
    bool found;
    nb_status status;
    if (s->sha256 && (strlen(s->sha256) != 64 || !pull_take_digest(r->expected, s->sha256, 64))) {
        return nb_fail(err, NB_ERR_USAGE, "--sha256: '%s' is not 64 hexadecimal digits", s->sha256);
    }
    NB_TRY(nb_url_like(s->what) ? pull_resolve_address(r, err) : pull_resolve_name(r, err));
    snprintf(lock_name, sizeof lock_name, "%s",
             r->expected[0] ? r->expected : nb_digest_bytes(r->url.request, strlen(r->url.request)).hex);
    NB_TRY(nb_cache_lock(&lock, &r->cache, lock_name, &r->job->log, err));
    NB_TRY(pull_look_in_cache(r, &found, err));
    if (found) {
        nb_log_info(&r->job->log, "'%s' is in the cache", r->url.shown);
    } else {
        NB_TRY(pull_fetch(r, err));
    }
    NB_TRY(pull_give_out(r, err));
done:
    nb_cache_unlock(&lock);
    return status;
}

/* ---- the command ---- */

static nb_status pull_check_words(const nb_job *job, nb_error *err)
{
    const settings *s = job->settings;
    if (!s->what == !s->model) {
        nb_fail(err, NB_ERR_USAGE, "'pull' needs an address or a name, or --model");
        return nb_hint(err, "pull URL -o B.nbank, pull NAME --index URL, or pull --model URL -o DIR");
    }
    if (s->model && (!s->output || s->offline || s->sha256 || s->index)) {
        return nb_fail(err, NB_ERR_USAGE, "--model goes with -o DIR, and not with --offline, --sha256 or --index");
    }
    if ((s->name || s->version) && (!s->verify.count || !s->what || !nb_url_like(s->what))) {
        nb_fail(err, NB_ERR_USAGE, "--name and --version are what the signature at an address must say");
        return nb_hint(err, "pull URL --verify KEY --name NAME; of an index, pull NAME@VERSION --index URL");
    }
    return s->model || !s->output ? NB_OK : nb_job_check_outputs(job, &s->output, 1, s->force, err);
}

static nb_status pull(nb_job *job, nb_error *err)
{
    run r = {.job = job, .set = job->settings, .bytes = -1};
    const settings *s = r.set;
    nb_status status;
    NB_TRY(pull_check_words(job, err));
    NB_TRY(nb_job_trusted_keys(&s->verify, 0, &r.keys, &r.key_count, err));
    NB_TRY(nb_cache_open(&r.cache, s->transfer.cache, err));
    NB_TRY(nb_http_create(&r.http, &s->transfer.http, &job->log, err));
    if (s->model) {
        nb_model_pull model = {s->model, s->output, s->force, r.keys, r.key_count, s->max_size << 20, &r.cache};
        NB_TRY(nb_job_pull_model(job, r.http, &model, err));
    } else {
        NB_TRY(pull_bank(&r, err));
    }
done:
    nb_http_destroy(r.http);
    nb_cache_close(&r.cache);
    nb_url_free(&r.url);
    nb_url_free(&r.signature_url);
    free(r.keys);
    free(r.name);
    free(r.version);
    free(r.path);
    return status;
}

static const nb_option options[] = {
    OPT_INPUT("what", what, "URL|NAME", "the bank: its address, or its NAME or NAME@VERSION in an index", OPT_ARGUMENT),
    OPT_TEXT("index", index, "URL", NULL, "the index that knows the name"),
    OPT_LIST("verify", verify, "PUBKEY", "a key to trust, or its file: bank and index must be signed by one of them"),
    OPT_TEXT("name", name, "NAME", NULL, "with --verify and an address: the name the bank must be signed with"),
    OPT_TEXT("version", version, "VERSION", NULL, "with --verify and an address: the version it must be signed with"),
    OPT_TEXT("sha256", sha256, "HEX", NULL, "the digest it must have"),
    OPT_TEXT("model", model, "URL|DIR", NULL,
             "instead of a bank: a checkpoint folder as Hugging Face has it, '.../resolve/main/' there"),
    OPT_INT("max-size", max_size, "MiB", "16384", 1, INT64_C(1) << 40,
            "most that is fetched: the bank, or a checkpoint's files together", OPT_UNRECORDED),
    OPT_FLAG("offline", offline, "from the cache alone", OPT_UNRECORDED),
    OPT_OUTPUT("output", output, "FILE",
               "the bank, or the folder of --model (default: the cached file, whose path is printed)", .letter = 'o'),
    OPT_FLAG("force", force, "overwrite the output", OPT_UNRECORDED),
    NB_TRANSFER_OPTIONS,
    NB_TALK_OPTIONS,
};

NB_COMMAND(
    pull, pull, "pull", "fetch and verify a bank or a checkpoint", "URL|NAME|--model URL [-o FILE] [options]",
    .description = "Checks digest, seal and, with --verify, signatures before a file gets its name.\n"
                   "A signature must be of what was asked for: NAME and VERSION, or the file's name in URL.\n"
                   "An index that is older than one seen before, or that lost its signature, is refused.\n",
    .examples =
        "  negbank pull https://banks.example.org/pets.nbank -o pets.nbank --verify bank.key.pub\n"
        "  negbank pull pets@2 --index https://banks.example.org/index.json -o pets.nbank\n"
        "  negbank pull --model https://huggingface.co/openai/clip-vit-base-patch16/resolve/main/ -o vit-b-16\n");
