/* negbank corpus: text inputs to the canonical corpus. */
#include "jobs/commands.h"

#include "common/base/file.h"
#include "common/base/text.h"
#include "common/parallel/stop.h"
#include "common/transfer/url.h"
#include "jobs/pipes.h"
#include "jobs/transfer.h"
#include "mining/corpus/file/corpus_file.h"
#include "mining/corpus/text/labels.h"
#include "mining/corpus/text/superclasses.h"

#include <stdlib.h>
#include <string.h>

typedef struct settings {
    nb_talk talk;
    nb_transfer_choice transfer;
    nb_strings inputs;
    const char *manifest, *format, *column, *key, *tag, *invalid, *exclude, *memory, *scratch, *output;
    const char *superclasses, *superclass_choice, *lexnames, *filter, *labels, *wordnet;
    int64_t skip, limit, max_bytes, superclass_seed;
    bool header, quotes, strict, force;
} settings;

/* What --superclasses, --exclude-lexnames and --filter come to. */
typedef struct word_choice {
    nb_strings superclasses, labels;
    nb_wordnet_rules wordnet;
} word_choice;

static nb_status corpus_read_means(nb_corpus_options *build_options, const nb_job *job, nb_error *err)
{
    const settings *s = job->settings;
    *build_options = (nb_corpus_options){.log = &job->log, .scratch = s->scratch};
    if (!nb_parse_bytes(s->memory, &build_options->memory) || build_options->memory < NB_CORPUS_MEMORY_MIN) {
        nb_fail(err, NB_ERR_USAGE, "--memory: '%s' is no size of at least 1M", s->memory);
        return nb_hint(err, "a number of bytes, or of K, M, G, T (of 1024 each): 512M");
    }
    if (!s->scratch) {
        build_options->scratch = nb_job_scratch();
        return NB_OK;
    }
    return nb_scratch_file_check(s->scratch, err);
}

/* The first address among the words; those in lists are not the user's own. */
static const char *corpus_own_address(const nb_strings *words)
{
    for (size_t i = 0; i < words->count; i++) {
        const char *word = nb_strings_get(words, i);
        if (word[0] != '@' && nb_url_like(word)) {
            return word;
        }
    }
    return NULL;
}

/* What --filter asks for: a list of "proper" and "subcategory". */
static nb_status corpus_parse_filter(const settings *s, bool *proper, bool *subcategory, nb_error *err)
{
    for (const char *at = s->filter; at && *at;) {
        size_t len = strcspn(at, ",");
        bool of_names = len == 6 && memcmp(at, "proper", len) == 0;
        if (!of_names && !(len == 11 && memcmp(at, "subcategory", len) == 0)) {
            return nb_fail(err, NB_ERR_USAGE, "--filter: '%.*s' is neither 'proper' nor 'subcategory'",
                           (int)(len < 80 ? len : 80), at);
        }
        *proper = *proper || of_names;
        *subcategory = *subcategory || !of_names;
        at += len + (at[len] == ',');
    }
    if (*subcategory != (s->labels != NULL)) {
        return nb_fail(err, NB_ERR_USAGE,
                       *subcategory ? "--filter subcategory needs --labels" : "--labels is for --filter subcategory");
    }
    return NB_OK;
}

/* Superclasses, and what WordNet has a say in. */
static nb_status corpus_read_words(nb_job *job, word_choice *c, nb_error *err)
{
    const settings *s = job->settings;
    const nb_log silent = {0};
    bool subcategory = false;
    nb_status status;
    c->wordnet.folder = s->wordnet;
    NB_TRY(nb_lexnames_parse(&c->wordnet.excluded, s->lexnames, err));
    NB_TRY(corpus_parse_filter(s, &c->wordnet.proper, &subcategory, err));
    if (subcategory) {
        NB_TRY(nb_labels_read(&c->labels, s->labels, &silent, err));
        NB_TRY(nb_provenance_file(&job->provenance, "labels", s->labels, err));
        c->wordnet.labels = &c->labels;
    }
    if (!s->superclasses && (strcmp(s->superclass_choice, "all") != 0 || s->superclass_seed)) {
        status = nb_fail(err, NB_ERR_USAGE, "--superclass-choice and --superclass-seed are for --superclasses");
        goto done;
    }
    if (s->superclasses) {
        NB_TRY(nb_superclasses_read(&c->superclasses, s->superclasses, err));
    }
    if (s->superclasses && strcmp(s->superclasses, "default") != 0) {
        NB_TRY(nb_provenance_file(&job->provenance, "superclasses", s->superclasses, err));
    }
done:
    return status;
}

