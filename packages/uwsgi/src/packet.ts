import { cgiVariable, type CgiVariables } from "@gateway/core/gateway";
import { GatheredBytes, Refusal, type PacketReader } from "@gateway/sockets";

/** The header before the variables: modifier1, their length in two bytes, the lower first, and modifier2. */
const headerBytes = 4;
/** What modifier1 says: a WSGI request, or one whose PATH_INFO still begins with SCRIPT_NAME. */
const wsgi = 0;
const wsgiWithScriptName = 30;

/** Reads a uwsgi request: names and values, each with its length in two bytes before it. */
export class UwsgiReader implements PacketReader {
  readonly #maxBytes: number;
  readonly #gathered = new GatheredBytes();

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** @throws {Refusal} for what is no request of this protocol. */
  push(chunk: Buffer): { variables: CgiVariables; rest: Buffer } | undefined {
    const bytes = this.#gathered.append(chunk);
    const modifier = bytes[0];
    if (modifier !== wsgi && modifier !== wsgiWithScriptName && modifier !== undefined) {
      throw new Refusal(400, "modifier1 is neither 0 nor 30: the front server wants something else than WSGI");
    }
    if (bytes.length < headerBytes) return undefined;
    const end = headerBytes + bytes.readUInt16LE(1);
    if (end - headerBytes > this.#maxBytes) throw new Refusal(431, "the variables are longer than the server takes");
    if (bytes.length < end) return undefined;
    const variables = variablesOf(bytes.subarray(headerBytes, end));
    return { variables: modifier === wsgiWithScriptName ? split(variables) : variables, rest: bytes.subarray(end) };
  }
}

function variablesOf(bytes: Buffer): CgiVariables {
  const strings: string[] = [];
  for (let at = 0; at < bytes.length;) {
    if (at + 2 > bytes.length) throw new Refusal(400, "the length of a variable is cut off");
    const from = at + 2;
    at = from + bytes.readUInt16LE(at);
    if (at > bytes.length) throw new Refusal(400, "a variable is longer than the packet");
    strings.push(bytes.toString("latin1", from, at));
  }
  if (strings.length % 2 !== 0) throw new Refusal(400, "a variable has no value");
  return strings;
}

/** Takes SCRIPT_NAME off the front of PATH_INFO, where it is whole segments of it. */
function split(variables: CgiVariables): CgiVariables {
  const given = cgiVariable(variables, "SCRIPT_NAME") ?? "";
  const script = given.endsWith("/") ? given.slice(0, -1) : given;
  const path = cgiVariable(variables, "PATH_INFO") ?? "";
  const isBelow = path === script || (path.startsWith(script) && path[script.length] === "/");
  return isBelow ? [...variables, "SCRIPT_NAME", script, "PATH_INFO", path.slice(script.length)] : variables;
}
