import { readFileSync } from 'node:fs'
import { packageFile } from '../program-files.js'
import { escaped } from './format.js'

/** The template and its styles, which are not compiled: the package ships them with its sources. */
const DIRECTORY = packageFile('src/base/report/')

/** A figure with a heading, a caption and its content, all of them HTML. */
export interface Figure {
  readonly title: string
  readonly caption: string
  readonly content: string
}

/** A report as one HTML page without scripts, which opens offline. `intro` is HTML. */
export function reportPage(title: string, intro: string, figures: readonly Figure[]): string {
  return read('report.html')
    .replaceAll('REPORT_TITLE', () => escaped(title))
    .replace('/* report.css */', () => read('theme.css') + read('report.css'))
    .replace('<!-- report body -->', () => [intro, ...figures.map(figureOf)].join('\n'))
}

const figureOf = ({ title, caption, content }: Figure): string =>
  `<figure>\n<figcaption><h2>${title}</h2>${caption}</figcaption>\n${content}\n</figure>`

const read = (file: string): string => readFileSync(new URL(file, DIRECTORY), 'utf8')
