/* negbank inspect tokens: text lines to token ids. */
#include "jobs/commands.h"

#include "common/clip/checkpoint/config.h"
#include "common/clip/checkpoint/layout.h"
#include "common/clip/tokenizer/tokenizer.h"
#include "common/clip/tokenizer/tokenizer_files.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

enum { CONTEXT_DEFAULT = 77 };

typedef struct settings {
    nb_talk talk;
    const char *model;
    bool jsonl;
} settings;

/* The text of {"text": ...}, or NULL. */
static json_t *inspect_tokens_parse(const char *line, size_t len, const char **text, size_t *text_len)
{
    json_t *object = json_loadb(line, len, JSON_ALLOW_NUL, NULL);
    json_t *value = json_object_get(object, "text");
    *text = json_string_value(value);
    *text_len = json_string_length(value);
    return object;
}

static nb_status inspect_tokens_print_tokens(const nb_tokenizer *tokenizer, size_t context, const char *text,
                                             size_t len, int32_t *ids, nb_error *err)
{
    size_t count;
    nb_status status = nb_tokenizer_encode(tokenizer, text, len, (nb_token_array){ids, context}, &count, err);
    for (size_t i = 0; status == NB_OK && i < count; i++) {
        printf("%s%d", i ? ", " : "[", ids[i]);
    }
    if (status == NB_OK && printf("]\n") < 0) {
        status = nb_fail_errno(err, NB_ERR_IO, "cannot write to standard output");
    }
    return status;
}

/* The next line of standard input without its end; *more is false when there is none. */
static nb_status inspect_tokens_next_line(nb_buffer *line, bool *more, nb_error *err)
{
    int c;
    nb_status status = NB_OK;
    nb_buffer_clear(line);
    while (status == NB_OK && (c = getc_unlocked(stdin)) != EOF && c != '\n') {
        char byte = (char)c;
        if (line->len == NB_TOKENIZER_TEXT_MAX) {
            return nb_fail(err, NB_ERR_LIMIT, "the line is over the limit of %zu bytes", NB_TOKENIZER_TEXT_MAX);
        }
        status = nb_buffer_append(line, &byte, 1, err);
    }
    *more = line->len || !feof(stdin);
    return ferror(stdin) ? nb_fail_errno(err, NB_ERR_IO, "cannot read") : status;
}

static nb_status inspect_tokens_print_line(const settings *s, const nb_tokenizer *tokenizer, size_t context,
                                           const nb_buffer *line, int32_t *ids, nb_error *err)
{
    const char *text = line->data ? line->data : "";
    size_t len = line->len;
    json_t *object = s->jsonl ? inspect_tokens_parse(text, len, &text, &len) : NULL;
    nb_status status = text ? inspect_tokens_print_tokens(tokenizer, context, text, len, ids, err)
                            : nb_fail(err, NB_ERR_INPUT, "no JSON object with a text under the key \"text\"");
    json_decref(object);
    return status;
}

static nb_status inspect_tokens_read_lines(const settings *s, const nb_tokenizer *tokenizer, size_t context,
                                           nb_error *err)
{
    nb_buffer line = {0};
    size_t number = 0;
    int32_t *ids = NULL;
    nb_status status;
    NB_TRY_NEW(ids, context);
    for (bool more = true; more;) {
        number++;
        status = inspect_tokens_next_line(&line, &more, err);
        if (status == NB_OK && more) {
            status = inspect_tokens_print_line(s, tokenizer, context, &line, ids, err);
        }
        if (status != NB_OK) {
            nb_context(err, "standard input, line %zu", number);
            goto done;
        }
    }
    if (fflush(stdout) != 0) {
        status = nb_fail_errno(err, NB_ERR_IO, "cannot write to standard output");
    }
done:
    nb_buffer_free(&line);
    free(ids);
    return status;
}

static nb_status inspect_tokens(nb_job *job, nb_error *err)
{
    const settings *s = job->settings;
    nb_tokenizer *tokenizer = NULL;
    nb_clip_config config = {.context = CONTEXT_DEFAULT};
    nb_layout layout = {0};
    nb_status status;
    NB_TRY(nb_layout_find(&layout, s->model, err));
    if (layout.config) { /* a vocabulary alone is enough to see tokens */
        NB_TRY(nb_clip_config_read(&config, s->model, err));
    }
    NB_TRY(nb_tokenizer_open(&tokenizer, layout.folder, err));
    NB_TRY(inspect_tokens_read_lines(s, tokenizer, config.context, err));
done:
    nb_tokenizer_close(tokenizer);
    nb_layout_free(&layout);
    return status;
}

static const nb_option options[] = {
    OPT_INPUT("model", model, "DIR", "checkpoint, or a folder with vocab.json and merges.txt", OPT_REQUIRED),
    OPT_FLAG("jsonl", jsonl, "lines are JSON objects, the text under \"text\""),
    NB_TALK_OPTIONS,
};

NB_COMMAND(
    inspect_tokens, inspect_tokens, "inspect tokens", "token ids of text lines on standard input",
    "--model DIR [--jsonl] < TEXT",
    .description =
        "Prints a line of token ids for every line of standard input, as the text tower of the checkpoint gets them.\n",
    .examples = "  echo 'a photo of a cat.' | negbank inspect tokens --model vit-b-16\n"
                "  negbank inspect tokens --model vit-b-16 --jsonl < cases.jsonl\n");
