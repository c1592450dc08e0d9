#include "common/transfer/key.h"

#include "common/base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

enum { KEY_FILE_MAX = 4096, SECRET_BYTES = 158, SEALED_BYTES = 104, SEALED_AT = 54, SECRET_TEXT = 213 };

/* The most memory a key file may ask for: what minisign uses. */
static const uint64_t memory_max = crypto_pwhash_scryptsalsa208sha256_MEMLIMIT_SENSITIVE;

static nb_status key_no_key(nb_error *err, const char *path, const char *kind, const char *why)
{
    return nb_fail(err, NB_ERR_INPUT, "'%s' is no minisign %s key: %s", path, kind, why);
}

/* The text of a key file, and its second line, behind the comment. */
typedef struct key_text {
    char *text;
    const char *line;
    size_t size, len; /* of the text, of the line */
} key_text;

static nb_status key_read_text(key_text *out, const char *path, const char *kind, nb_error *err)
{
    *out = (key_text){0};
    nb_status status = nb_file_read(path, KEY_FILE_MAX, &out->text, &out->size, err);
    if (status != NB_OK) {
        return status;
    }
    const char *end = strchr(out->text, '\n');
    if (strncmp(out->text, "untrusted comment:", 18) != 0 || !end) {
        return key_no_key(err, path, kind, "it does not begin with 'untrusted comment:'");
    }
    out->line = end + 1;
    out->len = strcspn(out->line, "\r\n");
    return NB_OK;
}

/* Whether it is a public key or none at all, it may be a secret one. */
static void key_free_text(key_text *text)
{
    if (text->text) {
        sodium_memzero(text->text, text->size);
        free(text->text);
    }
}

/* As ssh has it: a key that others can read is none. */
static nb_status key_check_private(const char *path, nb_error *err)
{
    struct stat st;
    if (stat(path, &st) != 0 || st.st_uid != geteuid() || !(st.st_mode & 077)) {
        return NB_OK;
    }
    nb_fail(err, NB_ERR_INPUT, "secret key '%s' can be read or written by others (mode %04o)", path,
            (unsigned)st.st_mode & 07777);
    return nb_hint(err, "make it yours alone: chmod 600");
}

/* Picks the vector code of this processor; without it the slow code is used, so a failure is none. */
void nb_signing_start(void)
{
    if (sodium_init() < 0) {
        return;
    }
}

/* ---- public ---- */

void nb_key_id_text(char out[17], const unsigned char id[8])
{
    for (size_t i = 0; i < 8; i++) {
        snprintf(out + 2 * i, 3, "%02X", (unsigned)id[7 - i]);
    }
}

void nb_public_key_text(char out[NB_PUBLIC_KEY_TEXT], const nb_public_key *key)
{
    unsigned char blob[42] = "Ed";
    memcpy(blob + 2, key->id, sizeof key->id);
    memcpy(blob + 10, key->key, sizeof key->key);
    sodium_bin2base64(out, NB_PUBLIC_KEY_TEXT, blob, sizeof blob, sodium_base64_VARIANT_ORIGINAL);
}

bool nb_public_key_parse(nb_public_key *out, const char *line, size_t len)
{
    unsigned char blob[42];
    size_t got = 0;
    if (sodium_base642bin(blob, sizeof blob, line, len, NULL, &got, NULL, sodium_base64_VARIANT_ORIGINAL) != 0 ||
        got != sizeof blob || memcmp(blob, "Ed", 2) != 0) {
        return false;
    }
    memcpy(out->id, blob + 2, sizeof out->id);
    memcpy(out->key, blob + 10, sizeof out->key);
    return true;
}

nb_status nb_public_key_read(nb_public_key *out, const char *text, nb_error *err)
{
    if (nb_public_key_parse(out, text, strlen(text))) {
        return NB_OK;
    }
    if (access(text, F_OK) != 0) {
        nb_fail(err, NB_ERR_INPUT, "'%s' is neither a public key nor a file", text);
        return nb_hint(err, "a key has 56 characters and begins with RW; its file ends with .pub");
    }
    key_text file;
    nb_status status = key_read_text(&file, text, "public", err);
    if (status == NB_OK && !nb_public_key_parse(out, file.line, file.len)) {
        key_no_key(err, text, "public", "line 2 is not 42 bytes in base64");
        status = nb_hint(err, "the public key lies beside the secret one, as NAME.pub");
    }
    key_free_text(&file);
    return status;
}

