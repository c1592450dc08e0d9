"""example.py LIBRARY B.nbank I.npy: the library from Python, without a binding: prints what example.c prints."""
import ctypes as c
import struct
import sys


class Result(c.Structure):
    _fields_ = [("score", c.c_double), ("ood_score", c.c_double), ("label", c.c_int32), ("accepted", c.c_int32)]


library, path, embeddings = sys.argv[1:]
lib = c.CDLL(library)
lib.negbank_width.argtypes = [c.c_void_p]
lib.negbank_width.restype = c.c_size_t
why = c.create_string_buffer(512)


def check(code):
    if code:
        sys.exit(f"{code}: {why.value.decode()}")


bank, scorer = c.c_void_p(), c.c_void_p()
check(lib.negbank_open(c.byref(bank), path.encode(), why, c.c_size_t(512)))
check(lib.negbank_scorer_create(c.byref(scorer), bank, None, None, why, c.c_size_t(512)))
# a later version's results may have more members
check(lib.negbank_scorer_result_size(scorer, c.c_size_t(c.sizeof(Result)), why, c.c_size_t(512)))
data = open(embeddings, "rb").read()
data = data[10 + struct.unpack_from("<H", data, 8)[0]:]
count = len(data) // (4 * lib.negbank_width(bank))
results = (Result * count)()
check(lib.negbank_score(scorer, data, c.c_size_t(count), results, why, c.c_size_t(512)))
for r in results:
    print("%d\t%.9g\t%.9g" % (r.label, r.score, r.ood_score))
lib.negbank_scorer_destroy(scorer)
lib.negbank_close(bank)
