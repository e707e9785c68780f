import { describe, expect, it } from "vitest";
import { site, testFolder } from "./test-site.ts";

describe("staticFiles, of a path,", () => {
  it("serves below a prefix, and nothing beside it", async () => {
    using folder = testFolder();
    folder.put("a.txt", "content");
    folder.put("index.html", "index");
    const http = site(folder, { prefix: "/assets" });
    expect((await http.get("/assets/a.txt")).text()).toBe("content");
    expect((await http.get("/assets/")).text()).toBe("index");
    expect((await http.get("/assets")).headers.get("location")).toBe("/assets/");
    for (const path of ["/a.txt", "/assetsa.txt", "/assets-secret/a.txt", "/asset", "/"])
      expect((await http.get(path)).status).toBe(404);
  });

  it("answers for a folder with its index file", async () => {
    using folder = testFolder();
    folder.put("docs/default.htm", "default");
    folder.put("docs/index.html", "index");
    expect((await site(folder).get("/docs/")).text()).toBe("index");
    expect((await site(folder, { index: ["default.htm", "index.html"] }).get("/docs/")).text()).toBe("default");
    expect((await site(folder, { index: [] }).get("/docs/")).status).toBe(404);
  });

  it("tries endings where there is no such file", async () => {
    using folder = testFolder();
    folder.put("about.html", "about");
    folder.put("about.txt", "text");
    folder.put("plain", "plain");
    folder.put("plain.html", "not this");
    const http = site(folder, { extensions: ["html", ".txt"] });
    const response = await http.get("/about");
    expect([response.text(), response.headers.get("content-type")]).toEqual(["about", "text/html; charset=utf-8"]);
    expect((await http.get("/plain")).text()).toBe("plain");
    expect((await site(folder).get("/about")).status).toBe(404);
  });

  describe("the redirect to a folder", () => {
    it("keeps mount point and query", async () => {
      using folder = testFolder();
      folder.put("docs/a b/index.html", "index");
      const http = site(folder);
      const response = await http.get("/shop/docs/a%20b?q=%2F&r", { environ: { SCRIPT_NAME: "/shop" } });
      expect([response.status, response.headers.get("location")]).toEqual([301, "/shop/docs/a%20b/?q=%2F&r"]);
      expect((await http.get("/shop", { environ: { SCRIPT_NAME: "/shop" } })).status).toBe(404);
      folder.put("index.html", "root");
      const mounted = await site(folder).get("/shop", { environ: { SCRIPT_NAME: "/shop" } });
      expect(mounted.headers.get("location")).toBe("/shop/");
    });

    it("tells nothing of a folder that would not answer, and can be switched off", async () => {
      using folder = testFolder();
      folder.put("private/a.txt", "a");
      folder.put("docs/index.html", "index");
      expect((await site(folder).get("/private")).status).toBe(404);
      expect((await site(folder, { redirect: false }).get("/docs")).status).toBe(404);
    });
  });

  describe("with a fallback", () => {
    it("answers for pages, not for files that are missing, and not for what is not covered", async () => {
      using folder = testFolder();
      folder.put("index.html", "page");
      folder.put("real.txt", "real");
      const http = site(folder, { fallback: "index.html" });
      for (const path of ["/", "/users/7", "/users/", "/a.b/c"]) expect((await http.get(path)).text()).toBe("page");
      expect((await http.get("/real.txt")).text()).toBe("real");
      for (const path of ["/missing.js", "/.env", "/a//b", "/%5C", "/x%2Fy"]) expect((await http.get(path)).status).toBe(404);
      expect((await http.post("/users/7")).status).toBe(404);
      const narrow = site(folder, { fallback: { file: "/index.html", covers: (path) => !path.startsWith("/api/") } });
      expect((await narrow.get("/users/7.x")).text()).toBe("page");
      expect((await narrow.get("/api/users")).status).toBe(404);
    });
  });
});
