/* Image inputs of a command line: folders, image lists and single files become one list of images with labels.
 *
 * - A folder is walked with its subfolders, symbolic links followed (a link back to a folder above is passed over).
 *   Files named *.jpg, *.jpeg, *.png or *.webp in any case count, hidden files and folders do not. Names are the paths
 *   under the folder, in bytewise order, so that the order does not depend on the file system.
 * - An image list (any file without one of those suffixes) is UTF-8 text with a line `path` or `path label` an image,
 * as OpenOOD's: the last field is the label when it is an integer from -1 on and a path stands before it. Relative
 *   paths start at the list's folder. Blank lines and lines beginning with '#' are skipped. Names are the paths as
 *   written, in the list's order.
 * - A file with one of those suffixes is one image, named as written.
 *
 * Inputs keep the order given. Names are UTF-8 without control characters, so that they fit one field of a line.
 * Limits: NB_IMAGE_INPUTS_MAX images, lines of 8192 bytes, folders 64 deep. */
#ifndef NB_IMAGES_INPUTS_H
#define NB_IMAGES_INPUTS_H

#include "common/base/memory.h"

#define NB_IMAGE_INPUTS_MAX ((size_t)INT32_MAX)

typedef struct nb_image_inputs {
    nb_strings paths;   /* to open */
    nb_strings names;   /* shown and stored */
    int32_t *labels;    /* [count], -1 unknown */
    nb_strings classes; /* label names, with folder labels only: label i is named classes[i] */
    size_t count;
} nb_image_inputs;

/* Reads all inputs; the caller frees *out, which is {0} on failure. labels_from says where labels come from; images
 * that have none there get -1: "folder"  the first part of a path under its folder is its class; classes of all folders
 * together are numbered from 0 in bytewise order "list"    the numbers in the lists "none"    nowhere "auto"    lists
 * where one has labels, else folders where one has subfolders, else nowhere. Both in one call is NB_ERR_USAGE, since
 * the two numberings have nothing to do with each other. NB_ERR_INPUT for an input or an image of a list that is
 * missing (list, line and path named; all are checked here), an empty folder or list, a name that is no text, "folder"
 * or "list" where no input has such labels; NB_ERR_USAGE for another labels_from or no inputs. */
nb_status nb_image_inputs_read(nb_image_inputs *out, const nb_strings *inputs, const char *labels_from, nb_error *err);

void nb_image_inputs_free(nb_image_inputs *in);

#endif
