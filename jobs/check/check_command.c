/* negbank check: is this checkpoint whole, is it the one it looks like, and how fast is it here; or what this CPU gets.
 */
#include "jobs/commands.h"

#include "common/base/text.h"
#include "common/clip/checkpoint/names.h"
#include "common/clip/model/weights.h"
#include "common/linear/blas.h"
#include "common/linear/simd/vector.h"
#include "jobs/check/accuracy.h"
#include "jobs/check/cpu_report.h"
#include "jobs/check/known_answers.h"
#include "jobs/precision.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct settings {
    nb_talk talk;
    const char *model, *precision, *texts, *images;
    bool json, require_known_answers, cpu;
} settings;

/* What was found; owns what it points to. */
typedef struct findings {
    nb_clip *clip;
    nb_names names;
    size_t shards, tensors, dtypes[NB_DTYPE_COUNT];
    nb_strings files;
    const nb_known_answers *answers; /* NULL: none for this shape */
    double *cosines, worst;
    bool passed; /* the known answers */
    size_t sane_texts;
    double texts_a_second, images_a_second;
    nb_accuracy accuracy; /* no texts: not measured */
} findings;

static const double speed_seconds = 1;

static void check_findings_free(findings *f)
{
    nb_clip_close(f->clip);
    nb_strings_free(&f->files);
    free(f->cosines);
}

static nb_status check_look_at_files(findings *f, const char *model, nb_error *err)
{
    nb_checkpoint *c = NULL;
    nb_status status;
    NB_TRY(nb_checkpoint_open(&c, model, err));
    NB_TRY(nb_names_detect(&f->names, c, err));
    f->shards = nb_checkpoint_shards(c);
    f->tensors = nb_checkpoint_count(c);
    for (size_t i = 0; i < f->tensors; i++) {
        f->dtypes[nb_checkpoint_at(c, i)->dtype]++;
    }
    const nb_strings *files = nb_checkpoint_files(c);
    for (size_t i = 0; i < files->count; i++) {
        NB_TRY(nb_strings_push(&f->files, nb_strings_get(files, i), nb_strings_len(files, i), err));
    }
done:
    nb_checkpoint_close(c);
    return status;
}

static nb_status check_look_at_model(findings *f, nb_error *err)
{
    nb_status status;
    NB_TRY(nb_check_sanity(f->clip, &f->sane_texts, err));
    f->answers = nb_known_answers_for(&f->clip->config);
    if (f->answers) {
        NB_TRY_NEW(f->cosines, f->answers->count);
        NB_TRY(nb_known_answers_compare(f->clip, f->answers, f->cosines, &f->worst, err));
        f->passed = f->worst <= f->answers->tolerance;
    }
    NB_TRY(nb_check_text_speed(f->clip, speed_seconds, &f->texts_a_second, err));
    NB_TRY(nb_check_image_speed(f->clip, speed_seconds, &f->images_a_second, err));
done:
    return status;
}

static const char *check_naming_name(const findings *f)
{
    return f->names.towers[NB_TOWER_IMAGE]->name;
}

static const char *check_verdict(const findings *f)
{
    return !f->answers ? "none" : f->passed ? "passed" : "failed";
}

/* ---- as text ---- */

static void check_print_tower(const char *name, const nb_tower_config *t)
{
    printf("%-14s width %zu, %zu layers, %zu heads, mlp %zu, %s", name, t->width, t->layers, t->heads, t->mlp,
           nb_tower_activation_name(t));
}

static void check_print_image(const nb_clip_config *c)
{
    const size_t *d = c->image.convolutions.depths, *w = c->image.convolutions.widths;
    if (!c->image.convolutions.list) {
        check_print_tower("image tower", &c->image);
        printf(", %zu pixels in patches of %zu\n", c->image_size, c->patch);
        return;
    }
    printf("%-14s convolutions, %zu channels, then blocks x channels", "image tower", c->image.convolutions.stem);
    for (size_t i = 0; i < NB_STAGES && d[i]; i++) {
        printf("%s %zux%zu", i ? "," : "", d[i], w[i]);
    }
    printf("; %zu pixels\n", c->image_size);
    if (c->image.layers) {
        check_print_tower("", &c->image);
        printf("\n");
    } else if (c->image.heads) {
        printf("%-14s pooled by attention of the mean, width %zu, %zu heads\n", "", c->image.width, c->image.heads);
    }
}

static void check_print_answers(const findings *f)
{
    const nb_known_answers *a = f->answers;
    if (!a) {
        printf("%-14s no known answers for this shape\n", "known answers");
        return;
    }
    printf("%-14s %s: %s (%zu cosines, the worst off by %.4f, tolerance %.4f)\n", "known answers", a->model,
           f->passed ? "passed" : "FAILED", a->count, f->worst, a->tolerance);
    for (size_t i = 0; i < a->count && !f->passed; i++) {
        printf("%-14s '%s', '%s': %.4f, known %.4f\n", "", a->pairs[i].first, a->pairs[i].second, f->cosines[i],
               a->pairs[i].cosine);
    }
}

