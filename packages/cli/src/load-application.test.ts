import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { loadApplication, loadSite } from "./load-application.ts";
import { StartError } from "./start-error.ts";
import { Fixtures } from "./testing/command.ts";

const app = (name: string): string => `function ${name}() { return []; }`;

// What only the runtime's own loader shows (vitest has one of its own) is tested with the real command: refusing.test.ts.
let fixtures: Fixtures;

beforeAll(async () => {
  fixtures = await Fixtures.make({
    "default.mjs": `export default ${app("first")}\nexport ${app("app")}\nexport ${app("application")}\nexport ${app("admin")}`,
    "app.mjs": `export ${app("app")}\nexport ${app("application")}`,
    "application.mjs": `export ${app("application")}`,
    "data-and-app.mjs": `export default { title: "settings" };\nexport ${app("app")}`,
    "class.mjs": "export default class Site { *[Symbol.iterator]() {} }",
    "object.mjs": "export default { call() { return []; } };",
    "module-exports.cjs": `module.exports = ${app("common")}`,
    "exports.cjs": `exports.app = ${app("common")}`,
    "compiled.cjs": `Object.defineProperty(exports, "__esModule", { value: true });\nexports.default = ${app("compiled")}`,
    "other.mjs": "export const b = 1, a = 2;",
    "nothing.mjs": "export {};",
    "factory.mjs": `export const create = async () => ${app("made")};\nexport const number = () => 1;\nexport const fails = () => { throw new Error("no"); };\nexport const text = "x";`,
    "lifespan.mjs": `export default ${app("first")}\nexport const startup = () => "up", shutdown = () => "down";`,
    "no-lifespan.mjs": `export default ${app("first")}\nexport const startup = 5;`,
    "string.mjs": 'export default "hello";',
    "config.mjs": "export const app = { port: 1 };\nexport default new Map();",
    "throws.mjs": 'throw new RangeError("no database");',
    "throws-a-string.mjs": 'throw "no database";',
    "needs-package.mjs": 'import "not-installed";',
    "needs-file.cjs": 'require("./gone.cjs");',
    "folder/readme.mjs": "",
    "folder/site.mjs": `export default ${app("relative")}`,
    "file.with.dots.mjs": `export default ${app("dots")}`,
    "node_modules/common-site/package.json": '{ "name": "common-site", "main": "./main.js" }',
    "node_modules/common-site/main.js": `exports.application = ${app("commonSite")}`,
    "node_modules/broken-site/package.json": '{ "name": "broken-site", "type": "module", "exports": "./main.js" }',
    "node_modules/broken-site/main.js": 'import "not-installed";',
  });
});

afterAll(() => fixtures[Symbol.asyncDispose]());

const load = (target: string): Promise<unknown> => loadApplication(target, fixtures.directory);

async function failure(target: string): Promise<StartError> {
  const error: unknown = await load(target).then(
    () => undefined,
    (error: unknown) => error,
  );
  if (!(error instanceof StartError)) throw new Error("it was not refused", { cause: error });
  expect(error.message).not.toContain("\n");
  return error;
}

