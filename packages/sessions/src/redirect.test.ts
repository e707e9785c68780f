import { connect } from "node:net";
import type { Application } from "@gateway/core";
import { makeServer } from "@gateway/server";
import { describe, expect, it } from "vitest";
import { memoryStore } from "./memory-store.ts";
import { sessions } from "./sessions.ts";
import type { SessionStore } from "./store.ts";
import { secret, type TestApplication, type TestData } from "./test-onion.ts";

/** A store whose answers come after many turns of the loop: a client on the same machine is far quicker. */
function verySlow(store: SessionStore): SessionStore {
  const later = async <T>(work: () => T | Promise<T>): Promise<T> => {
    for (let i = 0; i < 200; i++) await new Promise((resolve) => setImmediate(resolve));
    return work();
  };
  return {
    atomic: true,
    read: (id) => store.read(id),
    write: (id, record) => later(() => store.write(id, record)),
    touch: (id, expiresAt) => later(() => store.touch(id, expiresAt)),
    delete: (id) => later(() => store.delete(id)),
  };
}

const app: TestApplication = async function* (environ, startResponse) {
  const session = environ["gateway.session"];
  const value = Number(environ.QUERY_STRING);
  switch (environ.PATH_INFO) {
    case "/set":
      session.set("count", value);
      startResponse("303 See Other", [["Location", "/get"]]);
      return;
    case "/login":
      session.set("count", value);
      session.regenerate();
      startResponse("303 See Other", [["Location", "/get"]]);
      return;
    case "/late":
      // In the last moment of a body of known length.
      session.get("count");
      startResponse("200 OK", [
        ["Content-Type", "text/plain"],
        ["Content-Length", "4"],
      ]);
      yield Buffer.from("late");
      session.set("count", value);
      return;
    default:
      startResponse("200 OK", [["Content-Type", "text/plain"]]);
      yield Buffer.from(`${session.get("count") ?? "none"}`);
  }
};

/** Sends a request over a connection of its own, and is done at the last octet of the answer: at the blank line, or where Content-Length says. */
function send(port: number, path: string, cookie: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: "127.0.0.1", noDelay: true });
    let answer = "";
    socket.setEncoding("latin1").on("data", (text: string) => {
      answer += text;
      const head = answer.indexOf("\r\n\r\n");
      if (head === -1) return;
      const length = Number(/content-length: (\d+)/i.exec(answer)?.[1] ?? (/chunked/i.test(answer) ? Number.NaN : 0));
      const whole = Number.isNaN(length) ? answer.endsWith("0\r\n\r\n") : answer.length >= head + 4 + length;
      if (!whole) return;
      resolve(answer);
      socket.destroy();
    });
    socket.once("error", reject);
    socket.once("end", () => reject(new Error(`the answer broke off: ${answer}`)));
    socket.write(`GET ${path} HTTP/1.1\r\nHost: localhost\r\n${cookie === "" ? "" : `Cookie: ${cookie}\r\n`}\r\n`, "latin1");
  });
}

describe("a redirect over a slow store", () => {
  it("does not overtake its session: the next request always sees the write", async () => {
    const onion: Application = sessions<TestData>({ secret, store: verySlow(memoryStore()) })(app);
    await using server = makeServer("127.0.0.1", 0, onion);
    const address = await server.listen();
    void server.serveForever();
    const port = address.kind === "tcp" ? address.port : 0;
    let cookie = "";
    for (let i = 1; i <= 60; i++) {
      const path = ["/set", "/login", "/late"][i % 3] ?? "";
      const answer = await send(port, `${path}?${i}`, cookie);
      cookie = /set-cookie: ([^;]+)/i.exec(answer)?.[1] ?? cookie;
      const location = /location: (\S+)/i.exec(answer)?.[1];
      expect(location).toBe(path === "/late" ? undefined : "/get");
      expect(await send(port, "/get", cookie), `${path}, ${i}`).toContain(`\r\n\r\n${String(i).length}\r\n${i}\r\n0`);
    }
  });
});
