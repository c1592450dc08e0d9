#!/usr/bin/env python3
"""Numbers of the program beside those of a reference, without NumPy.

  near_reference.py columns WHY.tsv FOLDER SUFFIX    the table of --explain and FOLDER/NAME SUFFIX.npy
  near_reference.py scores S.tsv SCORES.npz ARRAY    a score file and an array of reference scores, in their order
  near_reference.py mean M.json MOST                 the mean FPR95 (ID positive) of eval over its sets, in percent
  near_reference.py auroc A.json B.json POINTS       the AUROC of two evals, set by set, at most POINTS apart

Prints what it compared, and exits with 1 where they are too far apart.
"""
import json
import math
import struct
import sys
import zipfile

COLUMNS = {"id_activation": "id_activation", "log_prior": "logw", "evidence": "evidence", "sigma": "sigma",
           "central": "central"}
TOLERANCE = 1e-5  # of a column's values, beside 1 or relative to them
SCORES = 1e-4


def numbers(data):
    """The numbers of a one-dimensional .npy of doubles."""
    if data[:8] != b"\x93NUMPY\x01\x00" or b"'<f8'" not in data[:128]:
        sys.exit("not a .npy of doubles")
    begin = 10 + struct.unpack("<H", data[8:10])[0]
    return struct.unpack("<%dd" % ((len(data) - begin) // 8), data[begin:])


def table(path):
    """Columns of a table by name; lines that begin with # are comments."""
    with open(path, encoding="utf-8") as file:
        lines = [line.rstrip("\n").split("\t") for line in file if not line.startswith("#")]
    return {name: [line[k] for line in lines[1:]] for k, name in enumerate(lines[0])}


def compare(what, got, want, gap, most):
    """Ends the program unless gap(got, want) is at most `most` everywhere."""
    if len(got) != len(want):
        sys.exit("%s: %d values, %d expected" % (what, len(got), len(want)))
    far = max(gap(a, b) for a, b in zip(got, want))
    print("%s: %d values, within %.2g" % (what, len(got), far))
    if not far <= most:
        sys.exit("%s: %g apart, more than %g" % (what, far, most))


def relative(a, b):
    """Relative to the reference, or absolute where that is tiny; no number counts as infinitely far."""
    gap = abs(a - b) / max(abs(b), 1e-6)
    return math.inf if math.isnan(gap) else gap


def columns(path, folder, suffix):
    """Every column of the criterion; small ones count relatively too, else nothing they hold would be seen."""
    of = table(path)
    for name, file in COLUMNS.items():
        with open("%s/%s%s.npy" % (folder, file, suffix), "rb") as data:
            want = numbers(data.read())
        compare(name, [float(x) for x in of[name]], want, relative, TOLERANCE)


def scores(path, archive, name):
    """Scores, absolutely."""
    with zipfile.ZipFile(archive) as data:
        want = numbers(data.read(name + ".npy"))
    compare(name, [float(x) for x in table(path)["score"]], want, lambda a, b: abs(a - b), SCORES)


def datasets(path):
    """What eval measured, by set."""
    with open(path, encoding="utf-8") as file:
        return json.load(file)["datasets"]


def mean(path, most):
    """The bound on the mean."""
    values = [one["fpr95_id_positive"] for one in datasets(path).values()]
    value = 100 * sum(values) / len(values)
    print("mean FPR95 of %d sets: %.2f %%, at most %.2f %%" % (len(values), value, float(most)))
    if not value <= float(most):
        sys.exit("mean FPR95 %.3f %% is over %s %%" % (value, most))


def auroc(path, other, points):
    """The largest difference of AUROC."""
    a, b = datasets(path), datasets(other)
    compare("AUROC in points", [100 * a[k]["auroc"] for k in sorted(a)], [100 * b[k]["auroc"] for k in sorted(b)],
            lambda x, y: abs(x - y), float(points))


if __name__ == "__main__":
    {"columns": columns, "scores": scores, "mean": mean, "auroc": auroc}[sys.argv[1]](*sys.argv[2:])
