import type { ErrorStream } from "@gateway/core";

/** An error stream that hands on each text that is written to it: `hooks.errors` of a transport, or a list of the test. */
export function errorsTo(take: (text: string) => void): ErrorStream {
  return {
    write(text) {
      take(text);
    },
    writelines(lines) {
      for (const line of lines) take(line);
    },
    flush() {},
  };
}
