import { symlinkSync } from "node:fs";
import { join } from "node:path";
import type { Application } from "@gateway/core";
import { client } from "@gateway/testing";
import { validator } from "@gateway/validate";
import { describe, expect, it } from "vitest";
import { fileSender, type FileOptions, type SendOptions } from "./index.ts";
import { testClock, testFolder, type TestFolder } from "./test-site.ts";

function sending(folder: TestFolder, path: string, send?: SendOptions, options: FileOptions = {}): ReturnType<typeof client> {
  const files = fileSender(folder.path, { now: testClock().now, ...options });
  const app: Application = (environ, startResponse) => files(environ, startResponse, path, send);
  return client(validator(app));
}

describe("fileSender", () => {
  it("sends a file whatever the path of the request is, by the same rules", async () => {
    using folder = testFolder();
    folder.put("reports/1.txt", "0123456789");
    const http = sending(folder, "reports/1.txt");
    const whole = await http.get("/download%2F7");
    expect([whole.status, whole.text(), whole.headers.get("accept-ranges")]).toEqual([200, "0123456789", "bytes"]);
    const part = await http.get("/", { headers: { Range: "bytes=2-3", "If-Range": whole.headers.get("etag") ?? "" } });
    expect([part.status, part.text()]).toEqual([206, "23"]);
    expect((await http.get("/", { headers: { "If-None-Match": whole.headers.get("etag") ?? "" } })).status).toBe(304);
    expect((await http.head("/")).headers.get("content-length")).toBe("10");
  });

  it("names a download, and adds headers", async () => {
    using folder = testFolder();
    folder.put("1.txt", "text");
    const http = sending(folder, "/1.txt", { download: "Année.txt", headers: [["X-Robots-Tag", "noindex"]] });
    const response = await http.get("/");
    expect(response.headers.get("content-disposition")).toBe("attachment; filename=Annee.txt; filename*=UTF-8''Ann%C3%A9e.txt");
    expect(response.headers.get("x-robots-tag")).toBe("noindex");
    // What was added for one response is not there in the next.
    expect(response.headers.getAll("x-robots-tag")).toEqual((await http.get("/")).headers.getAll("x-robots-tag"));
  });

  it("answers 404 for all that is no file inside", async () => {
    using folder = testFolder();
    using outside = testFolder();
    symlinkSync(outside.put("secret", "secret"), join(folder.path, "link"));
    folder.put("sub/.env", "secret");
    for (const path of [
      "nothing",
      "",
      "/",
      "sub",
      "sub/",
      "sub/.env",
      "../x",
      "a/../../x",
      "link",
      "a\0",
      "..\\x",
      "//sub",
      ".gateway-static.json",
    ])
      expect([path, (await sending(folder, path).get("/")).status]).toEqual([path, 404]);
  });

  it("answers 405 for other methods", async () => {
    using folder = testFolder();
    folder.put("1.txt", "text");
    const response = await sending(folder, "1.txt").post("/");
    expect([response.status, response.headers.get("allow")]).toEqual([405, "GET, HEAD"]);
  });

  it("checks its options", () => {
    using folder = testFolder();
    expect(() => fileSender("relative")).toThrow("fileSender: the root is an absolute path");
    expect(() => fileSender(folder.path, { prefix: "/" } as FileOptions)).toThrow("fileSender: there is no option prefix");
  });
});
