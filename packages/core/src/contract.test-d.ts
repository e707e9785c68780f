// Compiled, never run: a line that must not compile says so, and the compiler complains where it does.
import { toApplication, type ApplicationClass, type ApplicationLike } from "./application.ts";
import type {
  Application,
  Environ,
  FileLike,
  Header,
  HeaderList,
  InputStream,
  Middleware,
  ResponseBody,
  StartResponse,
  Write,
} from "./contract.ts";
import type { Ending, Exchange } from "./exchange.ts";
import type { Sink } from "./sink.ts";

declare const environ: Environ;
declare const startResponse: StartResponse;
declare const bytes: Uint8Array;

// The environ: known keys have their type.
environ.PATH_INFO satisfies string;
environ.CONTENT_LENGTH satisfies string | undefined;
environ.HTTP_ACCEPT satisfies string | undefined;
environ.HTTP_X_ANYTHING satisfies string | undefined;
environ["wsgi.input"] satisfies InputStream;
environ["wsgi.input_terminated"] satisfies true;
environ["wsgi.version"] satisfies readonly [1, 0];
environ["gateway.exchange"] satisfies Exchange;
environ["test.anything"] satisfies unknown;
environ.HTTP_ACCEPT = undefined;
environ.REQUEST_URI = undefined;
environ["wsgi.file_wrapper"] = undefined;
environ["test.new"] = 5;
({ ...environ, PATH_INFO: "/" }) satisfies Environ;
// @ts-expect-error: a misspelt key
environ.PATH_INF satisfies string;
// @ts-expect-error: the key of an extension has a dot
environ.session = 5;
// @ts-expect-error: the key of an extension has a dot
environ["session"] satisfies unknown;
// @ts-expect-error: in the wrong case
environ.path_info satisfies unknown;
// @ts-expect-error: always there
environ.PATH_INFO = undefined;
// @ts-expect-error: a header is a string
environ.HTTP_ACCEPT = 5;
// @ts-expect-error: no version but 1.0
environ["wsgi.version"] = [1, 1];
// @ts-expect-error: what may be absent must be asked for
environ.CONTENT_LENGTH.length satisfies number;
// @ts-expect-error: what may be absent must be asked for
environ["wsgi.file_wrapper"]({ read: () => bytes });
// @ts-expect-error: an extension is anything, so its type must be found out
environ["test.anything"].length satisfies unknown;
// @ts-expect-error: incomplete
({ PATH_INFO: "/" }) satisfies Environ;

// startResponse.
startResponse("200 OK", []) satisfies Write;
startResponse("200 OK", [["A", "b"]], undefined);
startResponse("200 OK", [["A", "b"]], new Error("x"));
startResponse("200 OK", [["A", "b"]], "anything");
// @ts-expect-error: the status is a string
startResponse(200, []);
// @ts-expect-error: without headers
startResponse("200 OK");
// @ts-expect-error: headers are pairs
startResponse("200 OK", { A: "b" });
// @ts-expect-error: headers are pairs
startResponse("200 OK", ["A: b"]);
// @ts-expect-error: of strings
startResponse("200 OK", [["Content-Length", 5]]);
declare const constant: readonly Header[];
// @ts-expect-error: the list belongs to the server, which changes it
startResponse("200 OK", constant);
declare const header: Header;
// @ts-expect-error: a pair is replaced, never changed
header[1] = "c";
declare const headers: HeaderList;
headers[0] = ["A", "c"];
headers.push(["A", "b"]);
// A wrapper may call with three arguments always, and may leave out what it does not need.
((status, list, excInfo) => startResponse(status, list, excInfo)) satisfies StartResponse;
(() => () => {}) satisfies StartResponse;

// write().
declare const write: Write;
void (write(Buffer.from("x")) satisfies void | Promise<void>);
// @ts-expect-error: text must be encoded
void write("text");

