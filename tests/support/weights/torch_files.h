/* Files that torch.save and torch.jit.save wrote of the golden checkpoint, put together from what golden/torch keeps.
 */
#ifndef NB_TESTS_TORCH_FILES_H
#define NB_TESTS_TORCH_FILES_H

#include <stddef.h>

/* The whole file golden/torch/NAME (write.py says which there are), whose SHA-256 is compared; freed by the caller. */
unsigned char *torch_file(const char *name, size_t *len);
/* The same, written to FOLDER/TO. */
void put_torch_file(const char *folder, const char *name, const char *to);

#endif
