import { render } from 'ink'
import { createElement } from 'react'
import type { Frame } from './frame.js'
import { Screen } from './screen.js'

/** Frames a second. What comes closer together is shown together by who asks for it. */
const FRAMES_PER_SECOND_MAX = 1_000

/**
 * The terminal as one that no frame ever fills: ink clears such a one with all its scrollback, also when it has just become
 * lower than the frame was. Frames are kept lower than the terminal before they come here.
 */
const neverFull = (stdout: NodeJS.WriteStream): NodeJS.WriteStream =>
  new Proxy(stdout, {
    get: (target, name) => {
      if (name === 'rows') return Number.POSITIVE_INFINITY
      const value: unknown = Reflect.get(target, name)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })

/** Where ink draws frames, and prints lines above them. */
export class LiveBlock {
  readonly #ink: ReturnType<typeof render>
  #print: (text: string) => void = text => void process.stdout.write(text)

  constructor(frame: Frame) {
    const options = {
      stdout: neverFull(process.stdout),
      exitOnCtrlC: false,
      patchConsole: false,
      maxFps: FRAMES_PER_SECOND_MAX,
    }
    this.#ink = render(this.#screen(frame), options)
  }

  show(text: string, frame: Frame): void {
    if (text !== '') this.#print(text)
    this.#ink.rerender(this.#screen(frame))
  }

  close(): void {
    this.#ink.unmount()
  }

  #screen(frame: Frame) {
    return createElement(Screen, { frame, onReady: this.#onReady })
  }

  readonly #onReady = (print: (text: string) => void): void => {
    this.#print = print
  }
}
