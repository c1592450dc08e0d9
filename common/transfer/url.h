/* Addresses of what is published and pulled: http(s)://, s3:// and, for local checkpoint folders, file://.
 *
 * An s3://BUCKET/KEY address is asked for at AWS_ENDPOINT_URL_S3 or AWS_ENDPOINT_URL (path style: ENDPOINT/BUCKET/KEY),
 * else at https://BUCKET.s3.REGION.amazonaws.com/KEY, with REGION from AWS_REGION or AWS_DEFAULT_REGION (us-east-1).
 * Its key is written raw, as the AWS tools have it. A user and password in an http(s) address are kept apart, so that
 * no message can show them; values behind '?' are not shown either, since signed links carry secrets there. Nothing
 * here is collective. */
#ifndef NB_TRANSFER_URL_H
#define NB_TRANSFER_URL_H

#include "common/base/memory.h"

/** Most bytes of an address. */
enum { NB_URL_MAX = 8192 };

/** Kinds of addresses. */
typedef enum nb_scheme { NB_SCHEME_HTTP, NB_SCHEME_HTTPS, NB_SCHEME_S3, NB_SCHEME_FILE } nb_scheme;

/** An address; free it with nb_url_free. */
typedef struct nb_url {
    nb_scheme scheme;
    char *text;            /**< the address without user and password */
    char *request;         /**< what is asked for: http(s)://... or file://... */
    char *shown;           /**< for messages */
    char *user, *password; /**< NULL without */
    char *region;          /**< of S3, else NULL */
} nb_url;

/** Reads an address.
 *
 * @param out  the address; {0} on failure
 * @param text as a user writes it
 * @return NB_OK, NB_ERR_USAGE for what is no such address, or for variables of the environment that are none, or
 *         NB_ERR_LIMIT when memory is out. */
NB_CHECKED nb_status nb_url_parse(nb_url *out, const char *text, nb_error *err);

/** An existing folder on this machine as a file:// address that ends with '/'.
 *
 * @param out  the address; {0} on failure
 * @param path the folder
 * @return NB_OK, NB_ERR_INPUT when it is none, or NB_ERR_LIMIT when memory is out. */
NB_CHECKED nb_status nb_url_folder(nb_url *out, const char *path, nb_error *err);

/** Frees what `url` holds and makes it {0}. Takes NULL. */
void nb_url_free(nb_url *url);

/** The address of a file in the folder of another address (behind its last '/').
 *
 * @param out  the address; {0} on failure
 * @param base the other one; its user and password go along
 * @param name of the file, raw: it is percent-encoded here; or itself an http(s) or s3 address, which is taken
 * @return NB_OK, NB_ERR_INPUT for a name that leaves the folder ("..", a leading '/'), holds control characters or
 * leads from https to http (names come from indexes too), or as nb_url_parse. */
NB_CHECKED nb_status nb_url_beside(nb_url *out, const nb_url *base, const char *name, nb_error *err);

/** An address with a suffix behind its path: ".sha256".
 *
 * @param out    the address; {0} on failure
 * @param base   the one without; its user and password go along
 * @param suffix raw
 * @return as nb_url_parse. */
NB_CHECKED nb_status nb_url_suffixed(nb_url *out, const nb_url *base, const char *suffix, nb_error *err);

/** The origin of what is asked for: scheme, host and port, "https://example.org:443".
 *
 * @param out freed by the caller; NULL on failure
 * @param url an address
 * @return NB_OK, NB_ERR_USAGE for a file's, which has none, or NB_ERR_LIMIT when memory is out. */
NB_CHECKED nb_status nb_url_origin(char **out, const nb_url *url, nb_error *err);

/** The last part of the path, percent-decoded; "" for a folder.
 *
 * @param out freed by the caller; NULL on failure
 * @param url an address
 * @return NB_OK, or NB_ERR_LIMIT when memory is out. */
NB_CHECKED nb_status nb_url_name(char **out, const nb_url *url, nb_error *err);

/** True when the path of `url` ends with '/'. */
bool nb_url_is_folder(const nb_url *url);

/** True when a `word` looks like an address (has "://"). */
bool nb_url_like(const char *word);

/** True for a file `name` that stays in its folder and is safe to show: no '/', no control characters, not "." or "..",
 * UTF-8, 1 to 255 bytes. */
bool nb_plain_name(const char *name);

#endif
