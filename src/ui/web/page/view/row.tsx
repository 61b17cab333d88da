import { Component, createRef, type JSX } from 'preact'
import type { LineRow, Row as RowData } from '../../protocol/rows.js'
import { dateAndTimeText, namesText, reactionText, timeText } from '../model/words.js'
import { FileCard } from './file-card.js'
import { Icon, IconButton } from './icon.js'
import { Avatar, Name } from './name.js'
import { Segments } from './segments.js'

/** The actions on rows. */
export interface RowActions {
  readonly reply: (line: LineRow) => void
  readonly react: (line: LineRow) => void
  readonly toggleReaction: (line: LineRow, emoji: string) => void
  readonly edit: (line: LineRow) => void
  readonly erase: (line: LineRow) => void
  readonly where: (line: LineRow) => void
  readonly history: (line: LineRow) => void
  readonly whole: (line: LineRow) => void
  readonly goTo: (id: string) => void
  readonly get: (line: LineRow) => void
  readonly enlarge: (line: LineRow) => void
  /** Handles a key that was pressed on a row. Returns whether the key has a meaning. */
  readonly onKey: (key: string, row: RowData) => boolean
}

interface Props {
  readonly row: RowData
  /** The date, if the row is the first of its day; otherwise empty. */
  readonly day: string
  /** The unread mark above the row; otherwise empty. */
  readonly mark: string
  readonly isContinued: boolean
  readonly isTabStop: boolean
  /** Whether the row shows its buttons. */
  readonly isActive: boolean
  /** Whether the row is highlighted after a jump to it. */
  readonly isMarked: boolean
  readonly actions: RowActions
  readonly observe: (element: HTMLElement) => void
  readonly unobserve: (element: HTMLElement) => void
}

/** A row of the conversation. The element is reused for another row when this one leaves the view. */
export class Row extends Component<Props> {
  readonly #element = createRef<HTMLLIElement>()

  override shouldComponentUpdate(next: Props): boolean {
    return (Object.keys(next) as (keyof Props)[]).some(key => next[key] !== this.props[key])
  }

  override componentDidMount(): void {
    const { current } = this.#element
    if (current !== null) this.props.observe(current)
  }

  override componentDidUpdate(before: Props): void {
    const { current } = this.#element
    if (current === null || before.row.id === this.props.row.id) return
    // The element shows another row: observes it anew, to get a measurement even if the height is the same.
    this.props.unobserve(current)
    this.props.observe(current)
  }

  override componentWillUnmount(): void {
    const { current } = this.#element
    if (current !== null) this.props.unobserve(current)
  }

