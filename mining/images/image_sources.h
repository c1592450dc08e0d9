/** @file
 * Where the inputs of a command line are read from: files as they lie, standard input and named pipes once they are
 * spooled into a file, addresses once they are fetched into the cache (mining/corpus/fetch.h). */
#ifndef NB_MINING_IMAGES_IMAGE_SOURCES_H
#define NB_MINING_IMAGES_IMAGE_SOURCES_H

#include "common/parallel/comm.h"
#include "mining/corpus/fetch.h"

/** What an input is. */
typedef enum nb_image_kind { NB_IMAGE_FOLDER, NB_IMAGE_SHARD, NB_IMAGE_FILE, NB_IMAGE_LIST } nb_image_kind;

/** One input; borrowed. */
typedef struct nb_image_source {
    const char *given; /**< as the command line or a pattern has it */
    const char *shown; /**< for messages and names */
    const char *path;  /**< where it is read from */
    bool piped;        /**< it was spooled */
} nb_image_source;

/** All inputs. The first three members are the caller's choice, the others begin as {0}. */
typedef struct nb_image_sources {
    const nb_fetch_options *fetch; /**< NULL: addresses are refused */
    const char *spool; /**< pipes are spooled into files of the folder SPOOL.inputs; NULL: they are refused */
    bool parts;        /**< other jobs of the same inputs run beside this one: pipes are refused */
    nb_strings given, shown, paths;
    uint8_t *piped; /**< [given.count] */
    char *folder;   /**< of what is spooled, rank 0's; NULL: nothing is */
    nb_fetched inputs, listed;
} nb_image_sources;

/** Finds the inputs. Collective: the same status on all ranks; the lists are rank 0's alone.
 * @param sources closed by the caller with nb_image_sources_close, also on failure
 * @param comm the ranks
 * @param inputs words of a command line
 * @return NB_OK; NB_ERR_INPUT when nothing matches a pattern, or for an empty pipe; NB_ERR_USAGE for addresses and
 * pipes where they are refused, and for standard input given twice; NB_ERR_IO when a pipe cannot be spooled;
 * NB_ERR_LIMIT without memory; NB_STOPPED after a request to stop; and as nb_corpus_fetch. */
nb_status nb_image_sources_open(nb_image_sources *sources, const nb_comm *comm, const nb_strings *inputs,
                                nb_error *err);

/** The same where nothing but files is read. Not collective.
 * @param sources closed by the caller with nb_image_sources_close, also on failure
 * @param inputs words of a command line
 * @return NB_OK; NB_ERR_INPUT when nothing matches a pattern, or for a pipe; NB_ERR_USAGE for an address; NB_ERR_LIMIT
 * without memory. */
nb_status nb_image_sources_open_files(nb_image_sources *sources, const nb_strings *inputs, nb_error *err);

/** An input. Not collective.
 * @param sources open
 * @param i below sources->given.count
 * @return the input, borrowed */
nb_image_source nb_image_sources_get(const nb_image_sources *sources, size_t i);

/** What a path holds: by its name where that says so, else by how it begins. Not collective.
 * @param path of a folder or file
 * @return the kind; NB_IMAGE_LIST for what is nothing else, or cannot be read */
nb_image_kind nb_image_kind_of(const char *path);

/** Refuses addresses, where nothing fetches them. Not collective.
 * @param paths of images
 * @return NB_OK; NB_ERR_USAGE when one is an address. */
nb_status nb_image_sources_refuse_addresses(const nb_strings *paths, nb_error *err);

/** Fetches what lists of images name by address, and puts the files in the place of the addresses. Collective.
 * @param sources open
 * @param comm the ranks
 * @param paths rank 0's: of all images; those that are addresses are replaced
 * @return NB_OK; NB_ERR_USAGE where addresses are refused; NB_ERR_LIMIT without memory; and as nb_corpus_fetch. */
nb_status nb_image_sources_fetch_listed(nb_image_sources *sources, const nb_comm *comm, nb_strings *paths,
                                        nb_error *err);

/** Removes what was spooled, and lets other runs of the same addresses begin. Not collective.
 * @param sources open, or with its first members alone
 * @param done rank 0: what was fetched is needed no more, and is removed from the cache */
void nb_image_sources_close(nb_image_sources *sources, bool done);

#endif