static void check_print_accuracy(const findings *f)
{
    const nb_accuracy *a = &f->accuracy;
    if (!a->texts) {
        return;
    }
    printf("%-14s %s beside fp32: %s (cosine at least %.3f, shared nearest at least %.2f)\n", "accuracy",
           f->clip->engine->precision, a->passed ? "passed" : "FAILED", NB_ACCURACY_COSINE, NB_ACCURACY_SHARED);
    printf("%-14s %zu texts: cosine least %.6f, mean %.6f\n", "", a->texts, a->text_least, a->text_mean);
    printf("%-14s %zu images: cosine least %.6f, mean %.6f\n", "", a->images, a->image_least, a->image_mean);
    printf("%-14s of an image's %zu nearest texts %.4f are the same; the nearest is for %.4f of them\n", "", a->nearest,
           a->shared, a->first);
}

static void check_print_text(const findings *f, const char *model)
{
    const nb_clip_config *c = &f->clip->config;
    char count[32];
    printf("%-14s %s\n", "model", model);
    printf("%-14s %s\n", "family", c->family);
    printf("%-14s %s names, %zu tensors in %zu file%s:", "layout", check_naming_name(f), f->tensors, f->shards,
           f->shards == 1 ? "" : "s");
    for (size_t i = 0; i < NB_DTYPE_COUNT; i++) {
        if (f->dtypes[i]) {
            printf(" %zu %s", f->dtypes[i], nb_dtype_name((nb_dtype)i));
        }
    }
    printf("\n");
    check_print_tower("text tower", &c->text);
    printf(", context %zu, vocabulary %zu\n", c->context, c->vocabulary);
    printf("%-14s %s\n", "tokenizer", nb_tokenizer_kind(f->clip->tokenizer));
    check_print_image(c);
    nb_format_count(count, (double)nb_clip_parameters(c));
    printf("%-14s %zu wide\n%-14s %s\n", "embeddings", c->projection, "parameters", count);
    printf("%-14s %.4f (temperature %.4g)\n", "logit scale", (double)f->clip->logit_scale,
           exp(-(double)f->clip->logit_scale));
    printf("%-14s %s\n", "digest", f->clip->digest.hex);
    printf("%-14s passed: tokens go back to text, %zu texts and %d noise images embed to finite, distinct rows\n",
           "sanity", f->sane_texts, NB_SANITY_IMAGES);
    check_print_answers(f);
    printf("%-14s %.4g short texts/s, %.4g images/s on this core, without decoding (%g s each; %s, OpenBLAS %s, %s)\n",
           "speed here", f->texts_a_second, f->images_a_second, speed_seconds, f->clip->engine->precision,
           nb_blas_kernel(), nb_vector_best()->name);
    check_print_accuracy(f);
}

/* ---- as JSON ---- */

static json_t *check_tower_json(const nb_tower_config *t)
{
    return json_pack("{s:I, s:I, s:I, s:I, s:s}", "width", (json_int_t)t->width, "layers", (json_int_t)t->layers,
                     "heads", (json_int_t)t->heads, "mlp", (json_int_t)t->mlp, "activation",
                     nb_tower_activation_name(t));
}

static json_t *check_convolutions_json(const nb_convolutions *v)
{
    json_t *depths = json_array(), *widths = json_array();
    for (size_t i = 0; i < NB_STAGES && v->depths[i]; i++) {
        json_array_append_new(depths, json_integer((json_int_t)v->depths[i]));
        json_array_append_new(widths, json_integer((json_int_t)v->widths[i]));
    }
    return json_pack("{s:I, s:o, s:o}", "stem", (json_int_t)v->stem, "depths", depths, "widths", widths);
}

static json_t *check_layout_json(const findings *f)
{
    json_t *dtypes = json_object(), *files = json_array();
    for (size_t i = 0; i < NB_DTYPE_COUNT; i++) {
        if (f->dtypes[i]) {
            json_object_set_new(dtypes, nb_dtype_name((nb_dtype)i), json_integer((json_int_t)f->dtypes[i]));
        }
    }
    for (size_t i = 0; i < f->files.count; i++) {
        json_array_append_new(files, json_string(nb_strings_get(&f->files, i)));
    }
    return json_pack("{s:s, s:o, s:I, s:I, s:o}", "names", check_naming_name(f), "files", files, "shards",
                     (json_int_t)f->shards, "tensors", (json_int_t)f->tensors, "dtypes", dtypes);
}