nb_status nb_public_key_write(const nb_public_key *key, const char *path, bool force, nb_error *err)
{
    char text[NB_PUBLIC_KEY_TEXT], id[17], all[256];
    nb_public_key_text(text, key);
    nb_key_id_text(id, key->id);
    int len = snprintf(all, sizeof all, "untrusted comment: minisign public key %s\n%s\n", id, text);
    return nb_file_write(path, force, all, (size_t)len, err);
}

/* ---- secret ---- */

void nb_secret_key_create(nb_secret_key *out)
{
    unsigned char public[32];
    nb_signing_start();
    crypto_sign_keypair(public, out->key);
    randombytes_buf(out->id, sizeof out->id);
}

void nb_secret_key_wipe(nb_secret_key *key)
{
    sodium_memzero(key, sizeof *key);
}

nb_public_key nb_secret_key_public(const nb_secret_key *key)
{
    nb_public_key out;
    memcpy(out.id, key->id, sizeof out.id);
    crypto_sign_ed25519_sk_to_pk(out.key, key->key);
    return out;
}

static void key_put_u64(unsigned char *out, uint64_t value)
{
    for (int i = 0; i < 8; i++) {
        out[i] = (unsigned char)(value >> (8 * i));
    }
}

static uint64_t key_get_u64(const unsigned char *at)
{
    uint64_t value = 0;
    for (int i = 7; i >= 0; i--) {
        value = value << 8 | at[i];
    }
    return value;
}

static void key_checksum(unsigned char out[32], const unsigned char *sealed)
{
    crypto_generichash_state state;
    crypto_generichash_init(&state, NULL, 0, 32);
    crypto_generichash_update(&state, (const unsigned char *)"Ed", 2);
    crypto_generichash_update(&state, sealed, 72);
    crypto_generichash_final(&state, out, 32);
    sodium_memzero(&state, sizeof state);
}

/* Encrypts and decrypts: XOR with scrypt of the password. */
static nb_status key_seal(unsigned char *blob, const char *password, nb_error *err)
{
    unsigned char stream[SEALED_BYTES];
    uint64_t ops = key_get_u64(blob + 38), memory = key_get_u64(blob + 46);
    if (crypto_pwhash_scryptsalsa208sha256(stream, sizeof stream, password, strlen(password), blob + 6, ops,
                                           (size_t)memory) != 0) {
        nb_fail(err, NB_ERR_LIMIT, "not enough memory to derive a key: scrypt wants %llu MiB",
                (unsigned long long)(memory >> 20));
        return nb_hint(err, "keys made with --strength interactive need 16 MiB");
    }
    for (size_t i = 0; i < SEALED_BYTES; i++) {
        blob[SEALED_AT + i] ^= stream[i];
    }
    sodium_memzero(stream, sizeof stream);
    return NB_OK;
}

