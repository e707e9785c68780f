import { isIP } from "node:net";
import { resolve } from "node:path";
import { parseBind, type Bind } from "../bind.ts";
import { noneText, optional, scalar, Unfit, type Json, type Kind } from "./kind.ts";
import { nearest } from "./nearest.ts";

/** Any text. */
export function text(placeholder: string, what: string, isRight: (text: string) => boolean = (text) => text !== ""): Kind<string> {
  return scalar<string>({
    placeholder,
    type: "string",
    what,
    parse(text) {
      if (!isRight(text) || text.includes("\0")) throw new Unfit(text, `which is not ${what}`);
      return text;
    },
  });
}

/** A path, relative to where it is written; absolute once it is read. */
export function path(what = "a path"): Kind<string> {
  return scalar<string>({
    placeholder: "PATH",
    type: "string",
    what,
    parse: (text, { directory }) => pathOf(text, what, directory),
  });
}

/** A path, or a word that stands for something else: `-` for a standard stream. */
export function pathOr(word: string): Kind<string> {
  const what = `a path, or ${word}`;
  return scalar<string>({
    placeholder: "PATH",
    type: "string",
    what,
    parse: (text, { directory }) => (text === word ? text : pathOf(text, what, directory)),
  });
}

/** One of a few words. */
export function choice<const Words extends readonly string[]>(placeholder: string, words: Words): Kind<Words[number]> {
  const what = `one of ${words.join(", ")}`;
  return scalar<Words[number]>({
    placeholder,
    type: words.map((word) => JSON.stringify(word)).join(" | "),
    what,
    parse(text) {
      const word = words.find((word) => word === text);
      if (word !== undefined) return word;
      const meant = nearest(text, words);
      throw new Unfit(text, `which is not ${what}${meant === undefined ? "" : `: did you mean ${meant}?`}`);
    },
  });
}

const yes = new Set(["1", "true", "yes", "on"]);
const no = new Set(["0", "false", "no", "off"]);

/** Yes or no: a flag without a value, and the same flag with `--no-`. */
export function toggle(): Kind<boolean> {
  const what = "true or false";
  const kind = scalar<boolean>({
    placeholder: "",
    type: "boolean",
    what,
    parse(text) {
      const word = text.toLowerCase();
      if (!yes.has(word) && !no.has(word)) throw new Unfit(text, `which is not ${what} (or 1 or 0, yes or no, on or off)`);
      return yes.has(word);
    },
    accept: (value) => (typeof value === "boolean" ? value : undefined),
  });
  return { ...kind, hasNegative: true };
}

/** Where to listen. */
export function bind(): Kind<Bind> {
  return scalar<Bind>({
    placeholder: "ADDRESS",
    type: "string",
    what: "HOST:PORT, :PORT, unix:PATH or fd://N",
    parse: (text) => parseBind(text),
    json: (value) => value.text,
    text: (value) => value.text,
  });
}

/** `user`, `user:group` or `:group`. */
export function owner(): Kind<string> {
  return text("OWNER", "a user, user:group or :group, by name or number", (text) => /^(?=.)[\w.$-]*(?::[\w.$-]+)?$/.test(text));
}

/** The name or number of a user or a group. */
export function account(placeholder: string): Kind<string> {
  return text(placeholder, "the name or number of an account", (text) => /^[\w.$-]+$/.test(text));
}

/** The path of a URL. */
export function urlPath(): Kind<string> {
  return text(
    "PATH",
    "the path of a URL: it begins with / and has no spaces, ? or #",
    (text) => /^\/[\x21-\x7e]*$/.test(text) && !/[?#]/.test(text),
  );
}

/** A prefix of paths at which an application is mounted. */
export function mountPrefix(): Kind<string> {
  return text("PREFIX", "a path like /app, without a slash at its end", (text) => text.startsWith("/") && !text.endsWith("/"));
}

/** A header that the server sends; `""` for none of it. */
export function headerValue(): Kind<string> {
  const kind = optional(text("TEXT", "visible characters of ASCII and spaces", (text) => /^[\x20-\x7e]*$/.test(text)));
  return {
    ...kind,
    absent: () => "",
    fromTexts: (texts, place) => kind.fromTexts(texts, place) ?? "",
    fromFile: (value, place) => kind.fromFile(value, place) ?? "",
    text: (value) => value || noneText,
  };
}

/** An IP address, or a network of them. */
export function network(): Kind<string> {
  return text("ADDRESS", "an IP address, or a network like 10.0.0.0/8", (text) => {
    const [host = "", prefix, ...more] = text.split("/");
    const version = isIP(host);
    if (version === 0 || more.length > 0) return false;
    return prefix === undefined || (/^[0-9]{1,3}$/.test(prefix) && Number(prefix) <= (version === 6 ? 128 : 32));
  });
}

/** What is shown of a value that may be a secret. */
const hiddenText = "(hidden)";

/** Variables for an environment: `NAME=VALUE`, or an object in the file. Their values are never shown. */
export function variables(): Kind<Readonly<Record<string, string>>> {
  const isName = (name: string): boolean => /^[A-Za-z_][A-Za-z0-9_]*$/.test(name);
  const what = "NAME=VALUE, with a name of letters, digits and underscores";
  const inFile = 'in the file an object: `{ NAME: "VALUE" }`';
  const hidden = (value: Readonly<Record<string, string>>): Json =>
    Object.fromEntries(Object.keys(value).map((name) => [name, hiddenText]));
  return {
    placeholder: "NAME=VALUE",
    type: "Readonly<Record<string, string | number | boolean>>",
    what: `${what}; ${inFile}`,
    isList: true,
    hasNegative: false,
    absent: () => ({}),
    fromTexts: (texts) =>
      Object.fromEntries(
        texts.map((text) => {
          const sign = text.indexOf("=");
          const name = text.slice(0, Math.max(0, sign));
          // The value is not repeated: it may be a secret.
          if (!isName(name) || text.includes("\0")) throw new Unfit(name || text.split("=", 1)[0], `which is not ${what}`);
          return [name, text.slice(sign + 1)];
        }),
      ),
    fromFile(value) {
      if (typeof value !== "object" || value === null || Array.isArray(value))
        throw new Unfit(value, 'which is not an object of variables: write { NAME: "VALUE" }');
      return Object.fromEntries(
        Object.entries(value).map(([name, text]: [string, unknown]) => {
          const isRight = typeof text === "string" || typeof text === "number" || typeof text === "boolean";
          if (!isName(name)) throw new Unfit(name, "which is not the name of a variable: letters, digits and underscores");
          if (!isRight || String(text).includes("\0")) throw new Unfit(name, "whose value is not a text, a number, true or false");
          return [name, String(text)];
        }),
      );
    },
    json: hidden,
    text: (value) =>
      Object.keys(value)
        .map((name) => `${name}=${hiddenText}`)
        .join(", ") || noneText,
  };
}

function pathOf(text: string, what: string, directory: string): string {
  if (text === "" || text.includes("\0")) throw new Unfit(text, `which is not ${what}`);
  return resolve(directory, text);
}
