/* Answers that were not hoped for, as errors. */
#include "common/base/text.h"
#include "common/transfer/http.h"

#include <string.h>

/* The text of an S3 error, or the first line of a plain one. */
static void http_refused_words(char *out, size_t size, const nb_http_reply *reply)
{
    const char *body = reply->body.len ? reply->body.data : "";
    const char *code = strstr(body, "<Code>"), *message = strstr(body, "<Message>");
    out[0] = '\0';
    if (code && message) {
        code += strlen("<Code>");
        message += strlen("<Message>");
        snprintf(out, size, ": %.*s: %.*s", (int)strcspn(code, "<"), code, (int)strcspn(message, "<"), message);
    } else if (*body && *body != '<' && *body != '{') {
        int len = (int)strcspn(body, "\r\n");
        snprintf(out, size, ": %.*s", len < 120 ? len : 120, body);
    }
    nb_text_sanitise(out);
}

nb_status nb_http_refused(const nb_http_request *request, const nb_http_reply *reply, nb_error *err)
{
    char words[256];
    http_refused_words(words, sizeof words, reply);
    nb_fail(err, NB_ERR_NETWORK, "%s '%s': the server answered %ld%s", request->method, request->url->shown,
            reply->status, words);
    bool s3 = request->url->scheme == NB_SCHEME_S3;
    switch (reply->status) {
    case 301:
    case 307:
    case 308: return s3 ? nb_hint(err, "the bucket lies elsewhere: set AWS_REGION or AWS_ENDPOINT_URL") : err->status;
    case 401:
    case 403:
        return nb_hint(err, s3 ? "check AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_REGION and this machine's clock"
                               : "give a user and password in ~/.netrc, or a token in NEGBANK_HTTP_TOKEN, which goes "
                                 "over https to the host of the command's own address or of NEGBANK_HTTP_TOKEN_HOST");
    case 404: return nb_hint(err, "check the address");
    case 405:
    case 501: return nb_hint(err, "this server does not take %s", request->method);
    case 413: return nb_hint(err, "the server's limit for the size of an upload is too small");
    default: return NB_ERR_NETWORK;
    }
}
