/* Addresses: taken or refused; what is shown holds no user, password or query, and addresses made of others stay in
 * their folder. */
#include "fuzz/fuzz.h"

#include "common/base/text.h"
#include "common/transfer/url.h"

static void check_shown(const nb_url *u)
{
    const char *host = strstr(u->shown, "://");
    require(host != NULL && u->request != NULL && strlen(u->text) <= NB_URL_MAX * 3);
    if (u->scheme != NB_SCHEME_S3) {
        size_t len = strcspn(host + 3, "/");
        require(!memchr(host + 3, '@', len) && !strchr(u->shown, '?'));
    }
}

static void check_made(const nb_url *u, const char *name)
{
    nb_error err = {0};
    nb_url made = {0};
    char *last = NULL;
    nb_status status = nb_url_beside(&made, u, name, &err);
    require_message(status, &err);
    if (status == NB_OK) {
        check_shown(&made);
        require(nb_url_name(&last, &made, &err) == NB_OK && last != NULL);
        free(last);
    }
    nb_url_free(&made);
    nb_error_clear(&err);
    status = nb_url_suffixed(&made, u, ".sha256", &err);
    require_message(status, &err);
    nb_url_free(&made);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    nb_error err = {0};
    nb_url u = {0};
    /* an address, a line end, a name */
    char *text = calloc(size + 1, 1);
    require(text != NULL);
    memcpy(text, data, size);
    char *name = strchr(text, '\n');
    if (name) {
        *name++ = '\0';
    }
    nb_status status = nb_url_parse(&u, text, &err);
    require_message(status, &err);
    if (status == NB_OK) {
        check_shown(&u);
        check_made(&u, name ? name : "a b.txt");
    }
    nb_url_free(&u);
    nb_text_hide_secrets(text);
    const char *host = strstr(text, "://");
    require(!host || strncmp(text, "s3:", 3) == 0 || !strpbrk(host, "?#"));
    free(text);
    return 0;
}
