/* negbank publish: a bank, what proves it and what is said about it, to a server; and the page of an index. */
#include "jobs/commands.h"

#include "common/base/file.h"
#include "common/base/text.h"
#include "common/transfer/upload.h"
#include "jobs/publish/card.h"
#include "jobs/publish/publication.h"
#include "jobs/publish/site.h"
#include "jobs/transfer.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

typedef struct settings {
    nb_talk talk;
    nb_transfer_choice transfer;
    const char *bank, *url, *sign, *password_file, *index, *name, *version, *metrics, *corpus, *licence, *cite, *site;
    nb_strings verify;
    double part, whole, lock_stale;
    bool force, unguarded, adopt;
} settings;

typedef struct run {
    nb_job *job;
    const settings *set;
    nb_http *http;
    nb_cache cache;
    nb_url target, index_url;
    nb_bank bank;
    nb_map map;
    nb_publication info;
    nb_secret_key key;
    nb_public_key *keys; /* trusted, our own the last */
    size_t key_count;
    nb_index index;
    char *file, *name; /* of the bank */
    char public_key[NB_PUBLIC_KEY_TEXT];
} run;

/* ---- what is published ---- */

static nb_status publish_find_addresses(run *r, nb_error *err)
{
    const settings *s = r->set;
    nb_url folder = {0};
    nb_status status;
    NB_TRY(nb_url_parse(&r->target, s->url, err));
    NB_TRY(nb_http_set_own(r->http, &r->target, err));
    if (nb_url_is_folder(&r->target)) {
        folder = r->target;
        r->target = (nb_url){0};
        NB_TRY(nb_url_beside(&r->target, &folder, nb_path_base(s->bank), err));
    }
    NB_TRY(nb_url_name(&r->file, &r->target, err));
    if (!nb_plain_name(r->file)) {
        status = nb_fail(err, NB_ERR_USAGE, "'%s' ends with no name a file can have", r->target.shown);
        goto done;
    }
    if (s->index && strcmp(s->index, "none") == 0) {
        goto done;
    }
    NB_TRY(s->index ? nb_url_parse(&r->index_url, s->index, err)
                    : nb_url_beside(&r->index_url, &r->target, "index.json", err));
    if (r->target.scheme == NB_SCHEME_HTTP && strncmp(r->index_url.request, "https://", 8) == 0) {
        nb_fail(err, NB_ERR_USAGE, "index '%s' must not lead to '%s', from https to http", r->index_url.shown,
                r->target.shown);
        status = nb_hint(err, "'pull' refuses such an entry");
    }
done:
    nb_url_free(&folder);
    return status;
}

static nb_status publish_read_keys(run *r, nb_error *err)
{
    const settings *s = r->set;
    nb_status status;
    NB_TRY(nb_job_trusted_keys(&s->verify, 1, &r->keys, &r->key_count, err));
    if (s->sign) {
        NB_TRY(nb_secret_key_read(&r->key, s->sign, nb_job_password, (void *)(uintptr_t)s->password_file, NULL, err));
        r->keys[r->key_count] = nb_secret_key_public(&r->key);
        nb_public_key_text(r->public_key, &r->keys[r->key_count++]);
    }
done:
    return status;
}

/* Borrowed from the run. */
static nb_index_place publish_index_place(const run *r)
{
    return (nb_index_place){.url = &r->index_url, .cache = &r->cache, .trusted = {r->keys, r->key_count}};
}

static nb_status publish_name_bank(run *r, nb_error *err)
{
    const settings *s = r->set;
    size_t len = strlen(r->file);
    r->name = s->name ? strdup(s->name) : strdup(r->file);
    if (!r->name) {
        return nb_fail(err, NB_ERR_LIMIT, "out of memory for a name");
    }
    if (!s->name && len > 6 && strcmp(r->file + len - 6, ".nbank") == 0) {
        r->name[len - 6] = '\0';
    }
    if (!nb_index_word(r->name) || !nb_index_word(s->version)) {
        nb_fail(err, NB_ERR_USAGE, "'%s' version '%s' cannot stand in an index", r->name, s->version);
        return nb_hint(err, "--name and --version take letters, digits and . _ - +");
    }
    return NB_OK;
}

