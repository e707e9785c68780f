import { cpSync, writeFileSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { once } from "node:events";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { fastcgiApp, type FastcgiAppOptions } from "@gateway/fastcgi/client";
import { scgiApp } from "@gateway/scgi/client";
import type { BackEndApplication } from "@gateway/sockets";
import { findProgram, hasProgram, startProgram, type RunningProgram } from "@gateway/testing/programs";
import { uwsgiApp } from "@gateway/uwsgi/client";
import { eventually } from "@gateway/testing/campaign";
import { validator } from "@gateway/validate";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { httpApp } from "./http-app.ts";
import { front } from "./test-servers.ts";

const sources = fileURLToPath(new URL("../cases/back-ends/", import.meta.url));
const ranAsRoot = ["www-data", "nobody"];

const copySources = async ({ folder }: { folder: string }): Promise<void> => cpSync(sources, folder, { recursive: true });

/** A port that was free a moment ago. */
async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}

/** With workers for those that hang, which are not given up by their server; on four sockets, one for each protocol. */
function startUwsgi(site: string): Promise<RunningProgram> {
  return startProgram({
    program: "uwsgi-core",
    prepare: copySources,
    insteadOfRoot: ranAsRoot,
    args: () =>
      `--plugin python3 --master --workers 8 --need-app --wsgi-file ${site}_site.py --fastcgi-socket fastcgi.sock --scgi-socket scgi.sock --uwsgi-socket uwsgi.sock --http-socket http.sock`.split(
        " ",
      ),
    ready: { output: "spawned uWSGI worker 8 (" },
    stopSignal: "SIGINT",
  });
}

function startGunicorn(site: string, port: number): Promise<RunningProgram> {
  return startProgram({
    program: "gunicorn",
    prepare: copySources,
    insteadOfRoot: ranAsRoot,
    args: () => ["--workers", "4", "--graceful-timeout", "1", "--bind", `127.0.0.1:${port}`, `${site}_site:application`],
    ready: () => ({ port }),
    stopSignal: "SIGINT",
  });
}

const php = ["php-fpm", "php-fpm8.4", "php-fpm8.3", "php-fpm8.2"].find((name) => hasProgram(name)) ?? "php-fpm";

function startPhp(): Promise<RunningProgram> {
  return startProgram({
    program: php,
    insteadOfRoot: ranAsRoot,
    async prepare(place) {
      await copySources(place);
      const { folder } = place;
      const lines = [
        "[global]",
        `error_log = ${join(folder, "fpm.log")}`,
        "daemonize = no",
        "[www]",
        `listen = ${join(folder, "php.sock")}`,
        "pm = static",
        "pm.max_children = 4",
        "catch_workers_output = yes",
        "decorate_workers_output = no",
      ];
      writeFileSync(join(folder, "fpm.conf"), `${lines.join("\n")}\n`);
    },
    args: ({ folder }) => [
      "--nodaemonize",
      "--force-stderr",
      "--fpm-config",
      join(folder, "fpm.conf"),
      "-d",
      "display_errors=0",
      "-d",
      "log_errors=1",
    ],
    ready: ({ folder }) => ({ path: join(folder, "php.sock") }),
    stopSignal: "SIGINT",
  });
}

interface Served {
  readonly url: string;
  readonly program: RunningProgram;
  /** With connections of its own. */
  readonly anew: () => Promise<Served>;
}

const sites = ["flask", "django", "bottle", "webpy", "cherrypy"];
const stops: (() => Promise<void>)[] = [];
afterEach(() => {
  vi.useRealTimers();
});

/** Our server in front of an application in front of that program. */
async function serve(program: RunningProgram, make: () => BackEndApplication): Promise<Served> {
  const app = make();
  const server = await front(validator(app), () => {});
  stops.push(async () => {
    app.close();
    await server.stop();
  });
  return { url: `http://127.0.0.1:${server.port}`, program, anew: () => serve(program, make) };
}

/**
 * The same requests to each of them.
 *
 * @param takesChunks whether it reads a body whose length is not known.
 */
