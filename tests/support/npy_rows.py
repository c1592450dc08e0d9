#!/usr/bin/env python3
"""Rows of .npy files under another name, without NumPy.

  npy_rows.py OUT.npy IN.npy[ROWS]...    ROWS: numbers and ranges from:to:step as Python has them, with *TIMES behind, and
                                         commas between; absent: all
"""
import ast
import struct
import sys


def read(path):
    """Type, shape of a row, and the rows' bytes."""
    with open(path, "rb") as file:
        data = file.read()
    begin = 10 + struct.unpack("<H", data[8:10])[0]
    about = ast.literal_eval(data[10:begin].decode())
    count = about["shape"][0]
    size = (len(data) - begin) // count
    return about["descr"], about["shape"][1:], [data[begin + i * size:begin + (i + 1) * size] for i in range(count)]


def pick(rows, what):
    """The rows asked for."""
    if not what:
        return rows
    out = []
    for part in what.rstrip("]").split(","):
        part, _, times = part.partition("*")
        ends = [int(x) if x else None for x in part.split(":")]
        out += (rows[slice(*ends)] if len(ends) > 1 else [rows[ends[0]]]) * int(times or 1)
    return out


def main(out, *sources):
    """Writes them."""
    kept = []
    for source in sources:
        path, _, what = source.partition("[")
        kind, row, rows = read(path)
        kept += pick(rows, what)
    header = "{'descr': '%s', 'fortran_order': False, 'shape': %s, }" % (kind, (len(kept),) + row)
    header += " " * (-(len(header) + 11) % 64) + "\n"
    with open(out, "wb") as file:
        file.write(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode() + b"".join(kept))


if __name__ == "__main__":
    main(*sys.argv[1:])
