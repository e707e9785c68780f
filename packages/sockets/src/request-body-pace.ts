/** How fast a body must come. */
export interface PaceLimits {
  /** Bytes a second, over the time that the server waits for it. */
  readonly bodyBytesPerSecond: number;
  /** For how long it may come more slowly. */
  readonly bodyGraceSeconds: number;
}

/** Watches that a client does not send its body by drops, to keep a connection busy. */
export class RequestBodyPace {
  #bytes = 0;
  #waited = 0;

  /** Bytes of the message came; fewer than none where some went back to the socket. */
  came(bytes: number): void {
    this.#bytes += bytes;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** A new body, of which so much has come. */
  restart(bytes: number): void {
    this.#bytes = bytes;
    this.#waited = 0;
  }

  /** @param milliseconds in which the server could have read more than there was. @returns whether the body comes too slowly. */
  waited(milliseconds: number, limits: PaceLimits): boolean {
    this.#waited += milliseconds;
    return this.#waited > limits.bodyGraceSeconds * 1000 && this.#bytes * 1000 < limits.bodyBytesPerSecond * this.#waited;
  }
}
