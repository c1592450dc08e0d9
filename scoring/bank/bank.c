#include "scoring/bank/bank.h"

#include "common/base/tag.h"
#include "common/base/text.h"
#include "common/store/hdf5/h5.h"
#include "scoring/bank/bank_digests.h"
#include "scoring/bank/bank_rows.h"
#include "scoring/bank/bank_texts.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char *const precision_names[] = {"fp32", "fp16", "int8"};

const char *nb_bank_precision_name(nb_bank_precision precision)
{
    return precision <= NB_BANK_INT8 ? precision_names[precision] : "unknown";
}

bool nb_bank_precision_parse(const char *name, nb_bank_precision *out)
{
    for (int i = NB_BANK_FP32; i <= NB_BANK_INT8; i++) {
        if (strcmp(name, precision_names[i]) == 0) {
            *out = (nb_bank_precision)i;
            return true;
        }
    }
    return false;
}

/* Between 1 and `max` strings. */
static nb_status bank_read_strings(nb_bank_reader *r, const char *name, size_t max, nb_strings *out)
{
    char bytes[64], offsets[64];
    nb_status status;
    snprintf(bytes, sizeof bytes, "%s/bytes", name);
    snprintf(offsets, sizeof offsets, "%s/offsets", name);
    NB_TRY(nb_bank_check_size(r, bytes, 1, 1));
    NB_TRY(nb_bank_check_size(r, offsets, 1, 8));
    NB_TRY(nb_h5_get_strings(r->file, name, out, r->err));
    NB_TRY(nb_strings_check_printable(out, name, r->err));
    NB_TRY(nb_bank_check(r, bytes, out->bytes, (size_t)out->offset[out->count]));
    NB_TRY(nb_bank_check(r, offsets, out->offset, (out->count + 1) * sizeof *out->offset));
    if (!out->count || out->count > max) {
        status = nb_fail(r->err, NB_ERR_INPUT, "'%s' has %zu entries, 1 to %zu belong there", name, out->count, max);
    }
done:
    return status;
}

static nb_status bank_read_text(nb_bank_reader *r, const char *name, char **text)
{
    nb_status status = nb_h5_get_text(r->file, name, text, r->err);
    return status == NB_OK ? nb_bank_check(r, name, *text, strlen(*text) + 1) : status;
}

static nb_status bank_check_finite(const double *values, size_t count, const char *name, nb_error *err)
{
    for (size_t i = 0; i < count; i++) {
        if (!isfinite(values[i])) {
            return nb_fail(err, NB_ERR_INPUT, "entry %zu of '%s' is %g", i, name, values[i]);
        }
    }
    return NB_OK;
}

static nb_status bank_read_labels(nb_bank *b, nb_bank_reader *r)
{
    nb_status status;
    NB_TRY(bank_read_strings(r, "labels/names", NB_BANK_LABELS_MAX, &b->labels));
    b->label_count = b->labels.count;
    NB_TRY(
        nb_bank_read_rows(r, &(nb_bank_matrix){"labels", "embeddings", b->label_count}, &b->d, NULL, &b->label_rows));
    if (nb_h5_has(r->file, "labels/prototypes")) {
        NB_TRY(nb_bank_read_rows(r, &(nb_bank_matrix){"labels", "prototypes", b->label_count}, &b->d, NULL,
                                 &b->prototypes));
    }
done:
    return status;
}

/* All of a group as it lies in the file. */
static uint64_t bank_packed_bytes(hid_t file, const char *group)
{
    static const char *const parts[] = {"embeddings",    "scales",    "centre",   "columns",
                                        "criterion",     "tags",      "ids",      "texts/bytes",
                                        "texts/offsets", "log_prior", "evidence", "negatives"};
    uint64_t bytes = 0;
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        char name[64];
        snprintf(name, sizeof name, "%s/%s", group, parts[i]);
        bytes += nb_h5_stored_bytes(file, name);
    }
    return bytes;
}

static nb_status bank_read_negatives(nb_bank *b, nb_bank_reader *r)
{
    nb_status status;
    NB_TRY(bank_read_strings(r, "negatives/texts", NB_BANK_NEGATIVES_MAX, &b->negatives));
    size_t m = b->negative_count = b->negatives.count;
    NB_TRY(
        nb_bank_read_rows(r, &(nb_bank_matrix){"negatives", "embeddings", m}, &b->d, &b->precision, &b->negative_rows));
    NB_TRY(nb_bank_read_vector(r, "negatives/criterion", H5T_NATIVE_DOUBLE, 8, m, (void **)&b->criterion));
    NB_TRY(bank_check_finite(b->criterion, m, "negatives/criterion", r->err));
    NB_TRY(nb_bank_read_vector(r, "negatives/tags", H5T_NATIVE_UINT8, 1, m, (void **)&b->tags));
    for (size_t i = 0; i < m; i++) {
        if (b->tags[i] >= NB_TAG_COUNT) {
            return nb_fail(r->err, NB_ERR_INPUT, "negative %zu has tag %u, which is none", i, b->tags[i]);
        }
    }
    NB_TRY(nb_bank_read_vector(r, "negatives/ids", H5T_NATIVE_UINT64, 8, m, (void **)&b->ids));
    b->negative_bytes = bank_packed_bytes(r->file, "negatives");
done:
    return status;
}

