import { hostOf, type ParsedMountPoint } from "./mount-point.ts";

/** What is mounted where a path leads. */
interface Mounted<A> {
  readonly app: A;
  /** What of the path led there. */
  readonly prefix: string;
}

/** What is mounted where. The most particular host counts first, and there the longest prefix. */
export class MountTable<A> {
  readonly #anywhere: Prefixes<A> = new Prefixes();
  readonly #hosts = new Map<string, Prefixes<A>>();
  /** `.example` of `*.example`, the longest first. */
  #below: readonly (readonly [suffix: string, prefixes: Prefixes<A>])[] = [];

  /** @returns whether the place was free. */
  add({ host, path }: ParsedMountPoint, app: A): boolean {
    return this.#prefixesOf(host).add(path, app);
  }

  /**
   * @param path as `matchedPath` gives it. @param authority the host of the request, perhaps with a port; else it is that of the scheme.
   */
  find(path: string, authority: string, scheme: string): Mounted<A> | undefined {
    if (this.#hosts.size > 0 || this.#below.length > 0) {
      const { name, port = scheme === "https" ? "443" : "80" } = hostOf(authority);
      const found = this.#hosts.get(`${name}:${port}`)?.find(path) ?? this.#hosts.get(name)?.find(path);
      if (found !== undefined) return found;
      for (const [suffix, prefixes] of this.#below) {
        const below = name.endsWith(suffix) && name.length > suffix.length ? prefixes.find(path) : undefined;
        if (below !== undefined) return below;
      }
    }
    return this.#anywhere.find(path);
  }

  #prefixesOf(host: string | undefined): Prefixes<A> {
    if (host === undefined) return this.#anywhere;
    if (host.startsWith("*.")) {
      const suffix = host.slice(1);
      const known = this.#below.find(([other]) => other === suffix);
      if (known !== undefined) return known[1];
      const prefixes = new Prefixes<A>();
      this.#below = [...this.#below, [suffix, prefixes] as const].toSorted(([one], [other]) => other.length - one.length);
      return prefixes;
    }
    const known = this.#hosts.get(host) ?? new Prefixes<A>();
    this.#hosts.set(host, known);
    return known;
  }
}

class Prefixes<A> {
  readonly #apps = new Map<string, Mounted<A>>();
  /** How many segments the longest prefix has. */
  #deepest = 0;

  add(prefix: string, app: A): boolean {
    if (this.#apps.has(prefix)) return false;
    this.#apps.set(prefix, { app, prefix });
    this.#deepest = Math.max(this.#deepest, prefix.split("/").length - 1);
    return true;
  }

  /** Takes segment by segment, no more than the deepest prefix has. */
  find(path: string): Mounted<A> | undefined {
    let found = this.#apps.get("");
    if (!path.startsWith("/")) return found;
    let end = 0;
    for (let depth = 0; depth < this.#deepest && end < path.length; depth++) {
      const slash = path.indexOf("/", end + 1);
      end = slash === -1 ? path.length : slash;
      found = this.#apps.get(path.slice(0, end)) ?? found;
    }
    return found;
  }
}
