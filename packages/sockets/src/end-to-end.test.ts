import { buildEnviron } from "@gateway/testing";
import { describe, expect, it } from "vitest";
import { endToEndHeaders } from "./end-to-end.ts";

function handedOn(headers: Readonly<Record<`HTTP_${string}`, string>>, forwarded: "drop" | "keep" = "keep"): string[] {
  const environ = Object.assign(buildEnviron(), headers);
  return endToEndHeaders(environ, forwarded).filter((_, i) => i % 2 === 0);
}

describe("endToEndHeaders", () => {
  it("leaves out what belongs to the connection, registered or named", () => {
    const headers = {
      HTTP_CONNECTION: "keep-alive, X-Hop",
      HTTP_KEEP_ALIVE: "5",
      HTTP_X_HOP: "1",
      HTTP_TE: "trailers",
      HTTP_X_END: "2",
    };
    expect(handedOn(headers)).toEqual(["HTTP_HOST", "HTTP_X_END"]);
  });

  it("does not let a client take away what the next server goes by", () => {
    const headers = {
      HTTP_CONNECTION: "close, host, cookie, authorization, x-forwarded-for, forwarded, x-real-ip, via",
      HTTP_COOKIE: "a=1",
      HTTP_AUTHORIZATION: "Basic YTpi",
      HTTP_X_FORWARDED_FOR: "192.0.2.1",
      HTTP_FORWARDED: "for=192.0.2.1",
      HTTP_X_REAL_IP: "192.0.2.1",
      HTTP_VIA: "1.1 front",
    };
    const { HTTP_CONNECTION: _, ...kept } = headers;
    expect(handedOn(headers).toSorted()).toEqual(["HTTP_HOST", ...Object.keys(kept)].toSorted());
  });

  it("leaves out what proxies say, where nobody has read it", () => {
    const headers = { HTTP_X_FORWARDED_FOR: "192.0.2.1", HTTP_FORWARDED: "for=192.0.2.1", HTTP_X_REAL_IP: "192.0.2.1" };
    expect(handedOn(headers, "drop")).toEqual(["HTTP_HOST"]);
  });
});
