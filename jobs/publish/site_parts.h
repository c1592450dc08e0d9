/** @file
 * The fixed parts of the registry page. */
#ifndef NB_JOBS_SITE_PARTS_H
#define NB_JOBS_SITE_PARTS_H

extern const char nb_site_top[], nb_site_style[], nb_site_intro[], nb_site_controls[], nb_site_end[], nb_site_script[];

#endif
