/** Bodies of some 100 KiB of JSON, the same in every run: mulberry32. */
function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

const words = (
  "time year people way day man thing woman life child world school state family student group country problem hand part place case " +
  "week company system program question work government number night point home water room mother area money story fact month lot " +
  "right study book eye job word business issue side kind head house service friend father power hour game line end member law car " +
  "city community name president team minute idea kid body information back parent face others level office door health person art " +
  "war history party result change morning reason research girl guy moment air teacher force education"
).split(" ");

/** What kinds of JSON there are: much that repeats (an API with addresses), short fields, prose, rows, and what is hardly compressible. */
export const bodyKinds = ["repositories", "products", "posts", "users", "random"] as const;
export type BodyKind = (typeof bodyKinds)[number];

const bytes = 100 * 1024;

export function jsonBody(kind: BodyKind): Buffer {
  const random = seededRandom(1);
  const below = (n: number): number => Math.floor(random() * n);
  const pick = (list: readonly string[]): string => list[below(list.length)] ?? "";
  const sentence = (count: number): string => Array.from({ length: count }, () => pick(words)).join(" ");
  const date = (): string => new Date(1.6e12 + below(1e11)).toISOString();
  const hex = (): string => below(2 ** 32).toString(16);
  const makers: Readonly<Record<BodyKind, (i: number) => object>> = {
    repositories() {
      const owner = pick(words);
      const name = `${pick(words)}-${pick(words)}`;
      const url = `https://api.example.com/repos/${owner}/${name}`;
      return {
        id: below(1e8),
        name,
        full_name: `${owner}/${name}`,
        private: false,
        owner: { login: owner, id: below(1e6), url: `https://api.example.com/users/${owner}`, type: "User" },
        description: sentence(8),
        url,
        forks_url: `${url}/forks`,
        keys_url: `${url}/keys{/key_id}`,
        issues_url: `${url}/issues{/number}`,
        pulls_url: `${url}/pulls{/number}`,
        created_at: date(),
        stargazers_count: below(2000),
        language: pick(["TypeScript", "Python", "Go", "Rust"]),
        default_branch: "main",
      };
    },
    products: (i) => ({
      id: i + 1,
      sku: `SKU-${below(1e6)}`,
      name: sentence(3),
      price: below(10_000) / 100,
      currency: "EUR",
      inStock: random() < 0.8,
      quantity: below(500),
      category: pick(["books", "garden", "kitchen", "toys", "music"]),
      rating: below(50) / 10,
      createdAt: date(),
    }),
    posts: (i) => ({ id: i, userId: below(100), title: sentence(6), body: sentence(40) }),
    users: (i) => ({
      id: i,
      name: sentence(2),
      email: `user${i}@example.com`,
      active: random() < 0.5,
      role: pick(["admin", "user"]),
    }),
    random: (i) => ({ id: i, key: [hex(), hex(), hex(), hex()].join("-"), name: sentence(2), score: random() }),
  };
  const rows: object[] = [];
  let length = 2;
  for (let i = 0; length < bytes; i++) {
    const row = makers[kind](i);
    rows.push(row);
    length += JSON.stringify(row).length + 1;
  }
  return Buffer.from(JSON.stringify(rows));
}
