/**
 * What every recipient goes by, and what the proxies before the server have said: a client that names these in `Connection` would make the next
 * recipient see another request than the layers around it did (RFC 9110, section 7.6.1: not to be named there).
 */
const isForAll = /^(?:host|cookie|authorization|forwarded|via|x-real-ip|x-forwarded-.*|content-.*)$/;

/** For authors of gateways: the headers that belong to one connection because its `Connection` header names them, in lower case. */
export function namedByConnection(connection: string): readonly string[] {
  return connection
    .toLowerCase()
    .split(/[\t ,]+/)
    .filter((name) => name !== "" && !isForAll.test(name));
}
