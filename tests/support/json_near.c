/* json_near A.json PATH.TO.A B.json PATH.TO.B SCALE TOLERANCE: fails unless |A * SCALE - B| <= TOLERANCE. */
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static double number_at(const char *file, char *path)
{
    json_t *root = json_load_file(file, 0, NULL);
    const json_t *at = root;
    char *rest = path, *key;
    while ((key = strsep(&rest, "/")) != NULL) {
        at = json_object_get(at, key);
    }
    double value = json_is_number(at) ? json_number_value(at) : (double)NAN;
    json_decref(root);
    return value;
}

int main(int argc, char *argv[])
{
    if (argc != 7) {
        fprintf(stderr, "usage: json_near A.json a/b/c B.json d/e SCALE TOLERANCE\n");
        return 2;
    }
    double a = number_at(argv[1], argv[2]) * strtod(argv[5], NULL), b = number_at(argv[3], argv[4]);
    double gap = fabs(a - b);
    printf("%s %s: %.6f, expected %.6f, difference %.2g\n", argv[1], argv[2], a, b, gap);
    return gap <= strtod(argv[6], NULL) ? 0 : 1;
}
