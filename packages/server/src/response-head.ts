import { Seen, type Head } from "@gateway/core/gateway";
import { dateLine, httpDate } from "./clock.ts";

/** How the end of a body is told (RFC 9112 section 6.3). */
export const Framing = {
  /** By Content-Length, or there is no body by its nature. */
  length: 0,
  chunked: 1,
  /** By the end of the connection: a stream to an HTTP/1.0 client. */
  close: 2,
} as const;

/** How a body is to be framed for a client that speaks HTTP/1.0 or 1.1. */
export function framingOf(head: Head, minor: 0 | 1): number {
  if (head.bodiless || head.length !== -1) return Framing.length;
  return minor === 1 ? Framing.chunked : Framing.close;
}

/** The head as it is sent, with what the server adds: Date, Server, framing and Connection. Latin-1; the headers were checked. */
export function headText(head: Head, minor: 0 | 1, keepAlive: boolean, serverName: string): string {
  const { headers, seen, length } = head;
  let text = `HTTP/1.1 ${head.status}${head.status.length === 3 ? " " : ""}\r\n`;
  for (let i = 0; i < headers.length; i++) {
    const header = headers[i];
    if (header !== undefined) text += `${header[0]}: ${header[1]}\r\n`;
  }
  if ((seen & Seen.date) === 0) text += dateLine();
  if ((seen & Seen.server) === 0 && serverName !== "") text += `Server: ${serverName}\r\n`;
  if (!head.bodiless) {
    if (length === -1) {
      if (minor === 1) text += "Transfer-Encoding: chunked\r\n";
    } else if ((seen & Seen.length) === 0) {
      text += `Content-Length: ${length}\r\n`;
    }
  }
  if (!keepAlive) text += "Connection: close\r\n";
  else if (minor === 0) text += "Connection: keep-alive\r\n";
  return `${text}\r\n`;
}

/** The answer to a request that is refused: short, the connection closes behind it. */
export function refusalText(statusLine: string, reason: string, serverName: string): string {
  const body = `${statusLine}: ${reason}\n`;
  const server = serverName === "" ? "" : `Server: ${serverName}\r\n`;
  return (
    `HTTP/1.1 ${statusLine}\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: ${body.length}\r\n` +
    `Date: ${httpDate()}\r\n${server}Connection: close\r\n\r\n${body}`
  );
}
