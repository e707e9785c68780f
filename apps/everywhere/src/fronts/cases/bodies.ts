import { largeBytes, pattern } from "../../app/pattern.ts";
import { same, sameBytes } from "../same.ts";
import type { FrontCase } from "./case.ts";

function echo(name: string, bytes: number, isChunked: boolean): FrontCase {
  const body = pattern(0, bytes);
  return {
    name,
    run: async (site) => {
      const headers = [["Content-Type", "application/x-pattern"]] as const;
      const answer = await site.send("POST", "/echo", { headers, body, isChunked });
      same("status", answer.status, 200);
      same("Content-Type", answer.all("Content-Type"), ["application/x-pattern"]);
      sameBytes("the body", answer.body, body);
    },
  };
}

/** Bodies of requests. */
export const bodyCases: readonly FrontCase[] = [
  echo("a body of nothing", 0, false),
  echo("a body of 1 KiB", 1024, false),
  echo("a body of 5 MiB", largeBytes, false),
  echo("a chunked body of nothing", 0, true),
  echo("a chunked body of 1 KiB", 1024, true),
  echo("a chunked body of 5 MiB", largeBytes, true),
  {
    name: "a body that is read chunk by chunk",
    run: async (site) => {
      const answer = await site.send("PUT", "/size", { body: pattern(0, 300_000) });
      same("answer", answer.text, '{"bytes":300000,"announced":"300000"}\n');
    },
  },
  {
    name: "a body that nobody reads",
    run: async (site) => {
      const answer = await site.send("POST", "/unread", { body: pattern(0, 1_000_000) });
      same("status", answer.status, 200);
      same("answer", answer.text, "not read\n");
    },
  },
  {
    name: "Expect: 100-continue",
    run: async (site) => {
      const answer = await site.send("POST", "/echo", { headers: [["Expect", "100-continue"]], body: Buffer.from("expected") });
      same("answer", answer.text, "expected");
    },
  },
];