// Bodies.
[bytes] satisfies ResponseBody;
[Buffer.from("x")] satisfies ResponseBody;
[] satisfies ResponseBody;
new Set([bytes]) satisfies ResponseBody;
Object.assign([bytes], { close() {} }) satisfies ResponseBody;
Object.assign([bytes], { close: async () => {} }) satisfies ResponseBody;
Object.assign([bytes], { close: undefined }) satisfies ResponseBody;
(function* () {
  yield bytes;
})() satisfies ResponseBody;
(async function* () {
  yield bytes;
})() satisfies ResponseBody;
// @ts-expect-error: a string
"text" satisfies ResponseBody;
// @ts-expect-error: bare bytes
bytes satisfies ResponseBody;
// @ts-expect-error: bare bytes
Buffer.from("x") satisfies ResponseBody;
// @ts-expect-error: strings
["text"] satisfies ResponseBody;
// @ts-expect-error: promises of chunks
void ([Promise.resolve(bytes)] satisfies ResponseBody);
// @ts-expect-error: nothing
undefined satisfies ResponseBody;
// @ts-expect-error: close is a function
Object.assign([bytes], { close: 5 }) satisfies ResponseBody;

// Applications.
((environ, startResponse) => {
  environ.PATH_INFO satisfies string;
  startResponse("200 OK", []);
  return [bytes];
}) satisfies Application;
(async () => [bytes]) satisfies Application;
(async function* () {
  yield bytes;
}) satisfies Application;
(function* () {
  yield bytes;
}) satisfies Application;
(() => []) satisfies Application;
// @ts-expect-error: text
(() => "text") satisfies Application;
// @ts-expect-error: bare bytes
(() => bytes) satisfies Application;
// @ts-expect-error: a promise of bare bytes
(async () => bytes) satisfies Application;
// @ts-expect-error: nothing
(() => {}) satisfies Application;
// @ts-expect-error: nothing, later
(async () => {}) satisfies Application;
declare const strings: () => Generator<string>;
// @ts-expect-error: strings
strings satisfies Application;

// The forms of an application.
class ClassApp {
  constructor(environ: Environ, start: StartResponse) {
    start(environ.PATH_INFO, []);
  }

  *[Symbol.iterator](): Generator<Uint8Array> {
    yield bytes;
  }
}
const objectApp = { call: (_environ: Environ, _start: StartResponse): ResponseBody => [bytes] };
ClassApp satisfies ApplicationLike;
ClassApp satisfies ApplicationClass;
objectApp satisfies ApplicationLike;
toApplication(ClassApp) satisfies Application;
toApplication(objectApp) satisfies Application;
toApplication(() => []) satisfies Application;
declare const layer: Middleware;
layer(toApplication(ClassApp)) satisfies Application;
// @ts-expect-error: a class is constructed, not called
ClassApp satisfies Application;
// @ts-expect-error: an object is not called
objectApp satisfies Application;
// @ts-expect-error: a layer takes a function
layer(objectApp);
// @ts-expect-error: a layer takes a function
layer(ClassApp);
// @ts-expect-error: a function that gives no body is no object with call()
(() => "text") satisfies ApplicationLike;
// @ts-expect-error: what it constructs is iterated
Map satisfies ApplicationLike;
// @ts-expect-error: no call
({}) satisfies ApplicationLike;

// Input and errors.
async function read(input: InputStream): Promise<void> {
  (await input.read()) satisfies Uint8Array;
  (await input.read(5)) satisfies Uint8Array;
  (await input.readlines()) satisfies Uint8Array[];
  for await (const chunk of input) chunk satisfies Uint8Array;
  // @ts-expect-error: a size is a number
  await input.read("5");
}
void read;
environ["wsgi.errors"].write("text");
environ["wsgi.errors"].writelines(new Set(["a\n"]));
// @ts-expect-error: text
environ["wsgi.errors"].write(bytes);

// Files.
({ read: () => bytes }) satisfies FileLike;
({ read: async () => bytes, close: async () => {} }) satisfies FileLike;
// @ts-expect-error: no text
({ read: () => "text" }) satisfies FileLike;

// The exchange.
environ["gateway.exchange"].onEnd((ending) => {
  ending.outcome satisfies "finished" | "gone" | "failed";
  ending.headAt satisfies number | undefined;
  // @ts-expect-error: an ending does not change
  ending.status = "";
});
environ["gateway.exchange"].onEnd(() => 5);
// @ts-expect-error: a signal is read
environ["gateway.exchange"].signal = new AbortController().signal;
declare const ending: Ending;
// @ts-expect-error: a time at which nobody listened is undefined
ending.endedAt.toFixed();

// A sink may know no early hints.
({ head() {}, write() {}, end() {}, abort() {} }) satisfies Sink;
({ head() {}, write: async () => {}, end: async () => {}, abort() {}, earlyHints() {} }) satisfies Sink;
// @ts-expect-error: every sink can abort
({ head() {}, write() {}, end() {} }) satisfies Sink;
