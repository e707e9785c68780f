import { describe, expect, it } from "vitest";
import { StartError } from "../start-error.ts";
import { report } from "./report.ts";
import { command, here, testHost, type TestCase } from "../testing/test-settings.ts";

const app = Object.assign(() => [], { [Symbol.for("gateway.explain")]: () => ["it is Monday."] });

async function said(
  line: string,
  test: TestCase = {},
  load: () => Promise<() => never[]> = () => Promise.resolve(app),
): Promise<string> {
  const { environment = {}, files = {} } = test;
  const read = await command(line, test);
  if (!("settings" in read)) throw new Error(`it has no settings: ${read.kind}`);
  return report(read, { environment, check() {}, load, host: testHost(files) });
}

const fails = (): Promise<never> => Promise.reject(new StartError("app.js has no application:\n it exports nothing"));

describe("report", () => {
  describe("of --explain", () => {
    it("shows each value and where it came from", async () => {
      const text = await said("--explain -w 4 -e SECRET=hunter2 app.js", {
        environment: { GATEWAY_TIMEOUT: "1m", PORT: "3000" },
        files: { [`${here}/gateway.config.json`]: '{ "headerBytes": "32KiB" }' },
      });

      expect(text).toContain(`Config file: ${here}/gateway.config.json\n`);
      expect(text).toMatch(/^ {2}workers +4 +-w$/m);
      expect(text).toMatch(/^ {2}timeout +60s +GATEWAY_TIMEOUT in the environment$/m);
      expect(text).toMatch(/^ {2}bind +0\.0\.0\.0:3000 +PORT in the environment$/m);
      expect(text).toMatch(/^ {2}headerBytes +32KiB +headerBytes in gateway\.config\.json$/m);
      expect(text).toMatch(/^ {2}gracefulTimeout +30s +default$/m);
      expect(text).toMatch(/^ {2}accessLog +none +default$/m);
      expect(text).toMatch(/^ {2}env +SECRET=\(hidden\) +-e$/m);
      expect(text).not.toContain("hunter2");
      expect(text).not.toContain("multiplex");
    });

    it("ends with what looks wrong, to the settings and to the application", async () => {
      expect(await said("--explain --timeout 0 app")).toMatch(/\n\n2 things look wrong:\n- timeout is 0: .*\n- it is Monday\.\n$/);
      expect(await said("--explain app")).toMatch(/\n\nOne thing looks wrong:\n- it is Monday\.\n$/);
      expect(await said("--explain", {}, fails)).toMatch(/\n\nNothing looks wrong\.\n$/);
    });

    it("works although the application does not load, and says why it does not, on one line", async () => {
      expect(await said("--explain app", {}, fails)).toMatch(
        /- the application could not be asked for its own checks, because it does not load: app\.js has no application: it exports nothing\n$/,
      );
    });
  });

  it("of --check-config loads the application", async () => {
    expect(await said("--check-config app.js")).toBe("gateway: the settings are right, and app.js loads\n");
    await expect(said("--check-config app.js", {}, fails)).rejects.toThrow("app.js has no application: it exports nothing");
  });

  it("of --print-config is JSON, and loads nothing", async () => {
    expect(JSON.parse(await said("--print-config -w 3 app.js", {}, fails))).toMatchObject({ workers: 3, target: "app.js" });
  });
});
