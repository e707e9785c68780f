import type { Application, Environ } from "@gateway/core";
import { client } from "@gateway/testing";
import { validator } from "@gateway/validate";
import { describe, expect, it } from "vitest";
import { isRequestId, requestId, type RequestIdEnviron, type RequestIdOptions } from "./request-id.ts";

const echo: Application<Environ & RequestIdEnviron> = (environ, startResponse) => {
  startResponse("200 OK", [["Content-Type", "text/plain"]]);
  return [Buffer.from(environ["gateway.request_id"])];
};

function http(options?: RequestIdOptions, app: Application<Environ & RequestIdEnviron> = echo) {
  return client(validator(requestId(options)(app)));
}

describe("requestId", () => {
  it("gives each request an id of its own, to the application and to the client", async () => {
    const first = await http().get("/");
    const second = await http().get("/");
    expect(first.headers.get("x-request-id")).toBe(first.text());
    expect(first.text()).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    expect(second.text()).not.toBe(first.text());
  });

  it("takes over nobody's id unless it is told to", async () => {
    const headers = { "X-Request-Id": "from-outside", "X-Trace": "from-trace" };
    expect((await http().get("/", { headers })).text()).not.toBe("from-outside");
    expect((await http({ trust: true }).get("/", { headers })).text()).toBe("from-outside");
    expect((await http({ trust: true, headerName: "X-Trace" }).get("/", { headers })).text()).toBe("from-trace");
    const trust = (environ: Environ): boolean => environ.REMOTE_ADDR === "10.0.0.1";
    expect((await http({ trust }).get("/", { headers })).text()).not.toBe("from-outside");
    expect((await http({ trust }).get("/", { headers, environ: { REMOTE_ADDR: "10.0.0.1" } })).text()).toBe("from-outside");
  });

  it.each(["a b", 'a"', "<script>", "a\u{E9}", "a".repeat(129), "a, b", "$(id)", ""])(
    "does not take over %j, trusted or not",
    async (id) => {
      const answer = await http({ trust: true }).get("/", { headers: { "X-Request-Id": id } });
      expect(answer.text()).toMatch(/^[0-9a-f-]{36}$/);
    },
  );

  it("keeps a header that the application set", async () => {
    const answer = await http({}, (_, startResponse) => {
      startResponse("200 OK", [["x-request-ID", "own"]]);
      return [];
    }).get("/");
    expect(answer.headers.get("x-request-id")).toBe("own");
  });

  it("leaves a synchronous application synchronous, and serves late startResponse, HEAD, 204 and streams", async () => {
    async function* late(_environ: Environ, startResponse: Parameters<Application>[1]): AsyncGenerator<Uint8Array> {
      await Promise.resolve();
      startResponse("200 OK", [["Content-Type", "text/plain"]]);
      yield Buffer.from("late");
    }
    const answer = await http({ generate: () => "one" }, late).get("/");
    expect([answer.text(), answer.headers.get("x-request-id")]).toEqual(["late", "one"]);
    expect((await http({ generate: () => "one" }).head("/")).headers.get("x-request-id")).toBe("one");
    const empty: Application = (_, startResponse) => {
      startResponse("204 No Content", []);
      return [];
    };
    expect((await http({ generate: () => "one" }, empty).get("/")).headers.get("x-request-id")).toBe("one");
    const body = requestId()(echo)({} as Environ, () => () => {});
    expect(Array.isArray(body)).toBe(true);
  });

  it("refuses wrong options while wrapping, and a wrong id when it is made", async () => {
    expect(() => requestId({ headerName: "a b" })).toThrow('headerName: "a b" is no header name');
    expect(() => requestId({ headerName: "x_id" })).toThrow("underscore");
    expect(() => requestId({ trust: "yes" as unknown as boolean })).toThrow("trust is true, false or a function");
    expect(() => requestId({ generate: "id" as unknown as () => string })).toThrow("generate is a function");
    const http = client(validator(requestId({ generate: () => "a\r\nb" })(echo)), { errors: "expected" });
    const answer = await http.get("/");
    expect(answer.status).toBe(500);
    expect(answer.errors).toContain(String.raw`generate made "a\r\nb", which is no id`);
  });
});

describe("isRequestId", () => {
  it("takes what ids are made of, and nothing that means something elsewhere", () => {
    for (const id of ["a", "A-1_b.c~d:e/f=g@h+i", "x".repeat(128)]) expect(isRequestId(id)).toBe(true);
    for (let code = 0; code < 300; code++) {
      const character = String.fromCharCode(code);
      expect(isRequestId(character)).toBe(/[A-Za-z0-9._~:/+=@-]/.test(character));
    }
  });
});
