import { describe, expect, it } from "vitest";
import { redactedByDefault, Redactor } from "./redact.ts";

const redactor = new Redactor({ query: ["Ticket"], headers: ["X-Secret"] }, { query: ["code"], headers: ["set-cookie"] });

describe("Redactor", () => {
  it("knows the headers that are secret, given ones too, but not those revealed", () => {
    for (const name of ["authorization", "cookie", "proxy-authorization", "x-secret"])
      expect(redactor.isSecretHeader(name)).toBe(true);
    for (const name of ["set-cookie", "accept"]) expect(redactor.isSecretHeader(name)).toBe(false);
    expect(new Redactor().isSecretHeader("set-cookie")).toBe(true);
  });

  it.each([
    ["a=1&token=abc&b=2", "a=1&token=REDACTED&b=2"],
    ["token=abc", "token=REDACTED"],
    ["TOKEN=abc&Ticket=x", "TOKEN=REDACTED&Ticket=REDACTED"],
    ["%74oken=abc", "%74oken=REDACTED"],
    ["%54%4F%4b%45n=abc", "%54%4F%4b%45n=REDACTED"],
    ["%2574oken=abc", "%2574oken=REDACTED"],
    ["user%5Bpassword%5D=x&user[name]=y", "user%5Bpassword%5D=REDACTED&user[name]=y"],
    ["user[password]=x", "user[password]=REDACTED"],
    ["token[]=x", "token[]=REDACTED"],
    ["+token=x", "+token=REDACTED"],
    ["token=a=b==&c", "token=REDACTED&c"],
    ["token=abc;def&x=1", "token=REDACTED&x=1"],
    ["a=1;token=abc", "a=1;token=REDACTED"],
    ["token=", "token=REDACTED"],
    ["token=a&token=b", "token=REDACTED&token=REDACTED"],
    ["x=1#access_token=a", "x=1#access_token=REDACTED"],
    ["a=token=b", "a=token=b"],
    ["code=404&tokens=3&token&to%zzken=1", "code=404&tokens=3&token&to%zzken=1"],
    ["=x&&=&;?", "=x&&=&;?"],
    ["", ""],
  ])("makes %s %s", (query, shown) => {
    expect(redactor.query(query)).toBe(shown);
    expect(redactor.url(`/path?${query}`)).toBe(`/path?${shown}`);
  });

  it("leaves paths and text without a query alone", () => {
    for (const text of ["/token=abc", "*", "", "a@b.c", "mailto:a@b"]) expect(redactor.url(text)).toBe(text);
  });

  it("looks into the fragment, and takes out who logs in", () => {
    expect(redactor.url("http://h/#token=1")).toBe("http://h/#token=REDACTED");
    expect(redactor.url("http://h/#a?token=1")).toBe("http://h/#a?token=REDACTED");
    expect(redactor.url("http://user:pass@word@h/@x?sig=1")).toBe("http://REDACTED@h/@x?sig=REDACTED");
    expect(redactor.url("http://h/a@b")).toBe("http://h/a@b");
    expect(redactor.url("//@")).toBe("//REDACTED@");
  });

  it("redacts every name of the list, however it is encoded", () => {
    const plain = new Redactor();
    for (const name of redactedByDefault.query) {
      const encoded = Array.from(name, (character) => `%${character.charCodeAt(0).toString(16)}`).join("");
      for (const key of [name, name.toUpperCase(), encoded]) expect(plain.query(`${key}=hunter2`)).not.toContain("hunter2");
    }
  });

  it("refuses names that are none", () => {
    expect(() => new Redactor({ query: "token" as unknown as string[] })).toThrow("redact.query is a list of names");
    expect(() => new Redactor({}, { headers: [""] })).toThrow("reveal.headers is a list of names");
  });

  it("takes linear time for any query", () => {
    const long = `${"a".repeat(100_000)}${"%41".repeat(30_000)}${"=".repeat(1000)}${"&?;#".repeat(1000)}`;
    expect(redactor.query(long)).toBe(long);
  });
});
