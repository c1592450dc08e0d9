#include "common/transfer/s3.h"

#include "common/transfer/upload_note.h"

#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>

enum { PARTS_MAX = 10000, ID_MAX = 1024, ANSWER_MAX = 1 << 20 };

typedef struct multipart {
    nb_http *http;
    const nb_upload *what;
    nb_uploaded *result;
    nb_upload_note note;
    size_t block;
    char *id; /* the upload id, percent-encoded */
} multipart;

/* The text of the first <name> element; false without. */
static bool s3_element(char *out, size_t size, const char *xml, const char *name)
{
    char open[64];
    snprintf(open, sizeof open, "<%s>", name);
    const char *from = xml ? strstr(xml, open) : NULL;
    if (!from) {
        return false;
    }
    from += strlen(open);
    size_t len = strcspn(from, "<");
    if (!len || len >= size || from[len] != '<') {
        return false;
    }
    memcpy(out, from, len);
    out[len] = '\0';
    return true;
}

static nb_status s3_set_id(multipart *m, const char *id, nb_error *err)
{
    char *encoded = curl_easy_escape(NULL, id, 0);
    free(m->id);
    m->id = encoded ? strdup(encoded) : NULL;
    curl_free(encoded);
    return m->id ? NB_OK : nb_fail(err, NB_ERR_LIMIT, "out of memory for an upload");
}

static nb_status s3_create(multipart *m, nb_error *err)
{
    nb_http_reply reply = {0};
    char type[128], id[ID_MAX];
    nb_http_request r = {.method = "POST", .url = m->what->url, .query = "uploads=", .max_reply = ANSWER_MAX};
    snprintf(type, sizeof type, "Content-Type: %s", m->what->type);
    r.headers[0] = type;
    nb_status status;
    NB_TRY(nb_http_do(m->http, &r, &reply, err));
    if (reply.status != 200) {
        status = nb_http_refused(&r, &reply, err);
        goto done;
    }
    if (!s3_element(id, sizeof id, reply.body.data, "UploadId") || strpbrk(id, "\r\n")) {
        status = nb_fail(err, NB_ERR_NETWORK, "POST '%s': the answer has no upload id", m->what->url->shown);
        goto done;
    }
    NB_TRY(s3_set_id(m, id, err));
    NB_TRY(nb_upload_note_begin(&m->note, m->what->note, id, err));
done:
    nb_http_reply_free(&reply);
    return status;
}

/* *gone: the server knows nothing of this upload any more. */
static nb_status s3_send_part(multipart *m, size_t index, bool *gone, nb_error *err)
{
    nb_http_reply reply = {0};
    nb_buffer query = {0};
    size_t at = index * m->block, left = m->what->len - at, len = left < m->block ? left : m->block;
    nb_http_request r = {.method = "PUT",
                         .url = m->what->url,
                         .body = (const char *)m->what->bytes + at,
                         .body_len = len,
                         .headers = {"Content-Type: application/octet-stream"}};
    nb_status status;
    NB_TRY(nb_buffer_printf(&query, err, "partNumber=%zu&uploadId=%s", index + 1, m->id));
    r.query = query.data;
    NB_TRY(nb_http_do(m->http, &r, &reply, err));
    *gone = reply.status == 404;
    if (!*gone && (reply.status != 200 || !reply.etag[0])) {
        status = nb_http_refused(&r, &reply, err);
    } else if (!*gone) {
        status = nb_upload_note_add(&m->note, m->what->note, reply.etag, err);
        m->result->sent += len;
    }
done:
    nb_buffer_free(&query);
    nb_http_reply_free(&reply);
    return status;
}

static nb_status s3_manifest(const multipart *m, nb_buffer *out, nb_error *err)
{
    nb_status status;
    NB_TRY(nb_buffer_printf(out, err, "<CompleteMultipartUpload>"));
    for (size_t i = 0; i < m->note.etags.count; i++) {
        NB_TRY(nb_buffer_printf(out, err, "<Part><PartNumber>%zu</PartNumber><ETag>%s</ETag></Part>", i + 1,
                                nb_strings_get(&m->note.etags, i)));
    }
    NB_TRY(nb_buffer_printf(out, err, "</CompleteMultipartUpload>"));
done:
    return status;
}

