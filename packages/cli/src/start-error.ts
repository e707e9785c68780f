/**
 * Why the command cannot start, in one line for the person at the terminal. Its cause is set only where they need the stack:
 * when their own module threw.
 */
export class StartError extends Error {
  override readonly name = "StartError";

  constructor(message: string, options?: ErrorOptions) {
    // What the system or a module says may take several lines; a log has one for each event.
    super(message.replaceAll(/\s*[\r\n]+\s*/g, " "), options);
  }
}
