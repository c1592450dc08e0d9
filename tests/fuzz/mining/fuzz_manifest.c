/* Manifests of corpus inputs: read or refused; each entry is a file that is there or an address, once, with a digest or
 * none. */
#include "fuzz/fuzz.h"

#include "mining/corpus/corpus_inputs.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const nb_strings nothing;
    static char list[96];
    nb_error err = {0};
    nb_inputs in;
    const char *folder = memory_folder();
    if (!list[0]) { /* files that a line can name */
        snprintf(list, sizeof list, "%s/list", folder);
        put_file(folder, "a.txt", "a\n", 2);
        put_file(folder, "b c[1].gz", "b\n", 2);
    }
    /* neither another folder nor a device is looked into; two slashes with a colon are an address */
    for (size_t i = 0; i < size; i++) {
        bool address = i >= 2 && data[i - 1] == '/' && data[i - 2] == ':';
        bool first = i >= 1 && data[i - 1] == ':' && i + 1 < size && data[i + 1] == '/';
        if (data[i] == '/' && !address && !first && !memmem(data, i, "://", 3)) {
            return 0;
        }
    }
    put_file(folder, "list", data, size);
    nb_status status = nb_inputs_open(&in, &nothing, list, NULL, &err);
    require_message(status, &err);
    if (status != NB_OK) {
        return 0;
    }
    size_t count = in.paths.count;
    require(count && in.names.count == count && in.digests.count == count && in.addresses.count == count);
    for (size_t i = 0; i < count; i++) {
        const char *path = nb_strings_get(&in.paths, i), *digest = nb_strings_get(&in.digests, i);
        require(!path[0] == !!nb_strings_get(&in.addresses, i)[0]);
        require(!path[0] || access(path, R_OK) == 0);
        require(!digest[0] || (strlen(digest) == 64 && strspn(digest, "0123456789abcdef") == 64));
    }
    nb_inputs_free(&in);
    return 0;
}
