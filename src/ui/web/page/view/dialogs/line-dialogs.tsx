import type { JSX } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import type { Answer } from '../../../protocol/requests.js'
import type { LineRow } from '../../../protocol/rows.js'
import { dateAndTimeText } from '../../model/words.js'
import { useChat } from '../context.js'
import { Modal } from './modal.js'
import { TaskStatus } from './task-status.js'
import { useTask } from './use-task.js'

interface Props {
  readonly line: LineRow
}

const Quoted = ({ line }: Props): JSX.Element => (
  <blockquote dir="auto">{line.file === undefined ? line.text : line.file.name}</blockquote>
)

/** Deletes a line of the user, after a confirmation; says how many peers have dropped it. */
export function Delete({ line }: Props): JSX.Element {
  const chat = useChat()
  const task = useTask()
  const [reach, setReach] = useState<string>()
  const room = chat.conversation.value?.room ?? ''
  if (reach !== undefined)
    return (
      <Modal title="Deleted">
        <p role="status">{reach}</p>
        <button type="button" class="button is-main" onClick={chat.screen.closeDialog}>
          Close
        </button>
      </Modal>
    )
  return (
    <Modal title="Delete this line?">
      <Quoted line={line} />
      <p>
        Its text is deleted here, and by everyone who is told: those who are connected now, and others when they come
        back. That it was there stays visible. Nobody can be forced to forget what they have read.
      </p>
      <TaskStatus task={task} />
      <div class="buttons">
        <button type="button" class="button" onClick={chat.screen.closeDialog}>
          Keep it
        </button>
        <button
          type="button"
          class="button is-danger"
          disabled={task.isRunning}
          onClick={() =>
            task.run(async () => setReach((await chat.link.request('delete', { room, line: line.id })).text))
          }
        >
          {task.isRunning ? 'Deleting …' : 'Delete'}
        </button>
      </div>
    </Modal>
  )
}

/** Fetches a large file, after a confirmation. */
export function Get({ line }: Props): JSX.Element {
  const chat = useChat()
  const room = chat.conversation.value?.room ?? ''
  return (
    <Modal title="Fetch this file?">
      <Quoted line={line} />
      <p>
        It is {line.file?.size} from {line.author.name}
        {line.author.isKnown ? '' : ', whom you do not know'}.
      </p>
      <div class="buttons">
        <button type="button" class="button" onClick={chat.screen.closeDialog}>
          No
        </button>
        <button
          type="button"
          class="button is-main"
          onClick={() => {
            chat.screen.closeDialog()
            const asked = { room, line: line.id, isConfirmed: true }
            chat.transfers.save({ kind: 'download', asked }, line.file?.name ?? 'file').catch(chat.complain)
          }}
        >
          Fetch it
        </button>
      </div>
    </Modal>
  )
}

/** The peers that have a line. */
export function Where({ line }: Props): JSX.Element {
  const chat = useChat()
  const task = useTask()
  const [answer, setAnswer] = useState<Answer<'where'>>()
  const room = chat.conversation.value?.room ?? ''
  useEffect(() => task.run(async () => setAnswer(await chat.link.request('where', { room, line: line.id }))), [])
  return (
    <Modal title="Who has this line">
      <Quoted line={line} />
      <TaskStatus task={task} />
      {answer !== undefined && (
        <>
          <p>{answer.here}</p>
          <ul class="sentences">
            {answer.holders.map(text => (
              <li key={text}>{text}</li>
            ))}
          </ul>
        </>
      )}
    </Modal>
  )
}

/** The earlier texts of a line. */
export function History({ line }: Props): JSX.Element {
  const chat = useChat()
  const task = useTask()
  const [answer, setAnswer] = useState<Answer<'history'>>()
  const room = chat.conversation.value?.room ?? ''
  useEffect(() => task.run(async () => setAnswer(await chat.link.request('history', { room, line: line.id }))), [])
  return (
    <Modal title="Earlier texts">
      <TaskStatus task={task} />
      <ol class="versions">
        {answer?.versions.map(({ at, text }) => (
          <li key={at}>
            <time>{dateAndTimeText(at)}</time>
            <blockquote dir="auto">{text}</blockquote>
          </li>
        ))}
      </ol>
    </Modal>
  )
}
