/* Image marks: what is read is the whole file, sound, of these images; whatever is marked, the look at the images
 * counts every one of them. The first byte chooses: the rest is the file (0); the file without its digest, which is put
 * behind it (1); what stands between the title and the digest (2); or changes to a sound file, two bytes a change:
 * where, exclusive-or (3). */
#include "fuzz/fuzz.h"

#include "common/base/digest.h"
#include "common/base/file.h"
#include "mining/images/check.h"
#include "mining/images/done_marks.h"

enum { IMAGES = 6, DIGEST = 64, CAPACITY = 4096 };

static const nb_comm alone = {.handle = MPI_COMM_NULL, .size = 1};
static const nb_log silent;

/* Images that are not there: one that is looked at is left out. */
static void open_inputs(nb_image_inputs *in)
{
    nb_error err = {0};
    *in = (nb_image_inputs){.count = IMAGES, .limits = nb_image_limits_default()};
    in->labels = calloc(IMAGES, sizeof *in->labels);
    require(in->labels != NULL);
    for (int i = 0; i < IMAGES; i++) {
        char path[64];
        int len = snprintf(path, sizeof path, "/dev/null/%d.png", i);
        require(nb_strings_push(&in->paths, path, (size_t)len, &err) == NB_OK);
        require(nb_strings_push(&in->names, path, (size_t)len, &err) == NB_OK);
    }
}

/* The file's bytes as they should be, with these marks. */
static size_t write_sound(uint8_t *out, const uint8_t *done_marks, const nb_image_inputs *in)
{
    nb_error err = {0};
    char path[96], *bytes;
    size_t len;
    snprintf(path, sizeof path, "%s/marks", memory_folder());
    require(nb_done_marks_write(done_marks, in, path, &err) == NB_OK);
    require(nb_file_read(path, CAPACITY, &bytes, &len, &err) == NB_OK && len > IMAGES + DIGEST);
    memcpy(out, bytes, len);
    free(bytes);
    return len;
}

static void look(nb_image_inputs *in, const uint8_t *done_marks, const char *path)
{
    nb_error err = {0};
    const nb_images_check_options options = {.path = path, .resume = true};
    size_t dropped = 0, good = 0;
    for (int i = 0; i < IMAGES; i++) {
        good += done_marks[i] == 1;
    }
    nb_status status = nb_images_check(&alone, &silent, in, &options, &dropped, &err);
    require_message(status, &err);
    require(status == (good ? NB_OK : NB_ERR_INPUT) && dropped == IMAGES - good);
    require(!good || (in->count == good && in->paths.count == good));
}

/* The file that the data stand for; returns its length. */
static size_t make_file(uint8_t *out, const uint8_t *data, size_t len, int choice, const nb_image_inputs *in)
{
    static const uint8_t some[IMAGES] = {1, 0, 2, 1, 255, 3};
    size_t head = 0;
    if (choice >= 2) {
        size_t whole = write_sound(out, some, in);
        head = whole - DIGEST - IMAGES;
        for (size_t i = 0; choice == 3 && i + 1 < len; i += 2) {
            out[data[i] % whole] ^= data[i + 1];
        }
        if (choice == 3) {
            return whole;
        }
    }
    memcpy(out + head, data, len);
    len += head;
    if (choice) {
        memcpy(out + len, nb_digest_bytes(out, len).hex, DIGEST);
        len += DIGEST;
    }
    return len;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t bytes[2 * CAPACITY], sound[CAPACITY], done_marks[IMAGES];
    nb_image_inputs in;
    char path[96];
    if (!size || size > CAPACITY) {
        return 0;
    }
    open_inputs(&in);
    size_t len = make_file(bytes, data + 1, size - 1, data[0] & 3, &in);
    put_file(memory_folder(), "given", bytes, len);
    snprintf(path, sizeof path, "%s/given", memory_folder());
    if (nb_done_marks_read(done_marks, &in, path)) {
        require(write_sound(sound, done_marks, &in) == len && memcmp(sound, bytes, len) == 0);
    } else {
        require(memcmp(done_marks, (uint8_t[IMAGES]){0}, IMAGES) == 0);
        require((data[0] & 3) != 2 || size != 1 + IMAGES);
    }
    look(&in, done_marks, path);
    nb_image_inputs_free(&in);
    return 0;
}