/* As nb_file_write, readable by its owner alone from the first byte on. */
static nb_status key_write_private(const char *path, bool force, const char *text, size_t len, nb_error *err)
{
    nb_output out;
    nb_status status = nb_output_begin(&out, path, force, err);
    if (status != NB_OK) {
        return status;
    }
    int fd = open(out.partial, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    bool wrote = fd >= 0 && write(fd, text, len) == (ssize_t)len;
    if (fd >= 0 && close(fd) != 0) {
        wrote = false;
    }
    if (!wrote) {
        status = nb_fail_errno(err, NB_ERR_IO, "cannot write '%s'", out.partial);
        goto done;
    }
    NB_TRY(nb_output_commit(&out, err));
done:
    nb_output_end(&out);
    return status;
}

nb_status nb_secret_key_write(const nb_secret_key *key, const char *path, bool force, const char *password,
                              nb_key_strength strength, nb_error *err)
{
    unsigned char blob[SECRET_BYTES] = {0};
    char text[SECRET_TEXT], all[SECRET_TEXT + 64];
    bool hard = strength == NB_KEY_SENSITIVE;
    nb_status status;
    memcpy(blob, "Ed", 2);
    memcpy(blob + 4, "B2", 2);
    memcpy(blob + SEALED_AT, key->id, 8);
    memcpy(blob + SEALED_AT + 8, key->key, 64);
    key_checksum(blob + SEALED_AT + 72, blob + SEALED_AT);
    if (password) {
        memcpy(blob + 2, "Sc", 2);
        randombytes_buf(blob + 6, 32);
        key_put_u64(blob + 38, hard ? crypto_pwhash_scryptsalsa208sha256_OPSLIMIT_SENSITIVE
                                    : crypto_pwhash_scryptsalsa208sha256_OPSLIMIT_INTERACTIVE);
        key_put_u64(blob + 46, hard ? crypto_pwhash_scryptsalsa208sha256_MEMLIMIT_SENSITIVE
                                    : crypto_pwhash_scryptsalsa208sha256_MEMLIMIT_INTERACTIVE);
        NB_TRY(key_seal(blob, password, err));
    }
    sodium_bin2base64(text, sizeof text, blob, sizeof blob, sodium_base64_VARIANT_ORIGINAL);
    int len = snprintf(all, sizeof all, "untrusted comment: negbank %s secret key\n%s\n",
                       password ? "encrypted" : "unencrypted", text);
    NB_TRY(key_write_private(path, force, all, (size_t)len, err));
done:
    sodium_memzero(blob, sizeof blob);
    sodium_memzero(text, sizeof text);
    sodium_memzero(all, sizeof all);
    return status;
}

static nb_status key_check_header(const unsigned char *blob, const char *path, nb_error *err)
{
    static const unsigned char none[2] = {0, 0};
    if (memcmp(blob, "Ed", 2) != 0 || memcmp(blob + 4, "B2", 2) != 0) {
        return key_no_key(err, path, "secret", "its algorithms are not known");
    }
    if (memcmp(blob + 2, "Sc", 2) != 0 && memcmp(blob + 2, none, 2) != 0) {
        return key_no_key(err, path, "secret", "its way of taking a password is not known");
    }
    if (key_get_u64(blob + 46) > memory_max ||
        key_get_u64(blob + 38) > crypto_pwhash_scryptsalsa208sha256_OPSLIMIT_SENSITIVE) {
        return key_no_key(err, path, "secret", "it asks for more than 1 GiB to derive a key");
    }
    return NB_OK;
}

/* A secret key is a seed and the public key that follows from it. */
static bool key_halves_fit(const unsigned char *key)
{
    unsigned char public[32], secret[64];
    crypto_sign_seed_keypair(public, secret, key);
    bool fit = sodium_memcmp(public, key + 32, sizeof public) == 0;
    sodium_memzero(secret, sizeof secret);
    return fit;
}

static nb_status key_unseal(unsigned char *blob, const char *path, nb_password_source source, void *state,
                            nb_error *err)
{
    char password[NB_PASSWORD_MAX] = "";
    nb_status status;
    NB_TRY(source(state, path, password, err));
    NB_TRY(key_seal(blob, password, err));
done:
    sodium_memzero(password, sizeof password);
    return status;
}

nb_status nb_secret_key_read(nb_secret_key *out, const char *path, nb_password_source source, void *state,
                             bool *encrypted, nb_error *err)
{
    unsigned char blob[SECRET_BYTES], sum[32];
    key_text text;
    size_t got = 0;
    nb_status status;
    nb_signing_start();
    NB_TRY(key_read_text(&text, path, "secret", err));
    if (sodium_base642bin(blob, sizeof blob, text.line, text.len, NULL, &got, NULL, sodium_base64_VARIANT_ORIGINAL) !=
            0 ||
        got != sizeof blob) {
        status = key_no_key(err, path, "secret", "line 2 is not 158 bytes in base64");
        goto done;
    }
    NB_TRY(key_check_header(blob, path, err));
    NB_TRY(key_check_private(path, err));
    bool sealed = blob[2] == 'S';
    if (sealed) {
        NB_TRY(key_unseal(blob, path, source, state, err));
    }
    key_checksum(sum, blob + SEALED_AT);
    bool unsummed = !sealed && sodium_is_zero(blob + SEALED_AT + 72, sizeof sum); /* minisign -W leaves it out */
    if (!key_halves_fit(blob + SEALED_AT + 8) ||
        (!unsummed && sodium_memcmp(sum, blob + SEALED_AT + 72, sizeof sum) != 0)) {
        status = sealed ? nb_fail(err, NB_ERR_VERIFY, "wrong password for key '%s'", path)
                        : key_no_key(err, path, "secret", "its checksum does not hold");
        goto done;
    }
    memcpy(out->id, blob + SEALED_AT, 8);
    memcpy(out->key, blob + SEALED_AT + 8, 64);
    if (encrypted) {
        *encrypted = sealed;
    }
done:
    sodium_memzero(blob, sizeof blob);
    key_free_text(&text);
    return status;
}

/* ---- passwords ---- */

static nb_status key_keep(char out[NB_PASSWORD_MAX], const char *text, size_t len, nb_error *err)
{
    if (!len || len >= NB_PASSWORD_MAX) {
        return nb_fail(err, NB_ERR_USAGE, "the password of a key has 1 to %d bytes", NB_PASSWORD_MAX - 1);
    }
    memcpy(out, text, len);
    out[len] = '\0';
    return NB_OK;
}

static nb_status key_from_file(char out[NB_PASSWORD_MAX], const char *file, nb_error *err)
{
    char *text = NULL;
    size_t len = 0;
    nb_status status = nb_file_read(file, KEY_FILE_MAX, &text, &len, err);
    if (status == NB_OK) {
        status = key_keep(out, text, strcspn(text, "\r\n"), err);
        sodium_memzero(text, len);
    }
    free(text);
    return status;
}

/* One line from the terminal, echo off while it is typed. */
static nb_status key_ask(FILE *terminal, const char *prompt, char out[NB_PASSWORD_MAX], nb_error *err)
{
    struct termios before, silent;
    char line[NB_PASSWORD_MAX + 2] = "";
    int fd = fileno(terminal);
    if (tcgetattr(fd, &before) != 0) {
        return nb_fail_errno(err, NB_ERR_IO, "the terminal does not take a password");
    }
    silent = before;
    silent.c_lflag &= ~(tcflag_t)ECHO;
    fprintf(terminal, "%s: ", prompt);
    fflush(terminal);
    tcsetattr(fd, TCSAFLUSH, &silent);
    bool got = fgets(line, sizeof line, terminal) != NULL;
    tcsetattr(fd, TCSAFLUSH, &before);
    fputs("\n", terminal);
    nb_status status = got ? key_keep(out, line, strcspn(line, "\r\n"), err)
                           : nb_fail(err, NB_ERR_USAGE, "no password was given at the terminal");
    sodium_memzero(line, sizeof line);
    return status;
}

static nb_status key_from_terminal(char out[NB_PASSWORD_MAX], const char *prompt, bool twice, nb_error *err)
{
    char again[NB_PASSWORD_MAX] = "", buffer[BUFSIZ];
    nb_status status;
    FILE *terminal = fopen("/dev/tty", "r+e");
    if (!terminal) {
        nb_fail(err, NB_ERR_USAGE, "the key needs a password and there is no terminal to ask at");
        return nb_hint(err, "set NEGBANK_KEY_PASSWORD, or give --password-file FILE");
    }
    setvbuf(terminal, buffer, _IOFBF, sizeof buffer); /* one that can be wiped */
    NB_TRY(key_ask(terminal, prompt, out, err));
    if (twice) {
        NB_TRY(key_ask(terminal, "the same again", again, err));
        if (strcmp(out, again) != 0) {
            status = nb_fail(err, NB_ERR_USAGE, "the two passwords differ");
        }
    }
done:
    sodium_memzero(again, sizeof again);
    fclose(terminal);
    sodium_memzero(buffer, sizeof buffer);
    return status;
}

nb_status nb_password_get(char out[NB_PASSWORD_MAX], const char *file, const char *prompt, bool twice, nb_error *err)
{
    const char *variable = getenv("NEGBANK_KEY_PASSWORD");
    if (file) {
        return key_from_file(out, file, err);
    }
    if (variable) {
        return key_keep(out, variable, strlen(variable), err);
    }
    return key_from_terminal(out, prompt, twice, err);
}
