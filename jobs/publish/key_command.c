/* negbank key new, key show: keys to sign banks with, as minisign has them. */
#include "jobs/commands.h"

#include "common/base/file.h"
#include "jobs/transfer.h"

#include <sodium.h>
#include <string.h>
#include <unistd.h>

/* ---- key new ---- */

typedef struct new_settings {
    nb_talk talk;
    const char *output, *password_file, *strength;
    bool force, no_password;
} new_settings;

static nb_status key_new(nb_job *job, nb_error *err)
{
    const new_settings *s = job->settings;
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

#define AT(member) .offset = offsetof(new_settings, member)
static const nb_option new_options[] = {
    {.name = "password-file",
     .type = NB_OPTION_INPUT,
     AT(password_file),
     .value = "FILE",
     .unrecorded = true,
     .help = "its first line is the password (default: NEGBANK_KEY_PASSWORD, else asked for at the terminal)"},
    {.name = "no-encryption",
     .type = NB_OPTION_FLAG,
     AT(no_password),
     .help = "leave the secret key without a password"},
    {.name = "strength",
     .type = NB_OPTION_CHOICE,
     AT(strength),
     .fallback = "sensitive",
     .choices = "sensitive|interactive",
     .value = "HOW",
     .help = "scrypt with 1 GiB of memory and some seconds, as minisign does, or with 16 MiB"},
    NB_OUTPUT_OPTIONS(new_settings, "the secret key; the public one is FILE.pub"),
    NB_TALK_OPTIONS(new_settings),
};
#undef AT

const nb_command nb_command_key_new = {
    .name = "key new",
    .summary = "make a key pair to sign banks with",
    .usage = "-o KEY [options]",
    .examples = "  negbank key new -o bank.key\n"
                "  negbank key new -o ci.key --password-file secret.txt --strength interactive\n",
    .options = new_options,
    .option_count = sizeof new_options / sizeof *new_options,
    .settings_size = sizeof(new_settings),
    .run = key_new,
};

/* ---- key show ---- */

typedef struct show_settings {
    nb_talk talk;
    const char *file, *password_file;
} show_settings;

/* A secret key is longer than a public one; which of the two a file holds is seen by trying. */
static nb_status key_show(nb_job *job, nb_error *err)
{
    const show_settings *s = job->settings;
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

#define AT(member) .offset = offsetof(show_settings, member)
static const nb_option show_options[] = {
    {.name = "inputs",
     .type = NB_OPTION_INPUT,
     AT(file),
     .value = "KEY",
     .positional = true,
     .required = true,
     .help = "a secret or public key file, or a public key itself"},
    {.name = "password-file",
     .type = NB_OPTION_INPUT,
     AT(password_file),
     .value = "FILE",
     .unrecorded = true,
     .help = "its first line is the password (default: NEGBANK_KEY_PASSWORD, else asked for at the terminal)"},
    NB_TALK_OPTIONS(show_settings),
};
#undef AT

const nb_command nb_command_key_show = {
    .name = "key show",
    .summary = "a key's id and public half",
    .usage = "KEY [options]",
    .examples = "  negbank key show bank.key\n"
                "  negbank key show bank.key.pub\n",
    .options = show_options,
    .option_count = sizeof show_options / sizeof *show_options,
    .settings_size = sizeof(show_settings),
    .run = key_show,
};