static nb_status publish_read_bank(run *r, nb_error *err)
{
    const settings *s = r->set;
    nb_status status;
    NB_TRY(nb_bank_open(&r->bank, s->bank, err));
    NB_TRY(nb_map_open(&r->map, s->bank, err));
    r->info = (nb_publication){.bank = &r->bank,
                               .name = r->name,
                               .version = s->version,
                               .file = r->file,
                               .address = r->target.shown,
                               .corpus = s->corpus,
                               .licence = s->licence,
                               .cite = s->cite,
                               .public_key = s->sign ? r->public_key : NULL,
                               .bytes = r->map.len,
                               .digest = nb_digest_bytes(r->map.data, r->map.len)};
    NB_TRY(nb_publication_read(&r->info, s->metrics, err));
done:
    return status;
}

/* ---- uploads ---- */

/* Where the progress of this file to this address is noted. */
static nb_status publish_note_path(run *r, const nb_url *url, size_t block, char **out, nb_error *err)
{
    nb_buffer b = {0};
    nb_status status;
    NB_TRY(nb_buffer_printf(&b, err, "%s %s %zu", r->info.digest.hex, url->request, block));
    NB_TRY(nb_cache_path(out, &r->cache, "uploads", nb_digest_bytes(b.data, b.len).hex, "", err));
done:
    nb_buffer_free(&b);
    return status;
}

static nb_status publish_send_small(run *r, const char *suffix, const char *type, const nb_buffer *text, nb_error *err)
{
    nb_url url = {0};
    nb_uploaded result;
    nb_status status;
    NB_TRY(nb_url_suffixed(&url, &r->target, suffix, err));
    nb_upload u = {.url = &url, .bytes = text->data, .len = text->len, .type = type, .whole_up_to = SIZE_MAX};
    NB_TRY(nb_upload_run(r->http, &u, &result, err));
done:
    nb_url_free(&url);
    return status;
}

/* What stands at the address already: *same says our bytes, to judge by the digest and the size. Others are not
 * replaced without --force. */
static nb_status publish_look_at_target(run *r, bool *same, nb_error *err)
{
    nb_url sum = {0};
    nb_http_reply reply = {0};
    nb_http_request head = {.method = "HEAD", .url = &r->target};
    nb_status status;
    *same = false;
    NB_TRY(nb_url_suffixed(&sum, &r->target, ".sha256", err));
    NB_TRY(nb_http_get(r->http, &sum, 4096, &reply, err));
    bool known = reply.status == 200 && reply.body.len >= 64;
    bool equal = known && memcmp(reply.body.data, r->info.digest.hex, 64) == 0;
    if (known && !equal && !r->set->force) {
        nb_fail(err, NB_ERR_USAGE, "'%s' is another bank already", r->target.shown);
        status = nb_hint(err, "publish under another name, or replace it with --force");
        goto done;
    }
    if (equal) {
        NB_TRY(nb_http_do(r->http, &head, &reply, err));
        *same = reply.status == 200 && reply.length == (int64_t)r->map.len;
    }
done:
    nb_http_reply_free(&reply);
    nb_url_free(&sum);
    return status;
}

