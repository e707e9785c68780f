// Runs on every runtime there is, unchanged: core loads, an application is run, and its answer is right. Throws when it is not.
import { compose, HeaderFields, layer, requestUri, setupTestingDefaults, toApplication } from "@gateway/core";
import { inputStream, run } from "@gateway/core/gateway";

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** What a sink was given, as text. */
function collect(app, environ) {
  return new Promise((resolve, reject) => {
    let text = "";
    const sink = {
      head: (head) => (text += `${head.status}\n${new HeaderFields(head.headers).get("x-layer")}\n`),
      write: (chunk) => void (text += decoder.decode(chunk)),
      end: () => resolve(text),
      abort: reject,
    };
    run(app, environ, sink);
  });
}

const mark = layer(
  (app) => (environ, startResponse) =>
    app(environ, (status, headers, excInfo) => {
      headers.push(["X-Layer", "seen"]);
      return startResponse(status, headers, excInfo);
    }),
);
const sync = (environ, startResponse) => {
  startResponse("200 OK", [["Content-Type", "text/plain"]]);
  return [encoder.encode(requestUri(environ))];
};
async function* streaming(environ, startResponse) {
  const body = await environ["wsgi.input"].read();
  startResponse("200 OK", [["Content-Type", "text/plain"]]);
  yield body;
}

async function check() {
  let left = 2;
  const input = inputStream({ pull: () => (left-- > 0 ? encoder.encode("chunk ") : undefined) });
  const answers = [
    await collect(compose(mark)(toApplication(sync)), setupTestingDefaults({ PATH_INFO: "/ä b" })),
    await collect(compose(mark)(streaming), setupTestingDefaults({ "wsgi.input": input })),
  ];
  const expected = ["200 OK\nseen\nhttp://127.0.0.1/%C3%A4%20b", "200 OK\nseen\nchunk chunk "];
  if (JSON.stringify(answers) !== JSON.stringify(expected)) throw new Error(`unexpected: ${JSON.stringify(answers)}`);
  console.log("core runs here");
}

// No await at the top level: a bundle for browsers is a plain script. A rejection that nobody handles ends every other runtime.
globalThis.checked = check();
