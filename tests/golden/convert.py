#!/usr/bin/env python3
"""convert.py FROM TO CLIP_BPE: what of tests/golden is not a copy of the authors' code's output (README.md, "Conversions").

FROM holds that output, CLIP_BPE vocab.json of the real CLIP vocabulary. Python's standard library alone, so that none of
the code under test takes part.
"""
import hashlib
import json
import os
import struct
import sys
import zlib

BUCKETS = 512


def read_safetensors(path):
    data = open(path, "rb").read()
    (n,) = struct.unpack("<Q", data[:8])
    out = {}
    for name, about in json.loads(data[8 : 8 + n]).items():
        if name != "__metadata__":
            begin, end = (8 + n + at for at in about["data_offsets"])
            out[name] = about["shape"], struct.unpack("<%df" % ((end - begin) // 4), data[begin:end])
    return out


def write_safetensors(path, tensors):
    header, data = {}, b""
    for name, (shape, values) in tensors.items():
        bytes_ = struct.pack("<%df" % len(values), *values)
        header[name] = {"dtype": "F32", "shape": shape, "data_offsets": [len(data), len(data) + len(bytes_)]}
        data += bytes_
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    open(path, "wb").write(struct.pack("<Q", len(text)) + text + data)


def sketch(shape, values):
    """A tensor of more than BUCKETS elements: its count sketch, as tests/support/sketch.h; a smaller one: itself."""
    if len(values) <= BUCKETS:
        return shape, values
    sums, mask = [0.0] * BUCKETS, 2**64 - 1
    for i, value in enumerate(values):
        h = (i + 1) * 0x9E3779B97F4A7C15 & mask
        h = (h ^ h >> 30) * 0xBF58476D1CE4E5B9 & mask
        h = (h ^ h >> 27) * 0x94D049BB133111EB & mask
        h ^= h >> 31
        sums[h >> 55] += -value if h & 1 else value
    return [BUCKETS], sums


def png_pixels(path):
    """The RGB bytes of a PNG of 8-bit RGB without interlacing, which all expected crops are."""
    data, at, idat = open(path, "rb").read(), 8, b""
    while at < len(data):
        length, kind = struct.unpack(">I4s", data[at : at + 8])
        body = data[at + 8 : at + 8 + length]
        if kind == b"IHDR":
            width, height, depth, colour, _, _, interlace = struct.unpack(">IIBBBBB", body)
            assert (width, height, depth, colour, interlace) == (224, 224, 8, 2, 0)
        idat += body if kind == b"IDAT" else b""
        at += 12 + length
    raw, out, above = zlib.decompress(idat), bytearray(), bytes(3 * width)
    for y in range(height):
        kind, line = raw[y * (3 * width + 1)], bytearray(raw[y * (3 * width + 1) + 1 : (y + 1) * (3 * width + 1)])
        for i in range(3 * width):
            a, b, c = (line[i - 3], above[i], above[i - 3]) if i > 2 else (0, above[i], 0)
            paeth = min((a, b, c), key=lambda v: abs(a + b - c - v))
            line[i] = (line[i] + (0, a, b, (a + b) // 2, paeth)[kind]) & 255
        out += line
        above = line
    return bytes(out)


def npy_part(source, target, shape, pick):
    """Some elements of a float32 array, by their flat numbers."""
    data = open(source, "rb").read()
    start = 10 + struct.unpack("<H", data[8:10])[0]
    text = ("{'descr': '<f4', 'fortran_order': False, 'shape': %s, }" % (tuple(shape),)).encode()
    text += b" " * (-(len(text) + 11) % 64) + b"\n"
    body = b"".join(data[start + 4 * i : start + 4 * i + 4] for i in pick)
    open(target, "wb").write(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text + body)


def words(ids, tokens, as_byte):
    """The cleaned words that the ids stand for, a blank after each, without start and end tokens. Of a text that was cut
    at 77 tokens the last character may be half there: it is dropped."""
    text = "".join(tokens[i] for i in ids if i not in (ids[0], ids[-1])).replace("</w>", " ")
    return bytes(as_byte.get(c, 32) for c in text).decode("utf-8", errors="ignore" if len(ids) == 77 else "strict")


def main():
    source, target, bpe = sys.argv[1:4]
    weights = read_safetensors(source + "/tiny-quickgelu/model.safetensors")
    after = read_safetensors(source + "/gradients/cma_weights_step3.safetensors")
    gradients = read_safetensors(source + "/gradients/cma_gradients_step0.safetensors")
    change = {n: (s, [a - b for a, b in zip(v, weights[n][1])]) for n, (s, v) in after.items()}
    for name, tensors in (("cma_gradients_step0", gradients), ("cma_change_step3", change)):
        write_safetensors(f"{target}/gradients/{name}.safetensors", {n: sketch(*t) for n, t in tensors.items()})

    with open(target + "/images/expected/crops.sha256", "w", encoding="utf-8") as out:
        for name in open(source + "/images/images.txt", encoding="utf-8").read().split():
            pixels = png_pixels(f"{source}/images/expected/{name}.png")
            out.write(f"{hashlib.sha256(pixels).hexdigest()}  {name}\n")
    name = "images/expected/01_225x224_l.png.normalized.npy"
    rows = [(c * 224 + y) * 224 + x for c in range(3) for y in range(0, 224, 28) for x in range(224)]
    npy_part(f"{source}/{name}", f"{target}/{name}", [3, 8, 224], rows)
    name = "tiny-gelu/pixels.npy"
    npy_part(f"{source}/{name}", f"{target}/{name}", [2, 3, 48, 48], range(2 * 3 * 48 * 48))

    tokens = {i: t for t, i in json.load(open(bpe + "/vocab.json", encoding="utf-8")).items()}
    shown = [*range(33, 127), *range(161, 173), *range(174, 256)]
    hidden = [b for b in range(256) if b not in shown]
    as_byte = {chr(b): b for b in shown} | {chr(256 + k): b for k, b in enumerate(hidden)}
    with open(target + "/tokenizer/cases.jsonl", "w", encoding="utf-8") as out:
        for line in open(source + "/tokenizer/cases.jsonl", encoding="utf-8"):
            case = json.loads(line)
            row = {"text": case["text"], "words": words(case["ids"], tokens, as_byte), "ids": case["ids"]}
            out.write(json.dumps(row) + "\n")


main()
