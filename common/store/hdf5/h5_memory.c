#include "common/store/hdf5/h5_memory.h"

#include "common/store/hdf5/h5_error.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* What HDF5 holds: its own part comes first. */
typedef struct held {
    H5FD_t public;
    nb_h5_memory *memory;
    haddr_t end_of_address, end_of_file;
} held;

void nb_h5_memory_free(nb_h5_memory *m)
{
    if (m && m->fd >= 0) {
        close(m->fd);
    }
    free(m);
}

static H5FD_t *h5_memory_open_file(const char *name, unsigned flags, hid_t access, haddr_t most)
{
    held *f = calloc(1, sizeof *f);
    nb_h5_memory *m = calloc(1, sizeof *m);
    (void)name, (void)flags, (void)access, (void)most;
    if (f && m && (m->fd = memfd_create("negbank", MFD_CLOEXEC)) >= 0) {
        f->memory = m;
        return &f->public;
    }
    free(f);
    free(m);
    return NULL;
}

static herr_t h5_memory_close_file(H5FD_t *public)
{
    held *f = (held *)public;
    if (!f->memory->kept) {
        nb_h5_memory_free(f->memory);
    }
    free(f);
    return 0;
}

static int h5_memory_compare(const H5FD_t *a, const H5FD_t *b)
{
    return (a > b) - (a < b);
}

/* Those of HDF5's own driver for plain files: where things lie in the file depends on them. */
static herr_t h5_memory_query(const H5FD_t *public, unsigned long *features)
{
    (void)public;
    *features = H5FD_FEAT_AGGREGATE_METADATA | H5FD_FEAT_ACCUMULATE_METADATA | H5FD_FEAT_DATA_SIEVE |
                H5FD_FEAT_AGGREGATE_SMALLDATA | H5FD_FEAT_POSIX_COMPAT_HANDLE | H5FD_FEAT_SUPPORTS_SWMR_IO |
                H5FD_FEAT_DEFAULT_VFD_COMPATIBLE;
    return 0;
}

static haddr_t h5_memory_get_end_of_address(const H5FD_t *public, H5FD_mem_t type)
{
    (void)type;
    return ((const held *)public)->end_of_address;
}

static herr_t h5_memory_set_end_of_address(H5FD_t *public, H5FD_mem_t type, haddr_t end)
{
    (void)type;
    ((held *)public)->end_of_address = end;
    return 0;
}

static haddr_t h5_memory_get_end_of_file(const H5FD_t *public, H5FD_mem_t type)
{
    (void)type;
    return ((const held *)public)->end_of_file;
}

static herr_t h5_memory_get_handle(H5FD_t *public, hid_t access, void **handle)
{
    (void)access;
    *handle = ((held *)public)->memory;
    return 0;
}

static herr_t h5_memory_read_file(H5FD_t *public, H5FD_mem_t type, hid_t list, haddr_t at, size_t size, void *buffer)
{
    const held *f = (const held *)public;
    char *out = buffer;
    (void)type, (void)list;
    while (size) {
        ssize_t got = pread(f->memory->fd, out, size, (off_t)at);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            return -1;
        }
        if (got == 0) { /* behind the end, or lost with a write that failed */
            memset(out, 0, size);
            return 0;
        }
        out += got;
        at += (haddr_t)got;
        size -= (size_t)got;
    }
    return 0;
}

static void h5_memory_remember(nb_h5_memory *m, int cause)
{
    m->cause = m->cause ? m->cause : cause;
}

static herr_t h5_memory_write_file(H5FD_t *public, H5FD_mem_t type, hid_t list, haddr_t at, size_t size,
                                   const void *buffer)
{
    held *f = (held *)public;
    const char *bytes = buffer;
    (void)type, (void)list;
    f->end_of_file = at + size > f->end_of_file ? at + size : f->end_of_file;
    if (bytes == f->memory->left_out && bytes) {
        f->memory->left_out_at = at;
        return 0;
    }
    while (size && !f->memory->cause) {
        ssize_t put = pwrite(f->memory->fd, bytes, size, (off_t)at);
        if (put < 0 && errno == EINTR) {
            continue;
        }
        if (put <= 0) {
            h5_memory_remember(f->memory, put < 0 ? errno : ENOSPC);
            break;
        }
        bytes += put;
        at += (haddr_t)put;
        size -= (size_t)put;
    }
    return 0;
}

static herr_t h5_memory_truncate_file(H5FD_t *public, hid_t list, hbool_t closing)
{
    held *f = (held *)public;
    (void)list, (void)closing;
    if (ftruncate(f->memory->fd, (off_t)f->end_of_address) != 0) { /* what is left out may be its end */
        h5_memory_remember(f->memory, errno);
    }
    f->end_of_file = f->end_of_address;
    return 0;
}

nb_status nb_h5_memory_use(hid_t access, nb_error *err)
{
    const H5FD_class_t class = {
#ifdef H5FD_CLASS_VERSION /* since HDF5 1.14; it leaves 256 to 511 to drivers that nobody has registered with it */
        .version = H5FD_CLASS_VERSION,
        .value = 256,
#endif
        .name = "negbank",
        .maxaddr = (haddr_t)INT64_MAX,
        .fc_degree = H5F_CLOSE_WEAK,
        .open = h5_memory_open_file,
        .close = h5_memory_close_file,
        .cmp = h5_memory_compare,
        .query = h5_memory_query,
        .get_eoa = h5_memory_get_end_of_address,
        .set_eoa = h5_memory_set_end_of_address,
        .get_eof = h5_memory_get_end_of_file,
        .get_handle = h5_memory_get_handle,
        .read = h5_memory_read_file,
        .write = h5_memory_write_file,
        .truncate = h5_memory_truncate_file,
        .fl_map = H5FD_FLMAP_DICHOTOMY};
    hid_t driver = H5FDregister(&class);
    nb_status status = NB_OK;
    if (driver < 0 || H5Pset_driver(access, driver, NULL) < 0) {
        status = nb_h5_fail(err, NB_ERR_INTERNAL, "register", "the driver for files in memory");
    }
    if (driver >= 0) {
        H5FDunregister(driver); /* the list, then the file, holds on to it */
    }
    return status;
}

nb_h5_memory *nb_h5_memory_of(hid_t file)
{
    void *handle = NULL;
    return H5Fget_vfd_handle(file, H5P_DEFAULT, &handle) >= 0 ? handle : NULL;
}

nb_status nb_h5_memory_check(const nb_h5_memory *m, const char *path, nb_error *err)
{
    errno = m->cause;
    return m->cause ? nb_fail_errno(err, NB_ERR_IO, "cannot write '%s'", path) : NB_OK;
}
