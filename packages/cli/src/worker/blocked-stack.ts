import type { Debugger, Session } from "node:inspector";

/** What a blocked loop is doing. */
export interface BlockedStack {
  /** `at name (file:line:column)`, the innermost first. */
  readonly frames: readonly string[];
  /** What the expression gave. */
  readonly value: string;
}

/** How many frames are shown. */
const shown = 30;

/**
 * Stops the thread that a session is connected to where it is, reads its stack, evaluates an expression there, and lets it go on.
 *
 * @returns `undefined` when it does not stop in time: it is inside the system or native code, not in JavaScript.
 */
export async function blockedStack(session: Session, expression: string, milliseconds: number): Promise<BlockedStack | undefined> {
  const paused = new Promise<Debugger.PausedEventDataType>((resolve) =>
    session.once("Debugger.paused", ({ params }) => resolve(params)),
  );
  // Not unref(): a session does not keep a thread alive, and without anything that does it would end before the answer.
  const late = new Promise<undefined>((resolve) => setTimeout(() => resolve(undefined), milliseconds));
  const urls = new Map<string, string>();
  session.on("Debugger.scriptParsed", ({ params }) => void urls.set(params.scriptId, params.url));
  // Each waits for nothing: a thread in native code does not answer.
  session.post("Debugger.enable");
  session.post("Debugger.pause");
  const stopped = await Promise.race([paused, late]);
  if (stopped === undefined) return undefined;
  const top = stopped.callFrames[0];
  const value = top === undefined ? "" : await Promise.race([evaluate(session, top.callFrameId, expression), late]);
  session.post("Debugger.resume");
  session.post("Debugger.disable");
  return { frames: stopped.callFrames.slice(0, shown).map((frame) => frameText(frame, urls)), value: value ?? "" };
}

function frameText({ functionName, location }: Debugger.CallFrame, urls: ReadonlyMap<string, string>): string {
  const place = `${urls.get(location.scriptId) ?? "?"}:${location.lineNumber + 1}:${(location.columnNumber ?? 0) + 1}`;
  return functionName === "" ? `at ${place}` : `at ${functionName} (${place})`;
}

function evaluate(session: Session, callFrameId: string, expression: string): Promise<string> {
  return new Promise((resolve) =>
    session.post("Debugger.evaluateOnCallFrame", { callFrameId, expression, returnByValue: true, silent: true }, (error, answer) =>
      resolve(error === null && typeof answer.result.value === "string" ? answer.result.value : ""),
    ),
  );
}
