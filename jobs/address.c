#include "jobs/address.h"

#include "common/base/file.h"
#include "common/base/text.h"
#include "common/transfer/download.h"
#include "common/transfer/url.h"
#include "jobs/transfer.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { NAME_BYTES_MAX = 240 }; /* room for what a download puts behind a name */

nb_status nb_address_names(const char *address, char **base, char **shown, nb_error *err)
{
    nb_url url = {0};
    nb_status status;
    *base = *shown = NULL;
    NB_TRY(nb_url_parse(&url, address, err));
    NB_TRY(nb_url_name(base, &url, err));
    if (!nb_plain_name(*base) || strlen(*base) > NAME_BYTES_MAX) {
        status = nb_fail(err, NB_ERR_USAGE, "'%s' does not end in a file's name", url.shown);
        goto done;
    }
    NB_TRY_NEW(*shown, strlen(url.shown) + 1);
    memcpy(*shown, url.shown, strlen(url.shown) + 1);
done:
    if (status != NB_OK) {
        free(*base);
        *base = NULL;
    }
    nb_url_free(&url);
    return status;
}

static double address_real(const nb_parsed *parsed, const char *name, double fallback)
{
    const nb_option *o = nb_option_named(parsed, name);
    return o && o->type == NB_OPTION_REAL ? *(const double *)nb_option_value(parsed, o) : fallback;
}

static int64_t address_int(const nb_parsed *parsed, const char *name, int64_t fallback)
{
    const nb_option *o = nb_option_named(parsed, name);
    return o && o->type == NB_OPTION_INT ? *(const int64_t *)nb_option_value(parsed, o) : fallback;
}

static const char *address_text(const nb_parsed *parsed, const char *name)
{
    const nb_option *o = nb_option_named(parsed, name);
    return o && o->type != NB_OPTION_LIST ? *(const char *const *)nb_option_value(parsed, o) : NULL;
}

/* The first address on the command line, where a token goes; those of run files are not the user's own. */
static const char *address_own(const nb_parsed *parsed)
{
    for (size_t i = 0; i < parsed->option_count; i++) {
        const nb_option *o = &parsed->options[i];
        const void *at = nb_option_value(parsed, o);
        bool given = parsed->source[i] == NB_FROM_COMMAND_LINE;
        const char *text = given && o->type == NB_OPTION_INPUT ? *(const char *const *)at : NULL;
        if (text && nb_url_like(text)) {
            return text;
        }
        const nb_strings *list = at;
        for (size_t k = 0; given && o->type == NB_OPTION_LIST && k < list->count; k++) {
            if (nb_url_like(nb_strings_get(list, k))) {
                return nb_strings_get(list, k);
            }
        }
    }
    return NULL;
}

static nb_status address_copy(const char *from, const char *to, nb_error *err)
{
    int in = open(from, O_RDONLY | O_CLOEXEC), out = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    nb_status status = in < 0 || out < 0 ? nb_fail_errno(err, NB_ERR_IO, "cannot copy '%s' to '%s'", from, to)
                                         : nb_copy_bytes(in, from, out, to, err);
    if (in >= 0) {
        close(in);
    }
    if (out >= 0 && close(out) != 0 && status == NB_OK) {
        status = nb_fail_errno(err, NB_ERR_IO, "cannot write '%s'", to);
    }
    return status;
}

static nb_status address_connect(nb_http **http, const nb_transfer_options *options, const nb_job *job,
                                 const nb_parsed *parsed, nb_error *err)
{
    const char *own = address_own(parsed);
    nb_url url = {0};
    nb_status status;
    NB_TRY(nb_http_create(http, options, &job->log, err));
    if (own) {
        NB_TRY(nb_url_parse(&url, own, err));
        NB_TRY(nb_http_set_own(*http, &url, err));
    }
done:
    nb_url_free(&url);
    return status;
}

nb_status nb_address_fetch(const nb_job *job, const nb_parsed *parsed, const char *address, const char *path,
                           nb_error *err)
{
    const nb_transfer_options options = {.connect_timeout = address_real(parsed, "connect-timeout", 30),
                                         .stall_timeout = address_real(parsed, "stall-timeout", 30),
                                         .min_speed = address_int(parsed, "min-speed", 1000),
                                         .total_timeout = address_real(parsed, "request-timeout", 0),
                                         .retries = address_int(parsed, "retries", 6),
                                         .retry_wait = address_real(parsed, "retry-wait", 1),
                                         .retry_longest = address_real(parsed, "retry-longest", 60),
                                         .ca_file = address_text(parsed, "ca-file")};
    const nb_digest set = nb_digest_bytes(address, strlen(address));
    nb_cache cache = {0};
    nb_url url = {0};
    nb_http *http = NULL;
    char *kept = NULL;
    int lock = -1;
    struct stat st;
    nb_status status;
    NB_TRY(nb_url_parse(&url, address, err));
    NB_TRY(nb_cache_open(&cache, address_text(parsed, "cache"), err));
    NB_TRY(nb_cache_path(&kept, &cache, "inputs", set.hex, "", err));
    NB_TRY(nb_cache_lock(&lock, &cache, set.hex, &job->log, err));
    NB_TRY(address_connect(&http, &options, job, parsed, err));
    const nb_download what = {.url = &url, .path = kept, .expect = -1, .max_bytes = INT64_MAX / 2};
    NB_TRY(nb_download_verified(http, &what, "", err));
    NB_TRY(address_copy(kept, path, err));
    nb_download_forget(kept);
done:
    if (status != NB_OK && kept && stat(kept, &st) == 0 && st.st_size == 0) {
        nb_download_forget(kept); /* nothing to go on with */
    }
    nb_http_destroy(http);
    nb_cache_unlock(&lock);
    nb_cache_close(&cache);
    nb_url_free(&url);
    free(kept);
    return status;
}
