/**
 * What every recipient goes by, and what the proxies before the server have said: a client that names these in `Connection` would make a handler
 * see another request than the layers around it did (RFC 9110, section 7.6.1: not to be named there).
 */
const isForAll = /^(?:host|cookie|authorization|forwarded|via|x-real-ip|x-forwarded-.*|content-.*)$/;

/** The headers that belong to one connection because `Connection` names them, in lower case. */
export function namedBy(connection: string): readonly string[] {
  return connection
    .toLowerCase()
    .split(/[\t ,]+/)
    .filter((name) => !isForAll.test(name));
}
