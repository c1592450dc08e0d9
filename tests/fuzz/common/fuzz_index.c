/* Indexes: any bytes are read or refused; what is read survives writing, and a signature is never made up. */
#include "fuzz/fuzz.h"

#include "common/transfer/index.h"
#include "jobs/publish/site.h"

static void check_round_trip(nb_index *index)
{
    nb_error err = {0};
    nb_index again;
    nb_buffer text = {0};
    json_int_t serial = index->serial;
    require(nb_index_write(index, NULL, &text, &err) == NB_OK);
    require(nb_index_parse(&again, "again", text.data, text.len, &err) == NB_OK);
    require(again.serial == serial && !again.signature);
    require(json_array_size(again.banks) == json_array_size(index->banks));
    nb_index_free(&again);
    nb_buffer_free(&text);
}

/* Whatever the texts of an index hold, none of them opens a tag on the page. */
static void check_page(const nb_index *index)
{
    nb_error err = {0};
    nb_buffer page = {0};
    require(nb_site_render(&page, index, NULL, &err) == NB_OK);
    const char *end = strstr(page.data, "</section><p id=\"none\"");
    require(end != NULL && strlen(page.data) == page.len);
    size_t scripts = 0;
    for (const char *p = page.data; (p = strcasestr(p, "<script")) != NULL; p++) {
        scripts++;
    }
    require(scripts == 1);
    nb_buffer_free(&page);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const nb_public_key nobody;
    nb_error err = {0};
    nb_index index;
    nb_status status = nb_index_parse(&index, "fuzz", (const char *)data, size, &err);
    require_message(status, &err);
    require(status == NB_OK || status == NB_ERR_INPUT || status == NB_ERR_VERIFY || status == NB_ERR_LIMIT);
    if (status == NB_OK) {
        require(nb_index_verify(&index, "fuzz", &(nb_trusted_keys){&nobody, 1}, &err) == NB_ERR_VERIFY);
        check_page(&index);
        check_round_trip(&index);
        nb_index_free(&index);
    }
    return 0;
}
