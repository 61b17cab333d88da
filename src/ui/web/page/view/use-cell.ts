import { useLayoutEffect, useState } from 'preact/hooks'
import type { Cell } from '../model/cell.js'

/** The value of a cell; renders again when it changes. */
export function useCell<T>(cell: Cell<T>): T {
  const [, render] = useState({})
  const { value } = cell
  useLayoutEffect(() => {
    if (cell.value !== value) render({})
    return cell.subscribe(() => render({}))
  }, [cell])
  return value
}
