import type { ApplicationLike } from "@gateway/core";
import { client } from "@gateway/testing";
import { describe, expect, it } from "vitest";
import app from "./app.ts";
import ClassApplication from "./class-app.ts";
import environApp from "./environ-app.ts";
import generatorApp from "./generator-app.ts";
import objectApp from "./object-app.ts";

const forms: readonly (readonly [form: string, app: ApplicationLike])[] = [
  ["a function", app],
  ["a class", ClassApplication],
  ["an object", objectApp],
  ["an asynchronous generator", generatorApp],
];

describe.each(forms)("the application as %s", (_form, app) => {
  it("says hello from the path", async () => {
    const response = await client(app).get("/some/where");

    expect(response.status).toBe(200);
    expect(response.headers.get("Content-Type")).toBe("text/plain; charset=utf-8");
    expect(response.text()).toBe("Hello from /some/where\n");
  });

  it("sends text as UTF-8", async () => {
    expect((await client(app).get("/gr%C3%BC%C3%9Fe")).text()).toBe("Hello from /grüße\n");
  });

  it("serves one request after another", async () => {
    const site = client(app);

    expect((await site.get("/1")).text()).toBe("Hello from /1\n");
    expect((await site.get("/2")).text()).toBe("Hello from /2\n");
  });
});

describe("the application that shows its environ", () => {
  it("names every key, sorted", async () => {
    const lines = (await client(environApp).get("/here?x=1")).text().trimEnd().split("\n");

    expect(lines.slice(0, 2)).toEqual(["Hello world!", ""]);
    expect(lines).toContain('PATH_INFO = "/here"');
    expect(lines).toContain('QUERY_STRING = "x=1"');
    expect(lines).toContain("wsgi.version = [1,0]");
    expect(lines).toContain("wsgi.input = an object");
    const keys = lines.slice(2).map((line) => line.split(" = ")[0]);
    expect(keys).toEqual(keys.toSorted((one = "", other = "") => (one < other ? -1 : 1)));
  });
});
