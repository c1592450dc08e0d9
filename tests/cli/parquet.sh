#!/usr/bin/env bash
# Parquet beside two writers that npm packages ship, DuckDB and hyparquet-writer: what they write is read, text for text;
# what negbank exports, DuckDB reads. Skips where npm, or what it installs, is not to be had.
. "$TESTS/cli/lib.sh" || exit 1
command -v node >/dev/null && command -v npm >/dev/null || {
    echo 'skipped: node and npm are not installed'
    exit 77
}
mkdir npm
(cd npm && HOME=$T timeout 200 npm install --no-audit --no-fund @duckdb/node-api hyparquet-writer hyparquet-compressors >../npm.log 2>&1 &&
    node -e "require('@duckdb/node-api')" 2>>../npm.log) || {
    echo 'skipped: the npm packages @duckdb/node-api and hyparquet-writer cannot be installed'
    exit 77
}

# 50000 rows: some null, some equal, some empty, some longer than a line of lists has room for.
cat >npm/write.mjs <<'END'
import { writeFileSync } from 'node:fs'
import { gzipSync } from 'node:zlib'
import { DuckDBInstance } from '@duckdb/node-api'
import { parquetWriteBuffer } from 'hyparquet-writer'
const texts = Array.from({ length: 50000 }, (_, i) => i % 11 === 4 ? null : i % 501 === 7 ? '' :
  `a caption, number ${i * 7919 % 30011}` + (i % 3 ? '' : ' of Öl and 猫'.repeat(i % 5)))
writeFileSync('lines.txt', [...new Set(texts.filter(text => text))].map(text => text + '\n').join(''))
const duck = await (await DuckDBInstance.create(':memory:')).connect()
writeFileSync('rows.jsonl', texts.map((caption, id) => JSON.stringify({ id, caption }) + '\n').join(''))
await duck.run(`create table rows as select id, caption, md5(id::varchar) as url from read_json('rows.jsonl', format = 'newline_delimited')`)
for (const codec of ['uncompressed', 'snappy', 'gzip', 'zstd', 'lz4_raw'])
  for (const version of ['v1', 'v2'])
    await duck.run(`copy (from rows order by id) to 'duckdb-${codec}-${version}.parquet'
      (format parquet, compression ${codec}, parquet_version ${version}, row_group_size 4096)`)
await duck.run(`copy (select caption from rows order by caption) to 'duckdb-sorted.parquet' (format parquet, dictionary_size_limit 100000)`)
const write = (name, encoding, options) => writeFileSync(name, Buffer.from(parquetWriteBuffer({
  columnData: [{ name: 'caption', data: texts, type: 'STRING', ...(encoding ? { encoding } : {}) }], ...options })))
write('hyparquet-default.parquet', null, {})
write('hyparquet-delta.parquet', 'DELTA_BYTE_ARRAY', { rowGroupSize: 7000, pageSize: 5000 })
write('hyparquet-length.parquet', 'DELTA_LENGTH_BYTE_ARRAY', { codec: 'GZIP', compressors: { GZIP: bytes => gzipSync(bytes) } })
END
(cd npm && HOME=$T node write.mjs) >out 2>err || die 'the writers fail'
LC_ALL=C sort npm/lines.txt >want.txt
count=0
for file in npm/*.parquet; do
    case_ "$file"
    run 0 "$NEGBANK" corpus -q --force --column caption -o x.nbc "$file"
    run 0 "$NEGBANK" inspect export -q --force x.nbc --texts kept.txt
    same want.txt kept.txt
    count=$((count + 1))
done
[ $count = 14 ] || die "$count files instead of 14"
case_ 'all of them together, on three ranks, by a pattern'
# shellcheck disable=SC2046
run 0 $(mpi 3) "$NEGBANK" corpus --force --column caption -o x.nbc 'npm/*.parquet'
says 'of 700000'
run 0 "$NEGBANK" inspect export -q --force x.nbc --texts kept.txt
same want.txt kept.txt

# ask SQL: what DuckDB answers, as JSON.
cat >npm/ask.mjs <<'END'
import { DuckDBInstance } from '@duckdb/node-api'
const duck = await (await DuckDBInstance.create(':memory:')).connect()
console.log(JSON.stringify((await duck.runAndReadAll(process.argv[2])).getRowsJson()))
END
ask() { HOME=$T node npm/ask.mjs "$1" >out 2>err || die "DuckDB refuses: $1"; }
answers() { [ "$(cat out)" = "$1" ] || die "DuckDB does not answer $1"; }
python3 - <<'P'
import struct
def npy(name, kind, shape, data):
    head = "{'descr': '%s', 'fortran_order': False, 'shape': %s, }" % (kind, shape)
    head += " " * (63 - (len(head) + 10) % 64) + "\n"
    open(name, "wb").write(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(head)) + head.encode() + data)
rows, width = 9000, 640 # two row groups
values = [(1.0 if j == i % width else 0.0) for i in range(rows) for j in range(width)]
npy("e.npy", "<f4", (rows, width), struct.pack("<%df" % len(values), *values))
npy("h.npy", "<f2", (3, 2), struct.pack("<6e", 0.6, 0.8, 1, 0, 0, 1))
npy("l.npy", "<i4", (rows,), struct.pack("<%di" % rows, *[i % 5 - 1 for i in range(rows)]))
open("n.txt", "w").write("".join("image %d é\n" % i for i in range(rows)))
P
case_ 'an exported store of images, as DuckDB reads it'
run 0 "$NEGBANK" store import -q -o s.nbe --embeddings e.npy --names n.txt --labels l.npy
run 0 "$NEGBANK" store export -q s.nbe --parquet s.parquet
ask "select count(*), count(label), min(label), max(label), min(len(embedding)), max(len(embedding)), sum(list_sum(embedding)) from 's.parquet'"
answers '[["9000","7200",0,3,"640","640",9000]]'
ask "select name, label, list_position(embedding, 1) from 's.parquet' where name in ('image 0 é', 'image 6501 é', 'image 8999 é')"
answers '[["image 0 é",null,1],["image 6501 é",0,102],["image 8999 é",3,40]]'
ask "select name, type, converted_type, repetition_type from parquet_schema('s.parquet')"
answers '[["schema",null,null,null],["name","BYTE_ARRAY","UTF8","REQUIRED"],["label","INT32",null,"OPTIONAL"],["embedding",null,"LIST","REQUIRED"],["list",null,null,"REPEATED"],["element","FLOAT",null,"REQUIRED"]]'
case_ 'some rows; one row'
run 0 "$NEGBANK" store export -q --force s.nbe --parquet s.parquet --rows 8990:
ask "select count(*), min(name) from 's.parquet'"
answers '[["10","image 8990 é"]]'
case_ 'a store of texts has tags; half precision is widened'
head -3 n.txt >three.txt
printf 'adj\nnone\nnoun\n' >tags.txt
run 0 "$NEGBANK" store import -q --force -o t.nbe --embeddings h.npy --names three.txt --tags tags.txt
run 0 "$NEGBANK" store export -q --force t.nbe --parquet t.parquet
ask "select name, tag, round(list_sum(embedding), 2) from 't.parquet'"
answers '[["image 0 é","adj",1.4],["image 1 é","none",1],["image 2 é","noun",1]]'
case_ 'the names are texts for a corpus again'
run 0 "$NEGBANK" corpus --force -o x.nbc --column name t.parquet
says 'kept 3 of 3'
case_ 'neither output is named'
run 2 "$NEGBANK" store export -q t.nbe
says 'needs --embeddings or --parquet'
finish
