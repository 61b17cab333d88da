import { Cell } from './cell.js'

/** The colour theme: the system's, or always the same. */
export type Theme = 'system' | 'light' | 'dark'

const KEY = 'theme'
const isTheme = (value: unknown): value is Theme => value === 'system' || value === 'light' || value === 'dark'
const saved = localStorage.getItem(KEY)

export const theme = new Cell<Theme>(isTheme(saved) ? saved : 'system')

/** Sets the theme of the document now, and whenever it changes. */
export function applyTheme(): void {
  const apply = (): void => {
    const { value } = theme
    if (value === 'system') delete document.documentElement.dataset['theme']
    else document.documentElement.dataset['theme'] = value
    localStorage.setItem(KEY, value)
  }
  theme.subscribe(apply)
  apply()
}
