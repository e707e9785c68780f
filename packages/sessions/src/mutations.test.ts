import type { Environ, HeaderList } from "@gateway/core";
import { buildEnviron } from "@gateway/testing";
import { describe, expect, it } from "vitest";
import { memoryStore } from "./memory-store.ts";
import { sessions } from "./sessions.ts";
import type { SessionStore } from "./store.ts";
import { campaignTimeout, scaled, seededRandom } from "@gateway/testing/campaign";
import { secret, type TestApplication, type TestData } from "./test-onion.ts";

const otherSecret = "another secret, which is long enough too";
const alphabet: readonly string[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".split("");
const strangers: readonly string[] = '=+/. ;,"%\\é\0\t\u0141{}'.split("");

/** An application behind the layer: who is logged in? */
interface Place {
  readonly name: string;
  readonly ask: (cookie: string) => string | undefined;
  /** Valid cookies of many users. */
  readonly tokens: ReadonlyMap<string, string>;
}

const whoIs: TestApplication = (environ, startResponse) => {
  const session = environ["gateway.session"];
  if (environ.QUERY_STRING !== "") session.set("user", environ.QUERY_STRING);
  startResponse(`200 ${session.get("user") ?? "nobody"}`, []);
  return [];
};

function makePlace(name: string, ofSecret: string, store: SessionStore | undefined): Place {
  const app = sessions<TestData>({ secret: ofSecret, name, store, environKey: "gateway.session" })(whoIs);
  const call = (environ: Partial<Environ>): { user: string | undefined; cookie: string | undefined } => {
    let user: string | undefined;
    let list: HeaderList = [];
    void app({ ...base, ...environ }, (status, headers) => {
      user = status === "200 nobody" ? undefined : status.slice(4);
      list = headers;
      return () => {};
    });
    return {
      user,
      cookie: list
        .find(([header]) => header === "Set-Cookie")?.[1]
        .split(";")[0]
        ?.slice(name.length + 1),
    };
  };
  const tokens = new Map<string, string>();
  for (let i = 0; i < 50; i++) {
    const user = `user-${name}-${i}`;
    tokens.set(call({ QUERY_STRING: user }).cookie ?? "", user);
  }
  return { name, tokens, ask: (cookie) => call({ HTTP_COOKIE: cookie }).user };
}

const base = buildEnviron({ method: "GET", target: "/" });

type Random = () => number;
const below = (random: Random, limit: number): number => Math.floor(random() * limit);
const pick = <T>(random: Random, from: readonly T[]): T => from[below(random, from.length)] as T;

/** One way to change a token, in characters or in the octets behind them. */
const mutations: readonly ((token: string, other: string, random: Random) => string)[] = [
  (token, _other, random) => replaceAt(token, below(random, token.length), pick(random, alphabet)),
  (token, _other, random) => replaceAt(token, below(random, token.length), pick(random, strangers)),
  (token, _other, random) => replaceAt(token, token.length - 1, pick(random, alphabet)),
  (token, _other, random) => token.slice(0, below(random, token.length)),
  (token, _other, random) => token.slice(below(random, token.length)),
  (token, _other, random) => {
    const at = below(random, token.length + 1);
    return token.slice(0, at) + pick(random, [...alphabet, ...strangers]) + token.slice(at);
  },
  (token, _other, random) => {
    const at = below(random, token.length);
    return token.slice(0, at) + token.slice(at + 1);
  },
  (token, _other, random) => {
    const octets = Buffer.from(token, "base64url");
    const at = below(random, octets.length);
    octets[at] = (octets[at] ?? 0) ^ (1 << below(random, 8));
    return octets.toString("base64url");
  },
  (token, _other, random) => {
    const octets = Buffer.from(token, "base64url");
    const at = below(random, octets.length);
    for (let i = at; i < Math.min(octets.length, at + 16); i++) octets[i] = below(random, 256);
    return octets.toString("base64url");
  },
  // The front of one user's token with the end of another's: header, IV, tag, id, signature.
  (token, other, random) => {
    const at = below(random, Math.min(token.length, other.length));
    return token.slice(0, at) + other.slice(at);
  },
  (token, other, random) => {
    const one = Buffer.from(token, "base64url");
    const two = Buffer.from(other, "base64url");
    const from = below(random, one.length);
    two.copy(one, from, from, from + 1 + below(random, 32));
    return one.toString("base64url");
  },
  (token, other) => token.split(".")[0] + "." + (other.split(".")[1] ?? ""),
  (token) => token.toUpperCase(),
  (token) => token.split("").toReversed().join(""),
  (token) => `${token}=`,
  (token) => `"${token}"`,
  (token) => encodeURIComponent(token).replace(/^./, (character) => `%${character.charCodeAt(0).toString(16)}`),
  (token, other) => token + other,
  (token) => Buffer.from(token).toString("base64url"),
];

function replaceAt(text: string, at: number, character: string): string {
  return text.slice(0, at) + character + text.slice(at + 1);
}

describe("a cookie that was changed", () => {
  it.each(["a sealed cookie", "a store"])(
    "is never accepted, and never an error: %s",
    (kind) => {
      const store = (): SessionStore | undefined => (kind === "a store" ? memoryStore() : undefined);
      const shared = store();
      const places = [makePlace("sid", secret, shared), makePlace("sidx", secret, shared), makePlace("sid", otherSecret, shared)];
      for (const place of places) for (const [token, user] of place.tokens) expect(place.ask(`${place.name}=${token}`)).toBe(user);
      const random = seededRandom(20_251_121);
      const lists = places.map((place) => [...place.tokens.keys()]);
      let tried = 0;
      const accepted: string[] = [];
      while (tried < scaled(100_000)) {
        const at = below(random, places.length);
        const place = places[at] as Place;
        const token = pick(random, lists[at] ?? []);
        const swap = random() < 0.1;
        // As it is, but where it does not belong: of another name, or another secret.
        const changed = swap
          ? pick(random, lists[(at + 1 + below(random, places.length - 1)) % places.length] ?? [])
          : pick(random, mutations)(token, pick(random, lists[at] ?? []), random);
        // A semicolon ends the cookie, and blanks around it are not of it: what is left may be the valid token.
        if (place.tokens.has((changed.split(";")[0] ?? "").trim())) continue;
        tried++;
        const user = place.ask(`${place.name}=${changed}`);
        if (user !== undefined) accepted.push(`${changed} as ${user}`);
      }
      expect(accepted).toEqual([]);
      console.log(`${kind}: ${tried} changed cookies, ${accepted.length} accepted`);
    },
    campaignTimeout,
  );
});
