/** What the load sends: the same header block each time, or one that never repeats on a connection. */
export type RequestSet = "one" | "thirteen" | "fresh";

const browser = (cookie: string): string =>
  [
    "Host: 127.0.0.1",
    "Connection: keep-alive",
    'sec-ch-ua: "Chromium";v="140", "Not=A?Brand";v="24"',
    "sec-ch-ua-mobile: ?0",
    'sec-ch-ua-platform: "Linux"',
    "Upgrade-Insecure-Requests: 1",
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36",
    "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8",
    "Sec-Fetch-Site: none",
    "Sec-Fetch-Mode: navigate",
    "Accept-Encoding: gzip, deflate, br, zstd",
    "Accept-Language: en-GB,en;q=0.9,de;q=0.8",
    `Cookie: session=${cookie}; theme=dark`,
  ].join("\r\n");

/** The requests of a connection, to be sent in turn. */
export function requests(set: RequestSet): readonly string[] {
  if (set === "one") return ["GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"];
  if (set === "thirteen") return [`GET / HTTP/1.1\r\n${browser("0123456789abcdef")}\r\n\r\n`];
  // Sixty-four variations: the block of before is never the block of now.
  return Array.from(
    { length: 64 },
    (_, i) => `GET / HTTP/1.1\r\n${browser(`0123456789abcd${i.toString(16).padStart(2, "0")}`)}\r\n\r\n`,
  );
}
