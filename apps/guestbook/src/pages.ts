import {
  HTTPError,
  statusLine,
  type Application,
  type Environ,
  type HeaderList,
  type ResponseBody,
  type StartResponse,
} from "@gateway/core";
import { parseUrlencoded, readForm } from "@gateway/forms";
import { router } from "@gateway/router";
import type { Assets } from "./assets.ts";
import type { Cursor, EntriesEnviron } from "./entries.ts";
import type { Html } from "./html.ts";
import { hashPassword, verifyPassword } from "./passwords.ts";
import { checkName, checkPassword, checkText } from "./validation.ts";
import { entriesView, joinView, signInView, type FormState, type Frame } from "./views.ts";
import type { VisitorEnviron } from "./visitor.ts";

/** What the pages need of the layers around them. */
export type PageEnviron = Environ & VisitorEnviron & EntriesEnviron;

/** How many entries stand on a page. */
export const entriesOnPage = 10;

/** The pages and the forms. */
export function pages(assets: Assets, now: () => number): Application<PageEnviron> {
  const frameOf = (environ: PageEnviron): Frame => {
    const session = environ["gateway.session"];
    return { assets, guest: session.get("guest"), notice: session.flash("notice") };
  };

  const entries: Application<PageEnviron> = async (environ, startResponse) => {
    const page = await environ["guestbook.entries"].page(cursorOf(environ), entriesOnPage);
    const frame = frameOf(environ);
    // What only a guest sees is not kept: the back button of the next visitor would bring it back.
    const cacheControl = frame.guest === undefined ? "private, no-cache" : "no-store";
    return sendPage(startResponse, 200, entriesView(frame, page), [["Cache-Control", cacheControl]]);
  };

  const write: Application<PageEnviron> = async (environ, startResponse) => {
    const form = await readForm(environ);
    const session = environ["gateway.session"];
    const guest = session.get("guest");
    if (guest === undefined) {
      session.flash("notice", "Please sign in before you write.");
      return seeOther(startResponse, "/sign-in");
    }
    const given = form.get("text") ?? "";
    const text = checkText(given);
    if (!text.ok) {
      const page = await environ["guestbook.entries"].page("newest", entriesOnPage);
      const state: FormState = { values: { text: given }, problems: { text: text.problem } };
      return sendPage(startResponse, 422, entriesView(frameOf(environ), page, state));
    }
    await environ["guestbook.entries"].write(guest, text.value, now());
    session.flash("notice", "Thank you: your entry stands in the guestbook.");
    return seeOther(startResponse, "/");
  };

  const signInForm: Application<PageEnviron> = (environ, startResponse) => {
    if (environ["gateway.session"].has("guest")) return seeOther(startResponse, "/");
    return sendPage(startResponse, 200, signInView(frameOf(environ)), [["Cache-Control", "no-store"]]);
  };

  const signIn: Application<PageEnviron> = async (environ, startResponse) => {
    const form = await readForm(environ);
    const given = form.get("name") ?? "";
    const name = checkName(given);
    const guest = name.ok ? await environ["guestbook.entries"].findGuest(name.value) : undefined;
    if (!(await verifyPassword(form.get("password") ?? "", guest?.password)) || guest === undefined) {
      // Which of the two is wrong is nobody's business.
      const state: FormState = {
        values: { name: given },
        problems: { form: "This name and this password do not belong together." },
      };
      return sendPage(startResponse, 422, signInView(frameOf(environ), state));
    }
    return welcome(environ, startResponse, guest.name, "Welcome back");
  };

  const joinForm: Application<PageEnviron> = (environ, startResponse) => {
    if (environ["gateway.session"].has("guest")) return seeOther(startResponse, "/");
    return sendPage(startResponse, 200, joinView(frameOf(environ)), [["Cache-Control", "no-store"]]);
  };

  const join: Application<PageEnviron> = async (environ, startResponse) => {
    const form = await readForm(environ);
    const given = form.get("name") ?? "";
    const name = checkName(given);
    const password = checkPassword(form.get("password"));
    const refuse = (problems: FormState["problems"]): ResponseBody =>
      sendPage(startResponse, 422, joinView(frameOf(environ), { values: { name: given }, problems }));
    if (!name.ok || !password.ok) {
      return refuse({ ...(name.ok ? {} : { name: name.problem }), ...(password.ok ? {} : { password: password.problem }) });
    }
    const isNew = await environ["guestbook.entries"].addGuest({ name: name.value, password: await hashPassword(password.value) });
    if (!isNew) return refuse({ name: "Somebody has this name already." });
    return welcome(environ, startResponse, name.value, "Welcome");
  };

  return router([
    ["/", entries, { methods: ["GET"] }],
    ["/entries", write, { methods: ["POST"] }],
    ["/sign-in", signInForm, { methods: ["GET"] }],
    ["/sign-in", signIn, { methods: ["POST"] }],
    ["/join", joinForm, { methods: ["GET"] }],
    ["/join", join, { methods: ["POST"] }],
    ["/sign-out", signOut, { methods: ["POST"] }],
  ]);
}

/** A new id for the session, or who has planted the old one would be signed in too. */
function welcome(environ: PageEnviron, startResponse: StartResponse, guest: string, greeting: string): ResponseBody {
  const session = environ["gateway.session"];
  session.regenerate();
  session.set("guest", guest);
  session.flash("notice", `${greeting}, ${guest}.`);
  return seeOther(startResponse, "/");
}

const signOut: Application<PageEnviron> = (environ, startResponse) => {
  const session = environ["gateway.session"];
  session.destroy();
  session.flash("notice", "You have signed out.");
  return seeOther(startResponse, "/");
};

function cursorOf(environ: Environ): Cursor {
  const query = parseUrlencoded(environ.QUERY_STRING);
  const older = query.get("older");
  const newer = query.get("newer");
  if (older !== undefined) return { olderThan: entryId(older) };
  if (newer !== undefined) return { newerThan: entryId(newer) };
  return "newest";
}

/** @throws {HTTPError} 400 for what is no id of an entry. */
export function entryId(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new HTTPError(400, "An entry has a number of at most nine digits.");
  return Number(text);
}

function sendPage(
  startResponse: StartResponse,
  code: number,
  page: Html,
  headers: HeaderList = [["Cache-Control", "no-store"]],
): ResponseBody {
  startResponse(statusLine(code), [["Content-Type", "text/html; charset=utf-8"], ...headers]);
  return [Buffer.from(page.toString())];
}

/** To a form that was sent: the browser gets the next page by GET, so neither reload nor back sends it again. */
function seeOther(startResponse: StartResponse, location: string): ResponseBody {
  startResponse("303 See Other", [["Location", location]]);
  return [];
}
