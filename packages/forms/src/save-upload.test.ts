import { once } from "node:events";
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ExchangeAborted, type Application, type Ending, type Environ } from "@gateway/core";
import { makeServer } from "@gateway/server";
import { client } from "@gateway/testing";
import { validator } from "@gateway/validate";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { multipart, readForm, saveUpload, type Upload } from "./index.ts";
import { importExample } from "@gateway/testing/readme";
import { head, multipartBody, multipartType, posted, refusal, rejection } from "./test-body.ts";

let folder = "";
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "gateway-forms-"));
});
afterEach(async () => {
  await rm(folder, { recursive: true });
});

/** Lets the loop turn until the folder is empty; it is the test that has a time limit. */
async function untilEmpty(): Promise<void> {
  while ((await readdir(folder)).length > 0) await new Promise((resolve) => setImmediate(resolve));
}

async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await new Promise((resolve) => setImmediate(resolve));
}

const done: Application = (_environ, startResponse) => {
  startResponse("200 OK", [["Content-Type", "text/plain"]]);
  return [Buffer.from("done")];
};

describe("saveUpload", () => {
  it("runs the README's example", async () => {
    const app = (await importExample(new URL("../README.md", import.meta.url), {
      "@gateway/forms": new URL("index.ts", import.meta.url),
    })) as Application;
    const http = client(app);
    const photo = { filename: "me.png", content: new Uint8Array(1000), type: "image/png" };
    expect((await http.post("/", { multipart: { name: "Ada", photo } })).text()).toBe("Ada sent me.png (1000 bytes)\n");
    expect((await http.post("/", { form: { name: "Ada" } })).text()).toBe("Ada sent no file\n");
    expect((await http.post("/", { form: {} })).status).toBe(422);
    const large = { filename: "me.png", content: new Uint8Array(1024 * 1024 + 1) };
    expect((await http.post("/", { multipart: { name: "Ada", photo: large } })).status).toBe(413);
  });

  it("writes a file that is gone when the response is over", async () => {
    const uploads: Upload[] = [];
    const content = Buffer.from(Array.from({ length: 300_000 }, (_, i) => i % 251));
    const app: Application = async (environ, startResponse) => {
      await readForm(environ, { onFile: async (part) => uploads.push(await saveUpload(environ, part, { folder })) });
      const [upload] = uploads;
      expect(await readFile(upload?.path ?? "")).toEqual(content);
      expect((await stat(upload?.path ?? "")).mode & 0o777).toBe(0o600);
      expect(upload?.path.startsWith(folder)).toBe(true);
      return done(environ, startResponse);
    };
    const file = { filename: "../../evil.sh", content, type: "text/x-sh" };
    const response = await client(validator(app)).post("/", { multipart: { file }, splitEvery: 1000 });
    expect(response.status).toBe(200);
    expect(uploads[0]).toMatchObject({ filename: "evil.sh", bytes: content.length, type: "text/x-sh" });
    await untilEmpty();
  });

  it("keeps a file where it is told, and never replaces one", async () => {
    const target = join(folder, "kept.txt");
    const app: Application = async (environ, startResponse) => {
      for await (const part of multipart(environ)) {
        const upload = await saveUpload(environ, part, { folder });
        if (environ.PATH_INFO === "/keep") {
          await upload.keep(target);
          await expect(upload.keep(`${target}2`)).rejects.toThrow("not there any more");
        } else await expect(upload.keep(target)).rejects.toMatchObject({ code: "EEXIST" });
      }
      return done(environ, startResponse);
    };
    const http = client(app);
    expect((await http.post("/keep", { multipart: { a: { filename: "a", content: "first" } } })).status).toBe(200);
    expect((await http.post("/again", { multipart: { a: { filename: "a", content: "second" } } })).status).toBe(200);
    await until(async () => (await readdir(folder)).length === 1);
    expect(await readFile(target, "utf8")).toBe("first");
  });

  it("removes at once when it is told, and does not mind what is gone already", async () => {
    const endings: ((ending: Ending) => void)[] = [];
    const environ = posted(multipartType, multipartBody([[head("a", '; filename="a"'), "x"]]));
    const { signal } = environ["gateway.exchange"];
    environ["gateway.exchange"] = { signal, onEnd: (listener) => void endings.push(listener), earlyHints() {} };
    for await (const part of multipart(environ)) {
      const upload = await saveUpload(environ, part, { folder });
      await rm(upload.path);
      await upload.remove();
      await upload.remove();
      await expect(upload.keep(join(folder, "b"))).rejects.toThrow("not there any more");
    }
    const ending = { outcome: "finished", reason: undefined, status: "", bodyBytes: 0 } as unknown as Ending;
    for (const listener of endings) listener(ending);
    expect(await readdir(folder)).toEqual([]);
  });

  it.each([
    ["a limit is met", multipartBody([[head("a", '; filename="a"'), "x".repeat(5000)]]), { fileBytes: 4000 }, 413],
    ["the body is cut short", multipartBody([[head("a", '; filename="a"'), "x".repeat(5000)]]).slice(0, 4000), {}, 400],
  ])("removes what it wrote when %s", async (_name, body, limits, status) => {
    const environ = posted(multipartType, body, 1000);
    const read = readForm(environ, { ...limits, onFile: (part) => saveUpload(environ, part, { folder }) });
    expect((await refusal(read))[0]).toBe(status);
    expect(await readdir(folder)).toEqual([]);
  });

  it("removes what it wrote when the response is given up, though the client says nothing more", async () => {
    for (const code of ["CLIENT_GONE", "TIME_LIMIT"] as const) {
      const controller = new AbortController();
      const environ = posted(multipartType, "");
      environ["gateway.exchange"] = { signal: controller.signal, onEnd() {}, earlyHints() {} };
      const chunks = (async function* (): AsyncGenerator<Uint8Array> {
        yield Buffer.from(`--b\r\n${head("a", '; filename="a"')}\r\n\r\n${"x".repeat(1000)}`);
        await new Promise(() => {});
      })();
      environ["wsgi.input"] = { ...environ["wsgi.input"], [Symbol.asyncIterator]: () => chunks };
      const read = rejection(readForm(environ, { onFile: (part) => saveUpload(environ, part, { folder }) }));
      await until(async () => {
        const [name] = await readdir(folder);
        return name !== undefined && (await stat(join(folder, name))).size > 0;
      });
      const reason = new ExchangeAborted(code);
      controller.abort(reason);
      expect(await read).toBe(reason);
      expect(await readdir(folder)).toEqual([]);
    }
  });

  it("writes nothing for a client that has left already", async () => {
    const environ = posted(multipartType, multipartBody([[head("a", '; filename="a"'), "x"]]));
    environ["gateway.exchange"] = { signal: AbortSignal.abort(new Error("left")), onEnd() {}, earlyHints() {} };
    expect((await refusal(readForm(environ, { onFile: (part) => saveUpload(environ, part, { folder }) })))[1]).toBe("left");
    expect(await readdir(folder)).toEqual([]);
  });

  it("removes a file that is written only after the response is over", async () => {
    let failure: Promise<unknown> | undefined;
    const app: Application = (environ, startResponse) => {
      failure = rejection(readForm(environ, { onFile: (part) => saveUpload(environ, part, { folder }) }));
      return done(environ, startResponse);
    };
    const file = { filename: "a", content: "x".repeat(100_000) };
    expect((await client(app, { validate: false }).post("/", { multipart: { file }, splitEvery: 1000 })).status).toBe(200);
    expect(await failure).toMatchObject({ message: "saveUpload: the response was over before the upload was" });
    expect(await readdir(folder)).toEqual([]);
  });

  it("fails where the folder is not there, or is none", async () => {
    const body = multipartBody([[head("a", '; filename="a"'), "x"]]);
    for (const wrong of [join(folder, "missing"), ""]) {
      const environ = posted(multipartType, body);
      expect(await rejection(readForm(environ, { onFile: (part) => saveUpload(environ, part, { folder: wrong }) }))).toBeInstanceOf(
        Error,
      );
    }
    const file = join(folder, "file");
    await writeFile(file, "");
    const environ = posted(multipartType, body);
    expect(await rejection(readForm(environ, { onFile: (part) => saveUpload(environ, part, { folder: file }) }))).toBeInstanceOf(
      Error,
    );
    expect(await readFile(file, "utf8")).toBe("");
  });

  it("cleans up behind a client that leaves a real server in the middle", async () => {
    let running = 0;
    const app: Application = async (environ: Environ, startResponse) => {
      running++;
      try {
        await readForm(environ, { onFile: (part) => saveUpload(environ, part, { folder }) });
      } finally {
        running--;
      }
      return done(environ, startResponse);
    };
    const errors: string[] = [];
    const stream = { write: (text: string) => void errors.push(text), writelines() {}, flush() {} };
    const server = makeServer("127.0.0.1", 0, app, { errors: stream });
    const address = await server.listen();
    void server.serveForever();
    const port = address.kind === "tcp" ? address.port : 0;
    for (const end of ["destroy", "resetAndDestroy"] as const) {
      const socket = connect(port, "127.0.0.1");
      await once(socket, "connect");
      socket.on("error", () => {});
      socket.write(
        `POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: ${multipartType}\r\nContent-Length: 100000\r\n\r\n--b\r\n${head("a", '; filename="a"')}\r\n\r\n${"x".repeat(50_000)}`,
      );
      await until(async () => (await readdir(folder)).length === 1);
      socket[end]();
      await untilEmpty();
      await until(() => running === 0);
    }
    await server.shutdown();
    expect(errors.join("")).not.toMatch(/ENOENT|Unhandled/);
  });
});