static nb_status bank_read_visual(nb_bank *b, nb_bank_reader *r)
{
    nb_bank_precision precision;
    nb_status status;
    if (!nb_h5_has(r->file, "visual")) {
        return NB_OK;
    }
    NB_TRY(bank_read_strings(r, "visual/names", NB_BANK_NEGATIVES_MAX, &b->visual_names));
    size_t v = b->visual_count = b->visual_names.count;
    NB_TRY(nb_bank_read_rows(r, &(nb_bank_matrix){"visual", "embeddings", v}, &b->d, &precision, &b->visual_rows));
    NB_TRY(nb_bank_read_vector(r, "visual/criterion", H5T_NATIVE_DOUBLE, 8, v, (void **)&b->visual_criterion));
    NB_TRY(bank_check_finite(b->visual_criterion, v, "visual/criterion", r->err));
done:
    return status;
}

static nb_status bank_read_suggestion(nb_bank *b, nb_bank_reader *r)
{
    nb_bank_suggestion s;
    char *text = NULL;
    nb_status status;
    NB_TRY(bank_read_text(r, "suggested", &text));
    NB_TRY(nb_bank_suggestion_parse(&s, text, !r->strict, r->err));
    if (s.groups > b->negative_count) {
        status = nb_fail(r->err, NB_ERR_INPUT, "'suggested' asks for %zu groups of %zu negatives", s.groups,
                         b->negative_count);
        goto done;
    }
    b->temperature = s.temperature;
    b->groups = s.groups;
    b->seeded = s.seeded;
    b->seed = s.seed;
    b->tau = s.tau;
    b->score = strdup(s.score);
    status = b->score ? NB_OK : nb_fail(r->err, NB_ERR_LIMIT, "out of memory for the bank");
done:
    free(text);
    return status;
}

nb_bank_suggestion nb_bank_suggested(const nb_bank *b)
{
    nb_bank_suggestion s = {
        .temperature = b->temperature, .groups = b->groups, .seeded = b->seeded, .seed = b->seed, .tau = b->tau};
    snprintf(s.score, sizeof s.score, "%s", b->score ? b->score : "");
    return s;
}

static nb_status bank_read_texts(nb_bank *b, nb_bank_reader *r)
{
    char *calibration = NULL, *source = NULL, *findings = NULL;
    nb_status status;
    NB_TRY(bank_read_suggestion(b, r));
    if (nb_h5_has(r->file, "calibration")) {
        NB_TRY(bank_read_text(r, "calibration", &calibration));
        NB_TRY(nb_bank_threshold_parse(&b->threshold, calibration, r->err));
    }
    if (r->strict) {
        NB_TRY(bank_read_text(r, "source", &source));
        NB_TRY(nb_bank_source_parse(b, source, r->err));
    }
    if (b->proxies && nb_h5_has(r->file, "findings")) {
        NB_TRY(bank_read_text(r, "findings", &findings));
        NB_TRY(nb_bank_findings_parse(&b->findings, findings, r->err));
    }
    NB_TRY(bank_read_text(r, "provenance", &b->provenance));
done:
    free(calibration);
    free(findings);
    free(source);
    return status;
}

/* What has a digest and was not read is something of a newer version. */
static nb_status bank_check_all_known(const nb_bank_reader *r)
{
    if (!r->strict || r->checked == json_object_size(r->digests)) {
        return NB_OK;
    }
    nb_fail(r->err, NB_ERR_INPUT, "it holds %zu datasets, of which this version knows %zu",
            json_object_size(r->digests), r->checked);
    return nb_hint(r->err, "a newer negbank wrote it: 'negbank inspect verify' lists its datasets");
}

static nb_status bank_read_all(nb_bank *b, nb_bank_reader *r)
{
    nb_status status;
    NB_TRY(bank_read_labels(b, r));
    NB_TRY(bank_read_negatives(b, r));
    NB_TRY(bank_read_visual(b, r));
    NB_TRY(nb_bank_read_proxies(b, r));
    b->negative_bytes += bank_packed_bytes(r->file, "proxies") + bank_packed_bytes(r->file, "proxies/measured");
    NB_TRY(bank_read_texts(b, r));
    NB_TRY(bank_check_all_known(r));
done:
    return status;
}

nb_status nb_bank_open(nb_bank *b, const char *path, nb_error *err)
{
    nb_seal seal;
    char *text = NULL;
    json_t *digests = NULL;
    *b = (nb_bank){.tau = (double)NAN};
    nb_bank_reader reader = {.file = -1, .err = err};
    nb_status status = nb_seal_verify(&seal, path, NB_BANK_KIND, err);
    if (status != NB_OK) {
        return status;
    }
    b->digest = seal.digest;
    b->file_bytes = reader.file_bytes = seal.size;
    NB_TRY(nb_h5_open(&reader.file, path, NB_BANK_KIND, NB_BANK_FORMAT, err));
    NB_TRY(nb_h5_get_text(reader.file, "digests", &text, err));
    NB_TRY(nb_bank_digests_parse(&digests, &b->content, text, err));
    reader.digests = digests;
    reader.strict = b->content.hex[0] != '\0';
    NB_TRY(bank_read_all(b, &reader));
done:
    nb_h5_close(&reader.file);
    json_decref(digests);
    free(text);
    if (status != NB_OK) {
        nb_context(err, "'%s'", path);
        nb_bank_close(b);
    }
    return status;
}

void nb_bank_close(nb_bank *b)
{
    if (b) {
        nb_strings_free(&b->labels);
        nb_strings_free(&b->negatives);
        nb_strings_free(&b->visual_names);
        nb_strings_free(&b->label_prompts);
        nb_strings_free(&b->text_prompts);
        nb_strings_free(&b->adjective_prompts);
        free(b->label_rows);
        free(b->prototypes);
        free(b->negative_rows);
        free(b->criterion);
        free(b->tags);
        free(b->ids);
        free(b->visual_rows);
        free(b->visual_criterion);
        nb_bank_proxies_free(b->proxies);
        free(b->score);
        free(b->checkpoint);
        free(b->provenance);
        *b = (nb_bank){0};
    }
}
