import { mkdirSync, mkdtempSync, realpathSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { Application, Middleware } from "@gateway/core";
import { client } from "@gateway/testing";
import { validator } from "@gateway/validate";
import { staticFiles, type StaticFilesOptions } from "./index.ts";

/** Seconds since 1970: when the files of tests were written, and a while later. */
export const longAgo = 1_700_000_000;

/** A folder that is removed at the end of its test. */
export interface TestFolder extends Disposable {
  readonly path: string;
  /** Writes a file, as of `longAgo` unless another time is given. @returns its full path. */
  put(path: string, content: string | Uint8Array, modifiedSeconds?: number): string;
}

export function testFolder(): TestFolder {
  const path = realpathSync(mkdtempSync(join(tmpdir(), "gateway-static-")));
  return {
    path,
    put(name, content, modifiedSeconds = longAgo) {
      const full = join(path, name);
      mkdirSync(dirname(full), { recursive: true });
      writeFileSync(full, content);
      utimesSync(full, modifiedSeconds, modifiedSeconds);
      return full;
    },
    [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }),
  };
}

/** A clock that a test moves. */
export function testClock(milliseconds: number = (longAgo + 1000) * 1000): {
  now: () => number;
  advance(milliseconds: number): void;
} {
  let time = milliseconds;
  return {
    now: () => time,
    advance(by) {
      time += by;
    },
  };
}

/** The application inside: what is no file comes here. */
export const inner: Application = (environ, startResponse) => {
  startResponse("404 Not Found", [["Content-Type", "text/plain"]]);
  return [Buffer.from(`inner ${environ.REQUEST_METHOD} ${environ.PATH_INFO}`)];
};

/** A layer around an application, checked on both sides. */
export function checked(layer: Middleware, app: Application = inner): Application {
  return validator(layer(validator(app)));
}

/** A client of a folder's files, on a clock that stands still, with an application inside. */
export function site(folder: TestFolder, options: StaticFilesOptions = {}, app?: Application): ReturnType<typeof client> {
  return client(checked(staticFiles(folder.path, { now: testClock().now, ...options }), app));
}
