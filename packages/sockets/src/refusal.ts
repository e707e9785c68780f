/** Why a request is not served: thrown by parsers, answered once with the status where the protocol has one, and the connection closed. */
export class Refusal extends Error {
  readonly code: number;

  /** @param message for the log and the person who debugs the client; it holds nothing that the client sent. */
  constructor(code: number, message: string) {
    super(message);
    this.name = "Refusal";
    this.code = code;
  }
}
