import type { Application } from "@gateway/core";
import { client } from "@gateway/testing";
import { importExample } from "@gateway/testing/readme";
import { expect, it } from "vitest";

it("runs the example of the README", async () => {
  const example = await importExample(new URL("../README.md", import.meta.url), {
    "@gateway/fetch": new URL("./index.ts", import.meta.url),
  });
  const http = client(example as Application);
  expect((await http.get("/pages/one")).text()).toBe("Page one\n");
  expect((await http.get("/else")).text()).toBe("Hello from /else\n");
});
