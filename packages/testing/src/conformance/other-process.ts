import { spawn, type ChildProcess } from "node:child_process";
import type { Server } from "node:net";
import { toApplication, type Application, type ErrorStream } from "@gateway/core";
import { applicationFor } from "./run-case.ts";
import type { TransportHooks } from "./types.ts";

/** What the process of the test and the other one tell each other. */
type Message = { readonly begin: string } | { readonly begun: string } | { readonly note: string } | { readonly errors: string };

/** What a gateway in another process serves: the application of whichever case is under way. */
export interface AnsweredCases {
  readonly app: Application;
  readonly errors: ErrorStream;
}

/** In the other process: waits for the cases that a {@link CaseProcess} names, and ends with its end. */
export function answerCases(): AnsweredCases {
  let current: Application = () => {
    throw new Error("no case was begun");
  };
  const tell = (message: Message): void => void process.send?.(message);
  process.on("message", (message: Message) => {
    if (!("begin" in message)) return;
    current = toApplication(applicationFor(message.begin, { note: (note) => tell({ note }) }));
    tell({ begun: message.begin });
  });
  process.on("disconnect", () => process.exit(0));
  return {
    app: (environ, startResponse) => current(environ, startResponse),
    errors: {
      write: (errors) => tell({ errors }),
      writelines(lines) {
        for (const errors of lines) tell({ errors });
      },
      flush() {},
    },
  };
}

/** In the process of the test: another one, with a channel to it, whose gateway serves {@link answerCases}. */
export class CaseProcess {
  readonly #child: ChildProcess;
  readonly #ended: Promise<void>;
  #hooks: TransportHooks | undefined = undefined;
  #begun: { readonly key: string; resolve(): void; reject(error: Error): void } | undefined = undefined;

  constructor(child: ChildProcess) {
    this.#child = child;
    child.on("message", (message: Message) => this.#heard(message));
    this.#ended = new Promise((resolve) => child.once("exit", () => resolve()));
    void this.#ended.then(() => this.#begun?.reject(new Error("the process of the gateway has ended")));
  }

  /**
   * Runs a module in a process of its own.
   *
   * @param source of the module, JavaScript.
   * @param folder from which it imports packages.
   * @param listener what it inherits as descriptor 0: a socket that listens, and is closed here.
   */
  static inheriting(listener: Server, source: string, folder: string): CaseProcess {
    const handle: unknown = Reflect.get(listener, "_handle");
    const descriptor: unknown = typeof handle === "object" && handle !== null && Reflect.get(handle, "fd");
    if (typeof descriptor !== "number") throw new TypeError("the listener has no descriptor: it does not listen");
    const child = spawn(process.execPath, ["--input-type=module", "-e", source], {
      cwd: folder,
      stdio: [descriptor, "inherit", "inherit", "ipc"],
    });
    listener.close();
    return new CaseProcess(child);
  }

  /** From now on it serves this case. Rejects when it has ended. */
  async begin(hooks: TransportHooks): Promise<void> {
    this.#hooks = hooks;
    const { key } = hooks;
    await new Promise<void>((resolve, reject) => {
      this.#begun = { key, resolve, reject };
      this.#child.send({ begin: key } satisfies Message);
    });
  }

  /** Ends it. */
  async stop(): Promise<void> {
    if (this.#child.connected) this.#child.disconnect();
    await this.#ended;
  }

  #heard(message: Message): void {
    if ("note" in message) this.#hooks?.note(message.note);
    else if ("errors" in message) this.#hooks?.errors(message.errors);
    else if ("begun" in message && message.begun === this.#begun?.key) this.#begun.resolve();
  }
}
