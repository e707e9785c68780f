import { expect, it } from "vitest";
import { accessLog, logFile, logStream, requestId, traceContext } from "./index.ts";

it.each<[string, () => unknown]>([
  ["accessLog", () => accessLog({ nonsense: 1 } as object)],
  ["redact", () => accessLog({ redact: { nonsense: 1 } as object })],
  ["reveal", () => accessLog({ reveal: { nonsense: 1 } as object })],
  ["logFile", () => logFile("never-made.log", { nonsense: 1 } as object)],
  ["logStream", () => logStream(process.stderr, { nonsense: 1 } as object)],
  ["requestId", () => requestId({ nonsense: 1 } as object)],
  ["traceContext", () => traceContext({ nonsense: 1 } as object)],
])("%s refuses an option that there is not", (name, make) => {
  expect(make).toThrow(TypeError);
  expect(make).toThrow(`${name}: there is no option nonsense: there are `);
});
