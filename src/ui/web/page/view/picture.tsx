import type { JSX } from 'preact'
import { useEffect, useRef, useState } from 'preact/hooks'
import { RequestError } from '../connection/request-error.js'
import { useChat } from './context.js'

interface Props {
  readonly room: string
  readonly line: string
  readonly name: string
  /** Largest sides, in CSS pixels. */
  readonly width: number
  readonly height: number
}

/** A cache of pictures, so that scrolling back does not fetch them again. */
const FETCHED_MAX = 24
const fetched = new Map<string, ImageBitmap>()

function keep(key: string, bitmap: ImageBitmap): void {
  fetched.set(key, bitmap)
  const [oldest] = fetched.keys()
  if (fetched.size > FETCHED_MAX && oldest !== undefined) fetched.delete(oldest)
}

/** The picture of a line, drawn from the pixels that the server decoded. */
export function Picture({ room, line, name, width, height }: Props): JSX.Element {
  const chat = useChat()
  const canvas = useRef<HTMLCanvasElement>(null)
  const key = `${room} ${line} ${width}`
  const [bitmap, setBitmap] = useState(fetched.get(key))
  const [fault, setFault] = useState('')

  useEffect(() => {
    if (bitmap !== undefined) return
    let isWanted = true
    const scale = Math.min(2, window.devicePixelRatio)
    const asked = { room, line, width: Math.round(width * scale), height: Math.round(height * scale) }
    chat.transfers
      .fetch({ kind: 'picture', asked })
      .then(blob => createImageBitmap(blob))
      .then(picture => {
        keep(key, picture)
        if (isWanted) setBitmap(picture)
      })
      .catch(error => {
        if (isWanted) setFault(error instanceof RequestError ? error.sentence : 'the picture cannot be shown')
      })
    return () => {
      isWanted = false
    }
  }, [key])

  useEffect(() => {
    if (bitmap !== undefined) canvas.current?.getContext('2d')?.drawImage(bitmap, 0, 0)
  }, [bitmap])

  if (fault !== '') return <span class="hint">{fault}</span>
  if (bitmap === undefined) return <span class="picture-waiting">fetching the picture …</span>
  return (
    <canvas ref={canvas} class="picture" role="img" aria-label={name} width={bitmap.width} height={bitmap.height} />
  )
}
