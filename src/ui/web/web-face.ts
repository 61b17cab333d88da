import type { WebSocket } from 'ws'
import { systemRandom } from '../../base/random.js'
import { PageSession } from './page-session.js'
import type { PageFile } from './server/page-files.js'
import { PageSocket } from './server/page-socket.js'
import { newToken } from './server/token.js'
import { WebServer } from './server/web-server.js'
import type { Workspace } from './workspace.js'

/** Pages at once. Each has a session of its room. */
const PAGES_MAX = 8

/** The web server of one user, with a session for each open page. */
export class WebFace {
  /** The address of the page, with its token. */
  readonly url: string
  readonly token: string
  readonly #server: WebServer
  readonly #pages: Set<PageSession>

  private constructor(server: WebServer, token: string, pages: Set<PageSession>) {
    this.#server = server
    this.#pages = pages
    this.token = token
    this.url = `http://127.0.0.1:${server.port}/#${token}`
  }

  /** Rejects with SWARM_PORT_TAKEN or SWARM_LISTEN_FAILED. */
  static async open(workspace: Workspace, port: number, files: ReadonlyMap<string, PageFile>): Promise<WebFace> {
    const token = newToken(systemRandom)
    const pages = new Set<PageSession>()
    const onSocket = (socket: WebSocket): void => {
      const onProven = (page: PageSocket): PageSession | undefined => {
        server.proven(socket)
        if (pages.size >= PAGES_MAX) return undefined
        const session = new PageSession(workspace, page)
        pages.add(session)
        socket.once('close', () => pages.delete(session))
        return session
      }
      new PageSocket(socket, { token, clock: workspace.clock, onProven })
    }
    const server = await WebServer.open({ port, token, files, onSocket })
    return new WebFace(server, token, pages)
  }

  /** Tells the pages why the server ends; resolves when their drafts are saved and the server is closed. */
  async close(text: string): Promise<void> {
    await Promise.all([...this.#pages].map(page => page.end(text, true)))
    await this.#server.close()
  }
}
