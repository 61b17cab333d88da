import { Box, Text, useCursor, useStdout } from 'ink'
import { useEffect } from 'react'
import type { Frame } from './frame.js'

interface ScreenProps {
  readonly frame: Frame
  /** Given what prints lines above the frame, which become the terminal's own. */
  readonly onReady: (print: (text: string) => void) => void
}

export function Screen({ frame: { rows, input }, onReady }: ScreenProps) {
  const { write } = useStdout()
  const { setCursorPosition } = useCursor()
  useEffect(() => onReady(write), [write, onReady])
  setCursorPosition({ x: input.cursor.x, y: rows.length + input.cursor.y })
  return (
    <Box flexDirection="column">
      {[...rows, ...input.rows].map((row, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: a row is its place
        <Text key={index} wrap="truncate-end">
          {row === '' ? ' ' : row}
        </Text>
      ))}
    </Box>
  )
}
