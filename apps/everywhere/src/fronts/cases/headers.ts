import { same } from "../same.ts";
import type { FrontCase } from "./case.ts";

type Pairs = readonly (readonly [string, string])[];

/** A case that sends headers and looks at keys of environ; `null` where a key must not be there. */
function headers(name: string, sent: Pairs, expected: Readonly<Record<string, string | null>>): FrontCase {
  return {
    name,
    run: async (site) => {
      const environ = await site.environ("/environ", { headers: sent });
      for (const [key, value] of Object.entries(expected)) same(key, environ[key] ?? null, value);
    },
  };
}

const long = "x".repeat(6000);

/** Headers and methods of requests. */
export const headerCases: readonly FrontCase[] = [
  headers("a header", [["X-One", '1; a="b"']], { HTTP_X_ONE: '1; a="b"' }),
  headers(
    "a header that comes twice",
    [
      ["X-Many", "a"],
      ["X-Many", "b"],
    ],
    { HTTP_X_MANY: "a, b" },
  ),
  headers(
    "cookies that come in two headers",
    [
      ["Cookie", "a=1; b=2"],
      ["Cookie", "c=3"],
    ],
    { HTTP_COOKIE: "a=1; b=2; c=3" },
  ),
  headers("a header in latin-1", [["X-Latin", "caf\u00e9"]], { HTTP_X_LATIN: "caf\u00e9" }),
  headers("an empty header", [["X-Void", ""]], { HTTP_X_VOID: "" }),
  headers("a header of 6,000 bytes", [["X-Long", long]], { HTTP_X_LONG: long }),
  headers("Authorization", [["Authorization", "Basic dXNlcjpwdw=="]], { HTTP_AUTHORIZATION: "Basic dXNlcjpwdw==" }),
  headers("no header Proxy", [["Proxy", "http://evil.example"]], { HTTP_PROXY: null }),
  headers("no header whose name has an underscore", [["X_Under", "spoofed"]], { HTTP_X_UNDER: null }),
  headers(
    "the address of the client, whatever the client says",
    [
      ["X-Forwarded-For", "192.0.2.66"],
      ["X-Real-IP", "192.0.2.66"],
    ],
    { REMOTE_ADDR: "127.0.0.1" },
  ),
  {
    name: "the scheme, whatever the client says",
    run: async (site) => {
      const other = site.scheme === "http" ? "https" : "http";
      const environ = await site.environ("/environ", { headers: [["X-Forwarded-Proto", other]] });
      same("address", environ["address"], `${site.origin}${site.prefix}/environ`);
    },
  },
  {
    name: "the type and the length of a body",
    run: async (site) => {
      const body = Buffer.from('{"a":1}');
      const type = "application/json; charset=utf-8";
      const environ = await site.environ("/environ", { method: "POST", headers: [["Content-Type", type]], body });
      same("CONTENT_TYPE", environ["CONTENT_TYPE"], type);
      same("CONTENT_LENGTH", environ["CONTENT_LENGTH"], "7");
      same("HTTP_CONTENT_TYPE", environ["HTTP_CONTENT_TYPE"], undefined);
      same("HTTP_CONTENT_LENGTH", environ["HTTP_CONTENT_LENGTH"], undefined);
    },
  },
  ...["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND"].map(
    (method): FrontCase => ({
      name: `the method ${method}`,
      isAnyMount: true,
      run: async (site) => same("REQUEST_METHOD", (await site.environ("/environ", { method }))["REQUEST_METHOD"], method),
    }),
  ),
];
