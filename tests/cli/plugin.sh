#!/usr/bin/env bash
# Other programs read our files through the plugin of the zstd filter: h5dump and h5py, a bank of each precision, a
# store and a corpus, beside what the program itself exports.
. "$TESTS/cli/world.bash" || exit 1
: "${PLUGIN:?folder of libh5zstd.so}"
make_stores
for precision in fp32 int8; do
    done_ mine -q --texts t.nbe --labels w/labels.txt --model w/model --id-images i.nbe --reject none --count 50 \
        --bank-precision $precision -o $precision.nbank
done
mv b.nbank fp16.nbank
for precision in fp32 fp16 int8; do run 0 "$TOOLS/add_proxies" $precision.nbank proxies-$precision.nbank; done

case_ 'the plugin needs no HDF5 library'
nm -D --undefined-only "$PLUGIN/libh5zstd.so" >symbols || die 'nm cannot read the plugin'
grep -q 'ZSTD_' symbols || die 'it does not use zstd'
grep -q ' H5' symbols && die 'it calls HDF5'
objdump -p "$PLUGIN/libh5zstd.so" | grep -q 'NEEDED.*hdf5' && die 'it is linked to HDF5'

export HDF5_PLUGIN_PATH=$PLUGIN
case_ 'h5dump reads a bank and a corpus'
run 0 "$NEGBANK" inspect info fp16.nbank
width=$(awk '$1 == "width" { print $2 }' out)
run 0 h5dump -d /negatives/embeddings -y -w 1 fp16.nbank
[ "$(grep -cE '^ *-?[0-9]+(\.[0-9]+)?(e-?[0-9]+)?,?$' out)" = $((50 * width)) ] || die 'h5dump prints too few numbers'
run 0 h5dump -d /texts/offsets -y -w 1 c.nbc
[ "$(grep -cE '^ *[0-9]+,?$' out)" -ge 100 ] || die 'h5dump prints too few numbers'
case_ 'without the plugin h5dump has no data'
HDF5_PLUGIN_PATH=/nowhere h5dump -d /negatives/embeddings -y -w 1 fp16.nbank >out 2>err
[ "$(grep -cE '^ *-?[0-9]+(\.[0-9]+)?(e-?[0-9]+)?,?$' out)" = 0 ] || die 'the plugin was not needed'

/usr/bin/python3 -c 'import h5py' 2>/dev/null || {
    echo "skipped: python3-h5py is absent"
    exit 77
}
cat >read.py <<'PYTHON'
import hashlib, json, sys
import h5py
import numpy as np

name = sys.argv[1]
with h5py.File(name + ".nbank", "r") as f:
    assert f.userblock_size == 512 and f.attrs["format"] == (2 if "proxies" in f else 1)
    digests = json.loads(f["digests"][()])
    seen = []
    f.visititems(lambda path, item: seen.append(path) if isinstance(item, h5py.Dataset) and path != "digests" else None)
    assert sorted(seen) == sorted(digests["datasets"])
    for path in seen:
        data = f[path][()]
        raw = data + b"\0" if isinstance(data, bytes) else data.tobytes()
        assert hashlib.sha256(raw).hexdigest() == digests["datasets"][path], path
    lines = "".join("%s %s\n" % (k, digests["datasets"][k]) for k in sorted(digests["datasets"], key=str.encode))
    assert hashlib.sha256(lines.encode()).hexdigest() == digests["all"]
    n = f["negatives"]
    rows = n["embeddings"][()].astype(np.float64)
    if name.endswith("int8"):
        assert n["embeddings"].dtype == np.int8
        rows = n["centre"][()] + n["scales"][()].astype(np.float64)[:, None] * n["columns"][()].astype(np.float64) * rows
    else:
        assert n["embeddings"].dtype == (np.float16 if name.endswith("fp16") else np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    assert abs(rows - np.load("rows.npy")).max() < 1e-6
    texts = n["texts/bytes"][()].tobytes().split(b"\0")[:-1]
    assert texts == open("texts.txt", "rb").read().split(b"\n")[:-1] and len(texts) == 50
    labels = f["labels/embeddings"][()].astype(np.float64)
    assert abs(labels / np.linalg.norm(labels, axis=1, keepdims=True) - np.load("labels.npy")).max() < 1e-6
print("read", len(texts))
PYTHON
for precision in fp32 fp16 int8 proxies-fp32 proxies-fp16 proxies-int8; do
    case_ "h5py reads a bank of $precision"
    done_ inspect export -q $precision.nbank --force --texts texts.txt --embeddings rows.npy --labels labels.txt \
        --label-embeddings labels.npy
    run 0 /usr/bin/python3 read.py $precision
    prints 'read 50'
done
case_ 'h5py reads a store'
run 0 "$NEGBANK" store export -q t.nbe --embeddings t.npy
cat >store.py <<'PYTHON'
import h5py
import numpy as np

with h5py.File("t.nbe", "r") as f:
    assert np.array_equal(f["embeddings"][()], np.load("t.npy"))
    assert len(f["names/offsets"]) == len(f["norms"]) + 1
    assert bytes(f["names/bytes"][()]).count(0) == len(f["norms"])
PYTHON
run 0 /usr/bin/python3 store.py
finish
