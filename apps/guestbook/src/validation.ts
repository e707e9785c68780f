/** What was sent, put in order; or what is wrong with it, to be shown. */
export type Checked = { readonly ok: true; readonly value: string } | { readonly ok: false; readonly problem: string };

/** How long things may be, in characters. */
export const lengths = { name: 40, text: 1000, password: 200, shortestPassword: 8 } as const;

const maxLines = 30;

// Control characters, halves of characters, and the marks that turn the direction of what follows.
const unfitInLine = /[\p{Cc}\p{Surrogate}\u202A-\u202E\u2066-\u2069]/u;
const unfitInText = /(?!\n)[\p{Cc}\p{Surrogate}\u202A-\u202E\u2066-\u2069]/u;

// Some letters are blank, the fillers of Hangul, and one symbol, the pattern of Braille without a dot.
const visibleInName = /(?!\p{Default_Ignorable_Code_Point})[\p{L}\p{N}\p{Emoji_Presentation}]/u;
const visibleInText = /(?![\p{Default_Ignorable_Code_Point}\u2800])[\p{L}\p{N}\p{P}\p{S}]/u;

/** A name to sign with. */
export function checkName(given: unknown): Checked {
  if (typeof given !== "string") return wrong("Please say your name.");
  const name = given.normalize("NFC").trim().replaceAll(/\s+/gu, " ");
  if (name === "") return wrong("Please say your name.");
  if (unfitInLine.test(name)) return wrong("Your name has a character in it that cannot be shown.");
  if (!visibleInName.test(name)) return wrong("Your name needs a letter, a digit or an emoji.");
  if (lengthOf(name) > lengths.name) return wrong(`A name has at most ${lengths.name} characters.`);
  return { ok: true, value: name };
}

/** A password: as it is, since nobody may change it. */
export function checkPassword(given: unknown): Checked {
  if (typeof given !== "string" || lengthOf(given) < lengths.shortestPassword) {
    return wrong(`A password has at least ${lengths.shortestPassword} characters.`);
  }
  if (lengthOf(given) > lengths.password) return wrong(`A password has at most ${lengths.password} characters.`);
  return { ok: true, value: given };
}

/** The text of an entry. */
export function checkText(given: unknown): Checked {
  if (typeof given !== "string") return wrong("Please write something.");
  const text = given
    .replaceAll(/\r\n?/g, "\n")
    .replaceAll("\t", " ")
    .replaceAll(/\n{3,}/g, "\n\n")
    .normalize("NFC")
    .trim();
  if (text === "") return wrong("Please write something.");
  if (unfitInText.test(text)) return wrong("There is a character in it that cannot be shown.");
  if (!visibleInText.test(text)) return wrong("Please write something that can be seen.");
  if (lengthOf(text) > lengths.text) return wrong(`An entry has at most ${lengths.text} characters: these are ${lengthOf(text)}.`);
  if (text.split("\n").length > maxLines) return wrong(`An entry has at most ${maxLines} lines.`);
  return { ok: true, value: text };
}

function wrong(problem: string): Checked {
  return { ok: false, problem };
}

/** In characters as people count them, roughly: by code point. */
function lengthOf(text: string): number {
  let count = 0;
  for (const _ of text) count++;
  return count;
}
