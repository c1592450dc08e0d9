"""Puts a file of golden/torch together: python3 torch_file.py GOLDEN NAME OUT. Single precision under Hugging Face's names
only; tests/support/weights/torch_files.c knows all."""
import hashlib
import json
import struct
import sys

golden, name, out = sys.argv[1:]
with open(f"{golden}/tiny-quickgelu/model.safetensors", "rb") as f:
    header = json.loads(f.read(struct.unpack("<Q", f.read(8))[0]))
    data = f.read()
rest = open(f"{golden}/torch/{name}.rest", "rb").read()
whole = b""
for line in open(f"{golden}/torch/{name}.parts"):
    kind, what = line.split()
    if kind == "sha256":
        digest = what
    elif kind == "rest":
        whole, rest = whole + rest[:int(what)], rest[int(what):]
    elif kind == "i64":
        whole += struct.pack(f"<{what}q", *range(int(what)))
    else:
        assert kind == "f32", line
        begin, end = header[what]["data_offsets"]
        whole += data[begin:end]
assert hashlib.sha256(whole).hexdigest() == digest
open(out, "wb").write(whole)
