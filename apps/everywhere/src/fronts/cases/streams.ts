import { once } from "node:events";
import { same } from "../same.ts";
import type { FrontCase } from "./case.ts";

/** More than a few events, and less than any buffer that a front server fills before it sends it. */
const few = 2048;

/** Responses that are made slowly, and how they end. */
export const streamCases: readonly FrontCase[] = [
  {
    name: "a stream arrives while it is made",
    run: async (site) => {
      const id = site.newName();
      const open = await site.client.open("GET", `${site.prefix}/gated?id=${id}`);
      let text = "";
      try {
        for await (const chunk of open.body) {
          text += String(chunk);
          // The second line is made only after this, which is sent only after the first has come.
          if (text === "first\n") same("gate", (await site.send("POST", `/gate?id=${id}`)).text, "open\n");
        }
      } finally {
        open.leave();
      }
      same("answer", text, "first\nsecond\n");
    },
  },
  {
    name: "events arrive one by one, and close() runs when the client leaves",
    run: async (site) => {
      const id = site.newName();
      // They never end: whatever comes, comes while they are made.
      const open = await site.client.open("GET", `${site.prefix}/events?id=${id}`);
      open.body.on("error", () => {});
      const [first] = (await once(open.body, "data")) as [Buffer];
      same("first event", first.toString().slice(0, 9), "data: 1\n\n");
      if (first.length > few) throw new Error(`the first events came in a heap of ${first.length} bytes`);
      await once(open.body, "data");
      open.leave();
      same("closings", await site.closings(id), 1);
    },
  },
  {
    name: "close() runs once",
    run: async (site) => {
      const id = site.newName();
      same("answer", (await site.send("GET", `/closes?id=${id}`)).text, "closes\n");
      same("closings", await site.closings(id), 1);
    },
  },
  {
    name: "a stream of nothing",
    run: async (site) => {
      const answer = await site.send("GET", "/empty");
      same("status", answer.status, 200);
      same("Content-Type", answer.all("Content-Type"), ["text/plain; charset=utf-8"]);
      same("answer", answer.text, "");
    },
  },
  {
    name: "an application that fails at once is a 500",
    run: async (site) => {
      const answer = await site.send("GET", "/fails");
      same("status", answer.status, 500);
      same("tells why", answer.text.includes("failed before"), false);
    },
  },
  {
    name: "one that fails after its head is a 500 without that head",
    run: async (site) => {
      const answer = await site.send("GET", "/fails/inside");
      same("status", answer.status, 500);
      same("X-Secret", answer.all("X-Secret"), []);
    },
  },
  breaksOff("one that fails in a body without a length is seen to break off", ""),
  breaksOff("one that fails in a body with a length is seen to break off", "&length=1000"),
];

function breaksOff(name: string, query: string): FrontCase {
  return {
    name,
    run: async (site) => {
      // What has no length fails only when the first of it has arrived: before that, some fronts answer with an error, and some not at all.
      // What has one does so behind a CGI program, because Apache httpd corrects the length where that has ended already; other fronts
      // gather a little of it first.
      const id = query === "" || site.startsEachRequest ? site.newName() : undefined;
      const open = await site.client.open("GET", `${site.prefix}/fails/body?${id === undefined ? "" : `id=${id}`}${query}`);
      let isWhole = true;
      try {
        let hasBegun = false;
        for await (const _ of open.body) {
          if (!hasBegun && id !== undefined) await site.send("POST", `/gate?id=${id}`);
          hasBegun = true;
        }
      } catch (error) {
        if (open.isLate()) throw error;
        isWhole = false;
      }
      if (open.status < 500) same("looks whole", isWhole && open.body.complete, false);
    },
  };
}
