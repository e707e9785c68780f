/** One line of a page of metrics. */
export interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** One family of a page of metrics. */
export interface Family {
  readonly type: string;
  readonly help: string;
  readonly unit: string | undefined;
  readonly samples: readonly Sample[];
}

const suffixes: Readonly<Record<string, readonly string[]>> = { histogram: ["_bucket", "_sum", "_count"] };

/** Reads a page as the descriptions of the formats say, and throws for what they do not allow. */
export function parseExposition(text: string, format: "text" | "openmetrics"): ReadonlyMap<string, Family> {
  if (!text.endsWith("\n")) throw new Error("the last line has no end");
  const lines = text.slice(0, -1).split("\n");
  if (format === "openmetrics" && lines.pop() !== "# EOF") throw new Error("there is no # EOF");
  const families = new Map<string, { type: string; help: string; unit: string | undefined; samples: Sample[] }>();
  const seen = new Set<string>();
  let name = "";
  for (const line of lines) {
    const about = /^# (TYPE|HELP|UNIT) ([a-zA-Z_:][\w:]*) (.*)$/.exec(line);
    if (about !== null) {
      const [, kind = "", of = "", value = ""] = about;
      if (kind === "TYPE") {
        if (families.has(of)) throw new Error(`two families ${of}`);
        name = of;
        families.set(of, { type: value, help: "", unit: undefined, samples: [] });
      }
      const family = families.get(name);
      if (of !== name || family === undefined || family.samples.length > 0) throw new Error(`out of place: ${line}`);
      if (kind === "HELP") family.help = unescaped(value);
      if (kind === "UNIT") {
        if (format === "text" || !of.endsWith(`_${value}`)) throw new Error(`a bad unit: ${line}`);
        family.unit = value;
      }
      continue;
    }
    const sample = parseSample(line);
    const family = families.get(name);
    if (family === undefined) throw new Error(`a sample without a family: ${line}`);
    const endings = family.type === "counter" && format === "openmetrics" ? ["_total"] : (suffixes[family.type] ?? [""]);
    if (!endings.some((ending) => sample.name === name + ending)) throw new Error(`not of ${name}: ${line}`);
    if (family.type === "counter" && !sample.name.endsWith("_total")) throw new Error(`a counter without _total: ${line}`);
    const key = line.slice(0, line.lastIndexOf(" "));
    if (seen.has(key)) throw new Error(`twice: ${line}`);
    seen.add(key);
    family.samples.push(sample);
  }
  for (const [name, family] of families) if (family.type === "histogram") checkHistogram(name, family.samples, format);
  return families;
}

function parseSample(line: string): Sample {
  const [, name = "", inside, number = ""] =
    /^([a-zA-Z_:][\w:]*)(?:\{((?:[a-zA-Z_]\w*="(?:[^"\\\n]|\\[\\"n])*",?)*)\})? ([-+]?(?:Inf|NaN|[\d.]+(?:e[-+]?\d+)?))$/.exec(
      line,
    ) ?? [];
  if (name === "") throw new Error(`cannot be read: ${line}`);
  const labels: Record<string, string> = {};
  for (const [, label = "", value = ""] of (inside ?? "").matchAll(/([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"/g)) {
    if (Object.hasOwn(labels, label)) throw new Error(`a label twice: ${line}`);
    labels[label] = unescaped(value);
  }
  return { name, labels, value: number.endsWith("Inf") ? Number(`${number}inity`) : Number(number) };
}

function unescaped(text: string): string {
  return text.replaceAll(/\\(.)/g, (_, character: string) => (character === "n" ? "\n" : character));
}

function checkHistogram(name: string, samples: readonly Sample[], format: string): void {
  const series = new Map<string, Sample[]>();
  for (const sample of samples) {
    const { le: _, ...labels } = sample.labels;
    const key = JSON.stringify(labels);
    series.set(key, [...(series.get(key) ?? []), sample]);
  }
  for (const [key, all] of series) {
    const buckets = all.filter((sample) => sample.name === `${name}_bucket`);
    const count = all.find((sample) => sample.name === `${name}_count`)?.value;
    const bounds = buckets.map(({ labels }) => Number(labels["le"]?.replace("Inf", "Infinity")));
    const isRising = (numbers: readonly number[]): boolean =>
      numbers.every((number, i) => i === 0 || number >= (numbers[i - 1] ?? 0));
    if (!isRising(bounds) || bounds.at(-1) !== Infinity || !isRising(buckets.map(({ value }) => value)))
      throw new Error(`bad buckets: ${key}`);
    if (buckets.at(-1)?.value !== count || all.length !== buckets.length + 2) throw new Error(`a bad count: ${key}`);
    if (format === "openmetrics" && buckets.some(({ labels }) => /^\d+$/.test(labels["le"] ?? "")))
      throw new Error(`no float: ${key}`);
  }
}
