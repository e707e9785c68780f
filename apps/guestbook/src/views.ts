import type { Assets } from "./assets.ts";
import type { Entry, EntryPage } from "./entries.ts";
import { html, type Html } from "./html.ts";
import { lengths } from "./validation.ts";

/** What every page shows around its content. */
export interface Frame {
  readonly assets: Assets;
  /** Who has signed in; `undefined`: nobody. */
  readonly guest?: string | undefined;
  /** What to say once. */
  readonly notice?: string | undefined;
}

/** What was sent by a form, and what is wrong with it. */
export interface FormState {
  readonly values: Readonly<Record<string, string>>;
  readonly problems: Readonly<Record<string, string>>;
}

/** A form that nobody has filled in yet. */
export const emptyForm: FormState = { values: {}, problems: {} };

const written = new Intl.DateTimeFormat("en-GB", { dateStyle: "long", timeZone: "UTC" });

/** The guestbook: a page of entries, and on the first one the form. */
export function entriesView(frame: Frame, page: EntryPage, form: FormState = emptyForm): Html {
  const isFirst = page.newerThan === undefined;
  const newest = page.entries.at(0)?.id ?? 0;
  const content = html` <h1>${isFirst ? "Were you here?" : "Earlier entries"}</h1>
    <p class="lead">${isFirst ? "Leave a line for those who come after you." : "What others wrote before."}</p>
    ${isFirst && writeForm(frame, form)}
    <section aria-labelledby="entries-title">
      <div class="section-head">
        <h2 id="entries-title">${isFirst ? "Latest entries" : "Entries"}</h2>
        ${isFirst && html`<p class="live" role="status" data-live-status></p>`}
      </div>
      <ol class="entries" reversed ${isFirst && html`data-events="/events" data-newest="${newest}"`}>
        ${page.entries.map(entryView)}
      </ol>
      <p class="empty">Nobody has written yet. Be the first.</p>
      ${isFirst && html`<template data-entry>${entryView({ id: 0, author: "", text: "", writtenAt: 0 })}</template>`}
    </section>
    ${pager(page)}`;
  return layout(frame, isFirst ? "Guestbook" : "Earlier entries · Guestbook", content, form);
}

function entryView({ id, author, text, writtenAt }: Entry): Html {
  const date = new Date(writtenAt);
  return html`<li id="entry-${id}">
    <article>
      <p class="text" dir="auto">${text}</p>
      <footer>
        <span class="author"><bdi>${author}</bdi></span> <time datetime="${date.toISOString()}">${written.format(date)}</time>
      </footer>
    </article>
  </li>`;
}

function writeForm({ guest }: Frame, { values, problems }: FormState): Html {
  if (guest === undefined) {
    return html`<p class="invitation">
      <a class="button" href="/sign-in">Sign in to write</a> <span>or <a href="/join">choose a name</a> if you are new.</span>
    </p>`;
  }
  return html`<form class="card" method="post" action="/entries">
    <label for="text">Your entry</label>
    ${problemOf(problems, "text")}
    <textarea
      id="text"
      name="text"
      rows="4"
      maxlength="${lengths.text}"
      required
      dir="auto"
      ${attributesOf(problems, "text", "text-hint")}
    >
${values["text"]}</textarea>
    <div class="actions">
      <p class="hint" id="text-hint">Signed as <bdi class="author">${guest}</bdi>, at most ${lengths.text} characters.</p>
      <button>Sign the guestbook</button>
    </div>
  </form>`;
}

function pager({ newerThan, olderThan }: EntryPage): Html | false {
  if (newerThan === undefined && olderThan === undefined) return false;
  return html`<nav class="pager" aria-label="Pages">
    ${newerThan !== undefined &&
    html`<a rel="prev" href="/?newer=${newerThan}"><span aria-hidden="true">←</span> Newer entries</a>`}
    ${olderThan !== undefined &&
    html`<a rel="next" class="older" href="/?older=${olderThan}">Older entries <span aria-hidden="true">→</span></a>`}
  </nav>`;
}

/** The form to sign in. */
export function signInView(frame: Frame, form: FormState = emptyForm): Html {
  const content = html` <h1>Sign in</h1>
    <p class="lead">New here? <a href="/join">Choose a name</a> first.</p>
    <form class="card narrow" method="post" action="/sign-in">
      ${problemOf(form.problems, "form")} ${nameField(form)} ${passwordField(form, "current-password")}
      <div class="actions"><button>Sign in</button></div>
    </form>`;
  return layout(frame, "Sign in · Guestbook", content, form);
}

