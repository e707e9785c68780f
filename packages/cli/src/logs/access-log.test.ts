import type { Application } from "@gateway/core";
import { client } from "@gateway/testing";
import { validator } from "@gateway/validate";
import { describe, expect, it } from "vitest";
import { StartError } from "../start-error.ts";
import { accessLogLayer } from "./access-log.ts";

const app: Application = (_environ, startResponse) => {
  startResponse("200 OK", [["Content-Type", "text/plain"]]);
  return [Buffer.from("hello")];
};

async function lineFor(format: string): Promise<string> {
  const lines: string[] = [];
  const layer = accessLogLayer(format, { write: (line) => void lines.push(line) });
  await client(validator(layer(validator(app))), { environ: { REMOTE_ADDR: "192.0.2.7" } }).get("/a", {
    headers: { "User-Agent": "test", Referer: "/from" },
  });
  expect(lines).toHaveLength(1);
  return lines[0] ?? "";
}

describe("accessLogLayer", () => {
  it.each([
    ["common", /^192\.0\.2\.7 - - \[[^\]]+\] "GET \/a HTTP\/1\.1" 200 5\n$/],
    ["combined", /^192\.0\.2\.7 - - \[[^\]]+\] "GET \/a HTTP\/1\.1" 200 5 "\/from" "test"\n$/],
    ['%(h)s "%(r)s" %(s)s %(b)s %({user-agent}i)s', /^192\.0\.2\.7 "GET \/a HTTP\/1\.1" 200 5 test\n$/],
    ["%h %>s", /^192\.0\.2\.7 200\n$/],
  ])("writes %s", async (format, line) => {
    expect(await lineFor(format)).toMatch(line);
  });

  it("writes JSON", async () => {
    expect(JSON.parse(await lineFor("json"))).toMatchObject({ "http.request.method": "GET", "http.response.status_code": 200 });
  });

  it.each(["nonsense", "%(nonsense)s", "two\nlines %h"])("refuses %j in one line", (format) => {
    expect(() => accessLogLayer(format, { write() {} })).toThrow(StartError);
    expect(() => accessLogLayer(format, { write() {} })).toThrow(/^--access-log-format: /);
  });
});