describe("loadApplication", () => {
  it.each([
    ["default.mjs", "first"],
    ["default.mjs:app", "app"],
    ["default.mjs:admin", "admin"],
    ["default.mjs:default", "first"],
    ["app.mjs", "app"],
    ["application.mjs", "application"],
    ["data-and-app.mjs", "app"],
    ["module-exports.cjs", "common"],
    ["exports.cjs", "common"],
    ["exports.cjs:app", "common"],
    ["compiled.cjs", "compiled"],
    ["class.mjs", "Site"],
    ["factory.mjs:create()", "made"],
  ])("finds the application of %s", async (target, name) => {
    expect(await load(target)).toHaveProperty("name", name);
  });

  it("takes an object with call", async () => {
    expect(await load("object.mjs")).toHaveProperty("call");
  });

  it.each([
    ["./app", "app"],
    ["app", "app"],
    ["folder/site", "relative"],
    ["./folder/../folder/site.mjs", "relative"],
    ["file.with.dots", "dots"],
    ["common-site", "commonSite"],
    ["common-site/main", "commonSite"],
    ["common-site:application", "commonSite"],
  ])("finds the module %s", async (target, name) => {
    expect(await load(target)).toHaveProperty("name", name);
  });

  it("finds absolute paths and file URLs", async () => {
    expect(await load(`${fixtures.directory}/app`)).toHaveProperty("name", "app");
    expect(await load(pathToFileURL(`${fixtures.directory}/app.mjs`).href)).toHaveProperty("name", "app");
    expect(await load(`${pathToFileURL(`${fixtures.directory}/default.mjs`).href}:admin`)).toHaveProperty("name", "admin");
  });

  it.each([
    ["./gone.mjs", /^there is no module \.\/gone\.mjs \(looked for \/.*\/gone\.mjs\)$/],
    ["gone", /^there is no module gone: no file \/.*\/gone, and no package of that name$/],
    ["/no/such/app", /^there is no module \/no\/such\/app /],
    ["file:///no/such/app.js", /^there is no module file:\/\/\/no\/such\/app\.js /],
    ["file://host/app.js", /is not the URL of a file$/],
    [".", /^there is no module \. /],
    ["folder", /^there is no module folder: /],
    ["app.mjs/more", /^there is no module app\.mjs\/more: /],
    [
      "needs-package.mjs",
      /^cannot load needs-package\.mjs: Cannot find package 'not-installed' imported from \/.*needs-package\.mjs$/,
    ],
    ["needs-file.cjs", /^cannot load needs-file\.cjs: Cannot find module '\.\/gone\.cjs' Require stack:/],
    ["broken-site", /^cannot load broken-site: Cannot find package 'not-installed'/],
    ["other.mjs", /^other\.mjs has no application \(default, app or application\): it exports a, b$/],
    ["nothing.mjs", /^nothing\.mjs has no application \(default, app or application\): it exports nothing$/],
    ["app.mjs:admin", /^app\.mjs has no export "admin": it exports app, application$/],
    ["app.mjs:toString", /^app\.mjs has no export "toString"/],
    ["exports.cjs:admin", /^exports\.cjs has no export "admin": it exports app, default$/],
    ["string.mjs", /^export "default" of string\.mjs cannot be served: an application is .*, not the string "hello"$/],
    ["config.mjs", /^export "default" of config\.mjs cannot be served: an application is .*, not an object of class Map$/],
    ["factory.mjs:gone()", /^factory\.mjs has no export "gone": it exports create, fails, number, text$/],
    ["factory.mjs:number()", /^what number\(\) of factory\.mjs made cannot be served: an application is .*, not a number$/],
    ["factory.mjs:text()", /^text\(\) of factory\.mjs cannot be called: it is no function$/],
    ["factory.mjs:()", /^no export is named after the colon of "factory\.mjs:\(\)"$/],
    ["no-lifespan.mjs", /^export "startup" of no-lifespan\.mjs is no function$/],
    ["config.mjs:app", /^export "app" of config\.mjs cannot be served: an application is .*, not a plain object$/],
  ])("says in one line what is wrong with %s", async (target, message) => {
    const error = await failure(target);
    expect(error.message).toMatch(message);
    expect(error.cause).toBeUndefined();
  });

  it("keeps what a factory threw as the cause", async () => {
    const error = await failure("factory.mjs:fails()");
    expect(error.message).toBe("fails() of factory.mjs failed");
    expect(error.cause).toEqual(new Error("no"));
  });

  it.each([
    ["throws.mjs", new RangeError("no database")],
    ["throws-a-string.mjs", "no database"],
  ])("keeps what %s threw as the cause", async (target, cause) => {
    const error = await failure(target);
    expect(error.message).toBe(`${target} failed while it was loaded`);
    expect(error.cause).toEqual(cause);
  });
});

describe("loadSite", () => {
  it("finds what is to be done before the first request and after the last", async () => {
    const { startup, shutdown } = await loadSite("lifespan.mjs", fixtures.directory);
    expect([startup?.(), shutdown?.()]).toEqual(["up", "down"]);
    expect(await loadSite("default.mjs", fixtures.directory)).toMatchObject({ startup: undefined, shutdown: undefined });
  });
});
