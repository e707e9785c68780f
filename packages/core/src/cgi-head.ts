import { Seen, type Head } from "./head.ts";

/**
 * The head of a response as CGI has it (RFC 3875 section 6): header lines, then `Status`, then an empty line. `Status` is last because
 * HAProxy turns every redirect into a 302 where `Location` comes after it. Latin-1; the headers were checked by `run`. A length that is known
 * is told, so that the front server can see a response that is not whole.
 */
export function cgiHead(head: Head): string {
  return `${headerLines(head)}Status: ${statusOf(head)}\r\n\r\n`;
}

/** The same with a status line of HTTP, as uwsgi has it. */
export function httpHead(head: Head): string {
  return `HTTP/1.1 ${statusOf(head)}\r\n${headerLines(head)}\r\n`;
}

/** A reason phrase may be empty, the space before it may not be missing (RFC 9112 section 4). */
function statusOf({ status }: Head): string {
  return status.length === 3 ? `${status} ` : status;
}

function headerLines({ headers, seen, length, bodiless }: Head): string {
  let text = "";
  for (let i = 0; i < headers.length; i++) {
    const header = headers[i];
    if (header !== undefined) text += `${header[0]}: ${header[1]}\r\n`;
  }
  if (!bodiless && length !== -1 && (seen & Seen.length) === 0) text += `Content-Length: ${length}\r\n`;
  return text;
}
