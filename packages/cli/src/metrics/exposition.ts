/** The two forms of the text that Prometheus reads. */
export type ExpositionFormat = "text" | "openmetrics";

/** What each form is called. */
export const contentTypes: Readonly<Record<ExpositionFormat, string>> = {
  text: "text/plain; version=0.0.4; charset=utf-8",
  openmetrics: "application/openmetrics-text; version=1.0.0; charset=utf-8",
};

type Labels = Readonly<Record<string, string | number>>;

/** Numbers in buckets: one more than there are bounds. */
interface Buckets {
  readonly bounds: readonly number[];
  /** How many fell into each bucket; those are not added up. */
  readonly counts: readonly number[];
  readonly sum: number;
}

/** Writes metrics, family by family: the text format 0.0.4 of Prometheus, or OpenMetrics 1.0. */
export class Exposition {
  readonly #isOpen: boolean;
  #text = "";

  constructor(format: ExpositionFormat) {
    this.#isOpen = format === "openmetrics";
  }

  /** What only rises. @param name without `_total`. */
  counter(name: string, help: string, samples: Iterable<readonly [labels: Labels, value: number]>): void {
    const lines = Array.from(samples, ([labels, value]) => this.#sample(`${name}_total`, labels, value));
    // OpenMetrics names the family, the older form what stands in each line.
    this.#family(this.#isOpen ? name : `${name}_total`, "counter", help, lines);
  }

  gauge(name: string, help: string, samples: Iterable<readonly [labels: Labels, value: number]>): void {
    this.#family(
      name,
      "gauge",
      help,
      Array.from(samples, ([labels, value]) => this.#sample(name, labels, value)),
    );
  }

  histogram(name: string, help: string, samples: Iterable<readonly [labels: Labels, value: Buckets]>): void {
    this.#family(
      name,
      "histogram",
      help,
      Array.from(samples, ([labels, value]) => this.#buckets(name, labels, value)),
    );
  }

  /** All of it, with its end. */
  end(): string {
    return this.#isOpen ? `${this.#text}# EOF\n` : this.#text;
  }

  #family(name: string, type: string, help: string, lines: readonly string[]): void {
    if (lines.length === 0) return;
    const unit = this.#isOpen ? unitOf(name) : undefined;
    const about = this.#isOpen ? escapeValue(help) : escapeHelp(help);
    this.#text += `# TYPE ${name} ${type}\n${unit === undefined ? "" : `# UNIT ${name} ${unit}\n`}# HELP ${name} ${about}\n${lines.join("")}`;
  }

  #buckets(name: string, labels: Labels, { bounds, counts, sum }: Buckets): string {
    let count = 0;
    let text = "";
    for (let i = 0; i < counts.length; i++) {
      count += counts[i] ?? 0;
      const bound = bounds[i];
      const le = bound === undefined ? "+Inf" : this.#bound(bound);
      text += this.#sample(`${name}_bucket`, { ...labels, le }, count);
    }
    return `${text}${this.#sample(`${name}_sum`, labels, sum)}${this.#sample(`${name}_count`, labels, count)}`;
  }

  /** OpenMetrics wants to see that it is a float. */
  #bound(bound: number): string {
    return this.#isOpen && Number.isInteger(bound) ? `${bound}.0` : String(bound);
  }

  #sample(name: string, labels: Labels, value: number): string {
    const pairs = Object.entries(labels).map(([label, text]) => `${label}="${escapeValue(String(text))}"`);
    return `${name}${pairs.length === 0 ? "" : `{${pairs.join(",")}}`} ${numberText(value)}\n`;
  }
}

/** The unit is the end of the name. */
function unitOf(name: string): string | undefined {
  return /_(seconds|bytes|ratio)$/.exec(name)?.[1];
}

function numberText(value: number): string {
  if (Number.isNaN(value)) return "NaN";
  if (!Number.isFinite(value)) return value > 0 ? "+Inf" : "-Inf";
  return String(value);
}

function escapeHelp(text: string): string {
  return text.replaceAll("\\", "\\\\").replaceAll("\n", "\\n");
}

function escapeValue(text: string): string {
  return escapeHelp(text).replaceAll('"', '\\"');
}
