/* Addresses, keys, signatures, indexes, back-off: what transfers rest on, without a network. */
#include "support/support.h"

#include "common/transfer/index.h"
#include "common/transfer/signature.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- addresses ---- */

static void clear_aws(void)
{
    static const char *const names[] = {"AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "AWS_REGION", "AWS_DEFAULT_REGION"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        unsetenv(names[i]);
    }
}

static void test_urls(void **state)
{
    (void)state;
    nb_error err = {0};
    nb_url url, other;
    must(nb_url_parse(&url, "https://user:pa%40ss@example.org:8443/a/b.nbank?token=secret#x", &err), &err);
    assert_int_equal(url.scheme, NB_SCHEME_HTTPS);
    assert_string_equal(url.user, "user");
    assert_string_equal(url.password, "pa@ss");
    assert_string_equal(url.request, "https://example.org:8443/a/b.nbank?token=secret");
    assert_string_equal(url.shown, "https://example.org:8443/a/b.nbank");
    must(nb_url_suffixed(&other, &url, ".sha256", &err), &err);
    assert_string_equal(other.request, "https://example.org:8443/a/b.nbank.sha256?token=secret");
    assert_string_equal(other.password, "pa@ss");
    nb_url_free(&other);
    must(nb_url_beside(&other, &url, "with space/\xc3\xbc.md", &err), &err);
    assert_string_equal(other.request, "https://example.org:8443/a/with%20space/%C3%BC.md?token=secret");
    char *name;
    must(nb_url_name(&name, &other, &err), &err);
    assert_string_equal(name, "\xc3\xbc.md");
    free(name);
    nb_url_free(&other);
    must(nb_url_beside(&other, &url, "https://elsewhere/x", &err), &err);
    assert_string_equal(other.request, "https://elsewhere/x");
    assert_null(other.password);
    nb_url_free(&other);
    static const char *const leaving[] = {"../x", "a/../../x", "/x", "", "a//b", "x\ny", ".", "a/./b"};
    for (size_t i = 0; i < sizeof leaving / sizeof *leaving; i++) {
        nb_error_clear(&err);
        must_fail(nb_url_beside(&other, &url, leaving[i], &err), NB_ERR_INPUT, &err, "leaves its folder");
    }
    nb_url_free(&url);
    static const char *const wrong[] = {"http://user:p%40s3@[::%40ss@[::1]:8080/c",
                                        "ftp://x/y",
                                        "file:///etc/passwd",
                                        "x.nbank",
                                        "http://",
                                        "http://a b/",
                                        "",
                                        "s3://",
                                        "s3://bucket",
                                        "s3://b@d/x",
                                        "https://x/\x01",
                                        "javascript://x"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        nb_error_clear(&err);
        must_fail(nb_url_parse(&url, wrong[i], &err), NB_ERR_USAGE, &err, "is no address");
        assert_null(strstr(err.message, "secret"));
    }
}

static void test_origins(void **state)
{
    (void)state;
    static const char *const pairs[][2] = {{"https://Example.ORG/a?b", "https://example.org:443"},
                                           {"https://u:p@example.org:443", "https://example.org:443"},
                                           {"http://example.org", "http://example.org:80"},
                                           {"https://example.org:8443/", "https://example.org:8443"},
                                           {"http://[::1]:81/x", "http://[::1]:81"}};
    static const char *const down[] = {"http://example.org/x", "HTTP://elsewhere/x"};
    nb_error err = {0};
    nb_url url, other;
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        char *origin;
        must(nb_url_parse(&url, pairs[i][0], &err), &err);
        must(nb_url_origin(&origin, &url, &err), &err);
        assert_string_equal(origin, pairs[i][1]);
        free(origin);
        nb_url_free(&url);
    }
    must(nb_url_parse(&url, "https://example.org/index.json", &err), &err);
    for (size_t i = 0; i < sizeof down / sizeof *down; i++) {
        must_fail(nb_url_beside(&other, &url, down[i], &err), NB_ERR_INPUT, &err, "from https to http");
        assert_null(other.text);
        nb_error_clear(&err);
    }
    must(nb_url_beside(&other, &url, "https://elsewhere/x", &err), &err);
    nb_url_free(&other);
    nb_url_free(&url);
    clear_aws(); /* the bucket's own address is of https */
    must(nb_url_parse(&url, "s3://banks/index.json", &err), &err);
    must_fail(nb_url_beside(&other, &url, down[0], &err), NB_ERR_INPUT, &err, "from https to http");
    nb_url_free(&url);
}