static nb_status corpus_open_plan(nb_job *job, nb_corpus_plan *plan, nb_strings *labels, word_choice *words,
                                  nb_error *err)
{
    const settings *s = job->settings;
    nb_status status = NB_OK;
    const nb_fetch_options fetch = {
        .http = &s->transfer.http, .cache = s->transfer.cache, .log = &job->log, .own = corpus_own_address(&s->inputs)};
    nb_corpus_settings set = {.choice = {.format = s->format,
                                         .tag = s->tag,
                                         .column = s->column,
                                         .key = s->key,
                                         .header = s->header,
                                         .quotes = s->quotes,
                                         .strict = s->strict,
                                         .replace = strcmp(s->invalid, "replace") == 0},
                              .max_bytes = (size_t)s->max_bytes,
                              .fetch = &fetch,
                              .given = job->log.names,
                              .skip = (uint64_t)s->skip,
                              .limit = (uint64_t)s->limit,
                              .draw = strcmp(s->superclass_choice, "released") == 0,
                              .draw_seed = (uint64_t)s->superclass_seed,
                              .wordnet = &words->wordnet,
                              .log = &job->log};
    if (!s->inputs.count && !s->manifest) {
        nb_fail(err, NB_ERR_USAGE, "'corpus' needs INPUT... or --manifest");
        status = nb_hint(err, "'negbank corpus --help' lists the options");
        goto done;
    }
    if (s->exclude) {
        const nb_log silent = {0}; /* one of a kind or two, it is excluded */
        NB_TRY(nb_labels_read(labels, s->exclude, &silent, err));
        NB_TRY(nb_provenance_file(&job->provenance, "excluded labels", s->exclude, err));
        set.excluded = labels;
    }
    NB_TRY(corpus_read_words(job, words, err));
    set.superclasses = words->superclasses.count ? &words->superclasses : NULL;
done:
    status = nb_agree(job, status, err);
    return status == NB_OK ? nb_corpus_plan_open(plan, &job->comm, &s->inputs, s->manifest, &set, err) : status;
}

/* Rank 0: which inputs have neither the column nor the key, and are read whole. Word lists by name are meant so. */
static void corpus_warn_of_others(const nb_log *log, const nb_corpus_plan *plan)
{
    const nb_source *first = NULL;
    size_t count = 0;
    for (size_t i = 0; i < plan->count; i++) {
        const nb_source *s = &plan->inputs[i];
        if (!nb_source_has_chosen(s, &plan->settings.choice) && s->tag == NB_TAG_NONE && !s->format->word_list) {
            first = first ? first : s;
            count++;
        }
    }
    if (count) {
        nb_log_warn(log, "%zu of %zu inputs have neither the column nor the key: '%s' is read as %s", count,
                    plan->count, first->path, first->format->name);
    }
}

static void corpus_tell_counts(const nb_log *log, const nb_corpus_counts *counts, const char *path)
{
    for (size_t r = 0; r < NB_DROP_COUNT; r++) {
        if (counts->dropped[r]) {
            nb_log_info(log, "dropped %llu: %s", (unsigned long long)counts->dropped[r], nb_drop_name((nb_drop)r));
        }
    }
    if (counts->sanitised) {
        nb_log_info(log, "sanitised %llu: invalid UTF-8 replaced", (unsigned long long)counts->sanitised);
    }
    if (counts->swallowed) {
        nb_log_warn(log,
                    "%llu quoted fields of tsv hold tabs and line ends, as where quotes are characters like others: "
                    "--no-quotes then reads the rows apart",
                    (unsigned long long)counts->swallowed);
    }
    if (counts->stray) {
        nb_log_warn(log,
                    "%llu quoted fields have something behind their end, which is taken for a part of them, as Python "
                    "does: --no-quotes takes quotes as characters like others",
                    (unsigned long long)counts->stray);
    }
    nb_log_info(log, "kept %llu of %llu -> %s", (unsigned long long)counts->kept, (unsigned long long)counts->read,
                path);
}

