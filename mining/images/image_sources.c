#include "mining/images/image_sources.h"

#include "common/base/file.h"
#include "common/base/text.h"
#include "common/image/decode.h"
#include "common/parallel/stop.h"
#include "common/transfer/url.h"
#include "mining/images/image_name.h"
#include "mining/images/shard.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { HEAD = 512, SPOOL_BYTES = 1 << 16 };

/* An address and its number among those that were fetched. */
typedef struct fetched_file {
    const char *address;
    size_t number;
} fetched_file;

/* ---- kinds ---- */

nb_image_kind nb_image_kind_of(const char *path)
{
    static const char gzip[] = "\x1f\x8b", zstd[] = "\x28\xb5\x2f\xfd", tar[] = "ustar";
    enum { TAR_AT = 257 };
    char head[HEAD] = {0};
    if (nb_file_is_directory(path)) {
        return NB_IMAGE_FOLDER;
    }
    if (nb_shard_named(path)) {
        return NB_IMAGE_SHARD;
    }
    if (nb_image_name_has_suffix(path)) {
        return NB_IMAGE_FILE;
    }
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* what is no regular file is refused later */
    ssize_t len = fd >= 0 ? read(fd, head, sizeof head) : 0;
    if (fd >= 0) {
        close(fd);
    }
    if (len > 0 && nb_image_known(head, (size_t)len)) {
        return NB_IMAGE_FILE;
    }
    return memcmp(head + TAR_AT, tar, sizeof tar - 1) == 0 || memcmp(head, gzip, sizeof gzip - 1) == 0 ||
                   memcmp(head, zstd, sizeof zstd - 1) == 0
               ? NB_IMAGE_SHARD
               : NB_IMAGE_LIST;
}

/* ---- patterns and pipes ---- */

static nb_status image_sources_push(nb_strings *to, const char *text, nb_error *err)
{
    return nb_strings_push(to, text, strlen(text), err);
}

static nb_status image_sources_expand(nb_strings *out, const char *pattern, nb_error *err)
{
    glob_t found = {0};
    struct stat st;
    nb_status status = NB_OK;
    if (nb_url_like(pattern) || !strpbrk(pattern, "*?[{") || stat(pattern, &st) == 0) {
        return image_sources_push(out, pattern, err);
    }
    int code = glob(pattern, GLOB_BRACE | GLOB_ERR, NULL, &found);
    if (code == GLOB_NOMATCH) {
        status = nb_fail(err, NB_ERR_INPUT, "nothing matches '%s'", pattern);
    } else if (code != 0) {
        status = nb_fail_errno(err, code == GLOB_NOSPACE ? NB_ERR_LIMIT : NB_ERR_INPUT, "cannot match '%s'", pattern);
    }
    for (size_t i = 0; status == NB_OK && i < found.gl_pathc; i++) {
        status = image_sources_push(out, found.gl_pathv[i], err);
    }
    globfree(&found);
    return status;
}

static nb_status image_sources_expand_all(nb_image_sources *s, const nb_strings *inputs, nb_error *err)
{
    nb_status status = NB_OK;
    for (size_t i = 0; i < inputs->count; i++) {
        NB_TRY(image_sources_expand(&s->given, nb_strings_get(inputs, i), err));
    }
    NB_TRY_NEW(s->piped, s->given.count);
done:
    return status;
}

static bool image_sources_is_stdin(const char *word)
{
    return strcmp(word, "-") == 0;
}

static bool image_sources_is_pipe(const char *word)
{
    struct stat st;
    return image_sources_is_stdin(word) ||
           (stat(word, &st) == 0 && (S_ISFIFO(st.st_mode) || S_ISCHR(st.st_mode) || S_ISSOCK(st.st_mode)));
}

/* What images of the pipe are named by: a number of a file that is open says nothing. */
static const char *image_sources_pipe_name(const char *word)
{
    bool numbered = strncmp(word, "/dev/fd/", 8) == 0 || strncmp(word, "/proc/", 6) == 0;
    return image_sources_is_stdin(word) || strcmp(word, "/dev/stdin") == 0 ? "stdin"
           : numbered                                                      ? "pipe"
                                                                           : nb_path_base(word);
}

