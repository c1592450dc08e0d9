#include "scoring/files/image_rows.h"

#include "scoring/scores/score.h"

nb_status nb_image_rows(nb_store *store, size_t begin, size_t count, float *out, nb_error *err)
{
    nb_buffer what = {0};
    nb_status status;
    NB_TRY(nb_buffer_printf(&what, err, "'%s'", store->path));
    NB_TRY(nb_store_rows_float(store, begin, count, out, err));
    NB_TRY(nb_score_normalise(out, count, (size_t)store->plan.width, begin, what.data, err));
done:
    nb_buffer_free(&what);
    return status;
}
