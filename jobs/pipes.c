#include "jobs/pipes.h"

#include "common/base/file.h"
#include "common/base/pack.h"
#include "common/transfer/cache.h"
#include "common/transfer/url.h"
#include "jobs/address.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FILES_MAX = 64 };

#define STANDARD_STREAM "-"

/* A value that is replaced: entry `entry` of option `option`, from byte `at` on. */
typedef struct found {
    size_t option, entry, at;
    const char *name; /* borrowed from the value */
    bool input;
} found;

/* Rank 0 at work. */
typedef struct pipes_work {
    nb_pipes *out;
    const nb_job *job;
    const nb_parsed *parsed;
    found files[FILES_MAX];
    size_t count;
    dev_t device[FILES_MAX]; /* of what was read so far: a pipe is read once */
    ino_t inode[FILES_MAX];
    size_t read;
} pipes_work;

const char *nb_job_scratch(void)
{
    const char *own = getenv("SLURM_TMPDIR"), *folder = getenv("TMPDIR");
    if (own && own[0] && access(own, W_OK | X_OK) == 0) {
        return own;
    }
    return folder && folder[0] ? folder : "/tmp";
}

/* ---- what there is ---- */

static bool pipes_begins(const char *text, const char *with)
{
    return strncmp(text, with, strlen(with)) == 0;
}

static bool pipes_is_standard_input(const char *path)
{
    static const char *const names[] = {STANDARD_STREAM, "/dev/stdin", "/dev/fd/0", "/proc/self/fd/0"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (strcmp(path, names[i]) == 0) {
            return true;
        }
    }
    return false;
}

/* A file of one process alone: another rank would open one of its own. */
static bool pipes_is_descriptor(const char *path)
{
    return pipes_begins(path, "/dev/fd/") || pipes_begins(path, "/proc/self/fd/");
}

static bool pipes_takes(const nb_option *o, const char *path)
{
    struct stat st;
    if (o->fetched && nb_url_like(path)) {
        return true;
    }
    return pipes_is_standard_input(path) || pipes_is_descriptor(path) || (stat(path, &st) == 0 && S_ISFIFO(st.st_mode));
}

/* Where the path begins in a value: "@FILE", "NAME=FILE". */
static size_t pipes_path_in(const nb_option *o, const char *value)
{
    const char *equals = strchr(o->value, '=') ? strchr(value, '=') : NULL;
    return equals ? (size_t)(equals - value) + 1 : o->positional && value[0] == '@' ? 1 : 0;
}

static nb_status pipes_look_at(pipes_work *w, size_t option, size_t entry, const char *value, nb_error *err)
{
    const nb_option *o = &w->parsed->options[option];
    bool output = o->type == NB_OPTION_OUTPUT;
    size_t at = output ? 0 : pipes_path_in(o, value);
    if (output ? strcmp(value, STANDARD_STREAM) != 0 : !o->piped || !pipes_takes(o, value + at)) {
        return NB_OK;
    }
    if (!o->piped) {
        nb_fail(err, NB_ERR_USAGE, "--%s: this output does not go to standard output", o->name);
        return nb_hint(err, "give it a name; a file that is called '-' is ./-");
    }
    for (size_t i = 0; i < w->count; i++) {
        const char *name = w->files[i].name;
        if (w->files[i].input != output &&
            (output || (pipes_is_standard_input(name) && pipes_is_standard_input(value + at)))) {
            return nb_fail(err, NB_ERR_USAGE, "standard %s is given twice, '%s' and '%s'", output ? "output" : "input",
                           name, value + at);
        }
    }
    if (w->count == FILES_MAX) {
        return nb_fail(err, NB_ERR_USAGE, "more than %d pipes and addresses", FILES_MAX);
    }
    w->files[w->count++] = (found){option, entry, at, value + at, !output};
    return NB_OK;
}

