import { readFile } from 'node:fs/promises'
import { requirePackage } from '../../base/packages.js'
import type { PictureFormat } from '../metadata/picture.js'
import type { Pixels } from '../pixels.js'

/** What the decoders return, as `ImageData` of browsers. */
interface Image {
  readonly width: number
  readonly height: number
  readonly data: Uint8ClampedArray
}

interface Decoder {
  readonly default: (bytes: ArrayBuffer) => Promise<Image>
  readonly init: (module: WebAssembly.Module) => Promise<unknown>
}

/**
 * The pixels of a picture, before its orientation is applied. Rejects if its data is malformed. The decoders are
 * WebAssembly, which can neither read nor write outside its memory.
 */
export async function decoded(format: PictureFormat, bytes: Uint8Array): Promise<Pixels> {
  const { decoder, program } = await decoderOf(format)
  await decoder.init(new WebAssembly.Module(await readFile(requirePackage.resolve(program))))
  const { width, height, data } = await decoder.default(Uint8Array.from(bytes).buffer)
  return { width, height, data: new Uint8Array(data.buffer, data.byteOffset, data.length) }
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
