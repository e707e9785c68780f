import { expect, it } from "vitest";
import type { Application } from "@gateway/core";
import { router } from "./index.ts";

const app: Application = () => [];

it.each<[string, () => unknown]>([
  ["router", () => router([], { nonsense: 1 } as object)],
  ['route 1 ("/a")', () => router([["/a", app, { nonsense: 1 } as object]])],
])("%s refuses an option that there is not", (name, make) => {
  expect(make).toThrow(TypeError);
  expect(make).toThrow(`${name}: there is no option nonsense: there are `);
});
