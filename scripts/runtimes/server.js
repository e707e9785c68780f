// Runs on every version of Node: the server serves over TCP, and stops.
import { makeServer } from "@gateway/server";

const server = makeServer("127.0.0.1", 0, (environ, startResponse) => {
  startResponse("200 OK", [["Content-Type", "text/plain; charset=utf-8"]]);
  return [Buffer.from(`Hello from ${environ.PATH_INFO}\n`)];
});
const { port } = await server.listen();
const serving = server.serveForever();
const text = await (await fetch(`http://127.0.0.1:${port}/here`)).text();
if (text !== "Hello from /here\n") throw new Error(`unexpected: ${JSON.stringify(text)}`);
await server.shutdown();
await serving;
console.log("server runs here");
