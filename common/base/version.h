/* Which build this is. */
#ifndef NB_BASE_VERSION_H
#define NB_BASE_VERSION_H

/** "0.3.0". Not to be freed. Not collective. */
const char *nb_version(void);

/** "a1b2c3d4e5f6", "...-dirty" with local changes, "unknown" outside a checkout. Not to be freed. Not collective. */
const char *nb_commit(void);

#endif
