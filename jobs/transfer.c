#include "jobs/transfer.h"

nb_status nb_job_trusted_keys(const nb_strings *words, size_t extra, nb_public_key **keys, size_t *count, nb_error *err)
{
    nb_status status;
    *count = 0;
    NB_TRY_NEW(*keys, words->count + extra);
    for (size_t i = 0; i < words->count; i++) {
        NB_TRY(nb_public_key_read(*keys + i, nb_strings_get(words, i), err));
        *count = i + 1;
    }
done:
    return status;
}

nb_status nb_job_password(void *state, const char *path, char out[NB_PASSWORD_MAX], nb_error *err)
{
    char prompt[512];
    snprintf(prompt, sizeof prompt, "password of %.400s", path);
    return nb_password_get(out, state, prompt, false, err);
}
