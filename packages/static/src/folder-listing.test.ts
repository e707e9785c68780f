import { symlinkSync, unlinkSync } from "node:fs";
import { join } from "node:path";
import { client } from "@gateway/testing";
import { describe, expect, it } from "vitest";
import { staticFiles } from "./index.ts";
import { checked, site, testClock, testFolder } from "./test-site.ts";

describe("staticFiles with a listing", () => {
  it("shows files and folders, escaped, and nothing that is not served", async () => {
    using folder = testFolder();
    using outside = testFolder();
    outside.put("secret.txt", "secret");
    folder.put("docs/<script>.txt", "12345");
    folder.put("docs/sub/a.txt", "a");
    folder.put("docs/.env", "secret");
    folder.put("docs/javascript:alert(1)", "x");
    symlinkSync(join(outside.path, "secret.txt"), join(folder.path, "docs/out.txt"));
    symlinkSync(outside.path, join(folder.path, "docs/outside"));
    symlinkSync("sub", join(folder.path, "docs/inside"));
    const http = site(folder, { listing: true });
    const page = await http.get("/docs/");
    expect(page.headers.get("content-security-policy")).toBe("default-src 'none'");
    expect(page.text()).toContain('<a href="./%3Cscript%3E.txt">&lt;script&gt;.txt</a><td>5<td>2023-11-14 22:13');
    expect(page.text()).toContain('<a href="./javascript:alert(1)">');
    expect(page.text()).toContain('<a href="./sub/">sub/</a>');
    expect(page.text()).not.toMatch(/<script>|\.env|out\.txt|outside/);
    const json = await http.get("/docs/", { headers: { Accept: "application/json" } });
    expect(json.json()).toMatchObject({
      entries: [
        { name: "inside", kind: "folder" },
        { name: "sub", kind: "folder" },
        { name: "<script>.txt", kind: "file", size: 5, modified: "2023-11-14T22:13:20.000Z" },
        { name: "javascript:alert(1)", kind: "file" },
      ],
      isCut: false,
    });
    expect((await http.get("/docs")).headers.get("location")).toBe("/docs/");
    expect((await http.head("/docs/")).headers.get("content-length")).toBe(page.headers.get("content-length"));
    // Through links: a folder outside is none.
    expect((await http.get("/docs/outside/")).status).toBe(404);
    expect((await http.get("/docs/inside/a.txt")).text()).toBe("a");
  });

  it("is made once a second at most, whoever asks, and anew where the root leads elsewhere", async () => {
    using folder = testFolder();
    folder.put("1/a.txt", "a");
    folder.put("2/other.txt", "o");
    symlinkSync("1", join(folder.path, "current"));
    const clock = testClock();
    const http = client(checked(staticFiles(join(folder.path, "current"), { listing: true, now: clock.now })));
    const names = async (): Promise<unknown> => {
      const { entries } = (await http.get("/", { headers: { Accept: "application/json" } })).json() as {
        entries: { name: string }[];
      };
      return entries.map(({ name }) => name);
    };
    expect(await names()).toEqual(["a.txt"]);
    folder.put("1/b.txt", "b");
    clock.advance(999);
    expect(await names()).toEqual(["a.txt"]);
    clock.advance(1);
    expect(await names()).toEqual(["a.txt", "b.txt"]);
    unlinkSync(join(folder.path, "current"));
    symlinkSync("2", join(folder.path, "current"));
    clock.advance(1000);
    expect(await names()).toEqual(["other.txt"]);
  });

  it("is off unless asked for", async () => {
    using folder = testFolder();
    folder.put("a.txt", "a");
    expect((await site(folder).get("/")).status).toBe(404);
  });
});
