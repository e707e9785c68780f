import { cgiTransport, gatewayConformance } from "@gateway/testing/conformance";
import { describe, it } from "vitest";
import { joined, RunProgram } from "./test-front.ts";

/** The program: notes go to the standard error, like errors, so that their order is kept. */
const source = (key: string): string => `
  import { writeSync } from "node:fs";
  import { applicationFor } from "@gateway/testing/conformance";
  import { CGIHandler } from "@gateway/cgi";
  const note = (text) => void writeSync(2, "note: " + text + "\\n");
  await new CGIHandler().run(applicationFor(${JSON.stringify(key)}, { note }));
`;

const transport = cgiTransport({
  name: "CGI",
  unknownLength: true,
  lacks: {
    "refuses a NUL in the path": "a NUL ends a variable",
    "fails to read a chunked body that was cut short": "a body without a length ends with the standard input, be it whole or not",
    "answers 500 to a header list that was sent before, and says what to do": "each request has a process of its own",
  },
  async listen(_app, hooks) {
    const running = new Set<RunProgram>();
    return {
      request({ variables, body, signal }) {
        const endsInput = !variables.includes("CONTENT_LENGTH");
        const program = new RunProgram({
          source: source(hooks.key),
          variables: joined(variables),
          body,
          endsInput,
          signal,
          onNote: (text) => hooks.note(text),
          onErrors: (text) => hooks.errors(text),
        });
        running.add(program);
        return program.response;
      },
      async close() {
        for (const program of running) program.child.stdin?.end();
        await Promise.all([...running].map((program) => program.exited));
      },
    };
  },
});

gatewayConformance(transport, { describe, it: it.concurrent }, { deadlineMs: 18_000 });
