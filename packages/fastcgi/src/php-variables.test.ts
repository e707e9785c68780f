import { setupTestingDefaults } from "@gateway/core";
import { describe, expect, it } from "vitest";
import { phpScript, phpVariables } from "./php-variables.ts";

describe("phpScript", () => {
  it.each([
    ["/", { script: "/index.php", pathInfo: "" }],
    ["/blog/post", { script: "/index.php", pathInfo: "" }],
    ["/a/b.php", { script: "/a/b.php", pathInfo: "" }],
    ["/a/b.php/", { script: "/a/b.php", pathInfo: "/" }],
    ["/b.php/c.php/d", { script: "/b.php", pathInfo: "/c.php/d" }],
    ["/b.PHP", { script: "/b.PHP", pathInfo: "" }],
    ["/b.php/../../etc", { script: "/b.php", pathInfo: "/../../etc" }],
    ["/../x.php", undefined],
    ["/./x.php", undefined],
    ["/a\\b.php", undefined],
  ])("of %s is %j", (path, script) => {
    expect(phpScript(path, "/index.php")).toEqual(script);
  });
});

describe("phpVariables", () => {
  const environ = setupTestingDefaults({ SCRIPT_NAME: "/mount", PATH_INFO: "/a.php/b" });

  it("names the script in the root, and lets more be said", () => {
    expect(phpVariables({ root: "/srv/site/" }, { APP_ENV: "test" })(environ)).toEqual({
      SCRIPT_FILENAME: "/srv/site/a.php",
      DOCUMENT_ROOT: "/srv/site",
      SCRIPT_NAME: "/mount/a.php",
      PATH_INFO: "/b",
      APP_ENV: "test",
    });
  });

  it("answers 404 to a path that could leave the root", () => {
    const escaping = setupTestingDefaults({ PATH_INFO: "/../a.php" });
    expect(() => phpVariables({ root: "/srv" })(escaping)).toThrow("404");
  });

  it.each([{ root: "srv" }, { root: "/srv", frontController: "index.php" }, { root: "/srv", frontController: "/../index.php" }])(
    "refuses %j",
    (site) => {
      expect(() => phpVariables(site)).toThrow(TypeError);
    },
  );
});
