// node make.mjs FOLDER: the metadata of a folder as clip-retrieval writes it, ten files with numbers of two digits. Needs
// hyparquet-writer@0.17.0 (npm).
import { parquetWriteFile } from 'hyparquet-writer'
import { mkdirSync } from 'node:fs'

const folder = process.argv[2]
mkdirSync(`${folder}/metadata`, { recursive: true })
for (let part = 0; part < 10; part++) {
  const rows = part === 3 ? [0, 1, 2] : [0, 1]
  parquetWriteFile({
    filename: `${folder}/metadata/metadata_${String(part).padStart(2, '0')}.parquet`,
    columnData: [
      { name: 'image_path', data: rows.map(i => `images/${part}/${i}.jpg`), type: 'STRING' },
      { name: 'caption', data: rows.map(i => (part === 3 && i === 2 ? null : `  a photo\nof ${part} and ${i} `)), type: 'STRING', nullable: true },
      { name: 'similarity', data: rows.map(i => part + i / 4), type: 'DOUBLE' },
    ],
  })
}
