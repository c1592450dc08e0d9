/* Which build this is. */
#ifndef NB_BASE_VERSION_H
#define NB_BASE_VERSION_H

const char *nb_version(void); /* "0.2.0" */
const char *nb_commit(void);  /* "a1b2c3d4e5f6", "...-dirty" with local changes, "unknown" outside a checkout */

#endif
