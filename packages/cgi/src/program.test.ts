import { once } from "node:events";
import { describe, expect, it } from "vitest";
import { RunProgram, type Run } from "./test-front.ts";

/** A program as in the tutorials, with this for an application. */
const program = (body: string): string => `
  import { CGIHandler } from "@gateway/cgi";
  ${body}
  await new CGIHandler().run(app);`;

const hello = program(`const app = (environ, startResponse) => {
  startResponse("200 OK", [["Content-Type", "text/plain"]]);
  return [Buffer.from("hello " + environ.PATH_INFO)];
};`);

/** Answers with what it finds in its environ, as JSON. */
const shows = (expression: string): string =>
  program(`const app = async (environ, startResponse) => {
  const shown = JSON.stringify(${expression});
  startResponse("200 OK", [["Content-Type", "application/json"]]);
  return [Buffer.from(shown)];
};`);

interface Answer {
  status: string;
  body: string;
  exit: number | string;
  errors: string;
}

async function run(source: string, variables: Readonly<Record<string, string>> = {}, more: Partial<Run> = {}): Promise<Answer> {
  let errors = "";
  const all = { REQUEST_METHOD: "GET", SCRIPT_NAME: "", PATH_INFO: "/", SERVER_NAME: "localhost", SERVER_PORT: "80", ...variables };
  const ran = new RunProgram({ source, variables: Object.entries(all).flat(), onErrors: (text) => (errors += text), ...more });
  const { status, body } = await ran.response;
  const chunks: Uint8Array[] = [];
  let exit: number | string = "";
  try {
    for await (const chunk of body) chunks.push(chunk);
  } finally {
    exit = await ran.exited;
  }
  return { status, body: Buffer.concat(chunks).toString("latin1"), exit, errors };
}