static void test_s3_urls(void **state)
{
    (void)state;
    nb_error err = {0};
    nb_url url;
    clear_aws();
    must(nb_url_parse(&url, "s3://banks/a b/x+y.nbank", &err), &err);
    assert_string_equal(url.request, "https://banks.s3.us-east-1.amazonaws.com/a%20b/x%2By.nbank");
    assert_string_equal(url.region, "us-east-1");
    nb_url_free(&url);
    setenv("AWS_DEFAULT_REGION", "eu-west-3", 1);
    must(nb_url_parse(&url, "s3://dotted.name/k", &err), &err);
    assert_string_equal(url.request, "https://s3.eu-west-3.amazonaws.com/dotted.name/k");
    nb_url_free(&url);
    setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9000/", 1);
    must(nb_url_parse(&url, "s3://banks/k", &err), &err);
    assert_string_equal(url.request, "http://127.0.0.1:9000/banks/k");
    nb_url_free(&url);
    setenv("AWS_ENDPOINT_URL", "9000", 1);
    must_fail(nb_url_parse(&url, "s3://banks/k", &err), NB_ERR_USAGE, &err, "AWS_ENDPOINT_URL");
    clear_aws();
}

/* ---- back-off ---- */

static void test_delays(void **state)
{
    (void)state;
    nb_transfer_options o = {.retry_wait = 1, .retry_longest = 60};
    assert_float_equal(nb_retry_delay(&o, 1, -1, 0), 0.5, 1e-12);
    assert_float_equal(nb_retry_delay(&o, 1, -1, 0.999999), 1, 1e-5);
    assert_float_equal(nb_retry_delay(&o, 4, -1, 0), 4, 1e-12);
    assert_float_equal(nb_retry_delay(&o, 1000, -1, 0), 30, 1e-12); /* no overflow */
    assert_float_equal(nb_retry_delay(&o, 1, 7, 0), 7, 1e-12);      /* what the server asks for */
}

/* ---- signatures ---- */

static nb_status fixed_password(void *state, const char *path, char out[NB_PASSWORD_MAX], nb_error *err)
{
    (void)path, (void)err;
    snprintf(out, NB_PASSWORD_MAX, "%s", (const char *)state);
    return NB_OK;
}

static nb_secret_key new_key(void)
{
    nb_secret_key key;
    nb_secret_key_create(&key);
    return key;
}

