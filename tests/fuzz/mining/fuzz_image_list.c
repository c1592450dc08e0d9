/* Image lists: read or refused; names are text, labels are from -1 on. */
#include "fuzz/fuzz.h"

#include "common/base/text.h"
#include "mining/images/image_inputs.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const origins[] = {"auto", "list", "none", "folder"};
    static nb_strings inputs;
    nb_error err = {0};
    nb_image_inputs images;
    const char *folder = memory_folder();
    if (!inputs.count) { /* images that a list can name; their content is not looked at */
        char list[256];
        int len = snprintf(list, sizeof list, "%s/list.txt", folder);
        put_file(folder, "a.png", "", 0);
        put_file(folder, "b 7", "", 0);
        require(nb_strings_push(&inputs, list, (size_t)len, &err) == NB_OK);
    }
    /* no device is opened by chance */
    if (!size || memmem(data, size, "/", 1)) {
        return 0;
    }
    put_file(folder, "list.txt", data + 1, size - 1);
    nb_status status = nb_image_inputs_read(&images, &inputs, origins[data[0] % 4], &err);
    require_message(status, &err);
    if (status == NB_OK) {
        require(images.count && images.paths.count == images.count && images.names.count == images.count);
        for (size_t i = 0; i < images.count; i++) {
            require(images.labels[i] >= -1);
            require(nb_utf8_valid(nb_strings_get(&images.names, i), nb_strings_len(&images.names, i)));
        }
        nb_image_inputs_free(&images);
    }
    return 0;
}
