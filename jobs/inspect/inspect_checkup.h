/** @file
 * `inspect verify`'s look at one file: is it whole, and if not, where did it break. */
#ifndef NB_JOBS_INSPECT_INSPECT_CHECKUP_H
#define NB_JOBS_INSPECT_INSPECT_CHECKUP_H

#include "common/base/status.h"

#include <jansson.h>
#include <stdbool.h>

/** Looks at a file. Not collective. Adds to `info`: "kind", "bytes", "sha256", "whole", "checked" (how many datasets,
 * tiles or rows were read) and "damage", a list of {"where", "what"}. HDF5 does not survive every damaged file, so what
 * lies behind a seal is read by a child process, whose death is a finding too. A damaged file is no failure.
 * @param path the file
 * @param info added to
 * @param whole becomes false for a damaged one
 * @return NB_OK; NB_ERR_INPUT when it is no file of ours, or of a newer version; NB_ERR_IO when it cannot be read;
 * NB_ERR_LIMIT without memory or processes. */
nb_status nb_checkup(const char *path, json_t *info, bool *whole, nb_error *err);

#endif
