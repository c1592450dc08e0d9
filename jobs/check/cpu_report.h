/** @file
 * negbank check --cpu: which family this CPU is taken for, and which engines and kernels it gets. */
#ifndef NB_JOBS_CHECK_CPU_REPORT_H
#define NB_JOBS_CHECK_CPU_REPORT_H

#include "common/base/status.h"

#include <stdbool.h>

/** Prints it to standard output. Not collective.
 * @param json as JSON instead of text
 * @return NB_OK; NB_ERR_LIMIT without memory */
nb_status nb_cpu_report(bool json, nb_error *err);

#endif
