#include "jobs/pull/pull_subject.h"

#include <string.h>

/* A field of the comment and what it is compared with. */
typedef struct field {
    const char *key, *want;
} field;

enum { VALUE_MAX = 1024 };

/* Fails when the signature names something else, or, where `want` is asked for, nothing. */
static nb_status pull_subject_compare(const nb_signature *signature, const field *f, const char *shown, nb_error *err)
{
    char said[VALUE_MAX];
    if (!f->want) {
        return NB_OK;
    }
    if (!nb_signature_field(signature, f->key, said, sizeof said)) {
        return nb_fail(err, NB_ERR_VERIFY, "the signature of '%s' does not say of which %s it is; '%s' was asked for",
                       shown, f->key, f->want);
    }
    if (strcmp(said, f->want) == 0) {
        return NB_OK;
    }
    nb_fail(err, NB_ERR_VERIFY, "'%s' is signed as %s '%s', not '%s'", shown, f->key, said, f->want);
    return nb_hint(err, "the server has another bank of that key there");
}

nb_status nb_pull_subject_check(const nb_signature *signature, const nb_pull_subject *asked, const nb_log *log,
                                nb_error *err)
{
    char said[VALUE_MAX];
    bool named = nb_signature_field(signature, "name", said, sizeof said);
    bool by_name = asked->name && (named || !asked->by_index);
    const field fields[] = {{"file", by_name ? NULL : asked->file},
                            {"name", by_name ? asked->name : NULL},
                            {"version", named || !asked->by_index ? asked->version : NULL},
                            {"sha256", named ? asked->sha256 : NULL}};
    nb_status status = NB_OK;
    for (size_t i = 0; i < sizeof fields / sizeof *fields && status == NB_OK; i++) {
        status = pull_subject_compare(signature, &fields[i], asked->shown, err);
    }
    if (status == NB_OK && !named) {
        nb_log_warn(log, "the signature of '%s' names its file alone, no version: an older one would pass as well",
                    asked->shown);
    }
    return status;
}
