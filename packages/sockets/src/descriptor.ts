import { fstatSync } from "node:fs";

/**
 * Looks whether a descriptor that was inherited is a socket, before anything is made of it: the runtime has descriptors of its own, for its loop and
 * its threads, and one that is listened on by mistake is closed under its feet, which ends the process without a word.
 *
 * @throws EBADF for one that is not open, ENOTSOCK for what is no socket.
 */
export function checkSocketDescriptor(fd: number): void {
  if (!fstatSync(fd).isSocket()) throw Object.assign(new Error(`ENOTSOCK: descriptor ${fd} is no socket`), { code: "ENOTSOCK" });
}
