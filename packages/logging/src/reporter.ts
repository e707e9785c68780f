import { oneLine } from "./escape.ts";

/** Tells of trouble once, until it is over. */
export interface Reporter {
  tell(error: Error): void;
  over(): void;
}

/** @param onError what was asked for; without it, a line on standard error. What it throws is dropped: there is nobody left to tell. */
export function reporter(name: string, onError: ((error: Error) => void) | undefined): Reporter {
  let isTold = false;
  const tell =
    onError ?? ((error: Error): void => void process.stderr.write(`${oneLine(`access log ${name}: ${error.message}`)}\n`));
  return {
    tell(error) {
      if (isTold) return;
      isTold = true;
      try {
        tell(error);
      } catch {}
    },
    over() {
      isTold = false;
    },
  };
}
