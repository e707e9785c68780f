// What the benches of the process manager serve: `gateway workers-app.js`.
import { createHash } from "node:crypto";
import { setTimeout as wait } from "node:timers/promises";
import type { Application } from "@gateway/core";

const large = Buffer.alloc(32 * 1024 * 1024);
const block = Buffer.alloc(64 * 1024, "x");

/** Keeps the processor busy for about so many milliseconds of its time. */
function burn(milliseconds: number): void {
  const end = process.cpuUsage().user / 1000 + milliseconds;
  while (process.cpuUsage().user / 1000 < end) createHash("sha256").update(block).digest();
}

const app: Application = async (environ, startResponse) => {
  const argument = Number(environ.QUERY_STRING ?? "");
  let answer = "hello";
  switch (environ.PATH_INFO) {
    case "/burn":
      // The same work on a busy machine too: a count, and no time.
      for (let i = 0; i < argument; i++) createHash("sha256").update(block).digest();
      break;
    case "/block":
      burn(argument);
      break;
    case "/slow":
      await wait(argument);
      break;
    case "/echo": {
      let length = 0;
      for await (const chunk of environ["wsgi.input"]) length += chunk.length;
      answer = String(length);
      break;
    }
  }
  if (environ.PATH_INFO === "/large") {
    startResponse("200 OK", [["Content-Type", "application/octet-stream"]]);
    return [large];
  }
  startResponse("200 OK", [
    ["Content-Type", "text/plain"],
    ["X-Pid", String(process.pid)],
  ]);
  return [Buffer.from(answer)];
};
export default app;
