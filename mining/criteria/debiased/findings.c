#include "mining/criteria/debiased/findings.h"

#include <jansson.h>
#include <math.h>

enum { FEW_IMAGES = 1000 }; /* wild images: fewer are evidence for little */

/* How far the wild images can be trusted. */
static void findings_say_wild(const nb_log *log, const nb_debiased_findings *f)
{
    if (!f->wild_images) {
        nb_log_warn(log, "no --wild-images: each negative's place among images is imputed from its text, by the map "
                         "from the labels to their images");
        return;
    }
    nb_log_info(log,
                "%.1f %% of the wild images look like ID; the others are evidence for %zu of %zu candidates, which "
                "cover %.0f %% of what ID images are mistaken for",
                100 * f->id_share, f->with_evidence, f->candidates, 100 * f->covered);
    if (!f->with_evidence) {
        nb_log_warn(log,
                    "the wild images are evidence for no candidate: all places among images are imputed from texts");
    } else if (f->id_share > 0.5) {
        nb_log_warn(log,
                    "%.0f %% of the wild images look like ID: they are counted out, which leaves evidence for %zu "
                    "candidates; the places of the others are imputed from their texts",
                    100 * f->id_share, f->with_evidence);
    } else if (f->wild_images < FEW_IMAGES) {
        nb_log_warn(log,
                    "%zu wild images are few: they are evidence for %zu candidates, the places of the others are "
                    "imputed from their texts",
                    f->wild_images, f->with_evidence);
    }
}

void nb_debiased_say(const nb_log *log, const nb_debiased_findings *f, const nb_criterion_outcome *out)
{
    findings_say_wild(log, f);
    for (size_t i = 0; i + 1 < out->size_count; i++) {
        const nb_size_step *step = &out->sizes[i];
        if (f->wild_images) {
            nb_log_info(log, "from %zu to %zu negatives ID images move by %.4f, wild images by %.4f", step->count,
                        step[1].count, step->id_moves, step->wild_moves);
        } else {
            nb_log_info(log, "from %zu to %zu negatives ID images move by %.4f", step->count, step[1].count,
                        step->id_moves);
        }
    }
    if (out->kept < f->chosen) {
        nb_log_info(log, "%zu negatives are enough: images move by less than %g behind them", out->kept,
                    out->tolerance);
    }
}

/* A number, or null. */
static json_t *findings_number(double x)
{
    return isfinite(x) ? json_real(x) : json_null();
}

static json_t *findings_sizes(const nb_criterion_outcome *out)
{
    json_t *sizes = json_array();
    for (size_t i = 0; i < out->size_count; i++) {
        const nb_size_step *step = &out->sizes[i];
        json_t *one = json_pack("{sIsoso}", "negatives", (json_int_t)step->count, "id_moves",
                                findings_number(step->id_moves), "wild_moves", findings_number(step->wild_moves));
        if (json_array_append_new(sizes, one) != 0) {
            json_decref(sizes);
            return NULL;
        }
    }
    return sizes;
}

nb_status nb_debiased_write(const nb_debiased_findings *f, nb_criterion_outcome *out, nb_error *err)
{
    json_t *all =
        json_pack("{sIsIsIsososIsIsoso}", "candidates", (json_int_t)f->candidates, "id_images",
                  (json_int_t)f->id_images, "wild_images", (json_int_t)f->wild_images, "id_share",
                  findings_number(f->wild_images ? f->id_share : (double)NAN), "covered",
                  findings_number(f->wild_images ? f->covered : (double)NAN), "with_evidence",
                  (json_int_t)f->with_evidence, "measured", (json_int_t)f->measured, "size_tolerance",
                  findings_number(out->size_count ? out->tolerance : (double)NAN), "sizes", findings_sizes(out));
    out->findings = all ? json_dumps(all, JSON_COMPACT | JSON_REAL_PRECISION(12)) : NULL;
    json_decref(all);
    return out->findings ? NB_OK : nb_fail(err, NB_ERR_LIMIT, "out of memory for what mining found out");
}
