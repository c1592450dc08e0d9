#!/usr/bin/env python3
"""plain_parquet.py FILE GROUPS [NAME]: the lines of standard input as a Parquet file of so many row groups.

Columns: `id`, the number of the row from 0 (INT64), and NAME (caption), the line, null where it is empty. PLAIN, not
compressed. It is written by hand from the format's description, as no package here writes Parquet.
"""
import struct
import sys

I32, I64, BINARY, LIST, STRUCT = 5, 6, 8, 9, 12


def varint(n):
    out = bytearray()
    while n > 127:
        out.append(n & 127 | 128)
        n >>= 7
    out.append(n)
    return bytes(out)


def thrift(*fields):
    """A struct of (id, type, value) in the compact protocol; an integer's value is a number, others' are bytes."""
    out, last = bytearray(), 0
    for number, kind, value in fields:
        out.append((number - last) << 4 | kind)
        last = number
        out += varint(value << 1) if kind in (I32, I64) else value
    return bytes(out) + b"\0"


def text(word):
    return varint(len(word.encode())) + word.encode()


def listed(kind, elements):
    head = bytes([len(elements) << 4 | kind]) if len(elements) < 15 else bytes([15 << 4 | kind]) + varint(len(elements))
    return head + b"".join(elements)


def page(values, body):
    head = thrift((1, I32, 0), (2, I32, len(body)), (3, I32, len(body)),
                  (5, STRUCT, thrift((1, I32, values), (2, I32, 0), (3, I32, 3), (4, I32, 3))))
    return head + body


def main():
    path, groups = sys.argv[1], int(sys.argv[2])
    name = sys.argv[3] if len(sys.argv) > 3 else "caption"
    lines = [line.rstrip(b"\n") for line in sys.stdin.buffer]
    row_groups = []
    with open(path, "wb") as f:
        f.write(b"PAR1")
        for g in range(groups):
            begin, end = len(lines) * g // groups, len(lines) * (g + 1) // groups
            rows = lines[begin:end]
            ids = b"".join(struct.pack("<q", i) for i in range(begin, end))
            levels = b"".join(b"\x02" + bytes([bool(row)]) for row in rows)  # a run each
            texts = b"".join(struct.pack("<I", len(row)) + row for row in rows if row)
            chunks, place = [], f.tell()
            for column, kind, body in (("id", 2, ids), (name, 6, struct.pack("<I", len(levels)) + levels + texts)):
                at = f.tell()
                f.write(page(len(rows), body))
                about = thrift((1, I32, kind), (2, LIST, listed(I32, [varint(0)])), (3, LIST, listed(BINARY, [text(column)])),
                               (4, I32, 0), (5, I64, len(rows)), (6, I64, f.tell() - at), (7, I64, f.tell() - at), (9, I64, at))
                chunks.append(thrift((2, I64, at), (3, STRUCT, about)))
            row_groups.append(thrift((1, LIST, listed(STRUCT, chunks)), (2, I64, f.tell() - place), (3, I64, len(rows))))
        schema = [thrift((4, BINARY, text("schema")), (5, I32, 2)),
                  thrift((1, I32, 2), (3, I32, 0), (4, BINARY, text("id"))),
                  thrift((1, I32, 6), (3, I32, 1), (4, BINARY, text(name)), (6, I32, 0))]
        footer = thrift((1, I32, 1), (2, LIST, listed(STRUCT, schema)), (3, I64, len(lines)),
                        (4, LIST, listed(STRUCT, row_groups)))
        f.write(footer + struct.pack("<I", len(footer)) + b"PAR1")


main()
