/* Hostile content behind a valid seal and valid checksums of HDF5's. The first byte chooses a small file of one of the
 * HDF5 kinds (tests/support/sealed_files.h); the rest is changes to its bytes, three a change: place (two bytes),
 * exclusive-or (one). A place under 0xc000 is one in the metadata, another one anywhere in the file. The file is sealed
 * again and opened: it is read or refused. */
#include "fuzz/fuzz.h"

#include "support/sealed_files.h"

#include <hdf5.h>

static sealed_file files[SEALED_FILES];

/* HDF5 keeps what it has half read of a damaged header. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
    return "leak:libhdf5";
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    nb_error err = {0};
    char path[96];
    snprintf(path, sizeof path, "%s/file", memory_folder());
    if (!files[0].bytes) {
        sealed_files_make(files, path);
    }
    if (!size) {
        return 0;
    }
    const sealed_file *f = &files[data[0] % SEALED_FILES];
    unsigned char *bytes = malloc(f->len);
    require(bytes != NULL);
    memcpy(bytes, f->bytes, f->len);
    for (size_t i = 1; i + 2 < size; i += 3) {
        size_t place = (size_t)data[i] << 8 | data[i + 1];
        size_t at = place < 0xc000 ? sealed_file_metadata(f, place % f->metadata) : place % f->len;
        bytes[at] = (unsigned char)(bytes[at] ^ data[i + 2]);
    }
    sealed_file_checksums(f, bytes);
    put_file(memory_folder(), "file", bytes, f->len); /* HDF5 opens no memory_file */
    free(bytes);
    nb_status status = sealed_file_read(f, path, &err);
    require_message(status, &err);
    require(status == NB_OK || size >= 4); /* as it was made, it opens */
    require(H5Fget_obj_count((hid_t)H5F_OBJ_ALL, H5F_OBJ_ALL) == 0);
    return 0;
}
