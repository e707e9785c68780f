import { equal } from "node:assert/strict";
import { holds, holdsNone, hour, refuses, writes } from "./expect.ts";
import type { SessionRecord, StoreCase } from "./types.ts";

/** Texts that stores have broken: each must come back as it is. */
const texts: Readonly<Record<string, string>> = {
  "no text at all": "",
  "white space at both ends": " \t text \r\n",
  "every kind of line end": "a\nb\rc\r\nd\u2028e\u2029f\u0085g",
  quotes: `'"\`\\ $1 \${x} %s {{}} -- /* ; \\' \\" \\x00 \\u0000`,
  JSON: `{"user":"Ada","flash":["\\u0000","é"],"__proto__":1}`,
  "text in quotes": `"quoted"`,
  "numbers and words of other languages": "null",
  controls: Array.from({ length: 32 }, (_, code) => String.fromCharCode(code)).join(""),
  "NUL in the middle": "before\0after",
  "Latin-1 and beyond": "äöü ÿ Ā ß İ ı ﬁ",
  "combined and composed": "e\u0301 \u00e9 \u1112\u1161\u11ab \ud55c",
  "right to left": "\u202eשלום مرحبا\u202c",
  "beyond the basic plane": "😀 👩‍👩‍👧‍👦 𝒳 \u{10ffff}",
  "a byte order mark": "\ufefftext\ufeff",
  noncharacters: "\ufffe \uffff \ufdd0",
};

/** Ids that no layer makes: a store may refuse them, or take each for a name like any other. */
const hostileIds: readonly string[] = [
  "",
  ".",
  "..",
  "/",
  "../../../../../../tmp/gateway-session-escape",
  "..\\..\\gateway-session-escape",
  "a/b",
  "%2e%2e%2f",
  "__proto__",
  "constructor",
  "toString",
  "*",
  "?",
  "[a-z]",
  "a\0b",
  "a\nb",
  "a b",
  "a:b",
  "{a}b",
  "'; DROP TABLE sessions; --",
  '" OR "1"="1',
  "' OR '1'='1",
  "%",
  "_".repeat(43),
  "é".repeat(43),
  "CON",
  "x".repeat(5000),
];

