import { render } from 'ink'
import { createElement } from 'react'
import type { Frame } from './frame.js'
import { Screen } from './screen.js'

/** Frames a second. What comes closer together is shown together by who asks for it. */
const FRAMES_PER_SECOND_MAX = 1_000

/** Where ink draws frames, and prints lines above them. */
export class Stage {
  readonly #ink: ReturnType<typeof render>
  #print: (text: string) => void = text => void process.stdout.write(text)

  constructor(frame: Frame) {
    const options = { exitOnCtrlC: false, patchConsole: false, maxFps: FRAMES_PER_SECOND_MAX }
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
