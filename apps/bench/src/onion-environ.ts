import { FileWrapper, type Environ } from "@gateway/core";
import { detachedExchange, emptyInput, type Sink } from "@gateway/core/gateway";

/** Takes a response, and drops it. */
export const nowhere: Sink = { head() {}, write() {}, end() {}, abort() {} };
const errors = { write() {}, writelines() {}, flush() {} };
const fileWrapper: NonNullable<Environ["wsgi.file_wrapper"]> = (file, blockSize) => new FileWrapper(file, blockSize);

/** What a server makes for a request: one literal of many keys. */
export function makeEnviron(): Environ {
  return {
    REQUEST_METHOD: "GET",
    SCRIPT_NAME: "",
    PATH_INFO: "/hello/world",
    QUERY_STRING: "a=1&b=2",
    CONTENT_TYPE: undefined,
    CONTENT_LENGTH: undefined,
    SERVER_NAME: "localhost",
    SERVER_PORT: "8000",
    SERVER_PROTOCOL: "HTTP/1.1",
    REQUEST_URI: "/hello/world?a=1&b=2",
    REMOTE_ADDR: "127.0.0.1",
    REMOTE_PORT: "50000",
    HTTP_HOST: "localhost:8000",
    HTTP_USER_AGENT: "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36",
    HTTP_REFERER: "http://localhost:8000/from/here",
    HTTP_ACCEPT: "*/*",
    "wsgi.version": [1, 0],
    "wsgi.url_scheme": "http",
    "wsgi.input": emptyInput,
    "wsgi.errors": errors,
    "wsgi.multithread": false,
    "wsgi.multiprocess": false,
    "wsgi.run_once": false,
    "wsgi.input_terminated": true,
    "wsgi.file_wrapper": fileWrapper,
    "gateway.exchange": detachedExchange,
  };
}
