#include "jobs/commands.h"

static const nb_command *const commands[] = {
    &nb_command_corpus,         &nb_command_embed_text,     &nb_command_embed_images,
    &nb_command_store_import,   &nb_command_store_export,   &nb_command_mine,
    &nb_command_score,          &nb_command_eval,           &nb_command_inspect_info,
    &nb_command_inspect_verify, &nb_command_inspect_diff,   &nb_command_inspect_export,
    &nb_command_inspect_tokens, &nb_command_inspect_pixels, &nb_command_demo,
    &nb_command_check,          &nb_command_tune,           &nb_command_run,
    &nb_command_plan,           &nb_command_publish,        &nb_command_pull,
    &nb_command_key_new,        &nb_command_key_show,       &nb_command_help};

nb_command_list nb_commands(void)
{
    return (nb_command_list){.all = commands, .count = sizeof commands / sizeof *commands};
}
