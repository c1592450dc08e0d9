/* The walk through a file's structure (common/store/hdf5/structure.h), without HDF5 and without a disk. The first byte
 * chooses a small file of one of the HDF5 kinds; the rest are changes to it, four bytes a change: place (two), what
 * becomes of it (one: wide << 4 | how), a number (one). All checksums are made right: the walk ends, within the bytes
 * it was given, with a word where it refuses. */
#include "fuzz/fuzz.h"

#include "common/store/hdf5/structure.h"
#include "support/sealed_files.h"

static sealed_file files[SEALED_FILES];

/* A number in the place of another, of 1, 2, 4 or 8 bytes. */
static uint64_t change(uint64_t was, unsigned how, uint64_t number)
{
    switch (how) {
    case 0: return was ^ number;
    case 1: return was + number;
    case 2: return was - number;
    case 3: return number;
    case 4: return UINT64_MAX - number;
    case 5: return was << (number % 64);
    case 6: return (uint64_t)1 << (number % 64);
    default: return was ^ number << 8;
    }
}

static void apply(const sealed_file *f, unsigned char *bytes, const uint8_t *data)
{
    size_t at = sealed_file_metadata(f, ((size_t)data[0] << 8 | data[1]) % f->metadata);
    size_t wide = (size_t)1 << (data[2] >> 4) % 4;
    uint64_t value = 0;
    wide = at + wide <= f->len ? wide : 1;
    for (size_t i = 0; i < wide; i++) {
        value |= (uint64_t)bytes[at + i] << (8 * i);
    }
    value = change(value, data[2] % 8, data[3]);
    for (size_t i = 0; i < wide; i++) {
        bytes[at + i] = (unsigned char)(value >> (8 * i));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    nb_error err = {0};
    if (!files[0].bytes) {
        char path[96];
        snprintf(path, sizeof path, "%s/file", memory_folder());
        sealed_files_make(files, path);
    }
    if (!size) {
        return 0;
    }
    const sealed_file *f = &files[data[0] % SEALED_FILES];
    unsigned char *bytes = malloc(f->len); /* its own block: the address sanitizer sees a read beyond it */
    require(bytes != NULL);
    memcpy(bytes, f->bytes, f->len);
    for (size_t i = 1; i + 3 < size; i += 4) {
        apply(f, bytes, data + i);
    }
    sealed_file_checksums(f, bytes);
    const nb_map map = {bytes, f->len};
    nb_status status = nb_structure_check(&map, "fuzzed", NB_STRUCTURE_TEXTS_TIMES, &err);
    require_message(status, &err);
    require(status == NB_OK || size >= 5); /* as it was made, it passes */
    require(status == NB_OK || status == NB_ERR_INPUT || status == NB_ERR_LIMIT);
    free(bytes);
    return 0;
}
