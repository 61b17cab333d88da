import { useEffect, useState } from 'preact/hooks'

const isAttended = (): boolean => document.visibilityState === 'visible' && document.hasFocus()

/** Whether the page is visible and has the focus. */
export function useAttention(): boolean {
  const [now, set] = useState(isAttended())
  useEffect(() => {
    const update = (): void => set(isAttended())
    const events = [
      [document, 'visibilitychange'],
      [window, 'focus'],
      [window, 'blur'],
    ] as const
    for (const [target, event] of events) target.addEventListener(event, update)
    return () => {
      for (const [target, event] of events) target.removeEventListener(event, update)
    }
  }, [])
  return now
}