static nb_status publish_send_bank(run *r, nb_error *err)
{
    const settings *s = r->set;
    char *note = NULL, size[32], kept[32];
    nb_uploaded result = {0};
    bool same;
    int lock = -1;
    nb_status status;
    nb_upload u = {.url = &r->target,
                   .bytes = r->map.data,
                   .len = r->map.len,
                   .type = "application/octet-stream",
                   .block = (size_t)(s->part * 1048576),
                   .whole_up_to = (size_t)(s->whole * 1048576)};
    NB_TRY(publish_look_at_target(r, &same, err));
    if (same) {
        nb_log_info(&r->job->log, "'%s' is there already", r->target.shown);
        goto done;
    }
    NB_TRY(nb_cache_lock(&lock, &r->cache, nb_digest_bytes(r->target.request, strlen(r->target.request)).hex,
                         &r->job->log, err));
    NB_TRY(publish_note_path(r, &r->target, u.block, &note, err));
    u.note = note;
    NB_TRY(nb_upload_run(r->http, &u, &result, err));
    nb_format_bytes(size, (double)r->map.len);
    nb_format_bytes(kept, (double)result.kept);
    nb_log_info(&r->job->log, "%s -> %s (%s%s%s%s)", s->bank, r->target.shown, size,
                result.in_blocks ? ", in blocks" : "", result.kept ? ", there before: " : "", result.kept ? kept : "");
done:
    nb_cache_unlock(&lock);
    free(note);
    return status;
}

/* minisign's own form of a trusted comment, with what `pull` compares with what was asked for. */
static nb_status publish_sign_bank(run *r, nb_buffer *out, nb_error *err)
{
    nb_buffer trusted = {0};
    const char *fixed = getenv("SOURCE_DATE_EPOCH");
    int64_t now = 0;
    nb_status status;
    now = fixed && nb_parse_int(fixed, &now) ? now : (int64_t)time(NULL);
    NB_TRY(nb_buffer_printf(&trusted, err, "timestamp:%lld\tfile:%s\tname:%s\tversion:%s\tsha256:%s\thashed",
                            (long long)now, r->file, r->name, r->set->version, r->info.digest.hex));
    NB_TRY(nb_signature_make(out, &r->key, r->map.data, r->map.len, trusted.data, err));
done:
    nb_buffer_free(&trusted);
    return status;
}

/* The bank first and its digest behind it: whoever sees the digest finds the bank whole. */
static nb_status publish_send_all(run *r, nb_error *err)
{
    nb_buffer text = {0};
    nb_status status;
    NB_TRY(publish_send_bank(r, err));
    if (r->set->sign) {
        NB_TRY(publish_sign_bank(r, &text, err));
        NB_TRY(publish_send_small(r, ".minisig", "text/plain; charset=utf-8", &text, err));
        nb_buffer_clear(&text);
    }
    NB_TRY(nb_card_write(&text, &r->info, err));
    NB_TRY(publish_send_small(r, ".md", "text/markdown; charset=utf-8", &text, err));
    nb_buffer_clear(&text);
    NB_TRY(nb_buffer_printf(&text, err, "%s  %s\n", r->info.digest.hex, r->file));
    NB_TRY(publish_send_small(r, ".sha256", "text/plain; charset=utf-8", &text, err));
done:
    nb_buffer_free(&text);
    return status;
}

/* ---- the index ---- */

/* Files beside the index go by their names, others by their addresses. */
static nb_status publish_place_entry(run *r, json_t *entry, nb_error *err)
{
    static const char *const keys[] = {"file", "signature", "card"};
    nb_url beside = {0};
    nb_status status;
    NB_TRY(nb_url_beside(&beside, &r->index_url, r->file, err));
    bool here = strcmp(beside.text, r->target.text) == 0;
    for (size_t i = 0; !here && i < sizeof keys / sizeof *keys; i++) {
        const char *name = json_string_value(json_object_get(entry, keys[i]));
        nb_url full = {0};
        if (name) {
            NB_TRY(nb_url_beside(&full, &r->target, name, err));
            json_object_set_new(entry, keys[i], json_string(full.shown));
            nb_url_free(&full);
        }
    }
done:
    nb_url_free(&beside);
    return status;
}

static nb_status publish_change_index(run *r, nb_error *err)
{
    const settings *s = r->set;
    json_t *entry = NULL;
    nb_status status;
    NB_TRY(nb_entry_make(&entry, &r->info, err));
    NB_TRY(publish_place_entry(r, entry, err));
    nb_index_change change = {.place = publish_index_place(r),
                              .bank = entry,
                              .force = s->force,
                              .adopt = s->adopt,
                              .key = s->sign ? &r->key : NULL,
                              .lock_stale = s->lock_stale,
                              .unguarded = s->unguarded};
    NB_TRY(nb_index_change_at(&r->index, r->http, &change, err));
    nb_log_info(&r->job->log, "%s %s -> %s (serial %lld, %zu bank%s)", r->name, s->version, r->index_url.shown,
                (long long)r->index.serial, json_array_size(r->index.banks),
                json_array_size(r->index.banks) == 1 ? "" : "s");
done:
    json_decref(entry);
    return status;
}

