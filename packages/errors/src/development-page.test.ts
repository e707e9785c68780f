import { buildEnviron } from "@gateway/testing";
import { describe, expect, it } from "vitest";
import { developmentPage } from "./development-page.ts";
import { plain } from "./problem.ts";

describe("developmentPage", () => {
  it("does without youch where that is not installed, and says so", async () => {
    const error = new Error("<boom>");
    const environ = buildEnviron({ headers: [["User-Agent", "<script>"]] });
    const load = (): Promise<never> => Promise.reject(new Error("Cannot find package 'youch'"));
    const { text, headers } = await developmentPage("text/html", plain(500, error, "id-1"), error, environ, load);
    expect(text).toContain("&lt;boom&gt;");
    expect(text).toContain("HTTP_USER_AGENT: &lt;script&gt;");
    expect(text).toContain("npm install --save-dev youch");
    expect(text).not.toMatch(/<boom>|<script>/);
    expect(headers[0]?.[1]).toMatch(/^default-src 'none'; style-src 'sha256-/);
  });

  it("escapes names and values, with youch and without", async () => {
    const error = new Error("<boom>");
    const environ = buildEnviron({ overrides: { "example.<b>": "<i>" } });
    for (const load of [undefined, () => Promise.reject(new Error("not there"))]) {
      const { text } = await developmentPage("text/html", plain(500, error, "<u>"), error, environ, load);
      expect(text).toContain("example.&lt;b&gt;");
      expect(text).toContain("&lt;i&gt;");
      expect(text).not.toMatch(/<b>|<i>|<u>|<boom>/);
    }
  });
});