/* Waits until something writes into the pipe. */
static int image_sources_open_pipe(const char *word)
{
    int fd;
    if (image_sources_is_stdin(word)) {
        return STDIN_FILENO;
    }
    do {
        fd = open(word, O_RDONLY | O_CLOEXEC);
    } while (fd < 0 && errno == EINTR && !nb_stop_requested());
    return fd;
}

static nb_status image_sources_copy(int from, int to, const char *word, nb_error *err)
{
    char bytes[SPOOL_BYTES];
    size_t total = 0;
    for (;;) {
        ssize_t got = read(from, bytes, sizeof bytes);
        if (got < 0 && errno == EINTR) {
            if (nb_stop_requested()) {
                return nb_fail(err, NB_STOPPED, "stopped on request while reading '%s': nothing is made yet", word);
            }
            continue;
        }
        if (got < 0) {
            return nb_fail_errno(err, NB_ERR_IO, "cannot read '%s'", word);
        }
        if (got == 0) {
            return total ? NB_OK : nb_fail(err, NB_ERR_INPUT, "'%s' is empty", word);
        }
        for (ssize_t put = 0; put < got;) {
            ssize_t n = write(to, bytes + put, (size_t)(got - put));
            if (n < 0 && errno != EINTR) {
                return nb_fail_errno(err, NB_ERR_IO, "cannot write what '%s' holds beside the output", word);
            }
            put += n > 0 ? n : 0;
        }
        total += (size_t)got;
    }
}

/* Reads a pipe whole, for it can be read only once, by one process, and from its beginning. */
static nb_status image_sources_spool(nb_image_sources *s, size_t number, nb_error *err)
{
    const char *word = nb_strings_get(&s->given, number);
    nb_buffer path = {0};
    int from = -1, to = -1;
    nb_status status = NB_OK;
    if (s->parts) {
        nb_fail(err, NB_ERR_USAGE, "'%s' can be read by one job alone, and --part makes one of several", word);
        return nb_hint(err, "write what it holds into a file");
    }
    if (!s->spool) {
        return nb_fail(err, NB_ERR_INPUT, "'%s' is not a regular file", word);
    }
    if (!s->folder) {
        NB_TRY(nb_buffer_printf(&path, err, "%s.inputs", s->spool));
        s->folder = path.data;
        path = (nb_buffer){0};
    }
    NB_TRY(nb_buffer_printf(&path, err, "%s/%zu", s->folder, number));
    NB_TRY(nb_make_directories(path.data, err));
    NB_TRY(nb_buffer_printf(&path, err, "/%s", image_sources_pipe_name(word)));
    from = image_sources_open_pipe(word);
    to = from >= 0 ? open(path.data, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600) : -1;
    if (from < 0 && nb_stop_requested()) {
        status = nb_fail(err, NB_STOPPED, "stopped on request while waiting for '%s': nothing is made yet", word);
        goto done;
    }
    if (from < 0 || to < 0) {
        status =
            nb_fail_errno(err, from < 0 ? NB_ERR_INPUT : NB_ERR_IO, "cannot open '%s'", from < 0 ? word : path.data);
        goto done;
    }
    s->piped[number] = 1;
    NB_TRY(nb_strings_push(&s->paths, path.data, path.len, err));
    NB_TRY(image_sources_push(&s->shown, image_sources_pipe_name(word), err));
    NB_TRY(image_sources_copy(from, to, word, err));
done:
    if (from > STDIN_FILENO) {
        close(from);
    }
    if (to >= 0 && close(to) != 0 && status == NB_OK) {
        status = nb_fail_errno(err, NB_ERR_IO, "cannot write what '%s' holds beside the output", word);
    }
    nb_buffer_free(&path);
    return status;
}

/* ---- addresses ---- */

static int image_sources_by_address(const void *a, const void *b)
{
    return strcmp(((const fetched_file *)a)->address, ((const fetched_file *)b)->address);
}

