/* What unit tests share: the includes cmocka wants, reference data, small files. */
#ifndef NB_TESTS_SUPPORT_H
#define NB_TESTS_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* after the four headers above */
#include <cmocka.h>

#include "common/base/file.h"
#include "common/base/memory.h"
#include "common/base/status.h"

/* 1 where the address sanitizer makes programs several times slower, else 0. */
#define NB_SANITIZED 0
#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#undef NB_SANITIZED
#define NB_SANITIZED 1
#endif
#endif

/* The functions that return a path: in a static buffer valid until the eighth next call of any of them. */

/* "tests/golden/NAME", the reference numbers of the authors' code. Fails the test when the file or folder is missing.
 */
const char *golden_path(const char *name);

/* Skips the running test, with a word, where the data beside the checkout that are too large for it ("data/...") lack
 * NAME. To be called before the test allocates anything: skipping does not return. */
void need_shared(const char *name);
/* Its path; fails the test when it is missing. */
const char *shared_path(const char *name);

/* "FOLDER/NAME" like shared_path, in a fresh folder under $TMPDIR (or /tmp) for one process's files; the same folder at
 * every call. It is removed at the process's end, also when that is killed. */
const char *scratch_path(const char *name);
/* "FOLDER/absent/NAME" in that folder, in a static buffer: a path that leads through a folder that is not there. */
const char *absent_path(const char *name);

/* Fails the test with the error's message unless status is NB_OK. */
void must(nb_status status, const nb_error *err);
/* Fails the test unless the call failed with `want` and its message or hint contains `word`. */
void must_fail(nb_status status, nb_status want, const nb_error *err, const char *word);

#endif