static void test_signatures(void **state)
{
    (void)state;
    nb_error err = {0};
    nb_secret_key key = new_key(), stranger = new_key();
    nb_public_key keys[2] = {nb_secret_key_public(&stranger), nb_secret_key_public(&key)};
    const nb_trusted_keys both = {keys, 2}, first = {keys, 1}, none = {0};
    nb_buffer text = {0};
    nb_signature s;
    must(nb_signature_make(&text, &key, "bytes", 5, "timestamp:1\tfile:x", &err), &err);
    must(nb_signature_parse(&s, "x", text.data, text.len, &err), &err);
    assert_true(s.prehashed);
    assert_string_equal(s.trusted, "timestamp:1\tfile:x");
    char value[8];
    assert_true(nb_signature_field(&s, "file", value, sizeof value));
    assert_string_equal(value, "x");
    assert_true(nb_signature_field(&s, "timestamp", value, sizeof value));
    assert_string_equal(value, "1");
    assert_false(nb_signature_field(&s, "fil", value, sizeof value));
    assert_false(nb_signature_field(&s, "stamp", value, sizeof value));
    must(nb_signature_check(&s, &both, "bytes", 5, "x", &err), &err);
    must_fail(nb_signature_check(&s, &first, "bytes", 5, "x", &err), NB_ERR_VERIFY, &err, "not among the keys");
    must_fail(nb_signature_check(&s, &both, "bytez", 5, "x", &err), NB_ERR_VERIFY, &err, "is not what key");
    must_fail(nb_signature_check(&s, &none, "bytes", 5, "x", &err), NB_ERR_VERIFY, &err, "not among the keys");
    s.trusted[0] = 'T';
    must_fail(nb_signature_check(&s, &both, "bytes", 5, "x", &err), NB_ERR_VERIFY, &err, "trusted comment");
    /* every single flipped bit of the blobs is noticed */
    for (size_t i = 0; i < text.len; i++) {
        nb_error_clear(&err);
        text.data[i] ^= 2;
        nb_status status = nb_signature_parse(&s, "x", text.data, text.len, &err);
        bool comment = i < strcspn(text.data, "\n"); /* the first line vouches for nothing */
        if (status == NB_OK && !comment) {
            status = nb_signature_check(&s, &both, "bytes", 5, "x", &err);
            assert_int_not_equal(status, NB_OK);
        }
        text.data[i] ^= 2;
    }
    nb_error_clear(&err);
    for (size_t len = 0; len + 2 < text.len; len++) { /* cut short; the last line end may be missing */
        assert_int_equal(nb_signature_parse(&s, "x", text.data, len, &err), NB_ERR_VERIFY);
    }
    nb_buffer_free(&text);
}

static void test_keys(void **state)
{
    (void)state;
    nb_error err = {0};
    nb_secret_key key = new_key(), again;
    nb_public_key public = nb_secret_key_public(&key), read;
    char text[NB_PUBLIC_KEY_TEXT];
    bool encrypted;
    const char *path = scratch_path("transfer.key"), *pub = scratch_path("transfer.pub");
    struct stat st;
    must(nb_secret_key_write(&key, path, true, "horse", NB_KEY_INTERACTIVE, &err), &err);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    must(nb_secret_key_read(&again, path, fixed_password, "horse", &encrypted, &err), &err);
    assert_true(encrypted);
    assert_memory_equal(&again, &key, sizeof key);
    must_fail(nb_secret_key_read(&again, path, fixed_password, "house", &encrypted, &err), NB_ERR_VERIFY, &err,
              "wrong password");
    must(nb_secret_key_write(&key, path, true, NULL, NB_KEY_INTERACTIVE, &err), &err);
    must(nb_secret_key_read(&again, path, fixed_password, "", &encrypted, &err), &err);
    assert_false(encrypted);
    must(nb_public_key_write(&public, pub, true, &err), &err);
    must(nb_public_key_read(&read, pub, &err), &err);
    assert_memory_equal(&read, &public, sizeof read);
    nb_public_key_text(text, &public);
    assert_int_equal(strncmp(text, "RW", 2), 0);
    must(nb_public_key_read(&read, text, &err), &err);
    assert_memory_equal(&read, &public, sizeof read);
    must_fail(nb_public_key_read(&read, path, &err), NB_ERR_INPUT, &err, "no minisign public key");
    must_fail(nb_public_key_read(&read, "nowhere", &err), NB_ERR_INPUT, &err, "neither a public key nor a file");
    must_fail(nb_secret_key_read(&again, pub, fixed_password, "", NULL, &err), NB_ERR_INPUT, &err, "158 bytes");
    unlink(path);
    unlink(pub);
}

static void test_open_key(void **state)
{
    (void)state;
    static const mode_t open_modes[] = {0644, 0640, 0620, 0601};
    nb_error err = {0};
    nb_secret_key key = new_key(), again;
    const char *path = scratch_path("open.key");
    must(nb_secret_key_write(&key, path, true, NULL, NB_KEY_INTERACTIVE, &err), &err);
    for (size_t i = 0; i < sizeof open_modes / sizeof *open_modes; i++) {
        assert_int_equal(chmod(path, open_modes[i]), 0);
        must_fail(nb_secret_key_read(&again, path, fixed_password, "", NULL, &err), NB_ERR_INPUT, &err, "by others");
        nb_error_clear(&err);
    }
    assert_int_equal(chmod(path, 0400), 0);
    must(nb_secret_key_read(&again, path, fixed_password, "", NULL, &err), &err);
    unlink(path);
}

