/* negbank key show: the id and the public half of a key to sign banks with. */
#include "jobs/commands.h"

#include "jobs/transfer.h"

#include <unistd.h>

typedef struct settings {
    nb_talk talk;
    const char *file, *password_file;
} settings;

/* A secret key is longer than a public one; which of the two a file holds is seen by trying. */
static nb_status key_show(nb_job *job, nb_error *err)
{
    const settings *s = job->settings;
    nb_secret_key secret = {0};
    nb_public_key public;
    bool encrypted = false, is_public;
    char id[17], text[NB_PUBLIC_KEY_TEXT];
    nb_status status;
    is_public = nb_public_key_read(&public, s->file, err) == NB_OK;
    if (!is_public && access(s->file, F_OK) != 0) {
        return err->status;
    }
    if (!is_public) {
        nb_error_clear(err);
        NB_TRY(nb_secret_key_read(&secret, s->file, nb_job_password, (void *)(uintptr_t)s->password_file, &encrypted,
                                  err));
        public = nb_secret_key_public(&secret);
    }
    status = NB_OK;
    nb_key_id_text(id, public.id);
    nb_public_key_text(text, &public);
    printf("%-10s %s\n%-10s %s\n%-10s %s\n", "kind",
           is_public   ? "public key"
           : encrypted ? "secret key, with a password"
                       : "secret key, without a password",
           "id", id, "public", text);
    if (fflush(stdout) != 0) {
        status = nb_fail_errno(err, NB_ERR_IO, "cannot write to standard output");
    }
done:
    nb_secret_key_wipe(&secret);
    return status;
}

static const nb_option options[] = {
    OPT_INPUT("inputs", file, "KEY", "a secret or public key file, or a public key itself", OPT_ARGUMENT, OPT_REQUIRED),
    OPT_INPUT("password-file", password_file, "FILE",
              "its first line is the key's password (default: NEGBANK_KEY_PASSWORD, else asked for at the terminal)",
              OPT_UNRECORDED),
    NB_TALK_OPTIONS,
};

NB_COMMAND(key_show, key_show, "key show", "a key's id and public half", "KEY [options]",
           .description = "Prints what kind of key it is, its id and its public half.\n",
           .examples = "  negbank key show bank.key\n"
                       "  negbank key show bank.key.pub\n");