/* An upload completed by a request whose answer was lost is unknown at the next one, but its object is there. */
static nb_status s3_is_there(multipart *m, bool *there, nb_error *err)
{
    nb_http_reply reply = {0};
    nb_http_request r = {.method = "HEAD", .url = m->what->url};
    nb_status status = nb_http_do(m->http, &r, &reply, err);
    *there = status == NB_OK && reply.status == 200 && reply.length == (int64_t)m->what->len;
    nb_http_reply_free(&reply);
    return status;
}

/* *again: begin anew, the server forgot the upload or lost a part. An answer 200 may hold an error: S3 begins it before
 * the work is done. */
static nb_status s3_complete(multipart *m, bool *again, nb_error *err)
{
    nb_http_reply reply = {0};
    nb_buffer query = {0}, body = {0};
    nb_retry retry = nb_http_retry(m->http);
    nb_status status;
    *again = false;
    NB_TRY(nb_buffer_printf(&query, err, "uploadId=%s", m->id));
    NB_TRY(s3_manifest(m, &body, err));
    nb_http_request r = {.method = "POST",
                         .url = m->what->url,
                         .query = query.data,
                         .body = body.data,
                         .body_len = body.len,
                         .max_reply = ANSWER_MAX,
                         .headers = {"Content-Type: application/xml"}};
    for (;;) {
        NB_TRY(nb_http_do(m->http, &r, &reply, err));
        bool error = reply.body.len && strstr(reply.body.data, "<Error>");
        if (reply.status == 200 && !error) {
            break;
        }
        char code[64] = "";
        s3_element(code, sizeof code, reply.body.data, "Code");
        if (reply.status == 404 || strcmp(code, "NoSuchUpload") == 0 || strncmp(code, "InvalidPart", 11) == 0) {
            bool there;
            NB_TRY(s3_is_there(m, &there, err));
            *again = !there;
            break;
        }
        status = nb_http_refused(&r, &reply, err);
        if (reply.status != 200 || nb_retry_wait(&retry, reply.retry_after, err) != NB_OK) {
            goto done;
        }
    }
done:
    nb_buffer_free(&query);
    nb_buffer_free(&body);
    nb_http_reply_free(&reply);
    return status;
}

static nb_status s3_send_parts(multipart *m, bool *again, nb_error *err)
{
    size_t count = (m->what->len + m->block - 1) / m->block;
    nb_progress progress = nb_progress_start(nb_http_log(m->http), "bytes", (double)m->what->len);
    nb_status status = NB_OK;
    *again = false;
    for (size_t i = m->note.etags.count; i < count && !*again; i++) {
        NB_TRY(s3_send_part(m, i, again, err));
        nb_progress_update(&progress, (double)(i * m->block));
    }
    if (!*again) {
        nb_progress_finish(&progress);
        NB_TRY(s3_complete(m, again, err));
    }
done:
    return status;
}

nb_status nb_s3_upload(nb_http *http, const nb_upload *what, nb_uploaded *result, nb_error *err)
{
    multipart m = {.http = http, .what = what, .result = result, .block = what->block};
    bool again = false;
    nb_status status;
    result->in_blocks = true;
    if (what->len / m.block >= PARTS_MAX) {
        m.block = what->len / (PARTS_MAX - 1) + 1;
    }
    NB_TRY(nb_upload_note_read(&m.note, what->note, err));
    bool known = m.note.head && m.note.etags.count <= what->len / m.block + 1;
    NB_TRY(known ? s3_set_id(&m, m.note.head, err) : s3_create(&m, err));
    result->kept = m.note.etags.count * m.block;
    NB_TRY(s3_send_parts(&m, &again, err));
    if (again) {
        result->kept = 0;
        NB_TRY(s3_create(&m, err));
        NB_TRY(s3_send_parts(&m, &again, err));
    }
    if (again) {
        status =
            nb_fail(err, NB_ERR_NETWORK, "'%s': the server forgot the upload while it was under way", what->url->shown);
    }
done:
    free(m.id);
    nb_upload_note_free(&m.note);
    return status;
}