static nb_status publish_bank(run *r, nb_error *err)
{
    nb_status status;
    NB_TRY(publish_find_addresses(r, err));
    NB_TRY(publish_name_bank(r, err));
    NB_TRY(publish_read_keys(r, err));
    NB_TRY(publish_read_bank(r, err));
    NB_TRY(publish_send_all(r, err));
    if (r->index_url.text) {
        NB_TRY(publish_change_index(r, err));
    }
done:
    return status;
}

/* ---- the page ---- */

static nb_status publish_read_index(run *r, nb_error *err)
{
    const settings *s = r->set;
    char *text = NULL;
    size_t len = 0;
    nb_status status;
    NB_TRY(publish_read_keys(r, err));
    if (nb_url_like(s->index)) {
        NB_TRY(nb_url_parse(&r->index_url, s->index, err));
        NB_TRY(nb_http_set_own(r->http, &r->index_url, err));
        const nb_index_place place = publish_index_place(r);
        NB_TRY(nb_index_fetch(&r->index, r->http, &place, err));
        goto done;
    }
    NB_TRY(nb_file_read(s->index, NB_INDEX_TEXT_MAX, &text, &len, err));
    NB_TRY(nb_index_parse(&r->index, s->index, text, len, err));
    if (r->key_count) {
        NB_TRY(nb_index_verify(&r->index, s->index, &(nb_trusted_keys){r->keys, r->key_count}, err));
    }
done:
    free(text);
    return status;
}

static nb_status publish_write_site(run *r, nb_error *err)
{
    nb_buffer page = {0};
    char *path = NULL;
    nb_status status;
    NB_TRY(nb_site_render(&page, &r->index, r->index_url.text ? &r->index_url : NULL, err));
    NB_TRY(nb_make_directories(r->set->site, err));
    NB_TRY(nb_path_join(&path, r->set->site, "index.html", err));
    NB_TRY(nb_file_write(path, true, page.data, page.len, err));
    nb_log_info(&r->job->log, "page -> %s", path);
done:
    free(path);
    nb_buffer_free(&page);
    return status;
}

/* ---- the command ---- */

static nb_status publish_check_words(const settings *s, nb_error *err)
{
    const char *const texts[][2] = {{"corpus", s->corpus}, {"licence", s->licence}};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        if (texts[i][1] && !nb_text_printable(texts[i][1], strlen(texts[i][1]))) {
            return nb_fail(err, NB_ERR_USAGE, "--%s holds control characters", texts[i][0]);
        }
    }
    if (!s->bank != !s->url || (!s->bank && !s->site)) {
        nb_fail(err, NB_ERR_USAGE, "'publish' needs a bank and an address");
        return nb_hint(err, "publish BANK URL, or publish --site DIR --index URL for a page alone");
    }
    if (!s->bank && !s->index) {
        return nb_fail(err, NB_ERR_USAGE, "--site without a bank needs --index URL or FILE");
    }
    if (s->adopt && !s->sign) {
        return nb_fail(err, NB_ERR_USAGE, "--adopt goes with --sign KEY");
    }
    if (s->site && s->index && strcmp(s->index, "none") == 0) {
        return nb_fail(err, NB_ERR_USAGE, "--site needs an index, and --index is none");
    }
    return NB_OK;
}

