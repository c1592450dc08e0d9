/* SHA-256 as lower-case hex (libsodium). */
#ifndef NB_BASE_DIGEST_H
#define NB_BASE_DIGEST_H

#include "common/base/status.h"

#include <stdint.h>

typedef struct nb_digest {
    char hex[65];
} nb_digest;

nb_digest nb_digest_bytes(const void *bytes, size_t len);
/* Of a whole regular file, in little memory. */
nb_status nb_digest_file(nb_digest *out, const char *path, nb_error *err);
/* The same; `pulse` hears now and then how many bytes are done, and what it returns but NB_OK ends the work. */
typedef nb_status (*nb_pulse)(void *state, uint64_t bytes);
nb_status nb_digest_file_pulsed(nb_digest *out, const char *path, nb_pulse pulse, void *state, nb_error *err);

#endif
