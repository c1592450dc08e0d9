// Makes the Parquet files of this folder anew: node make.mjs FOLDER, where @duckdb/node-api, hyparquet-writer,
// hyparquet-compressors, parquet-wasm and apache-arrow are installed. README.md says what each is for.
import { writeFileSync } from 'node:fs'
import { gzipSync } from 'node:zlib'
import * as arrow from 'apache-arrow'
import { DuckDBInstance } from '@duckdb/node-api'
import { ByteWriter, ParquetWriter, parquetWriteBuffer } from 'hyparquet-writer'
import * as rust from 'parquet-wasm/node'

const folder = process.argv[2]
const rows = 200
const nouns = ['cat', 'dog', 'Öl', '猫', 'bird of prey', '', 'naïve reader', 'emoji 🐈', 'a "quoted" word', 'tab\tinside']
const word = i => nouns[i % nouns.length] + (i % 3 ? '' : ' no. ' + i)
const all = Array.from({ length: rows }, (_, i) => word(i))
const some = all.map((text, i) => i % 7 === 3 ? null : text)
const few = some.map(text => text?.split(' no. ')[0] ?? null)
const ids = all.map((_, i) => i)

writeFileSync(folder + '/all.txt', all.map((text, i) => `${i + 1}:${text}\n`).join(''))
writeFileSync(folder + '/some.txt', some.map((text, i) => `${i + 1}:${text ?? '[missing]'}\n`).join(''))

writeFileSync(folder + '/few.txt', few.map((text, i) => `${i + 1}:${text ?? '[missing]'}\n`).join(''))

// ---- the Rust writer (arrow-rs): every encoding, codec and page version ----
const { Compression: C, Encoding: E, WriterVersion: V } = rust
const one = (texts, nullable) => new arrow.Table(
  new arrow.Schema([new arrow.Field('caption', new arrow.Utf8(), nullable)]),
  { caption: arrow.vectorFromArray(texts, new arrow.Utf8()) })
function put (name, texts, { codec, encoding, version = V.V1, dictionary = false, set = x => x }) {
  let properties = new rust.WriterPropertiesBuilder().setCompression(codec).setWriterVersion(version)
    .setDictionaryEnabled(dictionary)
  if (encoding !== undefined) properties = properties.setEncoding(encoding)
  properties = set(properties)
  const table = rust.Table.fromIPCStream(arrow.tableToIPC(one(texts, texts === some), 'stream'))
  writeFileSync(`${folder}/${name}.parquet`, rust.writeParquet(table, properties.build()))
}
put('rust-dictionary-snappy', some, { codec: C.SNAPPY, dictionary: true })
put('rust-dictionary-zstd-v2', some, { codec: C.ZSTD, dictionary: true, version: V.V2 })
put('rust-dictionary-required', all, { codec: C.SNAPPY, dictionary: true })
put('rust-fallback-gzip', all, { codec: C.GZIP, dictionary: true, set: p => p.setDictionaryPageSizeLimit(200).setWriteBatchSize(40) })
put('rust-fallback-v2', some, { codec: C.LZ4_RAW, dictionary: true, version: V.V2, set: p => p.setDictionaryPageSizeLimit(200).setWriteBatchSize(40) })
put('rust-plain-gzip', some, { codec: C.GZIP, encoding: E.PLAIN })
put('rust-plain-lz4raw-v2', some, { codec: C.LZ4_RAW, encoding: E.PLAIN, version: V.V2 })
put('rust-plain-required', all, { codec: C.UNCOMPRESSED, encoding: E.PLAIN })
put('rust-plain-pages', some, { codec: C.SNAPPY, encoding: E.PLAIN, set: p => p.setDataPageSizeLimit(100).setWriteBatchSize(10) })
put('rust-delta-length-zstd', some, { codec: C.ZSTD, encoding: E.DELTA_LENGTH_BYTE_ARRAY })
put('rust-delta-length-v2', all, { codec: C.SNAPPY, encoding: E.DELTA_LENGTH_BYTE_ARRAY, version: V.V2 })
put('rust-delta', some, { codec: C.UNCOMPRESSED, encoding: E.DELTA_BYTE_ARRAY })
put('rust-delta-gzip-v2', all, { codec: C.GZIP, encoding: E.DELTA_BYTE_ARRAY, version: V.V2 })
put('refused-brotli', all, { codec: C.BROTLI })
put('refused-lz4-hadoop', all, { codec: C.LZ4 })

// ---- DuckDB ----
const duck = await (await DuckDBInstance.create(':memory:')).connect()
await duck.run('create table rows (id bigint, caption varchar)')
const values = some.map((text, i) => `(${i}, ${text === null ? 'null' : "'" + text.replaceAll("'", "''") + "'"})`)
await duck.run('insert into rows values ' + values.join(', '))
const copy = (name, what, options = '') =>
  duck.run(`copy (${what}) to '${folder}/${name}.parquet' (format parquet${options})`)
for (const codec of ['uncompressed', 'snappy', 'gzip', 'zstd', 'lz4_raw']) {
  await copy('duckdb-' + codec, 'select id, caption from rows order by id', `, compression ${codec}`)
}
await copy('duckdb-v2', 'select id, caption from rows order by id', ', compression zstd, parquet_version v2')
await copy('duckdb-dictionary', "select split_part(caption, ' no. ', 1) as caption from rows order by id", ', compression zstd')
await copy('duckdb-nulls', 'select null::varchar as caption from range(20)')
await copy('duckdb-none', 'select caption from rows where false')
await copy('duckdb-columns', `select id, {'a': caption} as nested, [caption] as list, caption as "TEXT", caption as url,
  'x'::blob as bytes, 1.5::double as score from rows order by id limit 5`)
await copy('refused-no-text', 'select id, 1.5 as score from rows')
await duck.run("set force_mbedtls_unsafe = 'true'") // nothing here is secret
await duck.run("pragma add_parquet_key('key', '0123456789112345')")
await copy('refused-encrypted', 'select caption from rows', ", encryption_config {footer_key: 'key'}")

// ---- hyparquet-writer: pages of version 2, and many row groups ----
const hy = (name, data, options) =>
  writeFileSync(`${folder}/${name}.parquet`, Buffer.from(parquetWriteBuffer({ columnData: data, ...options })))
hy('hyparquet-snappy', [{ name: 'caption', data: some, type: 'STRING' }], {})
hy('hyparquet-delta-length', [{ name: 'caption', data: some, type: 'STRING', encoding: 'DELTA_LENGTH_BYTE_ARRAY' }], {})
hy('hyparquet-delta', [{ name: 'caption', data: some, type: 'STRING', encoding: 'DELTA_BYTE_ARRAY' }],
  { codec: 'UNCOMPRESSED' })
hy('hyparquet-groups', [{ name: 'id', data: ids, type: 'INT32' }, { name: 'caption', data: some, type: 'STRING' }],
  { rowGroupSize: 2 })
