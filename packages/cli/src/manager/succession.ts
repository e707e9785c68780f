import type { InheritedSocket } from "./listener.ts";
import type { UpgradeResult } from "./status.ts";
import { startParent, type NewParent } from "./upgrade.ts";

/** The process that shall serve after this one, where somebody asked for an upgrade. */
export class Succession {
  readonly #directory: string;
  #newParent: NewParent | undefined = undefined;
  #isReady = false;

  /** @param directory the folder that the command was started in. */
  constructor(directory: string) {
    this.#directory = directory;
  }

  /** The new parent, where there is one that lives. */
  get process(): number | undefined {
    return this.#newParent?.isAlive === true ? this.#newParent.pid : undefined;
  }

  /** Whether whoever connects finds somebody who serves, whatever becomes of this process. */
  get isServed(): boolean {
    return this.#isReady && this.process !== undefined;
  }

  /**
   * Starts a new parent with these sockets. One at a time. Never rejects.
   *
   * @param replace this process stops when the new one is ready.
   */
  async start(sockets: readonly InheritedSocket[], replace: boolean): Promise<UpgradeResult> {
    if (this.process !== undefined) {
      const pid = this.process;
      return { ok: false, pid, message: `an upgrade is under way already: process ${pid}` };
    }
    this.#isReady = false;
    const { pid, failure } = await this.#begin(sockets);
    if (failure !== undefined) return { ok: false, pid: undefined, message: `the upgrade was given up: ${failure}` };
    this.#isReady = true;
    const old = replace ? `the old one, process ${process.pid}, stops` : `end the old one with SIGTERM to ${process.pid}`;
    return { ok: true, pid, message: `process ${pid} serves on the same sockets now: ${old}` };
  }

  async #begin(
    sockets: readonly InheritedSocket[],
  ): Promise<{ readonly pid: number | undefined; readonly failure: string | undefined }> {
    try {
      this.#newParent = startParent(sockets, this.#directory);
    } catch (error) {
      return { pid: undefined, failure: `the new process could not be started: ${String(error)}` };
    }
    return { pid: this.#newParent.pid, failure: await this.#newParent.ready };
  }
}
