import { client } from "@gateway/testing";
import { describe, expect, it } from "vitest";
import app from "./app.ts";
import { largeBytes, pattern } from "./app/pattern.ts";
import behindProxy from "./behind-proxy.ts";
import mounted from "./mounted.ts";

describe("the application", () => {
  it("shows the request", async () => {
    const shown = (await client(app).get("/any/where?x=1")).json();
    expect(shown).toMatchObject({ PATH_INFO: "/any/where", QUERY_STRING: "x=1", address: "http://localhost/any/where?x=1" });
  });

  it("echoes, counts and ignores bodies", async () => {
    const http = client(app);
    const body = pattern(0, 100_000);
    const echoed = await http.post("/echo", { body, headers: { "Content-Type": "application/x-pattern" } });
    expect(Buffer.compare(echoed.bytes, body)).toBe(0);
    expect(echoed.headers.get("Content-Type")).toBe("application/x-pattern");
    expect((await http.post("/size", { body, splitEvery: 999 })).json()).toEqual({ bytes: 100_000, announced: "100000" });
    expect((await http.post("/unread", { body })).text()).toBe("not read\n");
  });

  it("makes all kinds of responses", async () => {
    const http = client(app);
    expect((await http.get("/status?code=410")).statusLine).toBe("410 Gone");
    expect((await http.get("/redirect?code=308")).headers.get("Location")).toBe("/over-there?x=1");
    expect((await http.get("/nothing")).status).toBe(204);
    expect((await http.get("/not-modified")).status).toBe(200);
    expect((await http.get("/not-modified", { headers: { "If-None-Match": '"first"' } })).status).toBe(304);
    expect((await http.get("/large?length=no")).bytes.length).toBe(largeBytes);
    expect((await http.get("/written")).text()).toBe("written, and returned\n");
    expect((await http.get("/empty")).text()).toBe("");
    expect((await http.get("/connections")).json()).toMatchObject({ process: process.pid });
  });

  it("waits in the middle of a stream until its gate is opened", async () => {
    const http = client(app);
    const open = await http.open("GET", "/gated?id=a");
    let text = "";
    for await (const chunk of open.body) {
      text += Buffer.from(chunk).toString();
      if (text === "first\n") expect((await http.post("/gate?id=a")).text()).toBe("open\n");
    }
    expect(text).toBe("first\nsecond\n");
    expect((await http.post("/gate?id=a")).text()).toBe("no such gate\n");
  });

  it("sends events until the client leaves, and says so in the log", async () => {
    const http = client(app, { errors: "ignore" });
    const open = await http.open("GET", "/events?id=b");
    for await (const chunk of open.body) if (Buffer.from(chunk).toString().includes("data: 2\n")) break;
    open.abort();
    const ending = await open.finished;
    expect(ending.outcome).toBe("gone");
  });

  it("fails as it is told to", async () => {
    const http = client(app, { errors: "expected" });
    expect((await http.get("/fails")).status).toBe(500);
    expect((await http.get("/fails/inside")).headers.get("X-Secret")).toBeUndefined();
    await expect(http.get("/fails/body")).rejects.toThrow(/failed in the middle|broke off|aborted/);
    await expect(http.get("/fails/body?length=1000")).rejects.toThrow(/failed in the middle|broke off|aborted/);
  });
});

describe("the application that takes its prefix off", () => {
  it("is at /app and at /", async () => {
    const http = client(mounted);
    expect((await http.get("/app/x")).json()).toMatchObject({ SCRIPT_NAME: "/app", PATH_INFO: "/x" });
    expect((await http.get("/apple")).json()).toMatchObject({ SCRIPT_NAME: "", PATH_INFO: "/apple" });
  });
});

describe("the application behind a proxy", () => {
  const headers = { "X-Forwarded-For": "192.0.2.1, 192.0.2.7", "X-Forwarded-Proto": "https" };

  it("believes what comes over the Unix socket", async () => {
    const http = client(behindProxy, { environ: { REMOTE_ADDR: "" } });
    const shown = (await http.get("/app/x", { headers })).json();
    expect(shown).toMatchObject({ REMOTE_ADDR: "192.0.2.7", address: "https://localhost/app/x" });
  });

  it("believes nobody else", async () => {
    const http = client(behindProxy, { environ: { REMOTE_ADDR: "192.0.2.9" } });
    const shown = (await http.get("/app/x", { headers })).json();
    expect(shown).toMatchObject({ REMOTE_ADDR: "192.0.2.9", address: "http://localhost/app/x" });
  });
});
