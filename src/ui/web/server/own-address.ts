/** The only host names that the server accepts. Any other name may belong to a site that resolves it to this machine (DNS rebinding). */
const HOSTS = ['127.0.0.1', 'localhost']

/** Whether a request names this server in its `Host`. */
export const isOwnHost = (host: string | undefined, port: number): boolean =>
  HOSTS.some(own => host === `${own}:${port}`)

/** Whether a page of this server sent the request. Every browser sends `Origin` with a WebSocket. */
export const isOwnOrigin = (origin: string | undefined, host: string | undefined, port: number): boolean =>
  isOwnHost(host, port) && origin === `http://${host}`