static json_t *check_answers_json(const findings *f)
{
    const nb_known_answers *a = f->answers;
    json_t *object = json_pack("{s:s}", "verdict", check_verdict(f)), *pairs = json_array();
    for (size_t i = 0; a && i < a->count; i++) {
        json_array_append_new(pairs, json_pack("{s:[s, s], s:f, s:f}", "texts", a->pairs[i].first, a->pairs[i].second,
                                               "cosine", f->cosines[i], "known", a->pairs[i].cosine));
    }
    if (a) {
        json_object_set_new(object, "model", json_string(a->model));
        json_object_set_new(object, "tolerance", json_real(a->tolerance));
        json_object_set_new(object, "worst", json_real(f->worst));
        json_object_set(object, "pairs", pairs);
    }
    json_decref(pairs);
    return object;
}

static json_t *check_accuracy_json(const nb_accuracy *a)
{
    return json_pack("{s:b, s:f, s:f, s:I, s:f, s:f, s:I, s:f, s:f, s:I, s:f, s:f}", "passed", a->passed,
                     "bound_cosine", NB_ACCURACY_COSINE, "bound_shared", NB_ACCURACY_SHARED, "texts",
                     (json_int_t)a->texts, "text_least", a->text_least, "text_mean", a->text_mean, "images",
                     (json_int_t)a->images, "image_least", a->image_least, "image_mean", a->image_mean, "nearest",
                     (json_int_t)a->nearest, "shared", a->shared, "first", a->first);
}

static nb_status check_print_json(const findings *f, const char *model, nb_error *err)
{
    const nb_clip_config *c = &f->clip->config;
    json_t *text = check_tower_json(&c->text), *image = check_tower_json(&c->image);
    json_object_set_new(text, "context", json_integer((json_int_t)c->context));
    json_object_set_new(text, "vocabulary", json_integer((json_int_t)c->vocabulary));
    json_object_set_new(image, "size", json_integer((json_int_t)c->image_size));
    json_object_set_new(image, "patch", json_integer((json_int_t)c->patch));
    if (c->image.convolutions.list) {
        json_object_set_new(image, "convolutions", check_convolutions_json(&c->image.convolutions));
    }
    json_t *root =
        json_pack("{s:s, s:s, s:s, s:o, s:o, s:o, s:I, s:I, s:f, s:s, s:s, s:o}", "model", model, "family", c->family,
                  "tokenizer", nb_tokenizer_kind(f->clip->tokenizer), "layout", check_layout_json(f), "text", text,
                  "image", image, "projection", (json_int_t)c->projection, "parameters",
                  (json_int_t)nb_clip_parameters(c), "logit_scale", (double)f->clip->logit_scale, "digest",
                  f->clip->digest.hex, "sanity", "passed", "known_answers", check_answers_json(f));
    json_t *speed = json_pack("{s:f, s:f, s:f, s:s, s:s, s:s}", "texts_per_second", f->texts_a_second,
                              "images_per_second", f->images_a_second, "seconds_each", speed_seconds, "engine",
                              f->clip->engine->precision, "blas", nb_blas_kernel(), "vector", nb_vector_best()->name);
    json_object_set_new(root, "speed", speed);
    if (f->accuracy.texts) {
        json_object_set_new(root, "accuracy", check_accuracy_json(&f->accuracy));
    }
    char *out = json_dumps(root, JSON_INDENT(1) | JSON_PRESERVE_ORDER | JSON_REAL_PRECISION(9));
    nb_status status = NB_OK;
    if (out) {
        printf("%s\n", out);
    } else {
        status = nb_fail(err, NB_ERR_INPUT, "the name '%s' cannot be printed", model);
    }
    free(out);
    json_decref(root);
    return status;
}

/* ---- the command ---- */

/* The embeddings of --texts and --images beside those in single precision, where they are given. */
static nb_status check_look_at_accuracy(findings *f, const settings *s, nb_error *err)
{
    const nb_engine *engine = f->clip->engine;
    if (!s->texts) {
        return NB_OK;
    }
    return nb_accuracy_measure(&f->accuracy, &(nb_accuracy_of){s->model, engine, s->texts, s->images}, err);
}

static nb_status check_judge_accuracy(const findings *f, nb_error *err)
{
    const nb_accuracy *a = &f->accuracy;
    if (!a->texts || a->passed) {
        return NB_OK;
    }
    nb_fail(
        err, NB_ERR_VERIFY,
        "%s is too far from fp32 on these texts and images: cosines down to %.6f and %.6f, %.4f of the nearest shared",
        f->clip->engine->precision, a->text_least, a->image_least, a->shared);
    return nb_hint(err, "embed them with --precision fp32, or bf16 where check --precision bf16 passes");
}

