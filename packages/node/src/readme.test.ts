import type { Application } from "@gateway/core";
import { client } from "@gateway/testing";
import { importExample } from "@gateway/testing/readme";
import { expect, it } from "vitest";

it("runs the example of the README", async () => {
  const example = await importExample(new URL("../README.md", import.meta.url), {
    "@gateway/node": new URL("./index.ts", import.meta.url),
  });
  const http = client(example as Application);
  expect((await http.get("/hello/there")).text()).toBe("Hello from /hello and /there\n");
  expect((await http.get("/")).text()).toBe("Express serves /\n");
});
