import { ExchangeAborted } from "@gateway/core";
import { errorText } from "@gateway/core/gateway";
import type { ConnectionHost, ListenerSettings, OpenConnection, RefusedRequest } from "./protocol.ts";

/** How often deadlines are looked at. */
const tickMilliseconds = 1000;

/** The open connections of a server, and the one timer that serves all of them. */
export class Connections implements ConnectionHost {
  readonly #settings: ListenerSettings;
  stopping = false;
  now: number = performance.now();
  readonly #open = new Set<OpenConnection>();
  #clock: NodeJS.Timeout | undefined = undefined;
  #grace: NodeJS.Timeout | undefined = undefined;

  constructor(settings: ListenerSettings) {
    this.#settings = settings;
  }

  get size(): number {
    return this.#open.size;
  }

  add(connection: OpenConnection): void {
    this.#open.add(connection);
    // Came from the backlog of a server that stops: it has a moment too, and no more.
    if (this.stopping) connection.stop(this.#settings.stopIdleSeconds);
  }

  closed(connection: OpenConnection): void {
    this.#open.delete(connection);
  }

  refused(request: RefusedRequest): void {
    try {
      this.#settings.onRefused(request);
    } catch (error) {
      this.report(error);
    }
  }

  report(error: unknown): void {
    this.#settings.errors.write(errorText(error));
    this.#settings.errors.flush();
  }

  startClock(): void {
    this.now = performance.now();
    this.#clock = setInterval(() => this.#tick(), tickMilliseconds).unref();
  }

  /** No further request: lets idle connections go after a moment, and what is under way after the grace period. */
  stop(): void {
    this.stopping = true;
    this.now = performance.now();
    const { stopIdleSeconds, shutdownSeconds } = this.#settings;
    for (const connection of this.#open) connection.stop(stopIdleSeconds);
    // Finer than a second: whoever waits for the stop should not have to wait for the next tick.
    clearInterval(this.#clock);
    this.#clock = setInterval(() => this.#tick(), 50);
    this.#grace = setTimeout(() => this.#cut(), shutdownSeconds * 1000);
  }

  stopClock(): void {
    clearInterval(this.#clock);
    clearTimeout(this.#grace);
  }

  #cut(): void {
    for (const connection of this.#open) connection.cut(new ExchangeAborted("SERVER_STOPPING"));
  }

  #tick(): void {
    const sinceLast = performance.now() - this.now;
    this.now += sinceLast;
    for (const connection of this.#open) connection.tick(sinceLast);
  }
}
