import type { ErrorStream } from "@gateway/core";

/** `wsgi.errors` where the runtime has no other standard error than its console, which takes whole lines. */
export class ConsoleErrors implements ErrorStream {
  readonly #log: (line: string) => void;
  /** A line that has only begun. */
  #begun = "";

  constructor(log: (line: string) => void) {
    this.#log = log;
  }

  write(text: string): void {
    const end = text.lastIndexOf("\n");
    if (end === -1) {
      this.#begun += text;
      return;
    }
    this.#log(this.#begun + text.slice(0, end));
    this.#begun = text.slice(end + 1);
  }

  writelines(lines: Iterable<string>): void {
    for (const line of lines) this.write(line);
  }

  flush(): void {
    if (this.#begun === "") return;
    this.#log(this.#begun);
    this.#begun = "";
  }
}
