import type { Draft } from '../../chat/kinds/kinds.js'
import type { Message } from '../../chat/kinds/message.js'
import type { Fields } from '../../host/protocol/codec.js'
import type { ThumbnailFault } from '../../pictures/decoding/thumbnail.js'
import type { Session } from '../../session/session.js'

/** Work that takes a while: reports its progress, and ends early when `signal` is aborted. */
export interface Task {
  readonly signal: AbortSignal
  readonly onProgress: (done: number, of: number) => void
  /** Reports the progress in words. */
  readonly onStatus: (text: string) => void
}

/** How messages are quoted. */
export interface QuoteStyle {
  /** Whether long messages of strangers are not folded. */
  readonly isWhole?: boolean
  /** Whether messages are shown as they were written, without edits and reactions. */
  readonly isRaw?: boolean
}

/** Where a command writes its results. */
interface CommandOutput {
  /** Prints notices, a line each. */
  readonly tell: (...lines: readonly string[]) => void
  /** Prints the rows of a list. */
  readonly list: (...rows: readonly string[]) => void
  /** Prints why the command failed. */
  readonly complain: (line: string) => void
  /**
   * Shows a picture below a caption; resolves with the reason if it cannot be shown. undefined where no pictures can be
   * shown: in line output, and without colours.
   */
  readonly showPicture:
    | ((bytes: Uint8Array, signal: AbortSignal, caption?: string) => Promise<ThumbnailFault | undefined>)
    | undefined
  /** Prints messages between two rules. */
  readonly quote: (title: string, messages: readonly Message[], end: string, style?: QuoteStyle) => void
}

/** A room that the face has open. */
export interface OpenRoom {
  /** Its position among the open rooms, from 1. */
  readonly number: number
  readonly room: string
  readonly isShown: boolean
  /** Whether the node has closed the room in favour of others; showing it opens it again. */
  readonly isParked: boolean
  readonly unread: number
  readonly mentions: number
}

/** What commands do with rooms. */
interface RoomActions {
  /** Opens a room if it is not open. Resolves with a function that shows it, and runs a command there; rejects with a ChatError. */
  readonly join: (name: string) => Promise<(command?: string) => void>
  /** Closes the shown room, and shows another one. */
  readonly leave: () => void
  readonly badges: () => readonly OpenRoom[]
}

/** What commands act on. */
export interface CommandContext extends CommandOutput {
  readonly session: Session
  readonly now: () => number
  /** Runs one task at a time, and shows its progress. */
  readonly runTask: (title: string, work: (task: Task) => Promise<void>) => Promise<void>
  /** Sends a draft, in pieces if it is long, and reports a failure. */
  readonly say: (draft: Draft) => void
  /** The user deleted one of their lines: Up no longer recalls it. */
  readonly forget: (message: string) => void
  /** The last lines of /help. */
  readonly keyHelp: readonly string[]
  /** The rooms that the face has open; undefined if the face shows one room only. */
  readonly rooms: RoomActions | undefined
  /** Runs a command on private rooms in the node; yields its answer in parts. Rejects with a ChatError. */
  readonly request: (command: Fields) => AsyncIterable<Fields>
  /** The messages of strangers that were folded, the latest last. */
  readonly folded: () => readonly Message[]
  readonly quit: () => void
}

/** A command of the chat: `/name argument`. */
export interface Command<Name extends string = string> {
  readonly name: Name
  /** How the argument is written, for people. */
  readonly argument: string
  readonly help: string
  /** What Tab completes the argument to. */
  readonly completes?: 'name' | 'command'
  /** Omitted from /help and from completion, because it is not available yet. */
  readonly isHidden?: true
  /** Whether it runs in the order of typing: its answer depends on earlier commands, or later ones depend on its answer. */
  readonly isOrdered?: true
  readonly run: (context: CommandContext, argument: string) => void | Promise<void>
}

/** Keeps the literal type of the name. */
export const command = <Name extends string>(command: Command<Name>): Command<Name> => command

export const formatNumber = (value: number): string => value.toLocaleString('en')

/** Why a command on rooms is not available outside of the terminal's screen. */
export const ONE_ROOM = 'without the terminal screen, the chat shows one room: choose it at the start with --room'
