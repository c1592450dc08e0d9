/* Multipart uploads of S3 (the API's CreateMultipartUpload, UploadPart, CompleteMultipartUpload). */
#ifndef NB_COMMON_TRANSFER_S3_H
#define NB_COMMON_TRANSFER_S3_H

#include "common/transfer/upload.h"

/** Uploads a large object in parts, going on where the note of an earlier process says. Not collective.
 *
 * @param http   the connection
 * @param what   the object; its block is enlarged where there would be over 10000 parts. The note is left there
 * @param result set as far as the upload came
 * @return NB_OK, NB_ERR_NETWORK when the server refuses, forgets the upload twice or cannot be reached, NB_STOPPED when
 *         the options say so, NB_ERR_IO when the note cannot be written, NB_ERR_USAGE for half of a pair of keys, or
 *         NB_ERR_LIMIT when memory is out. */
NB_CHECKED nb_status nb_s3_upload(nb_http *http, const nb_upload *what, nb_uploaded *result, nb_error *err);

#endif
