import type { JSX } from 'preact'

/** Outlines on a grid of 20 by 20. */
const PATHS = {
  back: 'M12 4 6 10l6 6',
  close: 'm5 5 10 10M15 5 5 15',
  plus: 'M10 4v12M4 10h12',
  people:
    'M7.5 9.5a3 3 0 1 0 0-6 3 3 0 0 0 0 6Zm-5 7c0-3 2-5 5-5s5 2 5 5m0-12.8a3 3 0 0 1 0 5.6m2 2.7c2 .8 3 2.400 3 4.500',
  search: 'M9 14.500a5.500 5.500 0 1 0 0-11 5.500 5.500 0 0 0 0 11Zm4-1.500 4 4',
  room: 'M7.500 3 6 17m8-14-1.500 14M3.500 7.500h13.500M3 12.500h13.500',
  lock: 'M5 9h10v8H5zM7 9V6.500a3 3 0 0 1 6 0V9',
  person: 'M10 9.500a3 3 0 1 0 0-6 3 3 0 0 0 0 6Zm-6 7c0-3 2.500-5 6-5s6 2 6 5',
  reply: 'M8 5 3.500 9.500 8 14m-4-4.500h7c3 0 5 2 5 5V16',
  smile: 'M10 17a7 7 0 1 0 0-14 7 7 0 0 0 0 14Zm-3-5c1.500 2 4.500 2 6 0M7.500 8v.500m5-.500v.500',
  pen: 'm4 16 .8-3.500L13 4.300l2.700 2.700-8.200 8.200L4 16Z',
  bin: 'M4 6h12M8 6V4h4v2m-6.500 0 .700 10h7.600l.700-10',
  info: 'M10 17a7 7 0 1 0 0-14 7 7 0 0 0 0 14Zm0-7.500v4m0-7v.010',
  clip: 'm14.500 9.500-5 5a3.200 3.200 0 0 1-4.500-4.500l6-6a2.200 2.200 0 0 1 3 3l-6 6a1 1 0 0 1-1.500-1.500l5-5',
  send: 'M4 10h12m-5-5 5 5-5 5',
  down: 'M10 4v12m-5-5 5 5 5-5',
  file: 'M5 3h6l4 4v10H5zM11 3v4h4',
  check: 'm4 10.500 4 4 8-9',
  clock: 'M10 17a7 7 0 1 0 0-14 7 7 0 0 0 0 14Zm0-11v4.500l3 1.500',
  alert: 'M10 3 2.500 16.500h15L10 3Zm0 5v4m0 2v.500',
  keys: 'M2.500 5.500h15v9h-15zM6 9h.010M10 9h.010M14 9h.010M7 12h6',
  save: 'M10 3v9m-4-4 4 4 4-4M4 16.500h12',
  sun: 'M10 13a3 3 0 1 0 0-6 3 3 0 0 0 0 6Zm0-10v1.500m0 11V17m7-7h-1.500m-11 0H3m12-5-1 1m-8 8-1 1m10 0-1-1M6 6 5 5',
  bell: 'M5 14V9a5 5 0 0 1 10 0v5l1.500 1h-13L5 14Zm3.500 3h3',
  eye: 'M2.500 10S5 5 10 5s7.500 5 7.500 5-2.500 5-7.500 5-7.500-5-7.500-5Zm7.500 2.300a2.300 2.300 0 1 0 0-4.600 2.300 2.300 0 0 0 0 4.600Z',
} as const

export type IconName = keyof typeof PATHS

/** An icon beside text, or in a button with a label. */
export const Icon = ({ name }: { readonly name: IconName }): JSX.Element => (
  <svg class="icon" viewBox="0 0 20 20" aria-hidden="true" focusable="false">
    <path d={PATHS[name]} />
  </svg>
)

interface IconButtonProps {
  readonly icon: IconName
  /** What the button does: its accessible name, and its tooltip. */
  readonly label: string
  readonly onClick: () => void
  readonly isPressed?: boolean
  readonly class?: string
  readonly hasPopup?: boolean
}

export const IconButton = ({
  icon,
  label,
  onClick,
  isPressed,
  class: extra,
  hasPopup,
}: IconButtonProps): JSX.Element => (
  <button
    type="button"
    class={extra === undefined ? 'icon-button' : `icon-button ${extra}`}
    aria-label={label}
    title={label}
    aria-pressed={isPressed}
    aria-haspopup={hasPopup === true ? 'dialog' : undefined}
    onClick={onClick}
  >
    <Icon name={icon} />
  </button>
)
