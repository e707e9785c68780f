import { describe, expect, it } from "vitest";
import { signalRule, type SignalMeaning, type StopSignal } from "./signals.ts";

/** What signals mean that come at these times, in milliseconds. */
function meanings(...signals: readonly (readonly [signal: StopSignal, time: number])[]): SignalMeaning[] {
  let time = 0;
  const meaningOf = signalRule(() => time);
  return signals.map(([signal, at]) => {
    time = at;
    return meaningOf(signal);
  });
}

describe("signalRule", () => {
  it("stops at the first SIGINT and quits at the second", () => {
    expect(meanings(["SIGINT", 1000], ["SIGINT", 1251])).toEqual(["stop", "quit"]);
  });

  it("takes the echo of a SIGINT for the same one", () => {
    expect(meanings(["SIGINT", 0], ["SIGINT", 3], ["SIGINT", 250], ["SIGINT", 251])).toEqual([
      "stop",
      "nothing",
      "nothing",
      "quit",
    ]);
  });

  it("measures from the SIGINT that counted, not from its echoes", () => {
    expect(meanings(["SIGINT", 0], ["SIGINT", 200], ["SIGINT", 400])).toEqual(["stop", "nothing", "quit"]);
  });

  it("never quits for SIGTERM", () => {
    expect(meanings(["SIGTERM", 0], ["SIGTERM", 1000], ["SIGTERM", 9000])).toEqual(["stop", "nothing", "nothing"]);
  });

  it("counts SIGINTs only: after SIGTERM the second SIGINT quits", () => {
    expect(meanings(["SIGTERM", 0], ["SIGINT", 1], ["SIGINT", 100], ["SIGINT", 1000])).toEqual([
      "stop",
      "nothing",
      "nothing",
      "quit",
    ]);
  });

  it("does not stop twice", () => {
    expect(meanings(["SIGINT", 0], ["SIGTERM", 1000], ["SIGINT", 2000])).toEqual(["stop", "nothing", "quit"]);
  });
});
