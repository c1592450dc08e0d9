/* png_inks FILE [X Y W H RRGGBB]: the size of a picture; or how many pixels of a rectangle have about this colour. */
#include "common/image/decode.h"

#include <stdio.h>
#include <stdlib.h>

static int distance(const uint8_t *pixel, unsigned long rgb)
{
    return abs(pixel[0] - (int)(rgb >> 16 & 255)) + abs(pixel[1] - (int)(rgb >> 8 & 255)) +
           abs(pixel[2] - (int)(rgb & 255));
}

int main(int argc, char *argv[])
{
    nb_error err = {0};
    nb_image image;
    if ((argc != 2 && argc != 7) || nb_image_read(&image, argv[1], &err) != NB_OK) {
        fprintf(stderr, "usage: png_inks FILE [X Y W H RRGGBB] %s\n", err.message);
        return 2;
    }
    if (argc == 2) {
        printf("%zu %zu\n", image.width, image.height);
    } else {
        size_t side[4];
        size_t count = 0;
        for (int i = 0; i < 4; i++) {
            side[i] = (size_t)strtoul(argv[2 + i], NULL, 10);
        }
        unsigned long rgb = strtoul(argv[6], NULL, 16);
        for (size_t y = side[1]; y < side[1] + side[3] && y < image.height; y++) {
            for (size_t x = side[0]; x < side[0] + side[2] && x < image.width; x++) {
                count += distance(image.rgb + 3 * (y * image.width + x), rgb) < 24;
            }
        }
        printf("%zu\n", count);
    }
    nb_image_free(&image);
    return 0;
}
