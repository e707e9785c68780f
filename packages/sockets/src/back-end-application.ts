import { HTTPError, type Application, type Environ, type ResponseBody, type StartResponse } from "@gateway/core";
import type { ClientErrorCode } from "./client-error.ts";
import type { GatewayBody, GatewayResponse } from "./gateway-client.ts";

/** An application that hands requests on to a back end. */
export interface BackEndApplication extends Application {
  /** Closes the connections that wait for a request, and refuses further ones with 503; what is under way is finished. */
  close(): void;
}

/** How each failure is answered: a status, and what strangers may know. */
const answers: Readonly<Record<ClientErrorCode, readonly [code: number, message: string]>> = {
  CONNECT_FAILED: [502, "The server behind this one cannot be reached."],
  CONNECT_TIME_LIMIT: [504, "The server behind this one cannot be reached."],
  TIME_LIMIT: [504, "The server behind this one did not answer in time."],
  TRUNCATED: [502, "The server behind this one broke off its answer."],
  MALFORMED: [502, "The server behind this one gave an answer that is none."],
  REFUSED: [502, "The server behind this one did not take the request."],
  OVERLOADED: [503, "The server behind this one has too much to do."],
  CLOSED: [503, "This server is stopping."],
};

/**
 * Makes an application of what gives the response of a back end.
 *
 * @param ask rejects with a `ClientError` where there is none, which becomes 502, 503 or 504; any other error is handed on.
 */
export function backEndApplication(ask: (environ: Environ) => Promise<GatewayResponse>, close: () => void): BackEndApplication {
  const app: Application = async (environ, startResponse) => {
    let response: GatewayResponse;
    try {
      response = await ask(environ);
    } catch (error) {
      throw answerTo(error);
    }
    return handOn(response, environ.REQUEST_METHOD === "HEAD", startResponse);
  };
  return Object.assign(app, { close });
}

function handOn(response: GatewayResponse, isHead: boolean, startResponse: StartResponse): ResponseBody {
  const { status, headers, body } = response;
  const isEmpty = status.startsWith("204") || status.startsWith("304");
  try {
    // What neither of them has (rules A20 and A22), though many servers send it.
    startResponse(status, isEmpty ? headers.filter(([name]) => mayDescribe(name, status)) : headers);
  } catch (error) {
    body.close();
    throw error;
  }
  // Their bodies have been thrown away on the way.
  return isHead || isEmpty ? [] : bodyOf(body);
}

/** What breaks off before its first byte can still be answered as if there had been no head. */
function bodyOf(body: GatewayBody): ResponseBody {
  const fail = (error: unknown): never => {
    throw answerTo(error);
  };
  return {
    [Symbol.asyncIterator]() {
      const iterator = body[Symbol.asyncIterator]();
      return {
        next: () => iterator.next().then(undefined, fail),
        async return() {
          body.close();
          return { done: true, value: undefined };
        },
      };
    },
    close: () => body.close(),
  };
}

function mayDescribe(name: string, status: string): boolean {
  const lower = name.toLowerCase();
  return lower !== "content-type" && (lower !== "content-length" || status.startsWith("304"));
}

/** Told by its name and code, for two copies of this package may be loaded. */
function answerTo(error: unknown): unknown {
  if (!(error instanceof Error) || error.name !== "ClientError" || !("code" in error)) return error;
  const answer = Object.entries(answers).find(([code]) => code === error.code)?.[1];
  return answer === undefined ? error : new HTTPError(answer[0], answer[1], { cause: error });
}
