import type { Application, ApplicationLike, ResponseBody } from "@gateway/core";
import { client } from "@gateway/testing";
import { validator } from "@gateway/validate";
import { limits, type LimitsOptions } from "./index.ts";

type Client = ReturnType<typeof client>;

/** The layer with a validator on both sides. */
export function served(options: LimitsOptions, app: ApplicationLike): Client {
  return client(limits(options)(validator(app)));
}

export const text = (startResponse: Parameters<Application>[1], words: string): ResponseBody => {
  startResponse("200 OK", [["Content-Type", "text/plain"]]);
  return [Buffer.from(words)];
};
export const hello: Application = (_environ, startResponse) => text(startResponse, "hello");

/** Something that another waits for. */
export class Latch {
  readonly reached: Promise<void>;
  release: () => void = () => {};

  constructor() {
    this.reached = new Promise((resolve) => (this.release = resolve));
  }
}

/** Lets everything run that is due. */
export const settled = async (): Promise<void> => {
  for (let i = 0; i < 5; i++) await new Promise((resolve) => setImmediate(resolve));
};
