#include "common/transfer/url.h"

#include "common/base/file.h"
#include "common/base/text.h"

#include <ctype.h>
#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>

void nb_url_free(nb_url *u)
{
    if (u) {
        free(u->text);
        free(u->request);
        free(u->shown);
        free(u->user);
        free(u->password);
        free(u->region);
        *u = (nb_url){0};
    }
}

bool nb_url_like(const char *word)
{
    return strstr(word, "://") != NULL;
}

static size_t url_path_length(const char *text, nb_scheme scheme)
{
    return scheme == NB_SCHEME_S3 ? strlen(text) : strcspn(text, "?#");
}

bool nb_url_is_folder(const nb_url *u)
{
    size_t len = url_path_length(u->text, u->scheme);
    return len && u->text[len - 1] == '/';
}

bool nb_plain_name(const char *name)
{
    size_t len = strlen(name);
    if (!len || len > 255 || strcmp(name, ".") == 0 || strcmp(name, "..") == 0 || !nb_utf8_valid(name, len)) {
        return false;
    }
    return !strchr(name, '/') && nb_text_printable(name, len);
}

/* RFC 3986: what is not unreserved is encoded, '/' stays. */
static nb_status url_append_encoded(nb_buffer *b, const char *raw, size_t len, nb_error *err)
{
    nb_status status = NB_OK;
    for (size_t i = 0; i < len && status == NB_OK; i++) {
        unsigned char c = (unsigned char)raw[i];
        bool plain = c < 0x80 && (isalnum(c) || strchr("-._~/", c));
        status = plain && c ? nb_buffer_append(b, raw + i, 1, err) : nb_buffer_printf(b, err, "%%%02X", (unsigned)c);
    }
    return status;
}

static nb_status url_copy(char **out, const char *text, size_t len, nb_error *err)
{
    *out = nb_alloc(len + 1, 1, err);
    if (!*out) {
        return NB_ERR_LIMIT;
    }
    memcpy(*out, text, len);
    return NB_OK;
}

static nb_status url_not_an_address(nb_error *err, const char *shown, const char *why)
{
    nb_fail(err, NB_ERR_USAGE, "'%s' is no address: %s", shown, why);
    return nb_hint(err, "write http://, https:// or s3://BUCKET/KEY");
}

/* ---- S3 ---- */

static const char *url_variable(const char *first, const char *second)
{
    const char *value = getenv(first);
    value = value && *value ? value : getenv(second);
    return value && *value ? value : NULL;
}

static bool url_bucket_name(const char *name, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (!isalnum((unsigned char)name[i]) && !strchr("-._", name[i])) {
            return false;
        }
    }
    return len >= 1 && len <= 63 && name[0] != '.' && name[0] != '-';
}

static nb_status url_s3_request(nb_url *u, const char *text, nb_error *err)
{
    const char *bucket = text + strlen("s3://"), *slash = strchr(bucket, '/');
    const char *endpoint = url_variable("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL");
    const char *region = url_variable("AWS_REGION", "AWS_DEFAULT_REGION");
    nb_buffer b = {0};
    nb_status status;
    if (!slash || !url_bucket_name(bucket, (size_t)(slash - bucket))) {
        return url_not_an_address(err, text, "it lacks a bucket name or a key");
    }
    int len = (int)(slash - bucket);
    region = region ? region : "us-east-1";
    for (const char *p = region; *p; p++) {
        if (!isalnum((unsigned char)*p) && *p != '-') {
            return nb_fail(err, NB_ERR_USAGE, "AWS_REGION: '%s' is no region", region);
        }
    }
    if (endpoint && strncmp(endpoint, "http://", 7) != 0 && strncmp(endpoint, "https://", 8) != 0) {
        nb_fail(err, NB_ERR_USAGE, "AWS_ENDPOINT_URL is no http(s) address");
        return nb_hint(err, "write it as http://HOST:PORT");
    }
    NB_TRY(url_copy(&u->region, region, strlen(region), err));
    if (endpoint) {
        size_t end = strlen(endpoint);
        NB_TRY(nb_buffer_printf(&b, err, "%.*s/%.*s", (int)(end - (endpoint[end - 1] == '/')), endpoint, len, bucket));
    } else if (memchr(bucket, '.', (size_t)len)) { /* a dot would not fit the certificate for *.s3... */
        NB_TRY(nb_buffer_printf(&b, err, "https://s3.%s.amazonaws.com/%.*s", region, len, bucket));
    } else {
        NB_TRY(nb_buffer_printf(&b, err, "https://%.*s.s3.%s.amazonaws.com", len, bucket, region));
    }
    NB_TRY(url_append_encoded(&b, slash, strlen(slash), err));
    u->request = b.data;
    b = (nb_buffer){0};
    NB_TRY(url_copy(&u->text, text, strlen(text), err));
    NB_TRY(url_copy(&u->shown, text, strlen(text), err));
done:
    nb_buffer_free(&b);
    return status;
}

