import { explainKey, type Application, type Deployment, type ExplainHook } from "@gateway/core";
import { describe, expect, it } from "vitest";
import { memoryStore } from "./memory-store.ts";
import { sessions, type SessionsOptions } from "./index.ts";

const secret = "thirty-two octets or more, for the test";
const app: Application = () => [];

function remarks(options: Omit<SessionsOptions, "environKey" | "secret">, deployment: Partial<Deployment> = {}): string[] {
  const whole = sessions({ secret, ...options })(app);
  const hook = Reflect.get(whole, explainKey) as ExplainHook;
  return [...hook({ processes: 1, isTls: false, stated: new Set(), ...deployment })];
}

describe("what sessions() says to gateway --explain", () => {
  it("warns of a store that each process has for itself", () => {
    expect(remarks({ store: memoryStore() }, { processes: 2 })).toEqual([expect.stringContaining("each of 2 processes")]);
    expect(remarks({ store: memoryStore() })).toEqual([]);
    expect(remarks({}, { processes: 2 })).toEqual([]);
  });

  it("warns of Secure cookies where no request can look like https", () => {
    expect(remarks({ cookie: { secure: true } })).toEqual([expect.stringContaining("forwarded({ trust })")]);
    expect(remarks({ cookie: { secure: true } }, { isTls: true })).toEqual([]);
    expect(remarks({ cookie: { secure: true } }, { stated: new Set(["trusted proxy"]) })).toEqual([]);
    expect(remarks({ cookie: () => ({ secure: true }) })).toEqual([]);
  });
});
