/** @file
 * What a bank's signature says it is of, beside what was asked for. */
#ifndef NB_JOBS_PULL_PULL_SUBJECT_H
#define NB_JOBS_PULL_PULL_SUBJECT_H

#include "jobs/transfer.h"

/** What was asked for. All borrowed. */
typedef struct nb_pull_subject {
    const char *shown;          /**< the address, for messages */
    const char *file;           /**< the last part of the address */
    const char *name, *version; /**< in the index; by address what --name and --version say, NULL without */
    const char *sha256;         /**< of what came */
    bool by_index;              /**< name and version come from an index whose signature was verified */
} nb_pull_subject;

/** Compares what the signed comment of a signature names with what was asked for. `publish` names file, name, version
 * and digest; minisign, and negbank up to 0.2, name the file alone, which does where nobody says a name. Not
 * collective.
 * @param signature one that was checked
 * @param asked what was asked for
 * @param log hears when the signature names no more than the file
 * @return NB_OK, or NB_ERR_VERIFY when it is of something else, or names too little. */
nb_status nb_pull_subject_check(const nb_signature *signature, const nb_pull_subject *asked, const nb_log *log,
                                nb_error *err);

#endif