/* ---- http(s) ---- */

static nb_status url_no_memory(nb_error *err)
{
    return nb_fail(err, NB_ERR_LIMIT, "out of memory for an address");
}

static nb_status url_take_part(char **out, CURLU *h, CURLUPart part, nb_error *err)
{
    char *value = NULL;
    nb_status status = NB_OK;
    CURLUcode code = curl_url_get(h, part, &value, CURLU_URLDECODE);
    if (code == CURLUE_OUT_OF_MEMORY) {
        status = url_no_memory(err);
    } else if (code == CURLUE_OK && value) {
        status = url_copy(out, value, strlen(value), err);
    }
    curl_free(value);
    return status;
}

static nb_status url_http_request(nb_url *u, const char *text, nb_error *err)
{
    CURLU *h = curl_url();
    char *plain = NULL;
    nb_status status;
    CURLUcode code = h ? curl_url_set(h, CURLUPART_URL, text, 0) : CURLUE_OUT_OF_MEMORY;
    if (code != CURLUE_OK) { /* what was given may hold a password */
        status =
            code == CURLUE_OUT_OF_MEMORY ? url_no_memory(err) : url_not_an_address(err, "...", curl_url_strerror(code));
        goto done;
    }
    NB_TRY(url_take_part(&u->user, h, CURLUPART_USER, err));
    NB_TRY(url_take_part(&u->password, h, CURLUPART_PASSWORD, err));
    curl_url_set(h, CURLUPART_USER, NULL, 0);
    curl_url_set(h, CURLUPART_PASSWORD, NULL, 0);
    curl_url_set(h, CURLUPART_FRAGMENT, NULL, 0);
    if (curl_url_get(h, CURLUPART_URL, &plain, 0) != CURLUE_OK) {
        status = url_no_memory(err);
        goto done;
    }
    const char *host = strstr(plain, "://");
    if (!host ||
        memchr(host + 3, '@', strcspn(host + 3, "/?"))) { /* libcurl takes one in the zone of an IPv6 address */
        status = url_not_an_address(err, "...", "its host holds '@', which is written %40 in a user or password");
        goto done;
    }
    size_t path = strcspn(plain, "?");
    NB_TRY(url_copy(&u->text, plain, strlen(plain), err));
    NB_TRY(url_copy(&u->request, plain, strlen(plain), err));
    NB_TRY(url_copy(&u->shown, plain, path, err));
done:
    curl_free(plain);
    curl_url_cleanup(h);
    return status;
}

nb_status nb_url_parse(nb_url *out, const char *text, nb_error *err)
{
    nb_status status;
    *out = (nb_url){0};
    size_t len = strlen(text);
    if (len > NB_URL_MAX || !nb_utf8_valid(text, len)) {
        return url_not_an_address(err, "...", "it is too long or not UTF-8");
    }
    if (!nb_text_printable(text, len)) {
        return url_not_an_address(err, "...", "it holds control characters");
    }
    if (strncmp(text, "s3://", 5) == 0) {
        out->scheme = NB_SCHEME_S3;
        status = url_s3_request(out, text, err);
    } else if (strncasecmp(text, "http://", 7) == 0 || strncasecmp(text, "https://", 8) == 0) {
        out->scheme = text[4] == ':' ? NB_SCHEME_HTTP : NB_SCHEME_HTTPS;
        status = url_http_request(out, text, err);
    } else {
        status = url_not_an_address(err, nb_url_like(text) ? "..." : text, "of a kind that is not known");
    }
    if (status != NB_OK) {
        nb_url_free(out);
    }
    return status;
}

static nb_status url_file_url(nb_url *out, const char *path, nb_error *err)
{
    nb_buffer b = {0};
    nb_status status;
    *out = (nb_url){.scheme = NB_SCHEME_FILE};
    NB_TRY(nb_buffer_append(&b, "file://", 7, err));
    NB_TRY(url_append_encoded(&b, path, strlen(path), err));
    out->request = b.data;
    b = (nb_buffer){0};
    NB_TRY(url_copy(&out->text, path, strlen(path), err));
    NB_TRY(url_copy(&out->shown, path, strlen(path), err));
done:
    nb_buffer_free(&b);
    if (status != NB_OK) {
        nb_url_free(out);
    }
    return status;
}

nb_status nb_url_folder(nb_url *out, const char *path, nb_error *err)
{
    char *real = realpath(path, NULL);
    nb_buffer b = {0};
    nb_status status;
    *out = (nb_url){0};
    if (!real || !nb_file_is_directory(real)) {
        free(real);
        return nb_fail(err, NB_ERR_INPUT, "'%s' is no folder and no address", path);
    }
    NB_TRY(nb_buffer_printf(&b, err, "%s/", real));
    NB_TRY(url_file_url(out, b.data, err));
done:
    nb_buffer_free(&b);
    free(real);
    return status;
}

