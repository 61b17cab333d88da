// Writes the compiled module as a TypeScript module, which loads the same way from the build, the bundle and a web page.
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'

const ASSEMBLY = new URL('assembly/', import.meta.url)
const OUTPUT = new URL('../src/log/format/entry-validator-wasm.ts', import.meta.url)

const source = createHash('sha256')
const names = readdirSync(ASSEMBLY).filter(name => name.endsWith('.ts'))
for (const name of names.sort()) source.update(readFileSync(new URL(name, ASSEMBLY)))
const wasm = readFileSync(new URL('build/entry-validator.wasm', import.meta.url))
writeFileSync(
  OUTPUT,
  `// Written by \`npm --prefix wasm run build\`.

/** wasm/assembly, compiled. */
export const WASM =
  '${wasm.toString('base64')}'

/** SHA-256 of its sources. A test compares it, to detect that this file is out of date. */
export const WASM_SOURCE = '${source.digest('hex')}'
`,
)
