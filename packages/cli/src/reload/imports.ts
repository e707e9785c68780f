import * as nodeModule from "node:module";
import { sep } from "node:path";
import { fileURLToPath } from "node:url";
import { MessageChannel, receiveMessageOnPort } from "node:worker_threads";

/** Reports what the application imports. */
export interface ImportReporter {
  /** Everything that was reported so far. */
  readonly files: readonly string[];
  /** Reports what is not reported yet, at once: before the process says that it failed. */
  flush(): void;
  close(): void;
}

/** How often it is looked what was required, in milliseconds, on a Node.js that cannot tell. */
const lookMilliseconds = 1000;

/**
 * Reports the files that are imported from now on, ES modules, CommonJS and TypeScript, each once, as absolute paths; those in `node_modules` are left out. Where one is missing, that is where it
 * would have been. To be called before the application is loaded.
 *
 * From Node.js 22.15 on the runtime's hooks see `import` and `require`. Before that they see `import` only, in a thread of their own, and what was required is looked up in the cache of
 * CommonJS: there a new file that is missing or cannot be read is missed, until it can.
 */
export function reportImports(report: (files: readonly string[]) => void): ImportReporter {
  const known = new Set<string>();
  let news: string[] = [];
  let soon: NodeJS.Immediate | undefined;

  const found = (file: string): void => {
    if (known.has(file) || file.includes(`${sep}node_modules${sep}`)) return;
    known.add(file);
    news.push(file);
    soon ??= setImmediate(send);
  };
  const send = (): void => {
    clearImmediate(soon);
    soon = undefined;
    if (news.length === 0) return;
    const files = news;
    news = [];
    report(files);
  };
  const source = hookInto((url) => {
    const file = fileOf(url);
    if (file !== undefined) found(file);
  }, found);

  return {
    get files() {
      return [...known];
    },
    flush() {
      source.look();
      send();
    },
    close() {
      source.close();
      clearImmediate(soon);
    },
  };
}

interface Source {
  look(): void;
  close(): void;
}

function hookInto(foundUrl: (url: string) => void, foundFile: (file: string) => void): Source {
  const hooks = registerHooks();
  if (hooks !== undefined) {
    const handle = hooks({
      resolve(specifier, context, nextResolve) {
        try {
          return nextResolve(specifier, context);
        } catch (error) {
          const { parentURL } = context;
          if (isPath.test(specifier) && URL.canParse(specifier, parentURL)) foundUrl(new URL(specifier, parentURL).href);
          throw error;
        }
      },
      load(url, context, nextLoad) {
        foundUrl(url);
        return nextLoad(url, context);
      },
    });
    return { look() {}, close: () => handle.deregister() };
  }
  const threaded = registerThreaded(foundUrl);
  const required = lookIntoCache(foundFile);
  const timer = setInterval(required, lookMilliseconds).unref();
  return {
    look() {
      threaded.look();
      required();
    },
    close() {
      clearInterval(timer);
      threaded.close();
    },
  };
}

/** What is used of `module.registerHooks`, which the types of Node.js 20 do not know. */
type RegisterHooks = (hooks: {
  resolve: (
    specifier: string,
    context: { readonly parentURL?: string },
    nextResolve: (specifier: string, context: unknown) => unknown,
  ) => unknown;
  load: (url: string, context: unknown, nextLoad: (url: string, context: unknown) => unknown) => unknown;
}) => {
  deregister(): void;
};

function registerHooks(): RegisterHooks | undefined {
  const hooks: unknown = Reflect.get(nodeModule, "registerHooks");
  return typeof hooks === "function" ? (hooks as RegisterHooks) : undefined;
}

/** A path, not the name of a package. */
const isPath = /^(?:\.{0,2}\/|file:)/;

/** It runs in another thread, and must be a module of its own: as a URL it needs no file. */
const threadedHooks = `let port;
export function initialize(data) { port = data.port; }
export async function resolve(specifier, context, nextResolve) {
  try {
    return await nextResolve(specifier, context);
  } catch (error) {
    const { parentURL } = context;
    if (${String(isPath)}.test(specifier) && URL.canParse(specifier, parentURL)) port.postMessage(new URL(specifier, parentURL).href);
    throw error;
  }
}
export function load(url, context, nextLoad) { port.postMessage(url); return nextLoad(url, context); }`;

function registerThreaded(foundUrl: (url: string) => void): Source {
  const { port1, port2 } = new MessageChannel();
  nodeModule.register(`data:text/javascript,${encodeURIComponent(threadedHooks)}`, {
    data: { port: port2 },
    transferList: [port2],
  });
  port1.on("message", foundUrl);
  port1.unref();
  return {
    look() {
      for (let message = receiveMessageOnPort(port1); message !== undefined; message = receiveMessageOnPort(port1))
        foundUrl(String(message.message));
    },
    close: () => port1.close(),
  };
}

function lookIntoCache(foundFile: (file: string) => void): () => void {
  const { cache } = nodeModule.createRequire(import.meta.url);
  const before = new Set(Object.keys(cache));
  return () => {
    for (const file of Object.keys(cache)) if (!before.has(file)) foundFile(file.replace(/[?#].*$/, ""));
  };
}

/** The path of the URL of a file, without what loaders add behind it. */
function fileOf(url: string): string | undefined {
  if (!url.startsWith("file:")) return undefined;
  try {
    return fileURLToPath(url.replace(/[?#].*$/, ""));
  } catch {
    return undefined;
  }
}