describe("a CGI program", () => {
  it("answers, and exits with 0", async () => {
    expect(await run(hello)).toEqual({ status: "200 OK", body: "hello /", exit: 0, errors: "" });
  });

  it("says that it runs once, beside others", async () => {
    const { body } = await run(shows(`["multithread", "multiprocess", "run_once"].map((name) => environ["wsgi." + name])`));
    expect(JSON.parse(body)).toEqual([false, true, true]);
  });

  it("reads exactly its body, and does not wait for the end of the standard input", async () => {
    const read = shows(`Buffer.from(await environ["wsgi.input"].read()).toString()`);
    expect((await run(read, { REQUEST_METHOD: "POST", CONTENT_LENGTH: "5" }, { body: [Buffer.from("hello, world")] })).body).toBe(
      '"hello"',
    );
    expect((await run(read, { REQUEST_METHOD: "POST", CONTENT_LENGTH: "" }, { body: [Buffer.from("hello")] })).body).toBe('""');
  });

  it("reads a body without a length to the end of the standard input, where the request was chunked", async () => {
    const read = shows(`Buffer.from(await environ["wsgi.input"].read()).toString()`);
    const variables = { REQUEST_METHOD: "POST", HTTP_TRANSFER_ENCODING: "chunked" };
    expect((await run(read, variables, { body: [Buffer.from("all of it")], endsInput: true })).body).toBe('"all of it"');
  });

  it("reads what the application left before it exits", async () => {
    const body = Buffer.alloc(3_000_000);
    const source = hello;
    const variables = Object.entries({ REQUEST_METHOD: "POST", PATH_INFO: "/", CONTENT_LENGTH: `${body.length}` }).flat();
    const ran = new RunProgram({ source, variables });
    const { stdin } = ran.child;
    let failed = false;
    stdin?.on("error", () => (failed = true));
    await new Promise((resolve) => stdin?.write(body, resolve));
    expect((await ran.response).status).toBe("200 OK");
    expect(await ran.exited).toBe(0);
    expect(failed).toBe(false);
  });

  it("answers while it reads to a front server that reads no answer before it has sent the whole body", async () => {
    const source = program(`const app = (environ, startResponse) => {
      startResponse("200 OK", [["Content-Type", "text/plain"]]);
      return environ["wsgi.input"];
    };`);
    const body = Buffer.alloc(3_000_000, "0123456789");
    const variables = Object.entries({ REQUEST_METHOD: "POST", PATH_INFO: "/", CONTENT_LENGTH: `${body.length}` }).flat();
    const ran = new RunProgram({ source, variables });
    ran.child.stdout?.pause();
    await new Promise((resolve) => ran.child.stdin?.write(body, resolve));
    ran.child.stdout?.resume();
    const chunks: Uint8Array[] = [];
    for await (const chunk of (await ran.response).body) chunks.push(chunk);
    expect(Buffer.compare(Buffer.concat(chunks), body)).toBe(0);
  });

  it.skipIf(process.platform !== "linux")(
    "gets the octets of its environment as they are, also where they are no UTF-8",
    async () => {
      const picked = shows(`[environ.QUERY_STRING, environ.HTTP_X_LATIN, environ.PATH_INFO, environ.HTTP_X_UTF8]`);
      const { body } = await run(picked, {
        QUERY_STRING: "a=\xff\xfe",
        HTTP_X_LATIN: "caf\xe9",
        PATH_INFO: "/caf\xc3\xa9/\xff",
        HTTP_X_UTF8: "\xc3\xa9",
      });
      expect(JSON.parse(Buffer.from(body, "latin1").toString())).toEqual(["a=\xff\xfe", "caf\xe9", "/café/\u{FFFD}", "\xc3\xa9"]);
    },
  );

  it("takes what the program itself has set in its environment", async () => {
    const source = `process.env.PATH_INFO = "/set"; delete process.env.HTTP_X; ${shows(`[environ.PATH_INFO, environ.HTTP_X ?? null]`)}`;
    // Imports go first, whatever stands before them.
    expect(JSON.parse((await run(source, { HTTP_X: "1" })).body)).toEqual(["/set", null]);
  });

  it("sends a huge response whole before it exits", async () => {
    const source = program(`const app = (environ, startResponse) => {
      startResponse("200 OK", [["Content-Type", "text/plain"]]);
      return [Buffer.alloc(20_000_000, "x"), Buffer.from("end")];
    };`);
    const { body, exit } = await run(source);
    expect(body.length).toBe(20_000_003);
    expect(body.endsWith("xend")).toBe(true);
    expect(exit).toBe(0);
  });

  it("exits although the application holds timers, and lets last words be said", async () => {
    const source = `setInterval(() => {}, 1000); process.on("exit", (code) => console.error("exit " + code)); ${hello}\nconsole.error("behind");`;
    const { exit, errors } = await run(source);
    expect(exit).toBe(0);
    expect(errors).toBe("behind\nexit 0\n");
  });

  it("exits with 1 where the response broke off, and reports why", async () => {
    const source = program(`const app = (environ, startResponse) => {
      startResponse("200 OK", []);
      return (function* () { yield Buffer.from("begun"); throw new Error("on purpose"); })();
    };`);
    let errors = "";
    const variables = Object.entries({ REQUEST_METHOD: "GET", PATH_INFO: "/" }).flat();
    const ran = new RunProgram({ source, variables, onErrors: (text) => (errors += text) });
    expect(await ran.exited).toBe(1);
    expect(errors).toContain("on purpose");
  });

  it("answers 500 and exits with 0 where the application failed before its first byte", async () => {
    const { status, exit, errors } = await run(program(`const app = () => { throw new Error("on purpose"); };`));
    expect(status).toBe("500 Internal Server Error");
    expect(exit).toBe(0);
    expect(errors).toContain("on purpose");
  });

  /** Streams for ever, and says how it ended. */
  const endless = program(`const app = (environ, startResponse) => {
    environ["gateway.exchange"].onEnd(({ outcome }) => console.error("ended: " + outcome));
    startResponse("200 OK", []);
    const body = (async function* () { for (;;) { yield Buffer.alloc(10_000); await new Promise(setImmediate); } })();
    return Object.assign(body, { close: () => console.error("closed") });
  };`);

  it("closes the body and exits when nobody reads its standard output any more (EPIPE)", async () => {
    let errors = "";
    const variables = Object.entries({ REQUEST_METHOD: "GET", PATH_INFO: "/" }).flat();
    const ran = new RunProgram({ source: endless, variables, onErrors: (text) => (errors += text) });
    await ran.response;
    ran.child.stdout?.destroy();
    expect(await ran.exited).toBe(1);
    expect(errors).toBe("closed\nended: gone\n");
  });

  it("closes the body and exits with 143 on SIGTERM, which is how a front server ends it", async () => {
    let errors = "";
    const variables = Object.entries({ REQUEST_METHOD: "GET", PATH_INFO: "/" }).flat();
    const ran = new RunProgram({ source: endless, variables, onErrors: (text) => (errors += text) });
    const { body } = await ran.response;
    ran.child.kill("SIGTERM");
    const taken = (async () => {
      for await (const _ of body);
    })();
    await expect(taken).rejects.toThrow("the program ended with 143");
    expect(await ran.exited).toBe(143);
    expect(errors).toBe("closed\nended: gone\n");
  });

  it("survives a standard error that nobody reads", async () => {
    const source = program(`const app = async (environ, startResponse) => {
      for (let i = 0; i < 20; i++) { environ["wsgi.errors"].write("a complaint\\n"); await new Promise(setImmediate); }
      startResponse("200 OK", []);
      return [Buffer.from("fine")];
    };`);
    const variables = Object.entries({ REQUEST_METHOD: "GET", PATH_INFO: "/" }).flat();
    const ran = new RunProgram({ source, variables });
    ran.child.stderr?.destroy();
    const [chunk] = (await once(ran.child.stdout ?? process.stdin, "data")) as [Buffer];
    expect(chunk.toString()).toContain("Status: 200 OK");
    expect(await ran.exited).toBe(0);
  });
});
