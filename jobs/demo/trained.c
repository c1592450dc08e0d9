#include "jobs/demo/trained.h"

#include "common/base/file.h"

#include <stddef.h>
#include <stdlib.h>

/* A file of the model as bytes of the program, SYMBOL up to SYMBOL_end. */
#define EMBED(symbol, file)                                                                                            \
    __asm__(".section .rodata\n"                                                                                       \
            ".balign 16\n" #symbol ":\n"                                                                               \
            ".incbin \"" NB_DEMO_MODEL "/" file "\"\n" #symbol "_end:\n"                                               \
            ".byte 0\n"                                                                                                \
            ".previous\n");                                                                                            \
    extern const char symbol[], symbol##_end[];

EMBED(nb_demo_config, "config.json")
EMBED(nb_demo_merges, "merges.txt")
EMBED(nb_demo_weights, "model.safetensors")
EMBED(nb_demo_preprocessor, "preprocessor_config.json")
EMBED(nb_demo_vocabulary, "vocab.json")

nb_status nb_demo_trained_write(const char *directory, bool force, nb_error *err)
{
    static const struct {
        const char *name, *begin, *end;
    } files[] = {
        {"config.json", nb_demo_config, nb_demo_config_end},
        {"merges.txt", nb_demo_merges, nb_demo_merges_end},
        {"preprocessor_config.json", nb_demo_preprocessor, nb_demo_preprocessor_end},
        {"vocab.json", nb_demo_vocabulary, nb_demo_vocabulary_end},
        {"model.safetensors", nb_demo_weights, nb_demo_weights_end},
    };
    nb_status status = NB_OK;
    for (size_t i = 0; i < sizeof files / sizeof *files && status == NB_OK; i++) {
        char *path = NULL;
        status = nb_path_join(&path, directory, files[i].name, err);
        if (status == NB_OK) {
            status = nb_file_write(path, force, files[i].begin, (size_t)(files[i].end - files[i].begin), err);
        }
        free(path);
    }
    return status;
}
