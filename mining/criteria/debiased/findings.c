#include "mining/criteria/debiased/findings.h"

enum { FEW_IMAGES = 1000 }; /* wild images: fewer are evidence for little */

/* How far the wild images can be trusted. */
static void findings_say_wild(const nb_log *log, const nb_bank_findings *f)
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
                    "%.0f %% of the wild images look like ID: they are counted out, which leaves evidence for %zu of "
                    "the candidates; the places of the others are imputed from their texts",
                    100 * f->id_share, f->with_evidence);
    } else if (f->wild_images < FEW_IMAGES) {
        nb_log_warn(log,
                    "%zu wild images are few: they are evidence for %zu candidates, the places of the others are "
                    "imputed from their texts",
                    f->wild_images, f->with_evidence);
    }
}

void nb_debiased_say(const nb_log *log, const nb_bank_findings *f, size_t kept)
{
    findings_say_wild(log, f);
    for (size_t i = 0; i + 1 < f->size_count; i++) {
        const nb_size_step *step = &f->sizes[i];
        if (f->wild_images) {
            nb_log_info(log, "from %zu to %zu negatives ID images move by %.4f, wild images by %.4f", step->count,
                        step[1].count, step->id_moves, step->wild_moves);
        } else {
            nb_log_info(log, "from %zu to %zu negatives ID images move by %.4f", step->count, step[1].count,
                        step->id_moves);
        }
    }
    if (f->size_count && kept < f->sizes[f->size_count - 1].count) {
        nb_log_info(log, "%zu negatives are enough: images move by less than %g behind them", kept, f->tolerance);
    }
}
