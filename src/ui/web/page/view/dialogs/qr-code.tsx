import type { JSX } from 'preact'

interface Props {
  /** Rows of `0` and `1`, with the quiet zone. */
  readonly rows: readonly string[]
  readonly label: string
}

/** A QR code, black on white in both themes, because some cameras read no inverted codes. */
export function QrCode({ rows, label }: Props): JSX.Element {
  const path = rows
    .flatMap((row, y) =>
      [...row.matchAll(/1+/g)].map(({ index, 0: run }) => `M${index} ${y}h${run.length}v1h-${run.length}z`),
    )
    .join('')
  return (
    <svg class="qr" viewBox={`0 0 ${rows[0]?.length ?? 0} ${rows.length}`} role="img" aria-label={label}>
      <path d={path} />
    </svg>
  )
}
