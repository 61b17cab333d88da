import type { JSX } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import type { Answer } from '../../../protocol/requests.js'
import type { Member } from '../../../protocol/state.js'
import { type MemberNode, memberTree } from '../../model/member-tree.js'
import { countText, dateAndTimeText, namesText } from '../../model/words.js'
import { useChat } from '../context.js'
import { Avatar, hueClass } from '../name.js'

/** A private room's members as a tree, newcomers who wait to be admitted, and invitations. */
export function Members({ room }: { readonly room: string }): JSX.Element {
  const chat = useChat()
  const [answer, setAnswer] = useState<Answer<'members'>>()
  const load = (): void => {
    chat.link.request('members', { room }).then(setAnswer).catch(chat.complain)
  }
  useEffect(() => {
    load()
    return chat.screen.dialog.subscribe(load)
  }, [room])
  const decide = (command: string): void => void chat.command(command).then(load)
  return (
    <>
      <section aria-label="Members">
        <h2>
          Members{' '}
          <button type="button" class="link-button" onClick={load}>
            look again
          </button>
        </h2>
        {answer === undefined ? (
          <p class="hint">asking the room …</p>
        ) : (
          <Tree
            nodes={memberTree(answer.members)}
            remove={member => chat.screen.dialog.set({ kind: 'remove', member })}
          />
        )}
        {answer?.former.map(({ key, name, text }) => (
          <p key={key} class="hint">
            <bdi>{name}</bdi> {text}
          </p>
        ))}
      </section>
      {answer !== undefined && answer.waiting.length > 0 && (
        <section aria-label="Waiting to be admitted">
          <h2>Waiting to be admitted</h2>
          {answer.waiting.map(({ key, name }) => (
            <p key={key} class="waiting">
              <bdi>{name}</bdi> <code>{key.slice(0, 8)}</code>
              <button type="button" class="button small" onClick={() => decide(`/admit ${key}`)}>
                Admit
              </button>
              <button type="button" class="button small" onClick={() => decide(`/refuse ${key}`)}>
                Refuse
              </button>
            </p>
          ))}
        </section>
      )}
      <Invitations room={room} />
    </>
  )
}

interface TreeProps {
  readonly nodes: readonly MemberNode[]
  readonly remove: (member: Member) => void
}

function Tree({ nodes, remove }: TreeProps): JSX.Element {
  return (
    <ul class="tree">
      {nodes.map(({ member, admitted }) => (
        <li key={member.key}>
          <span class="member">
            <Avatar name={member.name} personKey={member.key} />
            <span class="present-text">
              <span class="present-name">
                <bdi class={`name ${hueClass(member.key)}`}>{member.name}</bdi>
                {member.isOwn && <span class="tag">you</span>}
              </span>
              <span class="hint">
                {member.role} since {dateAndTimeText(member.since)}
                {member.isKeeper && ', keeps the lines'}
              </span>
            </span>
            {!member.isOwn && (
              <button
                type="button"
                class="button small quiet-button"
                aria-label={`Remove ${member.name}`}
                onClick={() => remove(member)}
              >
                Remove
              </button>
            )}
          </span>
          {admitted.length > 0 && <Tree nodes={admitted} remove={remove} />}
        </li>
      ))}
    </ul>
  )
}

function Invitations({ room }: { readonly room: string }): JSX.Element {
  const chat = useChat()
  const [answer, setAnswer] = useState<Answer<'invites'>>()
  const load = (): void => {
    chat.link.request('invites', { room }).then(setAnswer).catch(chat.complain)
  }
  useEffect(() => {
    load()
    return chat.screen.dialog.subscribe(load)
  }, [room])
  const uninvite = (invitation: string): void => {
    chat.link.request('uninvite', { room, invitation }).then(load).catch(chat.complain)
  }
  return (
    <section aria-label="Invitations">
      <h2>Invitations</h2>
      {answer?.invitations.length === 0 && <p class="empty">None. A code lets somebody in, once or several times.</p>}
      <ul class="invitations">
        {answer?.invitations.map(({ id, state, role, by, until, uses, admitted }) => (
          <li key={id}>
            <span>
              <code>{id.slice(0, 8)}</code> {state}, as {role}, by <bdi>{by}</bdi>
              <span class="hint">
                {countText(uses, 'use')}, until {dateAndTimeText(until)}
                {admitted.length > 0 && `; used by ${namesText(admitted)}`}
              </span>
            </span>
            {state === 'open' && (
              <button type="button" class="button small" onClick={() => uninvite(id)}>
                Take back
              </button>
            )}
          </li>
        ))}
      </ul>
      <button type="button" class="button" onClick={() => chat.screen.dialog.set({ kind: 'invite', room })}>
        Invite somebody …
      </button>
    </section>
  )
}