  override render({ row, day, mark, isContinued, isTabStop, isActive, isMarked, actions }: Props): JSX.Element {
    const classes = ['row']
    if (isContinued) classes.push('continued')
    if (isMarked) classes.push('marked')
    if (isActive) classes.push('active')
    if (row.kind === 'line' && row.isMention) classes.push('mentions')
    return (
      <li ref={this.#element} class={classes.join(' ')} data-id={row.id} tabIndex={isTabStop ? 0 : -1}>
        {day !== '' && (
          <p class="day">
            <span>{day}</span>
          </p>
        )}
        {mark !== '' && (
          <p class="unread-mark">
            <span>{mark}</span>
          </p>
        )}
        {row.kind === 'line' ? (
          <Line line={row} isContinued={isContinued} isActive={isActive} actions={actions} />
        ) : (
          <p class="aside">
            {row.kind === 'change' && <Name person={row.author} />} <span dir="auto">{row.text}</span>{' '}
            <Time at={row.at} />
          </p>
        )}
      </li>
    )
  }
}

const Time = ({ at }: { readonly at: number }): JSX.Element => (
  <time dateTime={new Date(at).toISOString()} title={dateAndTimeText(at)}>
    {timeText(at)}
  </time>
)

interface LineProps {
  readonly line: LineRow
  readonly isContinued: boolean
  readonly isActive: boolean
  readonly actions: RowActions
}

function Line({ line, isContinued, isActive, actions }: LineProps): JSX.Element {
  const { author, form, about, reactions, delivery, file } = line
  const isAction = form === 'action'
  return (
    <div class={isAction ? 'line is-action' : 'line'}>
      <div class="gutter">
        {isContinued || isAction ? <Time at={line.at} /> : <Avatar name={author.name} personKey={author.key} />}
      </div>
      <div class="body">
        {isContinued ? (
          <span class="for-screen-readers">{author.name}: </span>
        ) : (
          !isAction && (
            <p class="head">
              <Name person={author} />
              {!author.isKnown && author.key !== undefined && <span class="tag">stranger</span>}
              <Time at={line.at} />
            </p>
          )
        )}
        {about !== undefined && <About about={about} goTo={actions.goTo} />}
        {file !== undefined && (
          <FileCard key={line.id} line={line} file={file} get={actions.get} enlarge={actions.enlarge} />
        )}
        {line.text !== '' && (
          <div class="text" dir="auto">
            {isAction && <Name person={author} />}
            {isAction && ' '}
            <Segments segments={line.segments} />
            {line.isEdited && (
              <button type="button" class="quiet" onClick={() => actions.history(line)}>
                edited
              </button>
            )}
          </div>
        )}
        {line.isFolded && (
          <button type="button" class="link-button" onClick={() => actions.whole(line)}>
            Show the whole text
          </button>
        )}
        {line.isAhead && <p class="hint">Its clock is ahead: it is dated {dateAndTimeText(line.at)}</p>}
        {line.isLate && <p class="hint">arrived later than the lines below</p>}
        {reactions.length > 0 && <Reactions line={line} toggle={actions.toggleReaction} />}
        {delivery !== undefined && (
          <p class={delivery.isDelivered ? 'delivery is-delivered' : 'delivery'}>
            <Icon name={delivery.isDelivered ? 'check' : 'clock'} />
            <span>{delivery.text}</span>
          </p>
        )}
      </div>
      {isActive && <Toolbar line={line} actions={actions} />}
    </div>
  )
}

function About({ about, goTo }: { readonly about: NonNullable<LineRow['about']>; readonly goTo: RowActions['goTo'] }) {
  const { id, text } = about
  if (id === undefined) return <p class="about">{text}</p>
  return (
    <button type="button" class="about" onClick={() => goTo(id)}>
      <span class="for-screen-readers">In reply to </span>
      <bdi>{text}</bdi>
    </button>
  )
}

const Reactions = ({ line, toggle }: { readonly line: LineRow; readonly toggle: RowActions['toggleReaction'] }) => (
  <ul class="reactions" aria-label="Reactions">
    {line.reactions.map(reaction => (
      <li key={reaction.emoji}>
        <button
          type="button"
          class="reaction"
          aria-pressed={reaction.isOwn}
          title={reactionText(reaction)}
          onClick={() => toggle(line, reaction.emoji)}
        >
          <span class="emoji">{reaction.emoji}</span> {reaction.count}
          <span class="for-screen-readers">
            {' '}
            by {namesText(reaction.names, reaction.count)}
            {reaction.isOwn && ', you among them'}
          </span>
        </button>
      </li>
    ))}
  </ul>
)

const Toolbar = ({ line, actions }: { readonly line: LineRow; readonly actions: RowActions }): JSX.Element => (
  <div class="toolbar" role="toolbar" aria-label={`What to do with the line of ${line.author.name}`}>
    <IconButton icon="smile" label="React (+)" onClick={() => actions.react(line)} />
    <IconButton icon="reply" label="Reply (R)" onClick={() => actions.reply(line)} />
    {line.author.isOwn && line.form !== 'file' && (
      <IconButton icon="pen" label="Edit (E)" onClick={() => actions.edit(line)} />
    )}
    <IconButton icon="eye" label="Who has it (W)" onClick={() => actions.where(line)} />
    {line.author.isOwn && <IconButton icon="bin" label="Delete (Del)" onClick={() => actions.erase(line)} />}
  </div>
)
