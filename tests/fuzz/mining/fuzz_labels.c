/* Label files: read, a label a line and none of them blank, or refused with a message. */
#include "fuzz/fuzz.h"

#include "mining/corpus/text/labels.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char path[96];
    const char *folder = memory_folder();
    const nb_log silent = {0};
    nb_error err = {0};
    nb_strings labels;
    snprintf(path, sizeof path, "%s/labels", folder);
    put_file(folder, "labels", data, size);
    nb_status status = nb_labels_read(&labels, path, &silent, &err);
    require_message(status, &err);
    require(status == NB_OK || !labels.count);
    for (size_t i = 0; i < labels.count; i++) {
        require(nb_strings_len(&labels, i) && nb_strings_len(&labels, i) <= NB_LABEL_BYTES_MAX);
    }
    nb_strings_free(&labels);
    return 0;
}