static void corpus_tell_work(const nb_log *log, const nb_corpus_slice *slice, const nb_corpus_plan *plan)
{
    char sent[32], spilled[32];
    nb_format_bytes(sent, (double)(slice->traffic.sent + slice->traffic.samples));
    nb_format_bytes(spilled, (double)slice->spilled);
    nb_log_info(log, "%zu pieces of %zu inputs; %s sent between ranks, %s in scratch files", plan->piece_count,
                plan->count, sent, spilled);
}

static nb_status corpus_save(nb_job *job, nb_corpus_slice *slice, const nb_corpus_plan *plan, nb_error *err)
{
    const settings *s = job->settings;
    nb_digest digest;
    char *provenance = NULL;
    nb_status status = NB_OK;
    if (!slice->range.total) {
        corpus_tell_counts(&job->log, &slice->counts, s->output);
        nb_fail(err, NB_ERR_INPUT, "no candidate is left of %llu read", (unsigned long long)slice->counts.read);
        return nb_hint(err, "the lines above say why each was dropped");
    }
    for (size_t i = 0; i < plan->count; i++) {
        NB_TRY(nb_provenance_input(&job->provenance, "text", nb_strings_get(&plan->files.names, i),
                                   slice->digests[i].hex, err));
    }
    NB_TRY(nb_provenance_text(&job->provenance, &provenance, err));
done:
    status = nb_agree(job, status, err);
    if (status == NB_OK) {
        const nb_corpus_target target = {.path = s->output, .force = s->force, .provenance = provenance};
        status = nb_corpus_file_save(slice, &job->comm, plan, &target, &digest, err);
    }
    if (status == NB_OK) {
        nb_job_record(job, s->output, digest.hex);
        corpus_tell_work(&job->log, slice, plan);
        corpus_tell_counts(&job->log, &slice->counts, s->output);
    }
    free(provenance);
    return status;
}

static nb_status corpus_run(nb_job *job, nb_error *err)
{
    const settings *s = job->settings;
    nb_corpus_options build_options;
    nb_corpus_plan plan = {0};
    nb_corpus_slice slice = {0};
    nb_strings labels = {0};
    word_choice words = {0};
    nb_status status;
    nb_stop_listen();
    NB_TRY(nb_job_check_outputs(job, &s->output, 1, s->force, err));
    NB_TRY(nb_agree(job, corpus_read_means(&build_options, job, err), err));
    NB_TRY(corpus_open_plan(job, &plan, &labels, &words, err));
    corpus_warn_of_others(&job->log, &plan);
    NB_TRY(nb_corpus_build(&slice, &job->comm, &plan, &build_options, err));
    NB_TRY(corpus_save(job, &slice, &plan, err));
    if (job->comm.rank == 0) {
        nb_corpus_plan_forget(&plan);
    }
done:
    if (status == NB_STOPPED) {
        nb_hint(err, "a corpus is not continued, it begins anew: give it more time, or more ranks");
    }
    nb_corpus_slice_free(&slice);
    nb_corpus_plan_close(&plan);
    nb_strings_free(&labels);
    nb_strings_free(&words.labels);
    nb_strings_free(&words.superclasses);
    return status;
}

