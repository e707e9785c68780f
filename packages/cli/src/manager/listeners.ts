import { closeSync } from "node:fs";
import type { Socket } from "node:net";
import type { ServerAddress } from "@gateway/sockets";
import type { Bind } from "../bind.ts";
import type { Settings } from "../settings/settings.ts";
import { openListener, type InheritedSocket, type Listener } from "./listener.ts";
import type { WorkerListening } from "./messages.ts";
import { removeSocketFile, type SocketFile } from "./unix-path.ts";

/** What becomes of connections that are accepted in this process. */
interface ListenersAcceptance {
  /** @param listening which of the binds it came from. */
  connected(socket: Socket, listening: number): void;
  failed(bind: Bind, error: Error): void;
}

/** All that a manager listens on. */
export class Listeners {
  readonly #all: readonly Listener[];
  readonly #forsaken: readonly SocketFile[];

  private constructor(all: readonly Listener[], forsaken: readonly SocketFile[]) {
    this.#all = all;
    this.#forsaken = forsaken;
  }

  /**
   * Opens the sockets of all binds.
   *
   * @param inherited what another parent handed on. Sockets of binds that the settings do not have any more are closed.
   * @throws {StartError} when the system refuses one.
   */
  static async open(
    settings: Settings,
    inherited: readonly InheritedSocket[],
    acceptance: ListenersAcceptance,
  ): Promise<Listeners> {
    const all: Listener[] = [];
    try {
      for (const [at, bind] of settings.bind.entries()) {
        const handed = inherited.filter((socket) => socket.bind === bind.text);
        const listener = await openListener(bind, settings, handed, {
          connected: (socket) => acceptance.connected(socket, at),
          failed: (error) => acceptance.failed(bind, error),
        });
        all.push(listener);
      }
    } catch (error) {
      for (const listener of all) listener.close();
      throw error;
    }
    const forsaken = inherited.filter((socket) => !settings.bind.some(({ text }) => text === socket.bind));
    for (const { fd } of forsaken) closeSync(fd);
    return new Listeners(
      all,
      forsaken.map(({ file }) => file).filter((file) => file !== undefined),
    );
  }

  get addresses(): readonly ServerAddress[] {
    return this.#all.map(({ address }) => address);
  }

  /** As the worker at this place is told. */
  forWorker(place: number): WorkerListening[] {
    return this.#all.map((listener) => ({
      address: listener.address,
      serverName: listener.serverName,
      fd: listener.descriptor(place),
      isHanded: listener.isHanded,
    }));
  }

  /** Accepts here what no worker does. @throws {StartError} when the system refuses it. */
  async accept(places: number): Promise<void> {
    await Promise.all(this.#all.map((listener) => listener.accept(places)));
  }

  /** For another parent. */
  get inheritance(): InheritedSocket[] {
    return this.#all.flatMap(({ inheritance }) => inheritance);
  }

  /** The old parent has ended: the sockets, and their files, are this one's alone. */
  own(): void {
    for (const listener of this.#all) listener.ownsFile = true;
    for (const file of this.#forsaken) removeSocketFile(file);
  }

  /** @param isSucceeded another parent serves there, and takes the files away when it has ended itself. */
  close(isSucceeded: boolean): void {
    for (const listener of this.#all) {
      if (isSucceeded) listener.ownsFile = false;
      listener.close();
    }
  }
}
