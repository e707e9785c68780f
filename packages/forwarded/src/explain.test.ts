import { explainKey, type Application, type Deployment, type ExplainHook } from "@gateway/core";
import { describe, expect, it } from "vitest";
import { forwarded, type ForwardedOptions } from "./index.ts";

const app: Application = () => [];

function stated(options: ForwardedOptions): string[] {
  const deployment: Deployment = { processes: 1, isTls: false, stated: new Set() };
  const hook = Reflect.get(forwarded(options)(app), explainKey) as ExplainHook;
  expect([...hook(deployment)]).toEqual([]);
  return [...deployment.stated];
}

describe("what forwarded() says to gateway --explain", () => {
  it("states that a proxy is trusted, if one is", () => {
    expect(stated({ trust: ["10.0.0.0/8"] })).toEqual(["trusted proxy"]);
    expect(stated({ trust: 1 })).toEqual(["trusted proxy"]);
    expect(stated({})).toEqual([]);
    expect(stated({ trust: [] })).toEqual([]);
  });
});
