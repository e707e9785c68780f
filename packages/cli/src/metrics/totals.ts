import type { ActiveSeries, MetricsSnapshot, ProcessNumbers, RequestSeries } from "./snapshot.ts";

/** What all workers have counted together. */
export interface Totals {
  readonly requests: readonly RequestSeries[];
  readonly active: readonly ActiveSeries[];
  /** By the place of the worker. */
  readonly processes: readonly { readonly worker: number; readonly numbers: ProcessNumbers }[];
}

/** Nobody speaks so long after his end. */
const maxLetGo = 1000;

/** Adds up what workers report. Those that have gone count on, so that no total ever falls. */
export class Adder {
  readonly #known = new Map<number, { readonly index: number; readonly snapshot: MetricsSnapshot }>();
  #gone: readonly RequestSeries[] = [];
  /** Processes that are in `#gone`: a late word of one of them would count it twice. */
  readonly #letGo = new Set<number>();

  /** @param id of the process: it counts from 0. @param index its place among the workers. */
  report(id: number, index: number, snapshot: MetricsSnapshot): void {
    if (!this.#letGo.has(id)) this.#known.set(id, { index, snapshot });
  }

  /** Lets go of the processes that are not there any more: what they counted stays. */
  keepOnly(ids: ReadonlySet<number>): void {
    for (const [id, { snapshot }] of this.#known) {
      if (ids.has(id)) continue;
      this.#gone = sum([this.#gone, snapshot.requests]);
      this.#known.delete(id);
      this.#letGo.add(id);
    }
    for (const id of this.#letGo) {
      if (this.#letGo.size <= maxLetGo) break;
      this.#letGo.delete(id);
    }
  }

  totals(): Totals {
    const all = [...this.#known.values()];
    // While one worker replaces another both have the same place: the newer speaks for it.
    const processes = new Map(all.map(({ index, snapshot }) => [index, snapshot.process]));
    return {
      requests: sum([this.#gone, ...all.map(({ snapshot }) => snapshot.requests)]),
      active: sumActive(all.flatMap(({ snapshot }) => snapshot.active)),
      processes: Array.from(processes, ([worker, numbers]) => ({ worker, numbers })).toSorted((a, b) => a.worker - b.worker),
    };
  }
}

function sum(lists: readonly (readonly RequestSeries[])[]): readonly RequestSeries[] {
  const sums = new Map<string, RequestSeries>();
  for (const series of lists.flat()) {
    const key = `${series.method} ${series.scheme} ${series.status} ${series.error}`;
    const other = sums.get(key);
    sums.set(key, other === undefined ? series : added(other, series));
  }
  return [...sums.values()];
}

function added(a: RequestSeries, b: RequestSeries): RequestSeries {
  return {
    ...a,
    durations: a.durations.map((count, i) => count + (b.durations[i] ?? 0)),
    seconds: a.seconds + b.seconds,
    sizes: a.sizes.map((count, i) => count + (b.sizes[i] ?? 0)),
    bytes: a.bytes + b.bytes,
  };
}

function sumActive(all: readonly ActiveSeries[]): readonly ActiveSeries[] {
  const sums = new Map<string, ActiveSeries>();
  for (const { method, scheme, count } of all) {
    const key = `${method} ${scheme}`;
    sums.set(key, { method, scheme, count: count + (sums.get(key)?.count ?? 0) });
  }
  return [...sums.values()];
}
