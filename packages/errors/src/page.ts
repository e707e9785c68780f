import { createHash } from "node:crypto";
import type { Problem } from "./problem.ts";

const style = `body{font:1rem/1.5 system-ui,sans-serif;margin:0;padding:12vh 1.5rem;color:#222;background:#fff}
main{max-width:38rem;margin:auto}h1{font-size:1.75rem;margin:0 0 1rem}code,pre{font:.875rem/1.5 ui-monospace,monospace}
pre{white-space:pre-wrap;overflow-wrap:anywhere}
@media(prefers-color-scheme:dark){body{color:#ddd;background:#181818}}`;

/** Our pages need one style and nothing else: whatever a message brings along does not run. */
export const pagePolicy: string = `default-src 'none'; style-src 'sha256-${createHash("sha256").update(style).digest("base64")}'; base-uri 'none'; form-action 'none'`;

/** What a browser shows. */
export function htmlPage(problem: Problem): string {
  const { title, detail, id } = problem;
  return page(
    problem.status,
    `<h1>${escapeHtml(title)}</h1>${detail === undefined ? "" : `\n<p>${escapeHtml(detail)}</p>`}${
      id === undefined ? "" : `\n<p>Error id: <code>${escapeHtml(id)}</code></p>`
    }`,
  );
}

/** A page of our own style. @param title plain text. @param content HTML. */
export function page(title: string, content: string): string {
  return `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(title)}</title>
<style>${style}</style>
</head>
<body>
<main>
${content}
</main>
</body>
</html>
`;
}

/** Text for HTML, between tags or in a quoted attribute. */
export function escapeHtml(text: string): string {
  return text
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;")
    .replaceAll("'", "&#39;");
}

/** What a terminal shows: an `HTTPError` as core's own answer has it. */
export function textPage({ status, detail, id }: Problem): string {
  return `${detail ?? status}\n${id === undefined ? "" : `Error id: ${id}\n`}`;
}

/** What a program reads (RFC 9457). */
export function jsonPage(problem: Problem, more?: object): string {
  const { code, title, detail, id } = problem;
  return `${JSON.stringify({ type: "about:blank", title, status: code, detail, id, ...more })}\n`;
}