/** The form to take a name. */
export function joinView(frame: Frame, form: FormState = emptyForm): Html {
  const content = html` <h1>Choose a name</h1>
    <p class="lead">It stands below what you write. You have one already? <a href="/sign-in">Sign in</a>.</p>
    <form class="card narrow" method="post" action="/join">
      ${nameField(form)} ${passwordField(form, "new-password")}
      <div class="actions"><button>Take this name</button></div>
    </form>`;
  return layout(frame, "Choose a name · Guestbook", content, form);
}

function nameField({ values, problems }: FormState): Html {
  return html`<label for="name">Name</label>
    ${problemOf(problems, "name")}
    <input
      id="name"
      name="name"
      value="${values["name"]}"
      maxlength="${lengths.name}"
      required
      autocomplete="username"
      autocapitalize="words"
      spellcheck="false"
      ${attributesOf(problems, "name")}
    />`;
}

function passwordField({ problems }: FormState, autocomplete: "current-password" | "new-password"): Html {
  const isNew = autocomplete === "new-password";
  return html`<label for="password">Password</label>
    ${problemOf(problems, "password")}
    <input
      id="password"
      name="password"
      type="password"
      maxlength="${lengths.password}"
      required
      autocomplete="${autocomplete}"
      ${attributesOf(problems, "password", isNew ? "password-hint" : undefined)}
    />
    ${isNew && html`<p class="hint" id="password-hint">At least ${lengths.shortestPassword} characters.</p>`}`;
}

function problemOf(problems: FormState["problems"], field: string): Html | false {
  const problem = problems[field];
  return problem !== undefined && html`<p class="problem" id="${field}-problem">${problem}</p>`;
}

/** Ties a field to what is said about it, for those who hear the page. */
function attributesOf(problems: FormState["problems"], field: string, hint?: string): Html {
  const isWrong = problems[field] !== undefined;
  const described = [isWrong && `${field}-problem`, hint].filter((id) => typeof id === "string").join(" ");
  return html`${isWrong && html`aria-invalid="true" autofocus `}${described !== "" && html`aria-describedby="${described}"`}`;
}

/** A page for an error. */
export function errorView(
  frame: Frame,
  problem: { readonly title: string; readonly text: string; readonly id?: string | undefined },
): Html {
  const content = html` <h1>${problem.title}</h1>
    <p class="lead">${problem.text}</p>
    ${problem.id !== undefined && html`<p class="hint">The log knows it as <code>${problem.id}</code>.</p>`}
    <p><a class="button" href="/">Back to the guestbook</a></p>`;
  return layout(frame, `${problem.title} · Guestbook`, content, emptyForm, false);
}

/** A page. One that came about by itself (an error) does not know who has signed in, so it shows no way in or out. */
function layout(
  { assets, guest, notice }: Frame,
  title: string,
  content: Html,
  { problems }: FormState,
  knowsGuest: boolean = true,
): Html {
  const isWrong = Object.keys(problems).length > 0;
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <title>${isWrong && "Please look again · "}${title}</title>
        <link rel="icon" href="${assets.icon}" type="image/svg+xml" />
        <link rel="stylesheet" href="${assets.style}" />
        <script src="${assets.script}" defer></script>
      </head>
      <body>
        <a class="skip" href="#content">Skip to the content</a>
        <header class="top">
          <a class="brand" href="/"><img src="${assets.icon}" alt="" width="28" height="28" /> Guestbook</a>
          ${knowsGuest && accountView(guest)}
        </header>
        <main id="content" tabindex="-1">
          ${notice !== undefined && html`<p class="notice" role="status">${notice}</p>`} ${content}
        </main>
        <footer class="bottom">
          <p>
            Served by <a href="https://github.com/gateway-ts/gateway">Gateway</a>. Everything here is also
            <a href="/api/entries">JSON</a>.
          </p>
        </footer>
      </body>
    </html> `;
}

function accountView(guest: string | undefined): Html {
  return guest === undefined
    ? html`<nav aria-label="Account"><a href="/sign-in">Sign in</a></nav>`
    : html`<form class="account" method="post" action="/sign-out">
        <span class="who"><bdi>${guest}</bdi></span> <button class="quiet">Sign out</button>
      </form>`;
}
