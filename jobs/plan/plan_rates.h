/* How fast one rank is: as given by --rate, else measured here in about a second each. */
#ifndef NB_JOBS_PLAN_PLAN_RATES_H
#define NB_JOBS_PLAN_PLAN_RATES_H

#include "common/clip/model/model.h"
#include "jobs/plan/estimate.h"

enum { NB_RATE_TEXTS, NB_RATE_IMAGES, NB_RATE_PRODUCTS, NB_RATE_CORPUS, NB_RATES };

/** Texts a second, images a second, floating-point operations a second, bytes a second; 0: not known yet. */
typedef struct nb_rates {
    double of[NB_RATES];
    bool given[NB_RATES];
    char model[4096]; /**< the checkpoint that texts and images were measured with, and by which engine */
    const nb_engine *engine;
} nb_rates;

/** Rates from words "texts=326", "images=12", "gflops=95", "corpus=20" (MB/s). Not collective.
 * @param out   receives those given and a usual rate of corpus; the others are 0, not known
 * @param words of --rate
 * @return NB_OK, or NB_ERR_USAGE for other words */
nb_status nb_rates_parse(nb_rates *out, const nb_strings *words, nb_error *err);

/** What a stage computes with. */
typedef struct nb_rate_of {
    const char *model;       /**< the checkpoint that texts or images are embedded with; NULL: none */
    const nb_engine *engine; /**< its engine; NULL where model is */
    size_t width;            /**< of the products; 0 where there are none */
} nb_rate_of;

/** Seconds of one rank alone for the work of an estimate; measures the rates it needs and does not have.
 *
 * Not collective.
 * @param rates   those known; receives those measured here
 * @param e       the stage's work
 * @param of      what it computes with
 * @param seconds receives them
 * @return NB_OK, or what opening the checkpoint returns */
nb_status nb_rates_seconds(nb_rates *rates, const nb_estimate *e, nb_rate_of of, double *seconds, nb_error *err);

/** The name that --rate takes for a rate. Not collective. */
const char *nb_rate_name(size_t rate);

/** A rate in the unit that --rate takes. Not collective.
 * @param rates those known
 * @param rate  NB_RATE_TEXTS, ...
 * @return it; 0 where it is not known */
double nb_rate_shown(const nb_rates *rates, size_t rate);

#endif
