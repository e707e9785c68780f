import { randomBytes } from "node:crypto";
import type { Environ, HeaderList } from "@gateway/core";
import { errorText } from "@gateway/core/gateway";
import type { MediaType } from "./negotiate.ts";
import { escapeHtml, jsonPage, page, pagePolicy, textPage } from "./page.ts";
import type { Problem } from "./problem.ts";
import { shownEnviron, shownError } from "./redact.ts";

/** What a developer sees. */
export interface DevelopmentPage {
  readonly text: string;
  readonly headers: HeaderList;
}

/**
 * The page of an error with its source, its stack and the environ. As HTML it is that of youch where that is installed.
 *
 * @param thrown what the application threw, or what caused it.
 */
export async function developmentPage(
  type: MediaType,
  problem: Problem,
  thrown: unknown,
  environ: Environ,
  load: () => Promise<YouchModule> = () => import("youch"),
): Promise<DevelopmentPage> {
  const shown = shownEnviron(environ);
  const error = shownError(thrown);
  if (type === "text/html") return htmlPage(problem, error, shown, load);
  if (type === "text/plain") {
    const lines = shown.map(([key, value]) => `${key}: ${JSON.stringify(value)}`);
    return { text: `${textPage(problem)}\n${described(error)}\n${lines.join("\n")}\n`, headers: [] };
  }
  return { text: jsonPage(problem, { error: jsonError(error), environ: Object.fromEntries(shown) }), headers: [] };
}

/** As much of youch as is used. */
export interface YouchModule {
  readonly Youch: new () => {
    readonly metadata: { group(name: string, sections: Record<string, { key: string; value: string }[]>): unknown };
    toHTML(error: unknown, options: { title: string; cspNonce: string }): Promise<string>;
  };
}

async function htmlPage(
  problem: Problem,
  error: Error,
  environ: ReturnType<typeof shownEnviron>,
  load: () => Promise<YouchModule>,
): Promise<DevelopmentPage> {
  try {
    const { Youch } = await load();
    const youch = new Youch();
    // It escapes values, but no keys: and a client names headers.
    youch.metadata.group("Request", {
      environ: environ.map(([key, value]) => ({ key: escapeHtml(key), value })),
      log: [{ key: "id", value: problem.id ?? "" }],
    });
    const nonce = randomBytes(16).toString("base64");
    const text = await youch.toHTML(error, { title: problem.status, cspNonce: nonce });
    const policy = `default-src 'none'; style-src 'nonce-${nonce}'; style-src-attr 'unsafe-inline'; script-src 'nonce-${nonce}'; base-uri 'none'; form-action 'none'`;
    return { text, headers: [["Content-Security-Policy", policy]] };
  } catch {
    const rows = environ.map(([key, value]) => `${key}: ${value}`).join("\n");
    const text = page(
      problem.status,
      `<h1>${escapeHtml(problem.title)}</h1>
<p>Error id: <code>${escapeHtml(problem.id ?? "")}</code></p>
<pre>${escapeHtml(described(error))}</pre>
<pre>${escapeHtml(rows)}</pre>
<p>With <code>npm install --save-dev youch</code> this page shows the source.</p>`,
    );
    return { text, headers: [["Content-Security-Policy", pagePolicy]] };
  }
}

/** Stack and causes, then what else it has to say. */
function described(error: Error): string {
  const own = Object.entries(error).map(([name, value]) => `    ${name}: ${JSON.stringify(value)}\n`);
  return errorText(error) + own.join("");
}

function jsonError(error: Error): object {
  const { name, message, stack, cause } = error;
  return {
    ...Object.fromEntries(Object.entries(error)),
    name,
    message,
    stack: stack?.split("\n"),
    cause: cause instanceof Error ? jsonError(cause) : undefined,
  };
}
