/* Addresses of what is published and pulled: http(s)://, s3:// and, for local checkpoint folders, file://.
 *
 * An s3://BUCKET/KEY address is asked for at AWS_ENDPOINT_URL_S3 or AWS_ENDPOINT_URL (path style: ENDPOINT/BUCKET/KEY),
 * else at https://BUCKET.s3.REGION.amazonaws.com/KEY, with REGION from AWS_REGION or AWS_DEFAULT_REGION (us-east-1).
 * Its key is written raw, as the AWS tools have it. A user and password in an http(s) address are kept apart, so that
 * no message can show them; values behind '?' are not shown either, since signed links carry secrets there. */
#ifndef NB_TRANSFER_URL_H
#define NB_TRANSFER_URL_H

#include "common/base/memory.h"

enum { NB_URL_MAX = 8192 };

typedef enum nb_scheme { NB_SCHEME_HTTP, NB_SCHEME_HTTPS, NB_SCHEME_S3, NB_SCHEME_FILE } nb_scheme;

typedef struct nb_url {
    nb_scheme scheme;
    char *text;            /* the address without user and password */
    char *request;         /* what is asked for: http(s)://... or file://... */
    char *shown;           /* for messages */
    char *user, *password; /* NULL without */
    char *region;          /* of S3, else NULL */
} nb_url;

/* NB_ERR_USAGE for what is no such address. The caller frees with nb_url_free. */
nb_status nb_url_parse(nb_url *out, const char *text, nb_error *err);
/* An existing folder on this machine as a file:// address that ends with '/'. */
nb_status nb_url_folder(nb_url *out, const char *path, nb_error *err);
void nb_url_free(nb_url *url);

/* The address of NAME in the folder of `base` (behind its last '/'), or NAME itself when it is an http(s) or s3
 * address. NAME is raw: it is percent-encoded here. NB_ERR_INPUT for a name that leaves the folder ("..", a leading
 * '/') or holds control characters: names come from indexes too. */
nb_status nb_url_beside(nb_url *out, const nb_url *base, const char *name, nb_error *err);
/* The address with `suffix` behind its path: ".sha256". */
nb_status nb_url_suffixed(nb_url *out, const nb_url *base, const char *suffix, nb_error *err);
/* The last part of the path, percent-decoded; "" for a folder. The caller frees. */
nb_status nb_url_name(char **out, const nb_url *url, nb_error *err);
/* True when the address ends with '/'. */
bool nb_url_is_folder(const nb_url *url);
/* Whether a word looks like an address (has "://"). */
bool nb_url_like(const char *word);

/* A file name that stays in its folder and is safe to show: no '/', no control characters, not "." or "..", UTF-8, at
 * most 255 bytes. */
bool nb_plain_name(const char *name);

#endif