static nb_status pipes_find(pipes_work *w, nb_error *err)
{
    nb_status status = NB_OK;
    for (size_t i = 0; i < w->parsed->option_count; i++) {
        const nb_option *o = &w->parsed->options[i];
        const void *at = nb_option_value(w->parsed, o);
        if (o->type == NB_OPTION_LIST) {
            const nb_strings *list = at;
            for (size_t k = 0; k < list->count && o->piped; k++) {
                NB_TRY(pipes_look_at(w, i, k, nb_strings_get(list, k), err));
            }
        } else if (o->type == NB_OPTION_INPUT || o->type == NB_OPTION_OUTPUT) {
            const char *text = *(const char *const *)at;
            NB_TRY(text ? pipes_look_at(w, i, 0, text, err) : NB_OK);
        }
    }
done:
    return status;
}

static bool pipes_flag(const nb_parsed *parsed, const char *name)
{
    const nb_option *o = nb_option_named(parsed, name);
    return o && o->type == NB_OPTION_FLAG && *(const bool *)nb_option_value(parsed, o);
}

/* What the command would say of its outputs is said before a pipe is read that cannot be read again. */
static nb_status pipes_check_outputs(const nb_parsed *parsed, nb_error *err)
{
    struct stat st;
    for (size_t i = 0; i < parsed->option_count; i++) {
        const nb_option *o = &parsed->options[i];
        const char *path = o->type == NB_OPTION_OUTPUT ? *(const char *const *)nb_option_value(parsed, o) : NULL;
        if (path && stat(path, &st) == 0 && S_ISREG(st.st_mode) && !pipes_flag(parsed, "force") &&
            !pipes_flag(parsed, "resume")) {
            nb_fail(err, NB_ERR_USAGE, "output '%s' exists", path);
            return nb_hint(err, "choose another name, or overwrite it with --force");
        }
    }
    return NB_OK;
}

/* ---- where it goes ---- */

static const char *pipes_text(const nb_parsed *parsed, const char *name)
{
    const nb_option *o = nb_option_named(parsed, name);
    return o ? *(const char *const *)nb_option_value(parsed, o) : NULL;
}

/* Collective. Whether all ranks have one host; rank 0 is told. */
static nb_status pipes_one_node(const nb_comm *comm, bool *one, nb_error *err)
{
    char *hosts = NULL;
    uint64_t *offset = NULL;
    *one = true;
    if (comm->size == 1) {
        return NB_OK;
    }
    nb_status status = nb_comm_gather(comm, comm->host, sizeof comm->host, &hosts, &offset, err);
    for (int r = 0; hosts && r < comm->size; r++) {
        *one = *one && memcmp(hosts + offset[r], comm->host, sizeof comm->host) == 0;
    }
    free(hosts);
    free(offset);
    return status;
}

static nb_status pipes_make_folder(pipes_work *w, bool one_node, nb_error *err)
{
    nb_cache cache = {0};
    nb_buffer folder = {0};
    const char *scratch = pipes_text(w->parsed, "scratch");
    nb_status status;
    if (one_node) {
        NB_TRY(nb_buffer_printf(&folder, err, "%s", scratch ? scratch : nb_job_scratch()));
    } else {
        NB_TRY(nb_cache_open(&cache, pipes_text(w->parsed, "cache"), err));
        NB_TRY(nb_buffer_printf(&folder, err, "%s", cache.folder));
    }
    NB_TRY(nb_buffer_printf(&folder, err, "/negbank-XXXXXX"));
    if (!mkdtemp(folder.data)) {
        nb_fail_errno(err, NB_ERR_IO, "cannot make a folder '%s' for what comes through pipes", folder.data);
        status =
            nb_hint(err, one_node ? "TMPDIR names the folder of temporary files" : "XDG_CACHE_HOME names the cache");
        goto done;
    }
    w->out->folder = folder.data;
    folder = (nb_buffer){0};
done:
    nb_buffer_free(&folder);
    nb_cache_close(&cache);
    return status;
}

/* The name of file number i, which stands for `name`: its folder is made; the last part of a path, which may say what
 * it is, stays. */
