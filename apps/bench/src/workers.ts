import { Command } from "./command.ts";
import { conditions } from "./processes.ts";
import { median } from "./statistics.ts";

const connections = 16;
const sliceMilliseconds = 4000;
const rounds = 5;
/** Hashes of 64 KiB for each request: so many milliseconds that what the load itself takes of the same processors is little beside them. */
const work = 300;

/** Requests per second of one worker and of two, for handlers that do nothing but compute. */
export async function workers(): Promise<void> {
  console.log(conditions());
  const counts = [1, 2];
  const commands = await Promise.all(counts.map((count) => Command.start(["--workers", String(count)])));
  try {
    const rates = new Map<number, number[]>(counts.map((count) => [count, []]));
    for (let round = -1; round < rounds; round++) {
      for (const [at, command] of commands.entries()) {
        const rate = await requestsPerSecond(command.origin);
        if (round >= 0) rates.get(counts[at] ?? 0)?.push(rate);
      }
    }
    const [one = [], two = []] = counts.map((count) => rates.get(count));
    const ratio = median(two.map((rate, round) => rate / (one[round] ?? Number.NaN)));
    for (const count of counts)
      console.log(
        `${count} workers  ${median(rates.get(count) ?? [])
          .toFixed(0)
          .padStart(6)} requests/s`,
      );
    console.log(`ratio      ${ratio.toFixed(2).padStart(6)}`);
  } finally {
    await Promise.all(commands.map((command) => command.stop()));
  }
}

async function requestsPerSecond(origin: string): Promise<number> {
  const end = performance.now() + sliceMilliseconds;
  let answered = 0;
  const client = async (): Promise<void> => {
    while (performance.now() < end) {
      const answer = await fetch(`${origin}/burn?${work}`);
      await answer.arrayBuffer();
      if (performance.now() <= end) answered++;
    }
  };
  await Promise.all(Array.from({ length: connections }, client));
  return (answered / sliceMilliseconds) * 1000;
}