/* Whether a text, given with its bits turned round so that it is not found in itself, lies in memory we can write. */
static bool in_memory(const char *turned, size_t len)
{
    static char chunk[1 << 20];
    FILE *maps = fopen("/proc/self/maps", "r");
    int memory = open("/proc/self/mem", O_RDONLY);
    char line[512], perms[8];
    unsigned long long begin, end;
    bool found = false;
    assert_non_null(maps);
    assert_true(memory >= 0);
    while (!found && fgets(line, sizeof line, maps)) {
        if (sscanf(line, "%llx-%llx %7s", &begin, &end, perms) != 3 || strncmp(perms, "rw", 2) != 0) {
            continue;
        }
        if (end - begin > 1ULL << 28) { /* what a sanitizer keeps for itself */
            continue;
        }
        for (unsigned long long at = begin; at < end && !found; at += sizeof chunk - len) {
            ssize_t n = pread(memory, chunk, end - at < sizeof chunk ? end - at : sizeof chunk, (off_t)at);
            for (ssize_t i = 0; i + (ssize_t)len <= n && !found; i++) {
                size_t k = 0;
                while (k < len && (char)~chunk[i + (ssize_t)k] == turned[k]) {
                    k++;
                }
                found = k == len;
            }
        }
        memset(chunk, 0, sizeof chunk);
    }
    close(memory);
    fclose(maps);
    return found;
}

/* The text of a key is wiped, whether it is read as what it is, as what it is not, or refused. */
static void test_key_is_wiped(void **state)
{
    (void)state;
    if (NB_SANITIZED) {
        skip(); /* a sanitizer's own memory is many times ours, and the search looks at each byte */
    }
    enum { FROM = 130, PART = 100 };
    nb_error err = {0};
    nb_secret_key key = new_key(), again;
    nb_public_key public;
    char part[PART];
    const char *path = scratch_path("wiped.key");
    must(nb_secret_key_write(&key, path, true, NULL, NB_KEY_INTERACTIVE, &err), &err);
    int fd = open(path, O_RDONLY);
    assert_int_equal(pread(fd, part, PART, FROM), PART);
    close(fd);
    assert_null(memchr(part, '\n', PART));
    for (size_t i = 0; i < PART; i++) {
        part[i] = (char)~part[i];
    }
    assert_false(in_memory(part, PART));
    must(nb_secret_key_read(&again, path, fixed_password, "", NULL, &err), &err);
    assert_false(in_memory(part, PART));
    must_fail(nb_public_key_read(&public, path, &err), NB_ERR_INPUT, &err, "no minisign public key");
    assert_false(in_memory(part, PART));
    nb_error_clear(&err);
    assert_int_equal(chmod(path, 0644), 0);
    must_fail(nb_secret_key_read(&again, path, fixed_password, "", NULL, &err), NB_ERR_INPUT, &err, "by others");
    assert_false(in_memory(part, PART));
    char *kept = strdup("here is what is looked for: 0123456789"); /* the search finds what is there */
    char here[10];
    for (size_t i = 0; i < sizeof here; i++) {
        here[i] = (char)~kept[28 + i];
    }
    assert_true(in_memory(here, sizeof here));
    free(kept);
    unlink(path);
}