static nb_status publish_run(nb_job *job, nb_error *err)
{
    run r = {.job = job, .set = job->settings};
    nb_status status;
    NB_TRY(publish_check_words(r.set, err));
    NB_TRY(nb_cache_open(&r.cache, r.set->transfer.cache, err));
    NB_TRY(nb_http_create(&r.http, &r.set->transfer.http, &job->log, err));
    NB_TRY(r.set->bank ? publish_bank(&r, err) : publish_read_index(&r, err));
    if (r.set->site) {
        NB_TRY(publish_write_site(&r, err));
    }
done:
    nb_secret_key_wipe(&r.key);
    nb_publication_free(&r.info);
    nb_map_close(&r.map);
    nb_bank_close(&r.bank);
    nb_index_free(&r.index);
    nb_url_free(&r.target);
    nb_url_free(&r.index_url);
    nb_http_destroy(r.http);
    nb_cache_close(&r.cache);
    free(r.keys);
    free(r.file);
    free(r.name);
    return status;
}

static const nb_option options[] = {
    OPT_INPUT("bank", bank, "B.nbank", "the bank", OPT_ARGUMENT),
    OPT_INPUT("url", url, "URL", "where to: http(s)://... or s3://BUCKET/KEY; a folder when it ends with '/'",
              OPT_ARGUMENT),
    OPT_INPUT("sign", sign, "KEY", "sign bank and index with this secret key (minisign's format)", OPT_UNRECORDED),
    OPT_INPUT("password-file", password_file, "FILE",
              "its first line is the key's password (default: NEGBANK_KEY_PASSWORD, else asked for at the terminal)",
              OPT_UNRECORDED),
    OPT_LIST("verify", verify, "PUBKEY", "a key, or its file, of another publisher who signs the index"),
    OPT_TEXT("name", name, "NAME", NULL, "name in the index (default: the file's, without .nbank)"),
    OPT_TEXT("version", version, "VERSION", "1", "version in the index"),
    OPT_TEXT("index", index, "URL", NULL, "the index to change (default: index.json beside the bank; none: no index)"),
    OPT_INPUT("metrics", metrics, "M.json", "what 'negbank eval -o' measured, for card and index"),
    OPT_TEXT("corpus", corpus, "TEXT", NULL, "for the card: what the candidates come from"),
    OPT_TEXT("licence", licence, "TEXT", NULL, "for the card: under which terms the bank may be used"),
    OPT_TEXT("cite", cite, "TEXT", NULL, "for the card: how to cite it"),
    OPT_TEXT("site", site, "DIR", NULL,
             "write DIR/index.html, a page that shows and searches the index; without a bank, of --index alone",
             OPT_UNRECORDED),
    OPT_REAL("part-size", part, "MIB", "16", 0.0625, 4096,
             "size of a block: what a broken connection costs (S3 itself wants 5 or more)", OPT_UNRECORDED),
    OPT_REAL("whole-up-to", whole, "MIB", "16", 0, 5000, "files up to this size go in one request", OPT_UNRECORDED),
    OPT_REAL("lock-stale", lock_stale, "S", "60", 1, 86400,
             "seconds after which the index lock of a publisher that is gone is broken (servers without If-Match)",
             OPT_UNRECORDED),
    OPT_FLAG("unguarded", unguarded, "change the index even where the server has no way to keep two publishers apart",
             OPT_UNRECORDED),
    OPT_FLAG("adopt", adopt,
             "with --sign: sign an index that is there without a signature, and so vouch for all it lists",
             OPT_UNRECORDED),
    OPT_FLAG("force", force, "replace another bank at that address or of that name and version", OPT_UNRECORDED),
    NB_TRANSFER_OPTIONS,
    NB_TALK_OPTIONS,
};

NB_COMMAND(
    publish, publish_run, "publish", "bring a bank, signed, to a server, with card and index", "B.nbank URL [options]",
    .description = "Uploads the bank, its digest, its signature and a card, and adds it to the index beside it.\n"
                   "Two publishers at once lose nothing.\n"
                   "A later run goes on where a broken one ended.\n",
    .examples = "  negbank publish pets.nbank https://banks.example.org/ --sign bank.key --metrics pets.json\n"
                "  negbank publish pets.nbank s3://banks/pets.nbank --version 2 --site public/\n");
