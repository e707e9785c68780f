import { HTTPError } from "@gateway/core";
import type { ChunkSource } from "@gateway/core/gateway";
import { Refusal } from "./refusal.ts";

/** What a request body asks of the connection it comes from. */
export interface BodyConnection {
  /** The next piece that is at hand; `undefined` when there is none. */
  piece(): Buffer | undefined;
  /** The body was read to its end. */
  readonly bodyEnded: boolean;
  /** The application waits for more: sends `100 Continue` where the client waits for it. */
  wanted(): void;
}

/** The body of one request, as `wsgi.input` pulls it. What is not pulled stays in the connection, which stops reading when it is too much. */
export class RequestBody implements ChunkSource {
  readonly #connection: BodyConnection;
  #error: unknown = undefined;
  #isOver = false;
  #waiting: { resolve(piece: Buffer | undefined): void; reject(error: unknown): void } | undefined = undefined;

  constructor(connection: BodyConnection) {
    this.#connection = connection;
  }

  pull(): Buffer | undefined | Promise<Buffer | undefined> {
    if (this.#isOver) this.#error ??= tooLate();
    if (this.#error !== undefined) throw this.#error;
    const piece = this.#piece();
    if (piece !== undefined || this.#connection.bodyEnded) return piece;
    this.#connection.wanted();
    // The connection may know that nothing more will come.
    if (this.#error !== undefined) throw this.#error;
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject };
    });
  }

  /** More has come. */
  arrived(): void {
    const waiting = this.#waiting;
    if (waiting === undefined) return;
    try {
      const piece = this.#piece();
      if (piece === undefined && !this.#connection.bodyEnded) return;
      this.#waiting = undefined;
      waiting.resolve(piece);
    } catch (error) {
      this.#waiting = undefined;
      waiting.reject(error);
    }
  }

  /** No more will come; a body that is not whole never looks complete. */
  cut(): void {
    this.#fail(new HTTPError(400, "the request body was cut short"));
  }

  /** The response is over: nobody may read any more. */
  finish(): void {
    // An error is dear, and nearly always nobody reads.
    this.#isOver = true;
    if (this.#waiting !== undefined) this.#fail(tooLate());
  }

  /** Nobody may read any more: the client has left. */
  end(reason: Error): void {
    this.#fail(reason);
  }

  #fail(error: unknown): void {
    this.#error ??= error;
    this.#waiting?.reject(error);
    this.#waiting = undefined;
  }

  #piece(): Buffer | undefined {
    try {
      return this.#connection.piece();
    } catch (error) {
      this.#error = error instanceof Refusal ? new HTTPError(error.code, error.message) : error;
      throw this.#error;
    }
  }
}

function tooLate(): Error {
  return new Error("wsgi.input was read after the response had ended");
}
