import type { HeaderList } from "@gateway/core";
import type { ConformanceResponse } from "../conformance/types.ts";

/** What is compared of a response. */
export interface ComparedResponse {
  readonly status: string;
  readonly headers: HeaderList;
  /** In latin-1; `undefined` for a response that broke off, for it may do so anywhere. */
  readonly body: string | undefined;
}

const framing: ReadonlySet<string> = new Set(["date", "content-length", "transfer-encoding", "connection", "keep-alive"]);

/** All of a response but its date and what frames it, which is its server's. `undefined` where none came. */
export function withoutFraming(response: ConformanceResponse | undefined): ComparedResponse | undefined {
  if (response === undefined) return undefined;
  const { status, headers, body, truncated } = response;
  return {
    status,
    headers: headers.filter(([name]) => !framing.has(name.toLowerCase())),
    body: truncated ? undefined : Buffer.from(body).toString("latin1"),
  };
}