static nb_status pipes_name_file(pipes_work *w, size_t i, const char *base, const char *name, nb_error *err)
{
    nb_buffer path = {0};
    nb_status status;
    NB_TRY(nb_buffer_printf(&path, err, "%s/%zu", w->out->folder, i));
    if (mkdir(path.data, 0700) != 0) {
        status = nb_fail_errno(err, NB_ERR_IO, "cannot make the folder '%s'", path.data);
        goto done;
    }
    NB_TRY(nb_buffer_printf(&path, err, "/%s", base));
    NB_TRY(nb_strings_push(&w->out->names.from, path.data, path.len, err));
    NB_TRY(nb_strings_push(&w->out->names.to, name, strlen(name), err));
done:
    nb_buffer_free(&path);
    return status;
}

/* ---- reading ---- */

/* A pipe that two options name gives its bytes to one of them. */
static nb_status pipes_check_once(pipes_work *w, int fd, const char *name, nb_error *err)
{
    struct stat st;
    if (fstat(fd, &st) != 0) {
        return nb_fail_errno(err, NB_ERR_IO, "cannot stat '%s'", name);
    }
    if (S_ISDIR(st.st_mode)) {
        return nb_fail(err, NB_ERR_INPUT, "'%s' is a directory, a file is needed", name);
    }
    for (size_t i = 0; i < w->read; i++) {
        if (w->device[i] == st.st_dev && w->inode[i] == st.st_ino && !S_ISREG(st.st_mode)) {
            return nb_fail(err, NB_ERR_USAGE, "the pipe '%s' is given twice, and can be read once", name);
        }
    }
    w->device[w->read] = st.st_dev;
    w->inode[w->read++] = st.st_ino;
    if (isatty(fd)) {
        nb_log_warn(&w->job->log, "'%s' is the terminal: what is typed is read, up to Ctrl-D", name);
    }
    return NB_OK;
}

static nb_status pipes_open_input(const char *name, int *fd, nb_error *err)
{
    *fd = pipes_is_standard_input(name) ? dup(STDIN_FILENO) : open(name, O_RDONLY | O_CLOEXEC);
    if (*fd >= 0) {
        return NB_OK;
    }
    nb_status status = nb_fail_errno(err, NB_ERR_INPUT, "cannot open '%s'", name);
    return pipes_is_descriptor(name)
               ? nb_hint(err, "mpirun and srun hand on standard input alone: pipe into them and write '-', or make a "
                              "named pipe (mkfifo)")
               : status;
}

/* Two named pipes may be the same one: that is found out before the second is opened, which would wait for ever. */
static nb_status pipes_check_names(const pipes_work *w, size_t i, nb_error *err)
{
    struct stat a, b;
    for (size_t k = 0; k < i; k++) {
        if (w->files[k].input && stat(w->files[i].name, &a) == 0 && stat(w->files[k].name, &b) == 0 &&
            a.st_dev == b.st_dev && a.st_ino == b.st_ino && S_ISFIFO(a.st_mode)) {
            return nb_fail(err, NB_ERR_USAGE, "the pipe '%s' is given twice, and can be read once", w->files[i].name);
        }
    }
    return NB_OK;
}

static nb_status pipes_read(pipes_work *w, size_t i, nb_error *err)
{
    const char *name = w->files[i].name, *path;
    bool numbered = pipes_is_standard_input(name) || pipes_is_descriptor(name); /* by the shell, as it comes */
    int from = -1, to = -1;
    nb_status status;
    NB_TRY(pipes_check_names(w, i, err));
    NB_TRY(pipes_name_file(w, i, numbered ? STANDARD_STREAM : nb_path_base(name), name, err));
    path = nb_strings_get(&w->out->names.from, w->out->names.from.count - 1);
    NB_TRY(pipes_open_input(name, &from, err));
    NB_TRY(pipes_check_once(w, from, name, err));
    to = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (to < 0) {
        status = nb_fail_errno(err, NB_ERR_IO, "cannot make '%s'", path);
        goto done;
    }
    NB_TRY(nb_copy_bytes(from, name, to, w->out->folder, err));
    if (close(to) != 0) {
        status = nb_fail_errno(err, NB_ERR_IO, "cannot write into '%s'", w->out->folder);
    }
    to = -1;
done:
    if (status == NB_ERR_IO) {
        nb_hint(err, "what comes through pipes is kept in a folder for temporary files: TMPDIR names another");
    }
    if (from >= 0) {
        close(from);
    }
    if (to >= 0) {
        close(to);
    }
    return status;
}

