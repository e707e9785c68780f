import type { Socket } from "node:net";

/**
 * Resets a connection of TCP, without the end of it before: `resetAndDestroy` of Node.js ends its side first, and a peer that is quick takes
 * that for an orderly end. What has not been sent yet is thrown away. Other sockets, which have no reset, are closed.
 */
export function resetConnection(socket: Socket): void {
  if (socket.remotePort !== undefined && !socket.connecting) Reflect.set(socket, "resetAndClosing", true);
  socket.destroy();
}
