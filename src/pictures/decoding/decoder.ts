import { readFile } from 'node:fs/promises'
import { requirePackage } from '../../base/packages.js'
import type { PictureFormat } from '../metadata/picture.js'
import type { Pixels } from '../pixels.js'

type Decode = (bytes: ArrayBuffer) => Promise<Pixels>
interface Decoder {
  readonly default: Decode
  readonly init: (module: WebAssembly.Module) => Promise<unknown>
}

/**
 * The pixels of a picture, not turned. Rejects if its data are malformed. The decoders are WebAssembly, which can neither read
 * nor write outside its memory.
 */
export async function decoded(format: PictureFormat, bytes: Uint8Array): Promise<Pixels> {
  const { decoder, program } = await decoderOf(format)
  await decoder.init(new WebAssembly.Module(await readFile(requirePackage.resolve(program))))
  return decoder.default(Uint8Array.from(bytes).buffer)
}

async function decoderOf(format: PictureFormat): Promise<{ decoder: Decoder; program: string }> {
  switch (format) {
    case 'jpeg':
      return {
        decoder: (await import('@jsquash/jpeg/decode.js')) as unknown as Decoder,
        program: '@jsquash/jpeg/codec/dec/mozjpeg_dec.wasm',
      }
    case 'png':
      return {
        decoder: (await import('@jsquash/png/decode.js')) as unknown as Decoder,
        program: '@jsquash/png/codec/pkg/squoosh_png_bg.wasm',
      }
    case 'webp':
      return {
        decoder: (await import('@jsquash/webp/decode.js')) as unknown as Decoder,
        program: '@jsquash/webp/codec/dec/webp_dec.wasm',
      }
  }
}