export const recordCases: readonly StoreCase[] = [
  {
    name: "has no record of an id that was never written",
    area: "read",
    needs: [],
    run: async ({ store, id }) => holdsNone(store, id(), "an unknown id"),
  },
  {
    name: "gives back what was written, as often as it is asked",
    area: "read",
    needs: [],
    run: async ({ store, id, now }) => {
      const [one, other] = [id(), id()];
      const first = { data: "first", version: 1, expiresAt: now() + hour };
      const second = { data: "second", version: 1, expiresAt: now() + 2 * hour };
      await writes(store, one, first, "one");
      await writes(store, other, second, "another");
      for (const time of ["once", "twice"]) {
        await holds(store, one, first, `one, ${time}`);
        await holds(store, other, second, `another, ${time}`);
      }
    },
  },
  {
    name: "is not changed through the records that it took or gave",
    area: "read",
    needs: [],
    run: async ({ store, id, now }) => {
      const one = id();
      const written = { data: "kept", version: 1, expiresAt: now() + hour };
      const expected = { ...written };
      await writes(store, one, written, "first");
      Object.assign(written, { data: "changed", version: 7, expiresAt: 0 });
      await holds(store, one, expected, "after a change of what was written");
      const read = await store.read(one);
      // A frozen record may refuse.
      for (const key of ["data", "version", "expiresAt"] as const) if (read !== undefined) Reflect.set(read, key, 0);
      await holds(store, one, expected, "after a change of what was read");
    },
  },
  {
    name: "answers at once where it says that it is synchronous",
    area: "read",
    needs: [],
    run: async ({ store, id, now }) => {
      if (store.synchronous !== true) return;
      const one = id();
      const expiresAt = now() + hour;
      const atOnce = (what: string, answer: unknown): void => {
        equal(isPromise(answer), false, `${what} gives a promise`);
      };
      atOnce("read of an unknown id", store.read(one));
      atOnce("write", store.write(one, { data: "", version: 1, expiresAt }));
      atOnce("refused write", store.write(one, { data: "", version: 1, expiresAt }));
      atOnce("read", store.read(one));
      atOnce("touch", store.touch(one, expiresAt + 1));
      atOnce("delete", store.delete(one));
      atOnce("prune", store.prune?.());
    },
  },
  {
    name: "creates a record with version 1 only",
    area: "write",
    needs: [],
    run: async ({ store, id, now }) => {
      const one = id();
      for (const version of [2, 3, 0, -1, 1000]) {
        await refuses(store, one, { data: "no", version, expiresAt: now() + hour }, "where there is none");
        await holdsNone(store, one, `after a refused version ${version}`);
      }
      const record = { data: "yes", version: 1, expiresAt: now() + hour };
      await writes(store, one, record, "where there is none");
      await holds(store, one, record, "after version 1");
    },
  },
  {
    name: "does not create over a live record",
    area: "write",
    needs: [],
    run: async ({ store, id, now }) => {
      const one = id();
      const record = { data: "first", version: 1, expiresAt: now() + hour };
      await writes(store, one, record, "first");
      await refuses(store, one, { data: "again", version: 1, expiresAt: now() + 2 * hour }, "second");
      await holds(store, one, record, "after the refused one");
    },
  },
  {
    name: "replaces a record by its next version, and by no other",
    area: "write",
    needs: [],
    run: async ({ store, id, now }) => {
      const one = id();
      let record: SessionRecord = { data: "version 1", version: 1, expiresAt: now() + hour };
      await writes(store, one, record, "first");
      for (let version = 2; version <= 12; version++) {
        // An end that is earlier than before is as good as a later one.
        record = { data: `version ${version}`, version, expiresAt: now() + hour + (version % 2 === 0 ? -version : version) * 1000 };
        await writes(store, one, record, "the next one");
        for (const wrong of [version, version - 1, version + 2, 0, 1]) {
          await refuses(store, one, { data: "wrong", version: wrong, expiresAt: now() + 9 * hour }, `over version ${version}`);
        }
        await holds(store, one, record, `after the refused ones over version ${version}`);
      }
    },
  },
  {
    name: "writes, touches and deletes one record and no other",
    area: "write",
    needs: [],
    run: async ({ store, id, now }) => {
      const others = Array.from({ length: 20 }, id);
      const record = { data: "left alone", version: 1, expiresAt: now() + hour };
      await Promise.all(others.map((other) => writes(store, other, record, "others")));
      const one = id();
      await writes(store, one, { ...record, data: "one" }, "one");
      await writes(store, one, { ...record, version: 2 }, "one");
      await store.touch(one, now() + 2 * hour);
      await store.delete(one);
      for (const other of others) await holds(store, other, record, "another record");
    },
  },
  ...Object.entries(texts).map(
    ([kind, data]): StoreCase => ({
      name: `keeps data as it is: ${kind}`,
      area: "data",
      needs: [],
      run: async ({ store, id, now }) => {
        const one = id();
        await writes(store, one, { data, version: 1, expiresAt: now() + hour }, "created");
        await holds(store, one, { data, version: 1, expiresAt: now() + hour }, "created");
        await writes(store, one, { data: `${data}+`, version: 2, expiresAt: now() + hour }, "replaced");
        await holds(store, one, { data: `${data}+`, version: 2, expiresAt: now() + hour }, "replaced");
      },
    }),
  ),
  {
    name: "keeps a mebibyte, in characters of one to four octets",
    area: "data",
    needs: [],
    run: async ({ store, id, now }) => {
      const one = id();
      const small = { data: "small", version: 2, expiresAt: now() + hour };
      const pattern = "aé€😀";
      const large = { data: pattern.repeat(2 ** 20 / Buffer.byteLength(pattern)), version: 1, expiresAt: now() + hour };
      await writes(store, one, large, "large");
      await holds(store, one, large, "large");
      await writes(store, one, small, "small after large");
      await holds(store, one, small, "small after large");
      await writes(store, one, { ...large, version: 3 }, "large after small");
      await store.touch(one, now() + 2 * hour);
      await holds(store, one, { ...large, version: 3, expiresAt: now() + 2 * hour }, "large after a touch");
    },
  },
  {
    name: "tells ids apart by every character and its case",
    area: "ids",
    needs: [],
    run: async ({ store, id, now }) => {
      const base = id().slice(0, 40);
      const ends = ["AAA", "aaa", "AAa", "---", "___", "--_", "__-", "000"];
      const expiresAt = now() + hour;
      for (const end of ends) await writes(store, base + end, { data: end, version: 1, expiresAt }, end);
      for (const end of ends) await holds(store, base + end, { data: end, version: 1, expiresAt }, end);
      const lower = id().toLowerCase();
      await writes(store, lower, { data: "lower", version: 1, expiresAt }, "lower case");
      await holdsNone(store, lower.toUpperCase(), "upper case");
      await holdsNone(store, lower.slice(0, -1), "without its last character");
      await holdsNone(store, `${lower}A`, "with one character more");
      const dash = `-${id().slice(1)}`;
      await writes(store, dash, { data: "dash", version: 1, expiresAt }, "a dash first");
      await holds(store, dash, { data: "dash", version: 1, expiresAt }, "a dash first");
    },
  },
  {
    name: "takes a hostile id for a name like any other, or refuses it",
    area: "ids",
    needs: [],
    run: async ({ store, id, now }) => {
      const one = id();
      const record = { data: "safe", version: 1, expiresAt: now() + hour };
      await writes(store, one, record, "an ordinary id");
      for (const hostile of hostileIds) {
        const title = `id ${JSON.stringify(hostile.slice(0, 50))}`;
        const mine = { data: hostile, version: 1, expiresAt: now() + hour };
        await unlessRefused(async () => {
          await holdsNone(store, hostile, title);
          await writes(store, hostile, mine, title);
          await holds(store, hostile, mine, title);
        });
        await holds(store, one, record, `an ordinary id, after ${title}`);
        await unlessRefused(async () => {
          await store.delete(hostile);
          await holdsNone(store, hostile, `${title}, deleted`);
        });
        await holds(store, one, record, `an ordinary id, after the end of ${title}`);
      }
      equal(Reflect.get({}, "data"), undefined, "the prototype of objects has data");
    },
  },
];

function isPromise(value: unknown): boolean {
  return typeof value === "object" && value !== null && "then" in value;
}

/** Lets a refusal pass, but not a failed expectation. */
async function unlessRefused(work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (error instanceof Error && error.name === "AssertionError") throw error;
  }
}
