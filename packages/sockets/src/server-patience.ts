import { ClientError } from "./client-error.ts";

/** How long a server is waited for. */
export interface PatienceLimits {
  readonly idleSeconds: number;
  readonly answerSeconds: number;
}

/** What a request waits for now. */
export interface Waited {
  /** Nothing but the server: not the body of the request to be made, nor the response to be read. */
  readonly isServers: boolean;
  /** The server has the whole request, and has not begun to answer. */
  readonly isAnswer: boolean;
}

/** For how long one request has waited for its server, and how long it may. */
export class ServerPatience {
  readonly #limits: PatienceLimits;
  #idle = 0;
  #unanswered = 0;

  constructor(limits: PatienceLimits) {
    this.#limits = limits;
  }

  /** The server took or gave something. */
  progressed(): void {
    this.#idle = 0;
  }

  /** @returns why the request is to be given up; `undefined` where it is not. */
  tick(sinceLast: number, waited: Waited): ClientError | undefined {
    const { idleSeconds, answerSeconds } = this.#limits;
    this.#idle = waited.isServers ? this.#idle + sinceLast : 0;
    this.#unanswered = waited.isAnswer ? this.#unanswered + sinceLast : 0;
    if (this.#idle > idleSeconds * 1000) return new ClientError("TIME_LIMIT", `the server did nothing for ${idleSeconds} seconds`);
    if (this.#unanswered > answerSeconds * 1000)
      return new ClientError("TIME_LIMIT", `the head of the response was not there after ${answerSeconds} seconds`);
    return undefined;
  }
}
