import { client } from "@gateway/testing";
import { validator } from "@gateway/validate";
import type { Application } from "@gateway/core";
import { describe, expect, it } from "vitest";
import { devErrors, type DevState } from "./dev-errors.ts";
import { describeFailure } from "./failure.ts";

const app: Application = (environ, startResponse) => {
  startResponse("200 OK", [["Content-Type", "text/plain"]]);
  return [Buffer.from(`old ${environ.REQUEST_METHOD}`)];
};
const page = { Accept: "text/html,application/xhtml+xml,*/*;q=0.8", Cookie: "id=hunter2", Authorization: "Bearer hunter2" };

function site(): { state: DevState; http: ReturnType<typeof client> } {
  const state: DevState = { failure: undefined };
  return { state, http: client(validator(devErrors(validator(app), state))) };
}

const broken = describeFailure(new SyntaxError("<script>alert(1)</script> is unexpected"));

describe("devErrors", () => {
  it("shows the error to who opens a page, for as long as the new code fails", async () => {
    const { state, http } = site();
    expect((await http.get("/", { headers: page })).text()).toBe("old GET");
    state.failure = broken;
    const response = await http.get("/", { headers: page });
    expect(response.status).toBe(500);
    expect(response.headers.get("content-type")).toMatch(/^text\/html/);
    expect(response.headers.get("cache-control")).toBe("no-store");
    expect(response.headers.get("content-security-policy")).toContain("default-src 'none'");
    // It is youch's, which shows the source.
    expect(response.text()).toContain("dev-errors.test.ts");
    state.failure = undefined;
    expect((await http.get("/", { headers: page })).text()).toBe("old GET");
  });

  it("escapes what it shows, and shows no secret and nothing of the environment of the process", async () => {
    process.env["GATEWAY_TEST_SECRET"] = "swordfish";
    const { state, http } = site();
    state.failure = broken;
    const text = (await http.get("/<script>alert(2)</script>?token=hunter2", { headers: page })).text();
    delete process.env["GATEWAY_TEST_SECRET"];
    expect(text).toContain("&lt;script&gt;alert(1)");
    expect(text).not.toMatch(/<script>alert\(/);
    expect(text).not.toContain("hunter2");
    expect(text).not.toContain("swordfish");
  });

  it.each([
    ["a request of a script", "get", { Accept: "*/*" }],
    ["a request for JSON", "get", { Accept: "application/json" }],
    ["a style sheet", "get", { Accept: "text/html,*/*", "Sec-Fetch-Dest": "style" }],
    ["a form that is sent", "post", page],
    ["a program that says nothing", "get", {}],
  ] as const)("lets the old code answer %s", async (_what, method, headers) => {
    const { state, http } = site();
    state.failure = broken;
    expect((await http[method]("/", { headers })).text()).toBe(`old ${method.toUpperCase()}`);
  });

  it("answers HEAD with the head of it, and a navigation whatever it accepts", async () => {
    const { state, http } = site();
    state.failure = broken;
    const head = await http.head("/", { headers: page });
    expect([head.status, head.bytes.length]).toEqual([500, 0]);
    expect((await http.get("/", { headers: { "Sec-Fetch-Dest": "document" } })).status).toBe(500);
  });

  it("answers every request with the error where there is no old code", async () => {
    const state: DevState = { failure: describeFailure(new Error("no database")) };
    const http = client(validator(devErrors(undefined, state)));
    for (const headers of [page, { Accept: "*/*" }, { Accept: "application/json" }, {}]) {
      for (const method of ["get", "post", "delete"] as const) {
        const response = await http[method]("/", { headers });
        expect([response.status, response.text()]).toEqual([500, expect.stringContaining("no database") as unknown]);
      }
    }
    expect((await http.get("/", { headers: page })).headers.get("content-type")).toMatch(/^text\/html/);
    state.failure = describeFailure(new Error("no table"));
    expect((await http.get("/")).text()).toContain("no table");
  });

  it("is as synchronous as the application while nothing fails", () => {
    const body: Uint8Array[] = [];
    const environ = { REQUEST_METHOD: "GET", HTTP_ACCEPT: "text/html" };
    expect(devErrors(() => body, { failure: undefined })(environ as unknown as Parameters<Application>[0], () => () => {})).toBe(
      body,
    );
  });
});