function behaves(served: () => Served, name: string, takesChunks: boolean): void {
  const get = (path: string, init?: RequestInit): Promise<Response> =>
    fetch(`${served().url}${path}`, { redirect: "manual", ...init });

  it("gives a page", async () => {
    const response = await get("/");
    expect(response.status).toBe(200);
    expect(response.headers.get("content-type")).toContain("text/html");
    expect(await response.text()).toBe(`<h1>page of ${name}</h1>`);
  });

  it("answers HEAD without a body", async () => {
    const response = await get("/", { method: "HEAD" });
    expect([200, 405]).toContain(response.status);
    expect(await response.text()).toBe("");
  });

  it("takes a form", async () => {
    const response = await get("/form", { method: "POST", body: new URLSearchParams({ name: "Zoë", text: "a & b = c" }) });
    expect(await response.text()).toBe("Zoë and a & b = c");
  });

  it("takes a form in chunks, whose length is not known", async () => {
    const body = new ReadableStream({
      start(controller) {
        for (const part of ["name=an", "na&text", "=chunks"]) controller.enqueue(Buffer.from(part));
        controller.close();
      },
    });
    const headers = { "Content-Type": "application/x-www-form-urlencoded" };
    const response = await get("/form", { method: "POST", body, headers, duplex: "half" });
    // uWSGI resets the connection, since the body was not read, and that is passed on.
    const text = await response.text().catch(() => "broken off");
    if (takesChunks) expect(text).toBe("anna and chunks");
    else expect(text).not.toContain("chunks");
  });

  it("takes an upload of a megabyte", async () => {
    const body = new FormData();
    body.append("file", new Blob([Buffer.alloc(1_000_000, "x")]), "big.bin");
    expect(await (await get("/upload", { method: "POST", body })).text()).toBe("big.bin: 1000000 bytes");
  });

  it("keeps cookies apart", async () => {
    const response = await get("/cookies", { headers: { Cookie: "one=before; other=x" } });
    expect(await response.text()).toBe("had before");
    expect(response.headers.getSetCookie().map((cookie) => cookie.split(";")[0])).toEqual(["one=1", "two=2"]);
  });

  it("passes a redirect", async () => {
    const response = await get("/redirect");
    expect(response.status).toBe(303);
    expect(response.headers.get("location")).toMatch(/\/elsewhere\?a=b$/);
  });

  it("streams", async () => {
    const text = await (await get("/stream")).text();
    expect(text.split("\n")).toHaveLength(20_001);
    expect(text.endsWith("line 19999 of a long stream\n")).toBe(true);
  });

  it("passes an error", async () => {
    const response = await get("/error");
    expect(response.status).toBe(500);
    expect(await response.text()).not.toContain("on purpose");
  });

  it("is told who asked", async () => {
    const response = await get("/client", {
      headers: { "X-Forwarded-For": "6.6.6.6", Forwarded: "for=6.6.6.6", "X-Forwarded-Proto": "https" },
    });
    const [address, scheme, host] = (await response.text()).split(" ");
    expect(address).not.toBe("6.6.6.6");
    expect(scheme).toBe("http");
    expect(host).toBe(served().url.slice(7));
  });

  it("keeps headers of the connection to itself", async () => {
    const response = await get("/hop");
    expect(response.headers.get("proxy-authenticate")).toBeNull();
    expect(response.headers.get("x-kept")).toBe("yes");
    expect(await response.text()).toBe("hop");
  });

  it("dies, and is asked again", async () => {
    const response = await get("/die");
    expect(response.status).toBe(502);
    expect(await response.text()).not.toContain("Error");
    expect(await (await get("/")).text()).toContain("page of");
  });

  it("dies in the middle of a response, and that can be seen", async () => {
    const response = await get("/die-later");
    await expect(response.text()).rejects.toThrow("terminated");
    expect(await (await get("/")).text()).toContain("page of");
  });

  it("hangs, and is given up", async () => {
    const { program, anew } = served();
    // Its clock begins with its first request.
    const { url } = await anew();
    vi.useFakeTimers({ toFake: ["setInterval", "clearInterval", "performance"] });
    const before = program.output.split("it hangs now").length;
    const response = fetch(`${url}/hang`);
    await eventually(() => program.output.split("it hangs now").length > before);
    vi.advanceTimersByTime(5000);
    expect((await response).status).toBe(504);
    vi.useRealTimers();
    expect(await (await get("/")).text()).toContain("page of");
  });
}

