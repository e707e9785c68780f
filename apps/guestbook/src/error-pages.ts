import type { Page } from "@gateway/errors";
import type { Assets } from "./assets.ts";
import { errorView } from "./views.ts";

const texts: Readonly<Record<number, readonly [title: string, text: string]>> = {
  400: ["That was not clear", "The address, or what was sent with it, could not be understood."],
  403: ["Not from here", "What was sent did not come from a page of this guestbook, so nothing was done."],
  404: ["There is nothing here", "Perhaps the address has a slip of the pen in it."],
  405: ["Not that way", "This address does not take what was sent to it."],
  408: ["That took too long", "The request did not arrive in time."],
  413: ["Too much", "What was sent is larger than a guestbook takes."],
  415: ["Not in this form", "This guestbook does not take what was sent in that form."],
  429: ["Slowly, please", "There were too many attempts. Wait for a minute, and try again."],
  500: ["Something went wrong", "It is our mistake, not yours."],
  503: ["Not just now", "The guestbook is busy. Try again in a moment."],
};

/** Pages for errors, in the looks of the guestbook. */
export function errorPages(assets: Assets): Readonly<Record<number, Page>> {
  return Object.fromEntries(
    Object.entries(texts).map(([code, [title, text]]): [string, Page] => [
      code,
      ({ id }) => errorView({ assets }, { title, text, id }).toString(),
    ]),
  );
}
