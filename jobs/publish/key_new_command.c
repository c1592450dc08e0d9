/* negbank key new: a pair of keys to sign banks with, as minisign has them. */
#include "jobs/commands.h"

#include "common/base/file.h"
#include "jobs/transfer.h"

#include <sodium.h>
#include <string.h>

typedef struct settings {
    nb_talk talk;
    const char *output, *password_file, *strength;
    bool force, no_password;
} settings;

static nb_status key_new(nb_job *job, nb_error *err)
{
    const settings *s = job->settings;
    char password[NB_PASSWORD_MAX] = "", text[NB_PUBLIC_KEY_TEXT];
    nb_buffer public_path = {0};
    nb_secret_key key = {0};
    nb_status status;
    bool hard = strcmp(s->strength, "sensitive") == 0;
    NB_TRY(nb_buffer_printf(&public_path, err, "%s.pub", s->output));
    NB_TRY(nb_job_check_outputs(job, (const char *const[]){s->output, public_path.data}, 2, s->force, err));
    if (!s->no_password) {
        NB_TRY(nb_password_get(password, s->password_file, "password for the new key", true, err));
    }
    nb_secret_key_create(&key);
    nb_public_key public = nb_secret_key_public(&key);
    NB_TRY(nb_secret_key_write(&key, s->output, s->force, s->no_password ? NULL : password,
                               hard ? NB_KEY_SENSITIVE : NB_KEY_INTERACTIVE, err));
    NB_TRY(nb_public_key_write(&public, public_path.data, s->force, err));
    nb_public_key_text(text, &public);
    nb_log_info(&job->log, "secret key -> %s%s\npublic key -> %s", s->output,
                s->no_password ? " (no password: keep it safe)" : "", public_path.data);
    printf("%s\n", text);
    if (fflush(stdout) != 0) {
        status = nb_fail_errno(err, NB_ERR_IO, "cannot write to standard output");
    }
done:
    sodium_memzero(password, sizeof password);
    nb_secret_key_wipe(&key);
    nb_buffer_free(&public_path);
    return status;
}

static const nb_option options[] = {
    OPT_INPUT("password-file", password_file, "FILE",
              "its first line is the key's password (default: NEGBANK_KEY_PASSWORD, else asked for at the terminal)",
              OPT_UNRECORDED),
    OPT_FLAG("no-encryption", no_password, "leave the secret key without a password"),
    OPT_CHOICE("strength", strength, "HOW", "sensitive", "sensitive|interactive",
               "scrypt with 1 GiB of memory and some seconds, as minisign does, or with 16 MiB"),
    NB_OUTPUT_OPTIONS("the secret key; the public one is FILE.pub"),
    NB_TALK_OPTIONS,
};

NB_COMMAND(key_new, key_new, "key new", "make a key pair to sign banks with", "-o KEY [options]",
           .description = "Makes a secret key and its public half in the format of minisign.\n",
           .examples = "  negbank key new -o bank.key\n"
                       "  negbank key new -o ci.key --password-file secret.txt --strength interactive\n");