static nb_status pipes_fetch(pipes_work *w, size_t i, nb_error *err)
{
    char *base = NULL, *shown = NULL;
    nb_status status;
    NB_TRY(nb_address_names(w->files[i].name, &base, &shown, err));
    NB_TRY(pipes_name_file(w, i, base, shown, err));
    NB_TRY(nb_address_fetch(w->job, w->parsed, w->files[i].name,
                            nb_strings_get(&w->out->names.from, w->out->names.from.count - 1), err));
done:
    free(base);
    free(shown);
    return status;
}

/* Rank 0's part. */
static nb_status pipes_take_all(pipes_work *w, bool one_node, nb_error *err)
{
    nb_status status = NB_OK;
    NB_TRY(pipes_check_outputs(w->parsed, err));
    NB_TRY(pipes_make_folder(w, one_node, err));
    for (size_t i = 0; i < w->count; i++) {
        const found *f = &w->files[i];
        NB_TRY(!f->input              ? pipes_name_file(w, i, STANDARD_STREAM, STANDARD_STREAM, err)
               : nb_url_like(f->name) ? pipes_fetch(w, i, err)
                                      : pipes_read(w, i, err));
    }
done:
    return status;
}

/* ---- to all ranks ---- */

static nb_status pipes_pack(const pipes_work *w, nb_buffer *block, nb_error *err)
{
    const nb_strings folder = {0};
    nb_strings one = folder;
    nb_status status;
    NB_TRY(nb_strings_push(&one, w->out->folder, strlen(w->out->folder), err));
    NB_TRY(nb_pack_strings(block, &one, err));
    NB_TRY(nb_pack_strings(block, &w->out->names.from, err));
    NB_TRY(nb_pack_strings(block, &w->out->names.to, err));
    for (size_t i = 0; i < w->count; i++) {
        const found *f = &w->files[i];
        const uint64_t words[] = {f->option, f->entry, f->at, f->input};
        NB_TRY(nb_pack_words(block, words, sizeof words / sizeof *words, err));
    }
done:
    nb_strings_free(&one);
    return status;
}

static nb_status pipes_unpack(pipes_work *w, const nb_buffer *block, nb_error *err)
{
    nb_unpack in = {.bytes = block->data, .len = block->len};
    nb_strings one = {0};
    uint64_t words[4];
    nb_status status;
    NB_TRY(nb_unpack_strings(&in, &one, err));
    NB_TRY_NEW(w->out->folder, nb_strings_len(&one, 0) + 1);
    memcpy(w->out->folder, nb_strings_get(&one, 0), nb_strings_len(&one, 0));
    NB_TRY(nb_unpack_strings(&in, &w->out->names.from, err));
    NB_TRY(nb_unpack_strings(&in, &w->out->names.to, err));
    for (w->count = 0; w->count < w->out->names.from.count; w->count++) {
        NB_TRY(nb_unpack_words(&in, words, sizeof words / sizeof *words, err));
        w->files[w->count] = (found){.option = words[0], .entry = words[1], .at = words[2], .input = words[3] != 0};
    }
done:
    nb_strings_free(&one);
    return status;
}

/* Collective. */
static nb_status pipes_share(pipes_work *w, nb_error *err)
{
    const nb_comm *comm = &w->job->comm;
    nb_buffer block = {0};
    uint64_t len;
    nb_status status = comm->rank == 0 ? pipes_pack(w, &block, err) : NB_OK;
    len = block.len;
    NB_TRY(nb_comm_agree(comm, status, err));
    NB_TRY(nb_comm_broadcast(comm, &len, sizeof len, err));
    if (comm->rank != 0) {
        block.data = nb_alloc((size_t)len, 1, err);
        block.len = (size_t)len;
        status = block.data ? NB_OK : NB_ERR_LIMIT;
    }
    NB_TRY(nb_comm_agree(comm, status, err));
    NB_TRY(nb_comm_broadcast(comm, block.data, (size_t)len, err));
    if (comm->rank != 0) {
        status = pipes_unpack(w, &block, err);
    }
done:
    nb_buffer_free(&block);
    return nb_comm_agree(comm, status, err);
}