/* The addresses that will be fetched, in the order of their files. */
static nb_status image_sources_list_addresses(nb_strings *out, const nb_inputs *files, nb_error *err)
{
    nb_status status = NB_OK;
    for (size_t i = 0; status == NB_OK && i < files->addresses.count; i++) {
        if (nb_strings_len(&files->addresses, i)) {
            status = image_sources_push(out, nb_strings_get(&files->addresses, i), err);
        }
    }
    return status;
}

/* The words among `words` that are addresses become files; *words the list of what is read then. */
static nb_status image_sources_replace(nb_strings *words, const nb_strings *addresses, const nb_strings *files,
                                       nb_error *err)
{
    nb_strings out = {0};
    fetched_file *sorted = NULL;
    nb_status status;
    NB_TRY_NEW(sorted, addresses->count);
    for (size_t i = 0; i < addresses->count; i++) {
        sorted[i] = (fetched_file){nb_strings_get(addresses, i), i};
    }
    qsort(sorted, addresses->count, sizeof *sorted, image_sources_by_address);
    for (size_t i = 0; i < words->count; i++) {
        fetched_file key = {nb_strings_get(words, i), 0};
        const fetched_file *found =
            nb_url_like(key.address) ? bsearch(&key, sorted, addresses->count, sizeof *sorted, image_sources_by_address)
                                     : NULL;
        NB_TRY(image_sources_push(&out, found ? nb_strings_get(files, found->number) : key.address, err));
    }
    nb_strings_free(words);
    *words = out;
    out = (nb_strings){0};
done:
    nb_strings_free(&out);
    free(sorted);
    return status;
}

nb_status nb_image_sources_refuse_addresses(const nb_strings *paths, nb_error *err)
{
    for (size_t i = 0; i < paths->count; i++) {
        if (nb_url_like(nb_strings_get(paths, i))) {
            nb_fail(err, NB_ERR_USAGE, "addresses are not read here");
            return nb_hint(err, "'negbank embed images' reads them");
        }
    }
    return NB_OK;
}

/* Rank 0: the addresses among words as inputs to be fetched. */
static nb_status image_sources_collect(nb_inputs *files, const nb_image_sources *s, const nb_strings *words,
                                       nb_error *err)
{
    nb_strings addresses = {0};
    nb_status status = NB_OK;
    for (size_t i = 0; i < words->count; i++) {
        if (nb_url_like(nb_strings_get(words, i))) {
            NB_TRY(image_sources_push(&addresses, nb_strings_get(words, i), err));
        }
    }
    if (addresses.count) {
        NB_TRY(s->fetch ? NB_OK : nb_image_sources_refuse_addresses(words, err));
        NB_TRY(nb_inputs_open(files, &addresses, NULL, NULL, err));
    }
done:
    nb_strings_free(&addresses);
    return status;
}

/* Collective. Fetches the addresses among rank 0's words, which become paths. */
static nb_status image_sources_fetch(nb_image_sources *s, nb_fetched *fetched, const nb_comm *comm, nb_strings *words,
                                     nb_error *err)
{
    nb_inputs files = {0};
    nb_strings addresses = {0};
    bool first = comm->rank == 0;
    uint64_t any;
    nb_status status = first ? image_sources_collect(&files, s, words, err) : NB_OK;
    status = status == NB_OK ? image_sources_list_addresses(&addresses, &files, err) : status;
    NB_TRY(nb_comm_agree(comm, status, err));
    any = addresses.count;
    NB_TRY(nb_comm_broadcast(comm, &any, sizeof any, err));
    if (!any) {
        goto done;
    }
    NB_TRY(nb_corpus_fetch(fetched, &files, comm, s->fetch, err));
    if (s->parts && first) {
        nb_cache_unlock(&fetched->lock); /* the other parts read the same files */
    }
    status = first ? image_sources_replace(words, &addresses, &fetched->paths, err) : NB_OK;
    status = nb_comm_agree(comm, status, err);
done:
    nb_inputs_free(&files);
    nb_strings_free(&addresses);
    return status;
}