nb_status nb_url_origin(char **out, const nb_url *url, nb_error *err)
{
    CURLU *h = curl_url();
    char *scheme = NULL, *host = NULL, *port = NULL;
    nb_buffer b = {0};
    nb_status status;
    *out = NULL;
    CURLUcode code = h ? curl_url_set(h, CURLUPART_URL, url->request, CURLU_NON_SUPPORT_SCHEME) : CURLUE_OUT_OF_MEMORY;
    if (code != CURLUE_OK || curl_url_get(h, CURLUPART_SCHEME, &scheme, 0) != CURLUE_OK ||
        curl_url_get(h, CURLUPART_HOST, &host, 0) != CURLUE_OK ||
        curl_url_get(h, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT) != CURLUE_OK) {
        status = code == CURLUE_OUT_OF_MEMORY ? url_no_memory(err)
                                              : nb_fail(err, NB_ERR_USAGE, "'%s' names no host", url->shown);
        goto done;
    }
    for (char *p = host; *p; p++) {
        *p = (char)tolower((unsigned char)*p);
    }
    NB_TRY(nb_buffer_printf(&b, err, "%s://%s:%s", scheme, host, port));
    *out = b.data;
    b = (nb_buffer){0};
done:
    nb_buffer_free(&b);
    curl_free(scheme);
    curl_free(host);
    curl_free(port);
    curl_url_cleanup(h);
    return status;
}

/* ---- addresses made of others ---- */

/* Neither absolute nor upwards, in UTF-8 without control characters. */
static bool url_stays_below(const char *name)
{
    bool fine = name[0] && name[0] != '/' && strlen(name) <= NB_URL_MAX / 4;
    for (const char *p = name; fine && *p;) {
        size_t len = strcspn(p, "/");
        char part[256];
        fine = len < sizeof part;
        if (fine) {
            memcpy(part, p, len);
            part[len] = '\0';
            fine = nb_plain_name(part);
        }
        p += len + (p[len] == '/');
    }
    return fine;
}

/* A new address with its path's last part from `from` on replaced; user and password stay. */
static nb_status url_rebuilt(nb_url *out, const nb_url *base, size_t keep, const char *raw, const char *rest,
                             nb_error *err)
{
    nb_buffer b = {0};
    nb_status status;
    *out = (nb_url){0};
    NB_TRY(nb_buffer_append(&b, base->text, keep, err));
    if (base->scheme == NB_SCHEME_S3 || base->scheme == NB_SCHEME_FILE) {
        NB_TRY(nb_buffer_append(&b, raw, strlen(raw), err));
    } else {
        NB_TRY(url_append_encoded(&b, raw, strlen(raw), err));
        NB_TRY(nb_buffer_append(&b, rest, strlen(rest), err));
    }
    NB_TRY(base->scheme == NB_SCHEME_FILE ? url_file_url(out, b.data, err) : nb_url_parse(out, b.data, err));
    if (base->user) {
        NB_TRY(url_copy(&out->user, base->user, strlen(base->user), err));
    }
    if (base->password) {
        NB_TRY(url_copy(&out->password, base->password, strlen(base->password), err));
    }
done:
    nb_buffer_free(&b);
    return status;
}

nb_status nb_url_beside(nb_url *out, const nb_url *base, const char *name, nb_error *err)
{
    *out = (nb_url){0};
    if (nb_url_like(name)) {
        nb_status status = nb_url_parse(out, name, err);
        if (status == NB_OK && out->scheme == NB_SCHEME_HTTP && strncasecmp(base->request, "https://", 8) == 0) {
            status = nb_fail(err, NB_ERR_INPUT, "'%s' leads from https to http: '%s'", base->shown, out->shown);
            nb_url_free(out);
        }
        return status;
    }
    if (!url_stays_below(name)) {
        char shown[64];
        snprintf(shown, sizeof shown, "%s", name);
        nb_text_sanitise(shown);
        return nb_fail(err, NB_ERR_INPUT, "'%s': the name '%s' leaves its folder", base->shown, shown);
    }
    size_t end = url_path_length(base->text, base->scheme), keep = end;
    while (keep && base->text[keep - 1] != '/') {
        keep--;
    }
    return url_rebuilt(out, base, keep, name, base->text + end, err);
}

nb_status nb_url_suffixed(nb_url *out, const nb_url *base, const char *suffix, nb_error *err)
{
    size_t end = url_path_length(base->text, base->scheme);
    return url_rebuilt(out, base, end, suffix, base->text + end, err);
}

nb_status nb_url_name(char **out, const nb_url *url, nb_error *err)
{
    size_t end = url_path_length(url->text, url->scheme), from = end;
    while (from && url->text[from - 1] != '/') {
        from--;
    }
    int len = 0;
    char *plain =
        url->scheme == NB_SCHEME_S3 ? NULL : curl_easy_unescape(NULL, url->text + from, (int)(end - from), &len);
    nb_status status =
        plain ? url_copy(out, plain, (size_t)len, err) : url_copy(out, url->text + from, end - from, err);
    curl_free(plain);
    return status;
}