static const nb_option options[] = {
    OPT_LIST("inputs", inputs, "INPUT...",
             "text files, patterns or http(s):// and s3:// addresses, plain or packed (.gz, .zst, .bz2, .xz); @FILE: a "
             "manifest",
             OPT_ARGUMENT, OPT_PIPED),
    OPT_INPUT("manifest", manifest, "FILE",
              "a path, pattern or address a line, optionally after its SHA-256 (as sha256sum writes)", OPT_PIPED),
    OPT_CHOICE("format", format, "NAME", "auto", NB_SOURCE_FORMATS,
               "format of the inputs; auto: by content, then by name"),
    OPT_TEXT("column", column, "NAME", NULL,
             "csv, tsv, parquet: column of the texts, by its name (in the first record) or by number; parquet without "
             "it: the "
             "only column of texts, else caption, text or TEXT"),
    OPT_FLAG("header", header, "csv, tsv with a numbered column: the first record names the columns"),
    OPT_FLAG("quotes", quotes, "csv, tsv: fields may be quoted (RFC 4180)", .fallback = "true"),
    OPT_TEXT("key", key, "NAME", NULL, "jsonl, json: the key of the texts"),
    OPT_FLAG("strict", strict,
             "stop at a line that is bad-json, missing, invalid-utf8, control or too-long, or a stray quote, instead "
             "of counting it"),
    OPT_CHOICE("tag", tag, "TAG", "by-file", NB_SOURCE_TAGS, "part of speech; by-file: noun.*, *.noun, adj.*, *.adj"),
    OPT_CHOICE("invalid-utf8", invalid, "POLICY", "drop", "drop|replace",
               "what to do with a text that is not UTF-8; replace: what is wrong by U+FFFD"),
    OPT_INPUT("exclude", exclude, "LABELS.txt", "drop texts equal to one of these labels", OPT_FETCHED),
    OPT_TEXT("exclude-lexnames", lexnames, "NAME,...", NULL,
             "drop words that WordNet has in these lexicographer files alone, and word lists named after them: "
             "noun.person,noun.quantity,noun.group,adj.pert are what NegLabel and CSP leave out"),
    OPT_TEXT(
        "filter", filter, "RULE,...", NULL,
        "drop words by WordNet: proper, names of instances (Paris); subcategory, kinds of what a label of --labels "
        "names (beagle, with the label dog)"),
    OPT_INPUT("labels", labels, "LABELS.txt", "the ID labels of --filter subcategory", OPT_FETCHED),
    OPT_TEXT("wordnet", wordnet, "DIR", NB_WORDNET_FOLDER, "WordNet's database files, for the two"),
    OPT_TEXT(
        "superclasses", superclasses, "default|FILE", NULL,
        "join every adjective with superclasses, 'striped' with 'pattern': CSP's 14, or those of a file, one a line"),
    OPT_CHOICE("superclass-choice", superclass_choice, "NAME", "all", "all|released",
               "join with all of them, or with one that is drawn as CSP's release draws it"),
    OPT_INT("superclass-seed", superclass_seed, "N", "0", 0, 9e15, "released: seed of the draw"),
    OPT_INT("skip", skip, "N", "0", 0, 1e12, "leave out the first N texts in canonical order"),
    OPT_INT("limit", limit, "N", "0", 0, 1e12, "keep the first N texts behind those skipped; 0: all"),
    OPT_INT("max-bytes", max_bytes, "N", "256", 1, NB_TEXT_BYTES_MAX, "drop longer texts"),
    OPT_TEXT("memory", memory, "SIZE", "1G", "memory a rank may take for sorting; more goes to scratch files",
             OPT_UNRECORDED),
    OPT_TEXT("scratch", scratch, "DIR", NULL, "folder for scratch files; default: $SLURM_TMPDIR, $TMPDIR, else /tmp",
             OPT_UNRECORDED),
    NB_OUTPUT_OPTIONS("the corpus"),
    NB_TRANSFER_OPTIONS,
    NB_TALK_OPTIONS,
};

NB_COMMAND(
    corpus, corpus_run, "corpus", "make the canonical corpus of candidate texts", "-o C.nbc INPUT... [options]",
    .description =
        "Reads lines, csv, tsv, JSON lines and arrays, WordNet database files and tagged word lists, plain or in "
        "gzip,\n"
        "zstd, bzip2 or xz; and a column of texts of Parquet. The content says what a file is, then its name; what "
        "holds\n"
        "no text (archives, UTF-16, HTML, Git LFS pointers, ...) is refused by its name.\n"
        "Texts are normalised, de-duplicated exactly and sorted bytewise by all ranks together;\n"
        "every text that is dropped is counted under its reason.\n"
        "With --superclass-choice released what is drawn depends on the order in which inputs are named.\n"
        "\n"
        "The file has the same bytes for any number of ranks, order of inputs and memory.\n"
        "Addresses are downloaded once, into --cache, with resume and retries; what a manifest names is verified.\n"
        "SIGUSR1 and SIGTERM end the command with exit status 85; it begins anew, but downloads are kept.\n",
    .examples = "  negbank corpus --format wordnet -o wordnet.nbc /usr/share/wordnet/index.noun \\\n"
                "      /usr/share/wordnet/index.adj\n"
                "  mpirun -np 4 negbank corpus --exclude pets.txt -o words.nbc noun.animals.txt adj.all.txt\n"
                "  mpirun -np 64 negbank corpus --column caption --memory 4G --scratch /local -o captions.nbc \\\n"
                "      'shards/*.tsv.gz'\n"
                "  mpirun -np 16 negbank corpus --column caption -o laion.nbc 'part-*.parquet'\n"
                "  negbank corpus -o words.nbc https://example.org/lists/words.txt.gz @addresses.sha256\n",
    .mpi = true);
