import type { Application } from "@gateway/core";
import { client } from "@gateway/testing";
import { importExample } from "@gateway/testing/readme";
import { describe, expect, it } from "vitest";

describe("the README", () => {
  it("has an example that does what it says", async () => {
    const app = (await importExample(new URL("../README.md", import.meta.url), {
      "@gateway/forwarded": new URL("index.ts", import.meta.url),
    })) as Application;
    const headers = { "X-Forwarded-For": "198.51.100.9, 192.0.2.1", "X-Forwarded-Proto": "https" };
    expect((await client(app).get("/", { headers, environ: { REMOTE_ADDR: "10.0.0.7" } })).text()).toBe("192.0.2.1 by https\n");
    expect((await client(app).get("/", { headers, environ: { REMOTE_ADDR: "192.0.2.5" } })).text()).toBe("192.0.2.5 by http\n");
  });
});
