import { connect } from "node:net";
import { unixPathBytes } from "../bind.ts";
import { StartError } from "../start-error.ts";
import type { ControlAnswer, ControlRequest } from "./protocol.ts";

/** No answer is longer. */
const longestAnswer = 16 * 1024 * 1024;

/** Asks a running gateway. It waits for as long as that takes: a reload may have to wait for requests under way. @throws {StartError} when nobody answers. */
export function ask(path: string, request: ControlRequest): Promise<ControlAnswer> {
  // Node.js 20 would cut it, and speak to whoever is there.
  if (Buffer.byteLength(path) > unixPathBytes)
    return Promise.reject(new StartError(`the path of the control socket is too long: ${path}`));
  return new Promise((resolve, reject) => {
    const socket = connect(path, () => socket.write(`${JSON.stringify(request)}\n`));
    let held = "";
    socket.setEncoding("utf8");
    socket.on("data", (text: string) => {
      held += text;
      const end = held.indexOf("\n");
      if (end === -1 && held.length <= longestAnswer) return;
      socket.destroy();
      try {
        resolve(readAnswer(held.slice(0, end)));
      } catch (error) {
        reject(error instanceof Error ? error : new StartError(String(error)));
      }
    });
    socket.once("error", (error: NodeJS.ErrnoException) =>
      reject(new StartError(`${reasons[error.code ?? ""] ?? error.message} (${path})`)),
    );
    // Once the promise is settled this changes nothing.
    socket.once("close", () => reject(new StartError(`the gateway ended before it answered (${path})`)));
  });
}

const nobody =
  "no gateway answers here: is it running, and was it started in this folder? If not, name its socket with --control-socket";

const reasons: Readonly<Record<string, string>> = {
  ENOENT: nobody,
  ECONNREFUSED: nobody,
  ENOTDIR: nobody,
  ENOTSOCK: "that is no socket",
  EACCES: "no permission: only the user who started it, and the administrator, may talk to it",
};

function readAnswer(line: string): ControlAnswer {
  let answer: unknown;
  try {
    answer = JSON.parse(line);
  } catch {
    // The same as what has another form.
  }
  if (typeof answer !== "object" || answer === null || !("ok" in answer) || !("message" in answer))
    throw new StartError("that is no gateway that answers there");
  return answer as ControlAnswer;
}
