import { buildEnviron } from "@gateway/testing";
import type { Environ } from "@gateway/core";
import { parseSetCookie } from "cookie";
import { describe, expect, it } from "vitest";
import { cookieNames, CookieWriter, type CookieOptions } from "./cookie-options.ts";

const environ = (scheme: "http" | "https"): Environ => ({
  ...buildEnviron({ method: "GET", target: "/" }),
  "wsgi.url_scheme": scheme,
});

const written = (options: CookieOptions, scheme: "http" | "https" = "https", name?: string): string => {
  const form = new CookieWriter(cookieNames(name), options).form(environ(scheme));
  return `${form.name}=v${form.attributes}`;
};

describe("CookieWriter", () => {
  it("keeps the cookie to this host, from scripts and from other sites, and to https where it is used", () => {
    expect(written({})).toBe("__Host-sid=v; Path=/; HttpOnly; Secure; SameSite=Lax");
    expect(written({}, "http")).toBe("sid=v; Path=/; HttpOnly; SameSite=Lax");
  });

  it("writes every attribute", () => {
    const options: CookieOptions = {
      path: "/app",
      domain: "example.com",
      httpOnly: false,
      sameSite: "strict",
      secure: true,
      maxAgeSeconds: 60,
      partitioned: true,
      priority: "high",
    };
    expect(parseSetCookie(written(options, "https", "app"))).toEqual({
      name: "app",
      value: "v",
      path: "/app",
      domain: "example.com",
      sameSite: "strict",
      secure: true,
      maxAge: 60,
      partitioned: true,
      priority: "high",
    });
  });

  it("chooses Secure and SameSite by the scheme", () => {
    expect(written({ sameSite: "auto" })).toContain("; Secure; SameSite=None");
    expect(written({ sameSite: "auto" }, "http")).toBe("sid=v; Path=/; HttpOnly; SameSite=Lax");
    expect(written({ secure: false }, "https", "plain")).not.toContain("Secure");
  });

  it("takes a cookie away with the attributes it was set with", () => {
    const { removal } = new CookieWriter(cookieNames("app"), { path: "/app", domain: "example.com", maxAgeSeconds: 60 }).form(
      environ("https"),
    );
    expect(parseSetCookie(removal)).toMatchObject({
      name: "app",
      value: "",
      path: "/app",
      domain: "example.com",
      maxAge: 0,
      expires: new Date(0),
    });
  });

  it.each([
    [{ secure: true }, undefined, "it is Secure"],
    [{}, "__Host-app", "its name is __Host-app"],
    [{}, "__secure-app", "its name is __secure-app"],
    [{ sameSite: "none" }, undefined, "it is SameSite=None"],
    [{ partitioned: true }, undefined, "it is Partitioned"],
  ] as [CookieOptions, string | undefined, string][])("says over http that browsers drop %j named %s", (options, name, why) => {
    const writer = new CookieWriter(cookieNames(name), options);
    expect(writer.form(environ("http")).refusal).toContain(why);
    expect(writer.form(environ("https")).refusal).toBeUndefined();
  });

  it.each([
    [{ domain: "example.com" }, undefined, "browsers drop __Host-sid with a Domain"],
    [{ path: "/app" }, undefined, 'browsers drop __Host-sid with a Path but "/"'],
    [{ secure: false }, undefined, "browsers drop __Host-sid without Secure"],
    [{ path: "/app" }, "__HOST-app", 'browsers drop __HOST-app with a Path but "/"'],
    [{ secure: false }, "__Secure-app", "browsers drop __Secure-app without Secure"],
    [{ secure: false, sameSite: "none" }, "app", "SameSite=None and not Secure"],
    [{ secure: false, partitioned: true }, "app", "Partitioned and not Secure"],
    [{ path: "app" }, "app", "cookie.path"],
    [{ path: "/a; Domain=evil.example" }, "app", "cookie.path"],
    [{ path: "/é" }, "app", "cookie.path"],
    [{ domain: "a b" }, "app", "cookie.domain"],
    [{ domain: "example.com; Secure" }, "app", "cookie.domain"],
    [{ sameSite: "Lax" as "lax" }, "app", "cookie.sameSite"],
    [{ secure: "yes" as "auto" }, "app", "cookie.secure"],
    [{ httpOnly: 1 as unknown as boolean }, "app", "cookie.httpOnly"],
    [{ priority: "urgent" as "high" }, "app", "cookie.priority"],
    [{ maxAgeSeconds: 0 }, "app", "cookie.maxAgeSeconds"],
    [{ maxAgeSeconds: 1.5 }, "app", "cookie.maxAgeSeconds"],
    [{ maxAge: 60 } as CookieOptions, "app", "cookie has no option maxAge"],
    [null as unknown as CookieOptions, "app", "cookie is an object of attributes"],
  ] as [CookieOptions, string | undefined, string][])("refuses %j named %s while wrapping", (options, name, message) => {
    expect(() => new CookieWriter(cookieNames(name), options)).toThrow(message);
  });

  it.each(["", "a b", "a;b", "a=b", "é"])("refuses the name %j", (name) => {
    expect(() => cookieNames(name)).toThrow("name is a token");
  });

  it("asks a function for each request, and checks what it gives", () => {
    const writer = new CookieWriter(cookieNames("app"), ({ PATH_INFO }) => ({ path: PATH_INFO }));
    expect(writer.form({ ...environ("http"), PATH_INFO: "/one" }).attributes).toContain("Path=/one");
    expect(writer.form({ ...environ("http"), PATH_INFO: "/two" }).attributes).toContain("Path=/two");
    expect(() => writer.form({ ...environ("http"), PATH_INFO: "no" })).toThrow("cookie.path");
  });
});