/* The files in the place of the values; ranks of another node may have another folder under the same name. */
static nb_status pipes_place(pipes_work *w, nb_parsed *parsed, nb_error *err)
{
    nb_buffer value = {0};
    nb_status status = NB_OK;
    for (size_t i = 0; i < w->count; i++) {
        const found *f = &w->files[i];
        const nb_option *o = &parsed->options[f->option];
        const void *at = nb_option_value(parsed, o);
        const char *path = nb_strings_get(&w->out->names.from, i);
        const char *old = o->type == NB_OPTION_LIST ? nb_strings_get(at, f->entry) : *(const char *const *)at;
        if (f->input && access(path, R_OK) != 0) {
            nb_fail_errno(err, NB_ERR_IO, "cannot read '%s'", path);
            status = nb_hint(err, "the cache folder must be one that all nodes share: XDG_CACHE_HOME names it");
            goto done;
        }
        nb_buffer_clear(&value);
        NB_TRY(nb_buffer_printf(&value, err, "%.*s%s", (int)f->at, old, path));
        NB_TRY(nb_option_replace(parsed, o, f->entry, value.data, err));
        w->out->output = f->input ? w->out->output : path;
    }
done:
    nb_buffer_free(&value);
    return status;
}

nb_status nb_pipes_open(nb_pipes *out, nb_job *job, nb_parsed *parsed, nb_error *err)
{
    pipes_work w = {.out = out, .job = job, .parsed = parsed};
    const nb_comm *comm = &job->comm;
    uint64_t count = 0;
    bool one_node = true;
    nb_status status;
    *out = (nb_pipes){0};
    job->log.names = job->provenance.names = &out->names;
    NB_TRY(nb_agree(job, comm->rank == 0 ? pipes_find(&w, err) : NB_OK, err));
    count = w.count;
    if (comm->size > 1) {
        NB_TRY(nb_comm_broadcast(comm, &count, sizeof count, err));
    }
    if (!count) {
        goto done;
    }
    NB_TRY(pipes_one_node(comm, &one_node, err));
    NB_TRY(nb_agree(job, comm->rank == 0 ? pipes_take_all(&w, one_node, err) : NB_OK, err));
    if (comm->size > 1) {
        NB_TRY(pipes_share(&w, err));
    }
    NB_TRY(nb_agree(job, pipes_place(&w, parsed, err), err));
    job->printed = out->output != NULL;
done:
    return status;
}

/* ---- the end ---- */

nb_status nb_pipes_print(const nb_pipes *pipes, nb_error *err)
{
    if (!pipes->output) {
        return NB_OK;
    }
    int fd = open(pipes->output, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return nb_fail_errno(err, NB_ERR_IO, "cannot open '%s'", pipes->output);
    }
    nb_status status = fflush(stdout) == 0 ? nb_copy_bytes(fd, pipes->output, STDOUT_FILENO, "standard output", err)
                                           : nb_fail_errno(err, NB_ERR_IO, "cannot write to standard output");
    close(fd);
    return status;
}

/* A file with what stands beside it, and its folder. */
static void pipes_remove(const char *file)
{
    static const char *const beside[] = {"", ".run.json", ".partial"};
    nb_buffer path = {0};
    for (size_t i = 0; i < sizeof beside / sizeof *beside; i++) {
        nb_buffer_clear(&path);
        if (nb_buffer_printf(&path, NULL, "%s%s", file, beside[i]) == NB_OK) {
            unlink(path.data);
        }
    }
    nb_buffer_clear(&path);
    if (nb_buffer_append(&path, file, (size_t)(nb_path_base(file) - file), NULL) == NB_OK) {
        rmdir(path.data);
    }
    nb_buffer_free(&path);
}

void nb_pipes_close(nb_pipes *pipes, bool first)
{
    for (size_t i = 0; first && i < pipes->names.from.count; i++) {
        pipes_remove(nb_strings_get(&pipes->names.from, i));
    }
    if (first && pipes->folder) {
        rmdir(pipes->folder);
    }
    nb_renames_free(&pipes->names);
    free(pipes->folder);
    *pipes = (nb_pipes){0};
}