/* An address without what may be secret. */
static nb_status image_sources_show(nb_strings *out, const char *address, nb_error *err)
{
    nb_url url = {0};
    nb_status status = nb_url_parse(&url, address, err);
    status = status == NB_OK ? image_sources_push(out, url.shown, err) : status;
    nb_url_free(&url);
    return status;
}

/* ---- all of them ---- */

static nb_status image_sources_find(nb_image_sources *s, const nb_strings *inputs, nb_error *err)
{
    size_t from_stdin = 0;
    nb_status status;
    NB_TRY(image_sources_expand_all(s, inputs, err));
    for (size_t i = 0; i < s->given.count; i++) {
        from_stdin += image_sources_is_stdin(nb_strings_get(&s->given, i));
    }
    if (from_stdin > 1) {
        status = nb_fail(err, NB_ERR_USAGE, "standard input can be read only once");
        goto done;
    }
    for (size_t i = 0; i < s->given.count; i++) {
        const char *word = nb_strings_get(&s->given, i);
        if (image_sources_is_pipe(word)) {
            NB_TRY(image_sources_spool(s, i, err));
            continue;
        }
        NB_TRY(nb_url_like(word) ? image_sources_show(&s->shown, word, err) : image_sources_push(&s->shown, word, err));
        NB_TRY(image_sources_push(&s->paths, word, err));
    }
done:
    return status;
}

nb_status nb_image_sources_open(nb_image_sources *s, const nb_comm *comm, const nb_strings *inputs, nb_error *err)
{
    nb_status status;
    s->inputs.lock = s->listed.lock = -1;
    NB_TRY(nb_comm_agree(comm, comm->rank == 0 ? image_sources_find(s, inputs, err) : NB_OK, err));
    NB_TRY(image_sources_fetch(s, &s->inputs, comm, &s->paths, err));
done:
    return status;
}

nb_status nb_image_sources_open_files(nb_image_sources *s, const nb_strings *inputs, nb_error *err)
{
    nb_status status;
    s->inputs.lock = s->listed.lock = -1;
    NB_TRY(image_sources_find(s, inputs, err));
    NB_TRY(nb_image_sources_refuse_addresses(&s->given, err));
done:
    return status;
}

nb_image_source nb_image_sources_get(const nb_image_sources *s, size_t i)
{
    return (nb_image_source){.given = nb_strings_get(&s->given, i),
                             .shown = nb_strings_get(&s->shown, i),
                             .path = nb_strings_get(&s->paths, i),
                             .piped = s->piped[i] != 0};
}

nb_status nb_image_sources_fetch_listed(nb_image_sources *s, const nb_comm *comm, nb_strings *paths, nb_error *err)
{
    return image_sources_fetch(s, &s->listed, comm, paths, err);
}

static void image_sources_remove_spooled(const nb_image_sources *s)
{
    nb_buffer folder = {0};
    nb_error ignored = {0};
    for (size_t i = 0; i < s->given.count; i++) {
        if (s->piped[i] && nb_buffer_printf(&folder, &ignored, "%s/%zu", s->folder, i) == NB_OK) {
            unlink(nb_strings_get(&s->paths, i));
            rmdir(folder.data);
        }
        nb_buffer_clear(&folder);
    }
    rmdir(s->folder);
    nb_buffer_free(&folder);
}

void nb_image_sources_close(nb_image_sources *s, bool done)
{
    if (s->folder) {
        image_sources_remove_spooled(s);
    }
    if (done) {
        nb_corpus_fetched_forget(&s->inputs);
        nb_corpus_fetched_forget(&s->listed);
    }
    nb_corpus_fetched_close(&s->inputs);
    nb_corpus_fetched_close(&s->listed);
    nb_strings_free(&s->given);
    nb_strings_free(&s->shown);
    nb_strings_free(&s->paths);
    free(s->piped);
    free(s->folder);
    *s = (nb_image_sources){0};
}
