import type { JSX } from 'preact'
import { useEffect, useRef, useState } from 'preact/hooks'

/** The part of the Shape Detection API that is used: https://wicg.github.io/shape-detection-api/ */
interface Detector {
  detect(source: HTMLVideoElement): Promise<readonly { readonly rawValue: string }[]>
}
type DetectorClass = new (options: { readonly formats: readonly string[] }) => Detector

const detectorClass = (): DetectorClass | undefined =>
  (globalThis as { readonly BarcodeDetector?: DetectorClass }).BarcodeDetector

/** Whether this browser can read QR codes, and may have a camera. */
export const canScan = (): boolean => detectorClass() !== undefined && navigator.mediaDevices !== undefined

const LOOK_MS = 200

/** Looks for a QR code with the camera. */
export function Scanner({ onCode }: { readonly onCode: (code: string) => void }): JSX.Element {
  const video = useRef<HTMLVideoElement>(null)
  const [fault, setFault] = useState('')
  useEffect(() => {
    const Detector = detectorClass()
    let stream: MediaStream | undefined
    let timer: ReturnType<typeof setTimeout> | undefined
    let isWanted = true
    const stop = (): void => {
      isWanted = false
      clearTimeout(timer)
      for (const track of stream?.getTracks() ?? []) track.stop()
    }
    const look = async (): Promise<void> => {
      const { current } = video
      if (Detector === undefined || current === null) return
      stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: 'environment' } })
      if (!isWanted) return stop()
      current.srcObject = stream
      await current.play()
      const detector = new Detector({ formats: ['qr_code'] })
      const next = async (): Promise<void> => {
        const [found] = await detector.detect(current).catch(() => [])
        if (!isWanted) return
        if (found === undefined) timer = setTimeout(() => void next(), LOOK_MS)
        else onCode(found.rawValue)
      }
      await next()
    }
    look().catch(() => setFault('the camera cannot be used: allow it for this page, or paste the code'))
    return stop
  }, [])
  if (fault !== '') return <p class="fault">{fault}</p>
  return (
    <video ref={video} class="scanner" muted playsInline aria-label="What the camera sees">
      <track kind="captions" />
    </video>
  )
}
