import { largeBytes, pattern } from "../../app/pattern.ts";
import { same, sameBytes } from "../same.ts";
import type { FrontCase } from "./case.ts";

const redirects = [301, 302, 303, 307, 308].map(
  (code): FrontCase => ({
    name: `a redirect with ${code}`,
    run: async (site) => {
      const answer = await site.send("GET", `/redirect?code=${code}`);
      same("status", answer.status, code);
      const [location = ""] = answer.all("Location");
      same("Location", new URL(location, site.origin).href, `${site.origin}${site.prefix}/over-there?x=1`);
      same("answer", answer.text, "over there\n");
    },
  }),
);

/** Heads and bodies of responses. */
export const responseCases: readonly FrontCase[] = [
  ...redirects,
  ...[201, 404, 410, 422, 503].map(
    (code): FrontCase => ({
      name: `the status ${code}`,
      isAnyMount: true,
      run: async (site) => {
        const answer = await site.send("GET", `/status?code=${code}`);
        same("status", answer.status, code);
        same("answer", answer.text, `status ${code}\n`);
      },
    }),
  ),
  {
    name: "a status with a reason of its own",
    run: async (site) => same("reason", (await site.send("GET", "/repeated")).reason, "Very Well"),
  },
  {
    name: "204",
    run: async (site) => {
      const answer = await site.send("GET", "/nothing");
      same("status", answer.status, 204);
      same("X-Marker", answer.all("X-Marker"), ["nothing"]);
      same("Content-Length", answer.all("Content-Length"), []);
    },
  },
  {
    name: "304",
    run: async (site) => {
      same("status without the condition", (await site.send("GET", "/not-modified")).status, 200);
      const answer = await site.send("GET", "/not-modified", { headers: [["If-None-Match", '"first"']] });
      same("status", answer.status, 304);
      same("ETag", answer.all("ETag"), ['"first"']);
      same("answer", answer.text, "");
    },
  },
  {
    name: "headers that come twice",
    run: async (site) =>
      same("Link", (await site.send("GET", "/repeated")).all("Link").join(", "), "</one>; rel=preload, </two>; rel=preload"),
  },
  {
    name: "two cookies, each in its header",
    run: async (site) => {
      const answer = await site.send("GET", "/cookies");
      same("Set-Cookie", answer.all("Set-Cookie"), [
        "one=1; Path=/; HttpOnly",
        "two=a,b; Path=/; Expires=Wed, 01 Jan 2031 00:00:00 GMT",
      ]);
    },
  },
  {
    name: "a response header in latin-1",
    run: async (site) => same("X-Latin", (await site.send("GET", "/repeated")).all("X-Latin"), ["caf\u00e9"]),
  },
  {
    name: "5 MiB with a length",
    run: async (site) => {
      const answer = await site.send("GET", "/large");
      same("Content-Length", answer.all("Content-Length"), [String(largeBytes)]);
      sameBytes("the body", answer.body, pattern(0, largeBytes));
    },
  },
  {
    name: "5 MiB without a length",
    run: async (site) => {
      const answer = await site.send("GET", "/large?length=no");
      same("whole", answer.isWhole, true);
      sameBytes("the body", answer.body, pattern(0, largeBytes));
    },
  },
  {
    name: "a length that the application did not give",
    run: async (site) => same("Content-Length", (await site.send("GET", "/closes")).all("Content-Length"), ["7"]),
  },
  {
    name: "HEAD says how long GET would be",
    run: async (site) => {
      const answer = await site.send("HEAD", "/large");
      same("status", answer.status, 200);
      same("body", answer.body.length, 0);
      same("Content-Length", answer.all("Content-Length"), [String(largeBytes)]);
    },
  },
  {
    name: "HEAD of a stream",
    run: async (site) => {
      const answer = await site.send("HEAD", "/large?length=no");
      same("status", answer.status, 200);
      same("Content-Type", answer.all("Content-Type"), ["application/octet-stream"]);
      same("body", answer.body.length, 0);
    },
  },
  {
    name: "write()",
    run: async (site) => same("answer", (await site.send("GET", "/written")).text, "written, and returned\n"),
  },
];