const limits = { answerSeconds: 3 };

describe.skipIf(!hasProgram("uwsgi-core"))("uWSGI", () => {
  describe.each(sites)("with %s", (site) => {
    let program: RunningProgram;
    const over = new Map<string, Served>();
    beforeAll(async () => {
      program = await startUwsgi(site);
      const socket = (name: string): string => join(program.folder, `${name}.sock`);
      over.set("fastcgi", await serve(program, () => fastcgiApp({ socket: socket("fastcgi"), ...limits })));
      over.set("scgi", await serve(program, () => scgiApp({ socket: socket("scgi"), ...limits })));
      over.set("uwsgi", await serve(program, () => uwsgiApp({ socket: socket("uwsgi"), ...limits })));
      over.set("http", await serve(program, () => httpApp({ origin: `unix:${socket("http")}`, ...limits })));
    });
    afterAll(async () => {
      for (const stop of stops.splice(0)) await stop();
      await program?.stop();
    }, 60_000);
    describe.each(["fastcgi", "scgi", "uwsgi", "http"])("over %s", (protocol) => {
      const served = (): Served => {
        const one = over.get(protocol);
        if (one === undefined) throw new Error(`nothing is served over ${protocol}`);
        return one;
      };
      // Over HTTP it goes on in chunks; over the other protocols its length is found out first.
      behaves(served, site, protocol !== "http");

      it("never passes a bare CR of a header", async () => {
        const response = await fetch(`${served().url}/cr`);
        expect([500, 502]).toContain(response.status);
        expect(response.headers.getSetCookie()).toEqual([]);
      });
    });
  });
});

describe.skipIf(!hasProgram("gunicorn"))("gunicorn", () => {
  describe.each(sites)("with %s", (site) => {
    let program: RunningProgram;
    let served: Served;
    beforeAll(async () => {
      const port = await freePort();
      program = await startGunicorn(site, port);
      served = await serve(program, () => httpApp({ origin: `http://127.0.0.1:${port}`, ...limits }));
    });
    afterAll(async () => {
      for (const stop of stops.splice(0)) await stop();
      await program?.stop();
    }, 60_000);
    behaves(() => served, site, site !== "django" && site !== "bottle");
  });
});

describe.skipIf(findProgram(php) === undefined)("PHP-FPM", () => {
  let program: RunningProgram;
  let served: Served;
  const options = (more: Partial<FastcgiAppOptions> = {}): FastcgiAppOptions => ({
    socket: join(program.folder, "php.sock"),
    php: { root: program.folder },
    ...limits,
    ...more,
  });
  beforeAll(async () => {
    program = await startPhp();
    served = await serve(program, () => fastcgiApp(options()));
  });
  afterAll(async () => {
    for (const stop of stops.splice(0)) await stop();
    await program?.stop();
  }, 60_000);
  behaves(() => served, "php", true);

  it("runs the script that the path names, and gives it the rest", async () => {
    expect(await (await fetch(`${served.url}/more.php/a/b?c`)).text()).toBe("/more.php|/a/b|more.php");
  });

  it("serves more requests at once than it has workers, on connections that are kept", async () => {
    const pages = Array.from({ length: 30 }, async () => (await fetch(`${served.url}/`)).text());
    expect(new Set(await Promise.all(pages))).toEqual(new Set(["<h1>page of php</h1>"]));
  });

  it("does so without keeping connections", async () => {
    const { url } = await serve(program, () => fastcgiApp(options({ keepAlive: false })));
    const pages = Array.from({ length: 30 }, async () => (await fetch(`${url}/`)).text());
    expect(new Set(await Promise.all(pages))).toEqual(new Set(["<h1>page of php</h1>"]));
  });
});