/* A signature and a key made by minisign 0.11 (minisign -G -W; -S, -S -l), of the text "text\n". */
static void test_minisign_made(void **state)
{
    (void)state;
#include "minisign_made.inc"
    nb_error err = {0};
    nb_public_key key;
    const nb_trusted_keys only = {&key, 1};
    nb_signature s;
    must(nb_public_key_read(&key, minisign_public, &err), &err);
    must(nb_signature_parse(&s, "hashed", minisign_hashed, strlen(minisign_hashed), &err), &err);
    assert_true(s.prehashed);
    must(nb_signature_check(&s, &only, "text\n", 5, "text", &err), &err);
    must(nb_signature_parse(&s, "legacy", minisign_legacy, strlen(minisign_legacy), &err), &err);
    assert_false(s.prehashed);
    must(nb_signature_check(&s, &only, "text\n", 5, "text", &err), &err);
    must_fail(nb_signature_check(&s, &only, "text", 4, "text", &err), NB_ERR_VERIFY, &err, "is not what key");
}

/* ---- indexes ---- */

static json_t *entry(const char *name, const char *version, char digit)
{
    char sum[65];
    memset(sum, digit, 64);
    sum[64] = '\0';
    return json_pack("{s:s, s:s, s:s, s:I, s:s}", "name", name, "version", version, "file", "x.nbank", "bytes",
                     (json_int_t)7, "sha256", sum);
}

static void add(nb_index *index, const char *name, const char *version, char digit)
{
    nb_error err = {0};
    json_t *bank = entry(name, version, digit);
    must(nb_index_add(index, bank, false, &err), &err);
    json_decref(bank);
}

static void test_index(void **state)
{
    (void)state;
    nb_error err = {0};
    nb_index index, again;
    nb_buffer text = {0};
    nb_secret_key key = new_key();
    nb_public_key public = nb_secret_key_public(&key);
    const nb_trusted_keys only = {&public, 1};
    must(nb_index_empty(&index, &err), &err);
    add(&index, "a", "1", 'a');
    add(&index, "b", "1", 'b');
    add(&index, "a", "2", 'c');
    add(&index, "a", "1", 'a'); /* the same again stays one */
    assert_int_equal(json_array_size(index.banks), 3);
    assert_int_equal(index.serial, 4);
    assert_string_equal(nb_index_text_of(nb_index_find(&index, "a", NULL), "version"), "2");
    assert_string_equal(nb_index_text_of(nb_index_find(&index, "a", "1"), "version"), "1");
    assert_null(nb_index_find(&index, "a", "3"));
    json_t *bank = entry("a", "1", 'f');
    must_fail(nb_index_add(&index, bank, false, &err), NB_ERR_USAGE, &err, "another bank 'a'");
    index.serial = NB_INDEX_SERIAL_MAX;
    must_fail(nb_index_add(&index, bank, true, &err), NB_ERR_LIMIT, &err, "last serial");
    index.serial = 4;
    must(nb_index_add(&index, bank, true, &err), &err);
    json_decref(bank);
    must(nb_index_write(&index, &key, &text, &err), &err);
    must(nb_index_parse(&again, "i", text.data, text.len, &err), &err);
    assert_int_equal(again.serial, 5);
    assert_string_equal(again.digest.hex, index.digest.hex);
    must(nb_index_verify(&again, "i", &only, &err), &err);
    nb_index_free(&again);
    /* no byte of it can change unseen */
    for (size_t i = 0; i < text.len; i++) {
        nb_error_clear(&err);
        text.data[i] ^= 1;
        nb_status status = nb_index_parse(&again, "i", text.data, text.len, &err);
        if (status == NB_OK) {
            status = nb_index_verify(&again, "i", &only, &err);
            nb_index_free(&again);
        }
        size_t comment = (size_t)(strstr(text.data, "RU") ? strstr(text.data, "RU") - text.data : 0);
        assert_true(status != NB_OK || i < comment);
        text.data[i] ^= 1;
    }
    nb_error_clear(&err);
    must(nb_index_write(&index, NULL, &text, &err), &err);
    must(nb_index_parse(&again, "i", text.data, text.len, &err), &err);
    must_fail(nb_index_verify(&again, "i", &only, &err), NB_ERR_VERIFY, &err, "not signed");
    nb_index_free(&again);
    nb_index_free(&index);
    nb_buffer_free(&text);
}

