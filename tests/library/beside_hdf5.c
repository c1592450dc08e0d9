/* A program that uses HDF5 itself beside libnegbank: what it has set for HDF5 is the same before and after banks are
 * opened, one that is sound (the first argument) and one that is not (the second). Prints what is not. */
#include "scoring/negbank.h"

#include <hdf5.h>
#include <stdio.h>

enum { ZSTD = 32015 };

static int printed, failed;

static herr_t print(hid_t stack, void *data)
{
    (void)stack;
    ++*(int *)data;
    return 0;
}

static void check(int holds, const char *when, const char *what)
{
    if (!holds) {
        printf("%s: %s\n", when, what);
        failed = 1;
    }
}

static herr_t count(unsigned n, const H5E_error2_t *entry, void *out)
{
    (void)n, (void)entry;
    ++*(int *)out;
    return 0;
}

/* Errors on HDF5's stack; looking does not change it. */
static int errors(void)
{
    int found = 0;
    H5Ewalk2(H5E_DEFAULT, H5E_WALK_DOWNWARD, count, &found);
    return found;
}

/* A file with a link into another, which HDF5 follows as long as it knows external links. */
static hid_t make_linked(void)
{
    hid_t target = H5Fcreate("target.h5", H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    hid_t group = H5Gcreate2(target, "group", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    H5Gclose(group);
    H5Fclose(target);
    hid_t file = H5Fcreate("linked.h5", H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    H5Lcreate_external("target.h5", "/group", file, "far", H5P_DEFAULT, H5P_DEFAULT);
    return file;
}

static void look(hid_t file, int on_stack, const char *when)
{
    H5E_auto2_t function = NULL;
    void *data = NULL;
    check(errors() == on_stack, when, "the error stack is another");
    H5Eget_auto2(H5E_DEFAULT, &function, &data);
    check(function == print && data == &printed, when, "errors are printed otherwise");
    check(H5Lis_registered(H5L_TYPE_EXTERNAL) > 0, when, "external links are unknown");
    check(H5Zfilter_avail(ZSTD) == 0, when, "a filter was added");
    int before = printed;
    check(H5Gopen2(file, "nothing", H5P_DEFAULT) < 0 && printed == before + 1, when, "an error of ours is not printed");
    hid_t group = H5Gopen2(file, "far", H5P_DEFAULT);
    check(group >= 0, when, "an external link is not followed");
    H5Gclose(group);
}

int main(int argc, char **argv)
{
    char message[1024];
    negbank_bank *bank;
    if (argc != 3) {
        return 2;
    }
    H5Eset_auto2(H5E_DEFAULT, print, &printed);
    hid_t file = make_linked();
    ssize_t open = H5Fget_obj_count((hid_t)H5F_OBJ_ALL, H5F_OBJ_ALL);
    look(file, 0, "before");

    H5Gopen2(file, "nothing", H5P_DEFAULT);
    int on_stack = errors(), before = printed;
    check(on_stack > 0, "before", "no error on the stack");
    int code = negbank_open(&bank, argv[1], message, sizeof message);
    check(code == NEGBANK_OK, "a sound bank", message);
    check(printed == before, "a sound bank", "an error of the library was printed");
    look(file, on_stack, "a sound bank");
    negbank_close(bank);

    before = printed;
    H5Gopen2(file, "nothing", H5P_DEFAULT);
    code = negbank_open(&bank, argv[2], message, sizeof message);
    check(code != NEGBANK_OK && printed == before + 1, "a damaged bank", "it opens, or its errors are printed");
    look(file, on_stack, "a damaged bank");
    check(H5Fget_obj_count((hid_t)H5F_OBJ_ALL, H5F_OBJ_ALL) == open, "at the end", "something is open");
    H5Fclose(file);
    return failed;
}
