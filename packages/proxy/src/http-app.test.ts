import { connect } from "node:net";
import type { Application } from "@gateway/core";
import { client } from "@gateway/testing";
import { eventually } from "@gateway/testing/campaign";
import { importExample } from "@gateway/testing/readme";
import { validator } from "@gateway/validate";
import { describe, expect, it } from "vitest";
import { httpApp } from "./http-app.ts";
import type { HttpAppOptions } from "./options.ts";
import { backEnd, head, ok, served } from "./test-http-app.ts";

describe("httpApp", () => {
  it("passes the request and its answer", async () => {
    const { url, received } = await backEnd(ok);
    const response = await fetch(`${url}/a%2Fb?c=%20d`, { method: "PUT", body: "hello", headers: { "X-One": "1" } });
    expect(response.status).toBe(200);
    expect(await response.text()).toBe("body");
    expect(received()).toContain("PUT /a%2Fb?c=%20d HTTP/1.1\r\n");
    expect(received()).toContain(`Host: ${url.slice(7)}\r\n`);
    expect(received()).toContain("X-One: 1\r\n");
    expect(received()).toContain("Content-Length: 5\r\n");
    await eventually(() => received().endsWith("\r\n\r\nhello"));
  });

  it("passes the example of the README", async () => {
    const { origin, received } = await backEnd(ok);
    const sources = { "@gateway/proxy": new URL("./index.ts", import.meta.url) };
    const app = await importExample(new URL("../README.md", import.meta.url), sources, { "http://127.0.0.1:8000": origin });
    expect((await client(validator(app as Application)).get("/a")).text()).toBe("body");
    expect(received()).toMatch(/^GET \/a HTTP\/1\.1\r\n/);
  });

  it("takes a response without a body for what it is", async () => {
    const answers: Record<string, string> = {
      "/204": "HTTP/1.1 204 No Content\r\nContent-Type: text/plain\r\nContent-Length: 0\r\n\r\n",
      "/304": "HTTP/1.1 304 Not Modified\r\nETag: x\r\nContent-Type: text/plain\r\nContent-Length: 400\r\n\r\n",
      "/head": `${head}Content-Length: 4\r\n\r\n`,
      "/chunks": `${head}Transfer-Encoding: chunked\r\n\r\n`,
    };
    const asked: string[] = [];
    const { url, sockets, received } = await backEnd((socket) => {
      const path = /^[A-Z]+ (\/\S*) HTTP\/1\.1\r\n(?!.*HTTP\/1\.1\r\n)/ms.exec(received())?.[1] ?? "";
      asked.push(path);
      socket.write(answers[path] ?? ok);
    });
    for (const [path, method] of Object.entries({ "/204": "GET", "/304": "GET", "/head": "HEAD", "/chunks": "HEAD", "/": "GET" })) {
      const response = await fetch(url + path, { method });
      expect(await response.text(), path).toBe(path === "/" ? "body" : "");
      if (path === "/204" || path === "/304") expect(response.headers.get("content-type")).toBeNull();
    }
    expect(asked).toHaveLength(5);
    expect(sockets).toHaveLength(1);
  });

  it("hands hints on, and nothing else that is informational", async () => {
    const { url } = await backEnd(
      `HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\nConnection: X-Hop\r\nX-Hop: 1\r\n\r\n${ok}`,
    );
    const socket = connect(Number(url.split(":")[2]), "127.0.0.1");
    let text = "";
    socket.on("data", (chunk) => (text += chunk.toString("latin1")));
    socket.write("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    await eventually(() => text.endsWith("body"));
    expect(text).toMatch(/^HTTP\/1\.1 103 Early Hints\r\nLink: <\/a\.css>\r\n\r\nHTTP\/1\.1 200 OK\r\n/);
    expect(text).not.toContain("X-Hop");
    socket.destroy();
  });

  it("strips what belongs to the connection, both ways", async () => {
    const { url, received } = await backEnd(
      ok.replace(
        "\r\n\r\n",
        "\r\nConnection: X-Named, keep-alive\r\nX-Named: 1\r\nKeep-Alive: timeout=9\r\nProxy-Authenticate: Basic\r\nTrailer: X\r\nUpgrade: h2c\r\nStatus: 500\r\nX-Kept: 1\r\n\r\n",
      ),
    );
    const socket = connect(Number(url.split(":")[2]), "127.0.0.1");
    let text = "";
    socket.on("data", (chunk) => (text += chunk.toString("latin1")));
    socket.write(
      "GET / HTTP/1.1\r\nHost: x\r\nConnection: close, X-Mine, Host\r\nX-Mine: 1\r\nKeep-Alive: 5\r\nTE: trailers\r\nTrailer: X\r\nUpgrade: websocket\r\nProxy-Authorization: Basic x\r\nProxy-Connection: close\r\nX-Other: 2\r\n\r\n",
    );
    await eventually(() => text.endsWith("body"));
    socket.destroy();
    expect(text).not.toMatch(/^(?:X-Named|Keep-Alive|Proxy-Authenticate|Trailer|Upgrade|Status):/im);
    expect(text).toContain("X-Kept: 1");
    expect(received()).not.toMatch(/^(?:Connection|X-Mine|Keep-Alive|TE|Trailer|Upgrade|Proxy-Authorization|Proxy-Connection):/im);
    expect(received()).toContain("X-Other: 2\r\n");
    expect(received()).toContain("Host: x\r\n");
  });

  it("takes chunks with extensions and trailers, and drops those", async () => {
    const { url, sockets } = await backEnd(
      `${head}Transfer-Encoding: Chunked\r\n\r\n4;a="b c"\r\nbody\r\n00\r\nX-Trailer: 1\r\n\r\n`,
    );
    for (let i = 0; i < 2; i++) {
      const response = await fetch(url);
      expect(await response.text()).toBe("body");
      expect(response.headers.get("x-trailer")).toBeNull();
    }
    expect(sockets).toHaveLength(1);
  });

  it("gives the same whatever pieces a response comes in", async () => {
    const whole = `HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n${head}Transfer-Encoding: chunked\r\n\r\n4\r\nbody\r\nA;x\r\n0123456789\r\n0\r\nA: b\r\n\r\n`;
    const { url } = await backEnd((socket, count) => {
      const size = (count % 7) + 1;
      const next = (at: number): void => {
        if (at < whole.length) socket.write(whole.slice(at, at + size), () => setImmediate(next, at + size));
      };
      next(0);
    });
    for (let i = 0; i < 7; i++) expect(await (await fetch(url)).text()).toBe("body0123456789");
  });

  it("sends a body whose length is not known in chunks", async () => {
    const { url, received } = await backEnd((socket) => void setImmediate(() => socket.write(ok)));
    const body = new ReadableStream({
      start(controller) {
        controller.enqueue(Buffer.from("first"));
        controller.enqueue(Buffer.alloc(5000, "x"));
        controller.close();
      },
    });
    await (await fetch(url, { method: "POST", body, duplex: "half" })).text().catch(() => "");
    expect(received()).toContain("Transfer-Encoding: chunked\r\n");
    expect(received()).toContain("\r\n\r\n5\r\nfirst\r\n");
  });

  it("asks several origins in turn, and passes over one that cannot be reached", async () => {
    const [one, two] = [await backEnd(ok.replace("body", "1111")), await backEnd(ok.replace("body", "2222"))];
    const url = await served(httpApp({ origin: [one.origin, "unix:/nonexistent/socket", two.origin] }));
    const answers: string[] = [];
    for (let i = 0; i < 6; i++) answers.push(await (await fetch(url, { method: "POST", body: "x" })).text());
    expect(answers.filter((answer) => answer === "1111")).toHaveLength(2);
    expect(answers.filter((answer) => answer === "2222")).toHaveLength(4);
  });

  it("is refused once it is closed", async () => {
    const app = httpApp({ origin: "http://127.0.0.1:9" });
    app.close();
    expect((await client(validator(app)).get("/", { errors: "expected" })).status).toBe(503);
  });

  it.each([
    [{}, TypeError],
    [{ origin: [] }, TypeError],
    [{ origin: "127.0.0.1:80" }, TypeError],
    [{ origin: "http://a", other: 1 }, TypeError],
    [{ origin: "http://a", idleSeconds: -1 }, RangeError],
    [{ origin: "http://a", maxConnections: 0 }, RangeError],
    [{ origin: "http://a", preserveHost: 1 }, TypeError],
    [{ origin: "http://a", scriptName: "drop" }, TypeError],
    [{ origin: "http://a", incomingForwarded: "keep" }, TypeError],
    [{ origin: "http://a", forwardedHeaders: ["X-Who"] }, TypeError],
    [{ origin: "http://a", forwardedHeaders: "Forwarded" }, TypeError],
    [{ origin: "http://a", via: "a b" }, TypeError],
    [{ origin: "http://a", headers: 1 }, TypeError],
    [{ origin: "http://a", tls: 1 }, TypeError],
  ])("refuses %j", (options, error) => {
    expect(() => httpApp(options as unknown as HttpAppOptions)).toThrow(error);
  });
});
