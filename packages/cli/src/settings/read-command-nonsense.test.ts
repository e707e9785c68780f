import { anything, array, assert, asyncProperty, constantFrom, dictionary, oneof, string, tuple } from "fast-check";
import { describe, expect, it } from "vitest";
import { StartError } from "../start-error.ts";
import { type TestCase, command, module } from "../testing/test-settings.ts";
import { table } from "./table.ts";

/** Great counts: `GATEWAY_LONG=1` runs them in full. */
const isLong = process.env["GATEWAY_LONG"] === "1";

describe("readCommand, given nonsense", () => {
  const names = [...table.values()].map(({ flag, name }) => flag ?? name);
  const word = oneof(
    constantFrom(...names).map((name) => `--${name}`),
    constantFrom(...names).map((name) => `--no-${name}`),
    constantFrom(
      "-b",
      "-w",
      "-c",
      "-p",
      "-e",
      "-h",
      "-v",
      "-",
      "--",
      "ctl",
      "app",
      "none",
      "auto",
      "unlimited",
      "10s",
      "16KiB",
      "-1",
      "0",
      ":80",
    ),
    string({ unit: "grapheme", maxLength: 12 }),
    tuple(constantFrom(...names), string({ maxLength: 8 })).map(([name, value]) => `--${name}=${value}`),
  );
  const numRuns = isLong ? 100_000 : 10_000;
  const timeout = 900_000;

  async function answers(line: readonly string[], test: TestCase): Promise<void> {
    try {
      await command(line, test);
    } catch (error) {
      if (!(error instanceof StartError)) throw error;
      expect(error.message).not.toMatch(/[\r\n]/);
      expect(error.message.length).toBeLessThan(2000);
    }
  }

  it(
    "gives a command or one line",
    async () => {
      await assert(
        asyncProperty(array(word, { maxLength: 6 }), (line) => answers(line, {})),
        { numRuns },
      );
    },
    timeout,
  );

  it(
    "gives a command or one line for any environment",
    async () => {
      const variables = dictionary(
        constantFrom(
          "PORT",
          "WEB_CONCURRENCY",
          "LISTEN_FDS",
          "GATEWAY_CONFIG",
          ...[...table.values()].flatMap(({ variable }) => variable ?? []),
        ),
        word,
        { maxKeys: 4 },
      );
      await assert(
        asyncProperty(variables, (environment) => answers(["app"], { environment: { LISTEN_PID: "4711", ...environment } })),
        { numRuns: numRuns / 2 },
      );
    },
    timeout,
  );

  it(
    "gives a command or one line for any config file",
    async () => {
      const settings = dictionary(
        constantFrom(...table.keys()),
        oneof(word, anything({ withBigInt: true, withNullPrototype: true })),
        {
          maxKeys: 4,
        },
      );
      await assert(
        asyncProperty(oneof(settings, anything()), (exported) => answers(["app"], module(exported))),
        { numRuns: numRuns / 2 },
      );
    },
    timeout,
  );
});
