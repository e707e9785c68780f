import type { OnionResult } from "./onion-process.ts";
import { rows } from "./onion-rows.ts";
import { conditions, Worker } from "./processes.ts";
import { median } from "./statistics.ts";

const generations = 3;
const rounds = 5;

/**
 * What a layer costs for each request of a synchronous application, in CPU time, with nothing around it but the run loop. Each row runs in
 * processes of its own, because a second layer in the same process would change how the first is compiled; fresh ones a few times, because
 * no two compile alike. `npm run bench -- onion gzip` runs the rows whose name has `gzip` in it.
 */
export async function onion(): Promise<void> {
  console.log(conditions());
  const [base = "", ...others] = Object.keys(rows);
  const wanted = process.argv[3] ?? "";
  const names = [base, ...others.filter((name) => name.includes(wanted))];
  const figures = new Map<string, number[]>(names.map((name) => [name, []]));
  const added = new Map<string, number[]>(names.map((name) => [name, []]));
  for (let generation = 0; generation < generations; generation++) await measure(names, figures, added);
  const width = Math.max(...names.map((name) => name.length));
  console.log(`${"".padEnd(width)}   CPU ns/request: min  median   added: min  median`);
  const least = (name: string): number => Math.min(...(figures.get(name) ?? []));
  for (const name of names) {
    const own = [least(name), median(figures.get(name) ?? [])];
    const more = [least(name) - least(base), median(added.get(name) ?? [])];
    const [min, middle, minAdded, medianAdded] = [...own, ...more].map((figure) => figure.toFixed(0));
    const cost = name === base ? "" : `${minAdded?.padStart(13)} ${medianAdded?.padStart(7)}`;
    console.log(`${name.padEnd(width)}   ${min?.padStart(19)} ${middle?.padStart(7)}${cost}`);
  }
}

/** One process for each row, asked in turn, so that what else the machine does hits all alike. Differences are taken within a round. */
async function measure(names: readonly string[], figures: Map<string, number[]>, added: Map<string, number[]>): Promise<void> {
  const workers: Worker[] = [];
  try {
    for (const name of names) {
      const worker = new Worker("./onion-process.js", [name], 0);
      workers.push(worker);
      await worker.message();
    }
    for (let round = 0; round < rounds; round++) {
      let bare = 0;
      for (const [i, name] of names.entries()) {
        const { nanoseconds } = (await workers[i]?.ask<OnionResult>({})) ?? { nanoseconds: [] };
        const figure = median(nanoseconds);
        if (i === 0) bare = figure;
        figures.get(name)?.push(...nanoseconds);
        added.get(name)?.push(figure - bare);
      }
    }
  } finally {
    for (const worker of workers) worker.stop();
  }
}