/* Another training of the same shape is a CLIP too, so only a caller who asks for the known one is refused. */
static nb_status check_judge(const nb_job *job, const findings *f, nb_error *err)
{
    const settings *s = job->settings;
    if (f->answers && f->passed) {
        return NB_OK;
    }
    if (!s->require_known_answers) {
        if (f->answers) {
            nb_log_warn(&job->log, "'%s' has the shape of %s but gives other cosines: another training, or damaged",
                        s->model, f->answers->model);
        }
        return NB_OK;
    }
    if (!f->answers) {
        return nb_fail(err, NB_ERR_VERIFY, "'%s': there are no known answers for a checkpoint of this shape", s->model);
    }
    return nb_fail(err, NB_ERR_VERIFY, "'%s' is not %s: a cosine is off by %.4f, at most %.4f are allowed", s->model,
                   f->answers->model, f->worst, f->answers->tolerance);
}

static nb_status check_flush(nb_error *err)
{
    return fflush(stdout) == 0 ? NB_OK : nb_fail_errno(err, NB_ERR_IO, "cannot write to standard output");
}

static nb_status check_run_model(nb_job *job, nb_error *err)
{
    const settings *s = job->settings;
    findings f = {0};
    const nb_engine *engine;
    nb_status status;
    NB_TRY(nb_job_engine(job, s->precision, &engine, err));
    if (s->texts && strcmp(engine->name, nb_engine_fp32.name) == 0) {
        status = nb_fail(err, NB_ERR_USAGE, "--texts and --images compare with fp32, and --precision %s is fp32 here",
                         s->precision);
        goto done;
    }
    NB_TRY(nb_clip_open_by(&f.clip, s->model, engine, err));
    NB_TRY(check_look_at_files(&f, s->model, err));
    status = check_look_at_model(&f, err);
    if (status != NB_OK) {
        nb_context(err, "'%s'", s->model);
        goto done;
    }
    NB_TRY(check_look_at_accuracy(&f, s, err));
    if (s->json) {
        NB_TRY(check_print_json(&f, s->model, err));
    } else {
        check_print_text(&f, s->model);
    }
    NB_TRY(check_flush(err));
    NB_TRY(check_judge(job, &f, err));
    NB_TRY(check_judge_accuracy(&f, err));
done:
    check_findings_free(&f);
    return status;
}

static nb_status check_run(nb_job *job, nb_error *err)
{
    const settings *s = job->settings;
    if (s->cpu && s->model) {
        return nb_fail(err, NB_ERR_USAGE, "--cpu looks at the CPU alone: it goes without --model");
    }
    if (s->cpu) {
        nb_status status = nb_cpu_report(s->json, err);
        return status == NB_OK ? check_flush(err) : status;
    }
    if (!s->model) {
        nb_fail(err, NB_ERR_USAGE, "'check' needs --model DIR, or --cpu");
        return nb_hint(err, "usage: negbank check %s", job->options->command->usage);
    }
    if (!s->texts != !s->images) {
        return nb_fail(err, NB_ERR_USAGE, "--texts and --images go together");
    }
    return check_run_model(job, err);
}

static const nb_option options[] = {
    OPT_INPUT("model", model, "DIR", "CLIP checkpoint folder (Hugging Face or open_clip)"),
    NB_PRECISION_OPTION(precision),
    OPT_INPUT("texts", texts, "FILE",
              "a text a line, of your own: how near --precision comes to fp32 on them; fails (exit code 7) below a "
              "cosine of 0.999"),
    OPT_INPUT("images", images, "INPUT",
              "images of your own beside --texts: folder, list or shard; also fails where fewer than 0.9 of an image's "
              "nearest texts are those of fp32"),
    OPT_FLAG("require-known-answers", require_known_answers,
             "fail (exit code 7) unless it gives the published cosines of its shape"),
    OPT_FLAG("cpu", cpu, "instead of a checkpoint look at this CPU: its family, and which engines and kernels it gets"),
    OPT_FLAG("json", json, "print JSON"),
    NB_TALK_OPTIONS,
};

NB_COMMAND(check, check_run, "check", "is a checkpoint whole, is it really CLIP, and how fast is it here",
           "--model DIR [--json] | --cpu [--json]",
           .description =
               "Reads every tensor of a checkpoint, compares its shapes, says which published model it looks like,\n"
               "computes known embeddings with it and measures its speed here.\n"
               "With --cpu it says which engines and kernels this CPU gets, and why.\n",
           .examples = "  negbank check --model vit-b-32\n"
                       "  negbank check --model vit-b-32 --require-known-answers --json\n"
                       "  negbank check --model vit-b-32 --precision int8 --texts words.txt --images photos\n"
                       "  negbank check --cpu\n");
