import type { Writable } from "node:stream";
import type { Header } from "@gateway/core";
import { cgiHead, httpHead, Seen, type Head, type Sink } from "@gateway/core/gateway";

/** What a sink tells of its stream. */
interface SinkWatcher {
  /** Nothing more is taken for the moment, or something is again. */
  blocked(isBlocked: boolean): void;
  /** Nobody reads any more. */
  lost(error: Error): void;
}

/** A response on a stream: a head, and the body as it is. */
export class StreamSink implements Sink {
  readonly #stream: Writable;
  readonly #isOrigin: boolean;
  readonly #watcher: SinkWatcher;
  #head: Head | undefined = undefined;
  #headSent = false;
  #brokeOff = false;
  #bodyBytes = 0;
  #handedOver = 0;
  #room: Promise<void> | undefined = undefined;

  /** @param isOrigin whether it begins with a status line of HTTP, and not with a header block of CGI. */
  constructor(stream: Writable, isOrigin: boolean, watcher: SinkWatcher) {
    this.#stream = stream;
    this.#isOrigin = isOrigin;
    this.#watcher = watcher;
  }

  /** The application failed after its head had gone. */
  get brokeOff(): boolean {
    return this.#brokeOff;
  }

  /** Bytes of the body that are not with the system. */
  get unsentBytes(): number {
    return this.#bodyBytes - this.#handedOver;
  }

  head(head: Head): void {
    this.#head = head;
  }

  write(chunk: Uint8Array): void | Promise<void> {
    this.#sendHead();
    this.#bodyBytes += chunk.byteLength;
    const hasRoom = this.#stream.write(chunk, (error) => {
      if (!error) this.#handedOver += chunk.byteLength;
    });
    return hasRoom ? undefined : this.#whenRoom();
  }

  end(): Promise<void> {
    this.#sendHead();
    return this.flushed();
  }

  abort(): void {
    this.#brokeOff = true;
    this.#sendHead();
  }

  /** Resolves when all that was written is with the system, or never will be. */
  flushed(): Promise<void> {
    return new Promise((resolve) => {
      this.#stream.write("", (error) => {
        if (error) this.#watcher.lost(error);
        resolve();
      });
    });
  }

  #sendHead(): void {
    const head = this.#head;
    if (this.#headSent || head === undefined) return;
    this.#headSent = true;
    this.#stream.write(this.#isOrigin ? originHead(head) : cgiHead(head), "latin1");
  }

  /** One for all that wait. */
  #whenRoom(): Promise<void> {
    this.#room ??= new Promise((resolve) => {
      const goOn = (): void => {
        this.#stream.off("drain", goOn).off("close", goOn).off("error", goOn);
        this.#room = undefined;
        this.#watcher.blocked(false);
        resolve();
      };
      this.#stream.on("drain", goOn).on("close", goOn).on("error", goOn);
      this.#watcher.blocked(true);
    });
    return this.#room;
  }
}

/** The end of the stream is the end of the response, and whoever speaks HTTP itself says when (RFC 9110, section 6.6.1). */
function originHead(head: Head): string {
  const headers: Header[] = [...head.headers, ["Connection", "close"]];
  if ((head.seen & Seen.date) === 0) headers.push(["Date", new Date().toUTCString()]);
  return httpHead({ ...head, headers });
}