static void test_bad_indexes(void **state)
{
    (void)state;
#define HEAD "{\"format\": \"negbank index\", \"version\": 1, \"serial\": 1, \"banks\": "
#define SUM  "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define BANK(more)                                                                                                     \
    HEAD "[{\"name\": \"a\", \"version\": \"1\", \"file\": \"f\", \"bytes\": 1, \"sha256\": \"" SUM "\"" more "}]}"
    static const struct {
        const char *text, *word;
        nb_status status;
    } cases[] = {
        {"", "not JSON", NB_ERR_INPUT},
        {"[]", "no object", NB_ERR_INPUT},
        {"{}", "\"format\"", NB_ERR_INPUT},
        {"{\"format\": \"negbank index\", \"version\": 2}", "version", NB_ERR_INPUT},
        {"{\"format\": \"negbank index\", \"version\": 1, \"serial\": -1}", "serial", NB_ERR_INPUT},
        {"{\"format\": \"negbank index\", \"version\": 1, \"serial\": 1.5}", "serial", NB_ERR_INPUT},
        {"{\"format\": \"negbank index\", \"version\": 1, \"serial\": 9223372036854775807}", "serial", NB_ERR_INPUT},
        {"{\"format\": \"negbank index\", \"version\": 1, \"serial\": 9007199254740993}", "serial", NB_ERR_INPUT},
        {HEAD "{}}", "no list", NB_ERR_INPUT},
        {BANK(", \"licence\": \"a\\u001b[2J\""), "control characters", NB_ERR_INPUT},
        {BANK(", \"corpus\": \"a\\u009b2J\""), "control characters", NB_ERR_INPUT},
        {BANK(", \"labels\": [\"a\\nb\"]"), "control characters", NB_ERR_INPUT},
        {BANK(", \"labels\": [\"a\\u2028b\"]"), "control characters", NB_ERR_INPUT},
        {HEAD "[1]}", "bank 1: it is no object", NB_ERR_INPUT},
        {HEAD "[{\"name\": \"../a\", \"version\": \"1\"}]}", "\"name\"", NB_ERR_INPUT},
        {HEAD "[{\"name\": \"a\", \"version\": \"1\", \"sha256\": \"abc\"}]}", "\"sha256\"", NB_ERR_INPUT},
        {BANK(", \"labels\": [1]"), "a label is no text", NB_ERR_INPUT},
        {BANK(", \"labels\": {}"), "no list", NB_ERR_INPUT},
        {BANK(", \"card\": 1"), "a text is something else", NB_ERR_INPUT},
        {BANK(", \"negatives\": -1"), "a count is something else", NB_ERR_INPUT},
        {BANK(", \"name\": \"b\""), "not JSON", NB_ERR_INPUT},
        {"{\"signature\": \"x\", \"format\": \"negbank index\"}", "line 2", NB_ERR_VERIFY},
        {"{\n \"signature\": 1,\n", "the signature is no text", NB_ERR_VERIFY},
        {"{\n \"signature\": \"x\",\n}", "no minisign signature", NB_ERR_VERIFY},
        {"{\n \"signature\": \"x\"", "the signature is no text", NB_ERR_VERIFY},
    };
    nb_index index;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        nb_error err = {0};
        must_fail(nb_index_parse(&index, "i", cases[i].text, strlen(cases[i].text), &err), cases[i].status, &err,
                  cases[i].word);
    }
    nb_error err = {0};
    static const char fine[] = BANK(", \"later\": {\"keys\": [1, null]}");
    must(nb_index_parse(&index, "i", fine, strlen(fine), &err), &err);
    nb_index_free(&index);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_urls),       cmocka_unit_test(test_s3_urls),      cmocka_unit_test(test_delays),
        cmocka_unit_test(test_signatures), cmocka_unit_test(test_keys),         cmocka_unit_test(test_minisign_made),
        cmocka_unit_test(test_index),      cmocka_unit_test(test_bad_indexes),  cmocka_unit_test(test_origins),
        cmocka_unit_test(test_open_key),   cmocka_unit_test(test_key_is_wiped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
