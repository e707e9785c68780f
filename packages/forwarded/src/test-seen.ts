import type { Application, Environ } from "@gateway/core";
import { buildEnviron } from "@gateway/testing";
import { validator } from "@gateway/validate";
import { expect } from "vitest";
import { forwarded, type ForwardedEnviron, type ForwardedOptions, type ForwardingHeader } from "./index.ts";

/** The X- headers but `X-Real-IP`, which does not go with `X-Forwarded-For`. */
export const every: readonly ForwardingHeader[] = [
  "X-Forwarded-For",
  "X-Forwarded-Proto",
  "X-Forwarded-Host",
  "X-Forwarded-Port",
  "X-Forwarded-Prefix",
];

/** The proxies that tests trust. */
export const proxies: readonly string[] = ["10.0.0.0/8", "fd00::/8"];

/** The environ that an application behind the layer sees, the validator on both sides. */
export function seen(
  options: ForwardedOptions,
  headers: Record<string, string>,
  overrides: Partial<Environ> = {},
  target = "/a",
): Environ & ForwardedEnviron {
  let inner: (Environ & ForwardedEnviron) | undefined;
  const app: Application<Environ & ForwardedEnviron> = (environ, startResponse) => {
    inner = environ;
    startResponse("204 No Content", []);
    return [];
  };
  const environ = buildEnviron({ target, headers: Object.entries(headers), overrides: { REMOTE_ADDR: "10.0.0.1", ...overrides } });
  const body = validator(forwarded(options)(validator(app)))(environ, () => () => {}) as readonly Uint8Array[] & { close?(): void };
  expect([...body]).toEqual([]);
  body.close?.();
  if (inner === undefined) throw new Error("the application was not called");
  return inner;
}
