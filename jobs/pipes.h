/* Inputs that are no files of this machine, and outputs that go to standard output.
 *
 * Rows of an option table say what they take (common/options/option.h): `piped` ones "-", which is standard input, a
 * named pipe, and what a shell makes of <(...); `fetched` ones an http(s):// or s3:// address, too. Rank 0 reads each
 * once into a file, which the ranks read in its place, so that a result does not depend on where its inputs came from.
 * These files lie in a folder of their own: where the command keeps scratch files, or in the cache, which all nodes
 * share, when the ranks are on several; they are removed at the end. Messages and provenance have the name that was
 * given.
 *
 * An output "-" is written to such a file too and then copied to standard output. */
#ifndef NB_JOBS_PIPES_H
#define NB_JOBS_PIPES_H

#include "jobs/job.h"

/** What was read, and what is to be written. {0}: nothing. */
typedef struct nb_pipes {
    char *folder;       /**< of all files; NULL: there are none */
    nb_renames names;   /**< of the files */
    const char *output; /**< the file that goes to standard output, one of `names`; NULL: none does */
} nb_pipes;

/** Reads pipes and addresses into files and puts these in the place of the values. Collective for a command that runs
 * under MPI.
 * @param out    closed by the caller with nb_pipes_close, also on failure; it must outlive job->log and
 *               job->provenance, which get its names
 * @param job    of the command; its log, provenance and `printed` are set
 * @param parsed its options, whose values change
 * @return the same on all ranks: NB_OK; NB_ERR_USAGE for what is given twice, an output that does not go to standard
 * output or that exists, or an address that is none; NB_ERR_INPUT for a pipe that cannot be opened; NB_ERR_IO when it
 * cannot be read or kept; NB_ERR_NETWORK for an address that cannot be fetched; NB_ERR_LIMIT when memory is out. */
nb_status nb_pipes_open(nb_pipes *out, nb_job *job, nb_parsed *parsed, nb_error *err);

/** Copies the output to standard output. Not collective: rank 0's, after the command.
 * @param pipes of nb_pipes_open
 * @return NB_OK, also when there is none; NB_ERR_IO when it cannot be read or written. */
nb_status nb_pipes_print(const nb_pipes *pipes, nb_error *err);

/** Removes the files and frees. Not collective; all ranks have ended the command.
 * @param pipes becomes {0}
 * @param first on rank 0, which removes */
void nb_pipes_close(nb_pipes *pipes, bool first);

/** The folder for scratch files when nobody says: a node's own disk, if the batch system names one that is there. Not
 * collective.
 * @return $SLURM_TMPDIR, else $TMPDIR, else /tmp */
const char *nb_job_scratch(void);

#endif
