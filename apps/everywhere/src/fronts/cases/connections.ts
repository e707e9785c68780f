import type { Agent } from "node:http";
import { same } from "../same.ts";
import type { Site } from "../site.ts";
import type { FrontCase } from "./case.ts";

async function connections(site: Site, agent: Agent): Promise<{ readonly process: number; readonly accepted: number }> {
  const answer = await site.send("GET", "/connections", { agent });
  return JSON.parse(answer.text) as { process: number; accepted: number };
}

/** Many requests. */
export const connectionCases: readonly FrontCase[] = [
  {
    name: "ten requests over one connection of the client",
    isAnyMount: true,
    run: async (site) => {
      const agent = site.client.agent();
      try {
        for (let number = 0; number < 10; number++) {
          const body = Buffer.from(`number ${number}`);
          const answer = await site.send("POST", "/echo", { agent, body });
          same("answer", answer.text, `number ${number}`);
          same(`reuses its connection the ${number}th time`, answer.isReused, number > 0);
        }
      } finally {
        agent.destroy();
      }
    },
  },
  {
    name: "ten requests over one connection to the application",
    isAnyMount: true,
    run: async (site) => {
      const agent = site.client.agent();
      try {
        const before = await connections(site, agent);
        for (let number = 0; number < 8; number++) await site.send("POST", "/echo", { agent, body: Buffer.from("again") });
        const after = await connections(site, agent);
        same("the same process", after.process === before.process, true);
        same("new connections", after.accepted - before.accepted, 0);
      } finally {
        agent.destroy();
      }
    },
  },
  {
    name: "ten requests at once",
    isAnyMount: true,
    run: async (site) => {
      const bodies = Array.from({ length: 10 }, (_, i) => Buffer.alloc(20_000, i));
      const answers = await Promise.all(bodies.map((body) => site.send("POST", "/echo", { body })));
      for (const [i, answer] of answers.entries()) same(`answer ${i}`, answer.body.equals(bodies[i] ?? answer.body), true);
    },
  },
];
