import { describe, expect, it } from "vitest";
import { Exposition } from "./exposition.ts";
import { parseExposition } from "../testing/exposition-parser.ts";

describe("Exposition", () => {
  it("writes the text format of Prometheus", () => {
    const page = new Exposition("text");
    page.counter("requests", "All.", [[{ method: "GET" }, 3]]);
    page.gauge("open", 'A \\ and a " and\nmore.', [[{}, 0.5]]);
    page.histogram("time_seconds", "How long.", [[{ code: 200 }, { bounds: [0.5, 1], counts: [2, 0, 1], sum: 7.25 }]]);
    page.gauge("empty", "Nothing.", []);
    expect(page.end()).toBe(`# TYPE requests_total counter
# HELP requests_total All.
requests_total{method="GET"} 3
# TYPE open gauge
# HELP open A \\\\ and a " and\\nmore.
open 0.5
# TYPE time_seconds histogram
# HELP time_seconds How long.
time_seconds_bucket{code="200",le="0.5"} 2
time_seconds_bucket{code="200",le="1"} 2
time_seconds_bucket{code="200",le="+Inf"} 3
time_seconds_sum{code="200"} 7.25
time_seconds_count{code="200"} 3
`);
  });

  it("writes OpenMetrics", () => {
    const page = new Exposition("openmetrics");
    page.counter("cpu_seconds", 'Quoted "so".', [[{}, 1e-7]]);
    page.histogram("time_seconds", "How long.", [[{}, { bounds: [1], counts: [0, 0], sum: 0 }]]);
    expect(page.end()).toBe(`# TYPE cpu_seconds counter
# UNIT cpu_seconds seconds
# HELP cpu_seconds Quoted \\"so\\".
cpu_seconds_total 1e-7
# TYPE time_seconds histogram
# UNIT time_seconds seconds
# HELP time_seconds How long.
time_seconds_bucket{le="1.0"} 0
time_seconds_bucket{le="+Inf"} 0
time_seconds_sum 0
time_seconds_count 0
# EOF
`);
  });

  it.each(["text", "openmetrics"] as const)("escapes whatever a label holds (%s)", (format) => {
    const hostile = ['"', "\\", "\n", '"} 1\nforged{a="', "\\n", "ü€😀", "", '\\\\"'];
    const page = new Exposition(format);
    page.gauge("values", "Of all kinds.", [
      ...hostile.map((text, nth): [Record<string, string | number>, number] => [{ text, nth }, nth]),
      [{ text: "inf" }, Infinity],
      [{ text: "-inf" }, -Infinity],
      [{ text: "nan" }, Number.NaN],
    ]);
    const samples = parseExposition(page.end(), format).get("values")?.samples ?? [];
    expect(samples.slice(0, -3).map(({ labels }) => labels["text"])).toEqual(hostile);
    expect(samples.slice(-3).map(({ value }) => value)).toEqual([Infinity, -Infinity, Number.NaN]);
  });
});
