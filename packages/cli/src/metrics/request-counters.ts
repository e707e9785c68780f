import type { Application, Ending } from "@gateway/core";
import { methodPlace, methods, statusLabel } from "./request-labels.ts";
import { durationBounds, sizeBounds, type ActiveSeries, type RequestSeries } from "./snapshot.ts";

/** How a request ended, by place. */
const finished = 0;
const timeout = 3;
const errors = ["", "client_gone", "failed", "timeout"] as const;
const outcomes = { finished, gone: 1, failed: 2 } as const;

/** One series while it is counted. */
class Series {
  readonly durations: number[] = Array.from({ length: durationBounds.length + 1 }, () => 0);
  readonly sizes: number[] = Array.from({ length: sizeBounds.length + 1 }, () => 0);
  milliseconds = 0;
  bytes = 0;
}

const millisecondBounds = durationBounds.map((bound) => bound * 1000);

/** Counts the requests of one process. Every label has few values, so that no client can make it grow. */
export class RequestCounters {
  readonly #active = new Int32Array(methods.length * 2);
  readonly #series = new Map<number, Series>();
  /** What came last comes next, mostly. */
  #lastKey = -1;
  #last = new Series();

  /** Counts what goes through it: outside all layers, so that it sees what was really sent. */
  count(app: Application): Application {
    const active = this.#active;
    return (environ, startResponse) => {
      const place = methodPlace(environ.REQUEST_METHOD) + (environ["wsgi.url_scheme"] === "https" ? methods.length : 0);
      active[place] = (active[place] as number) + 1;
      environ["gateway.exchange"].onEnd((ending) => this.#ended(place, ending));
      return app(environ, startResponse);
    };
  }

  /** What has been counted, as it travels. */
  requests(): readonly RequestSeries[] {
    return Array.from(this.#series, ([key, { durations, sizes, milliseconds, bytes }]) => {
      const status = key % 1000;
      const kind = Math.floor(key / 1000);
      const error = errors[kind % errors.length] ?? "";
      const place = Math.floor(kind / errors.length);
      return {
        method: methodOf(place),
        scheme: schemeOf(place),
        status,
        error: error === "" && status >= 500 ? String(status) : error,
        durations: [...durations],
        seconds: milliseconds / 1000,
        sizes: [...sizes],
        bytes,
      };
    });
  }

  /** Requests under way, of methods that were ever seen. */
  active(): readonly ActiveSeries[] {
    const seen = new Set(Array.from(this.#series.keys(), (key) => Math.floor(key / 1000 / errors.length)));
    return Array.from(this.#active, (count, place) => ({ place, count }))
      .filter(({ place, count }) => count > 0 || seen.has(place))
      .map(({ place, count }) => ({ method: methodOf(place), scheme: schemeOf(place), count }));
  }

  #ended(place: number, { outcome, reason, status, bodyBytes, startedAt = 0, endedAt = 0 }: Ending): void {
    this.#active[place] = (this.#active[place] as number) - 1;
    const how = outcome === "finished" ? finished : isTimeout(reason) ? timeout : outcomes[outcome];
    const key = (place * errors.length + how) * 1000 + statusLabel(status);
    let series = this.#last;
    if (key !== this.#lastKey) {
      series = this.#seriesOf(key);
      this.#last = series;
      this.#lastKey = key;
    }
    const milliseconds = endedAt - startedAt;
    add(series.durations, millisecondBounds, milliseconds);
    series.milliseconds += milliseconds;
    add(series.sizes, sizeBounds, bodyBytes);
    series.bytes += bodyBytes;
  }

  #seriesOf(key: number): Series {
    let series = this.#series.get(key);
    if (series === undefined) {
      series = new Series();
      this.#series.set(key, series);
    }
    return series;
  }
}

function add(counts: number[], bounds: readonly number[], value: number): void {
  let bucket = 0;
  while (bucket < bounds.length && value > (bounds[bucket] as number)) bucket++;
  counts[bucket] = (counts[bucket] as number) + 1;
}

function methodOf(place: number): string {
  return methods[place % methods.length] ?? "_OTHER";
}

function schemeOf(place: number): string {
  return place < methods.length ? "http" : "https";
}

/** Told by its code, since two copies of core may be loaded. */
function isTimeout(reason: unknown): boolean {
  return typeof reason === "object" && reason !== null && "code" in reason && reason.code === "TIME_LIMIT";
}
