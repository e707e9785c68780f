import type { Lack, Pair } from "./pair.ts";
import { apacheModules } from "./apache-modules.ts";

type Lacks = Readonly<Record<string, Lack>>;

const unsized = "one that fails in a body without a length is seen to break off";
const unkept = "ten requests over one connection to the application";

/** What protocols cannot, whatever the front. */
const oneRequestEach: Lacks = {
  [unkept]: { why: "the protocol has one request on each connection", sees: /new connections: 9 / },
};
const closesEach: Lacks = {
  [unkept]: { why: "it closes the connection after each request", sees: /new connections: 9 / },
};
const processEach: Lacks = {
  [unkept]: { why: "each request has a process of its own", sees: /the same process: false/ },
};

// What fronts cannot.

const apache: Lacks = {
  "cookies that come in two headers": {
    why: "it joins them with a comma (HTTP/1.1 clients send one header)",
    sees: /HTTP_COOKIE: "a=1; b=2, c=3"/,
  },
};
const apacheFiles: Lacks = {
  ...apache,
  "two slashes": { why: "in paths that lead to files it makes one of them", sees: /PATH_INFO: "\/environ\/two"/ },
};
const noChunked: Lacks = Object.fromEntries(
  ["nothing", "1 KiB", "5 MiB"].map((size) => [
    `a chunked body of ${size}`,
    {
      why: "it answers 411, since the protocol needs the length first and it does not buffer",
      sees: /status: 411|EPIPE|ECONNRESET/,
    },
  ]),
);
const ownReasons: Lacks = {
  "a status with a reason of its own": { why: "it sends the usual reason", sees: /reason: "OK"/ },
};
const underscores: Lacks = {
  "no header whose name has an underscore": {
    why: "it passes them, and then they look like another's",
    sees: /HTTP_X_UNDER: "spoofed"/,
  },
};
const lighttpd: Lacks = {
  ...ownReasons,
  "an empty header": { why: "it drops headers without a value", sees: /HTTP_X_VOID: null/ },
};
const lighttpdVariables: Lacks = {
  ...lighttpd,
  ...underscores,
  "two slashes": { why: "it makes one of them", sees: /PATH_INFO: "\/environ\/two"/ },
};
const looksWhole = (why: string): Lacks => ({ [unsized]: { why, sees: /looks whole: true/ } });

/** All pairs, front by front. */
export const pairs: readonly Pair[] = [
  { name: "nginx-http", title: "nginx, `proxy_pass`", needs: ["nginx"], lacks: {} },
  {
    name: "nginx-fastcgi",
    title: "nginx, `fastcgi_pass`",
    needs: ["nginx"],
    lacks: looksWhole("it takes the end of the connection for the end of the response"),
  },
  { name: "nginx-scgi", title: "nginx, `scgi_pass`", needs: ["nginx"], lacks: oneRequestEach },
  { name: "nginx-uwsgi", title: "nginx, `uwsgi_pass`", needs: ["nginx"], lacks: oneRequestEach },
  { name: "apache-http", title: "Apache httpd, mod_proxy_http", needs: ["apache2"], lacks: apache },
  { name: "apache-fastcgi", title: "Apache httpd, mod_proxy_fcgi", needs: ["apache2"], lacks: apache },
  {
    name: "apache-scgi",
    title: "Apache httpd, mod_proxy_scgi",
    needs: ["apache2"],
    lacks: { ...apache, ...noChunked, ...oneRequestEach },
  },
  {
    name: "apache-uwsgi",
    title: "Apache httpd, mod_proxy_uwsgi",
    needs: ["apache2", `${apacheModules}/mod_proxy_uwsgi.so`],
    lacks: {
      ...apache,
      ...noChunked,
      ...oneRequestEach,
      "the mount without its slash": { why: "it adds the slash", sees: /PATH_INFO: "\/" instead of ""/, at: ["at /app"] },
    },
  },
  {
    name: "apache-fcgid",
    title: "Apache httpd, mod_fcgid",
    needs: ["apache2", `${apacheModules}/mod_fcgid.so`],
    isSpawned: true,
    lacks: {
      ...apacheFiles,
      ...processEach,
      ...closesEach,
      ...looksWhole("it takes the end of the connection for the end of the response"),
    },
  },
  {
    name: "apache-cgi",
    title: "Apache httpd, mod_cgid",
    needs: ["apache2"],
    isSpawned: true,
    startsEachRequest: true,
    lacks: { ...apacheFiles, ...processEach, ...looksWhole("the end of the program is the end of the response") },
  },
  { name: "lighttpd-http", title: "lighttpd, mod_proxy", needs: ["lighttpd"], lacks: { ...lighttpd, ...closesEach } },
  { name: "lighttpd-fastcgi", title: "lighttpd, mod_fastcgi", needs: ["lighttpd"], lacks: { ...lighttpdVariables, ...closesEach } },
  { name: "lighttpd-scgi", title: "lighttpd, mod_scgi", needs: ["lighttpd"], lacks: { ...lighttpdVariables, ...oneRequestEach } },
  {
    name: "lighttpd-bin-path",
    title: "lighttpd, mod_fastcgi with `bin-path`",
    needs: ["lighttpd"],
    isSpawned: true,
    lacks: { ...lighttpdVariables, ...closesEach },
  },
  {
    name: "lighttpd-cgi",
    title: "lighttpd, mod_cgi",
    needs: ["lighttpd"],
    isSpawned: true,
    startsEachRequest: true,
    lacks: { ...lighttpdVariables, ...processEach, ...looksWhole("the end of the program is the end of the response") },
  },
  { name: "haproxy-http", title: "HAProxy, HTTP", needs: ["haproxy"], lacks: {} },
  {
    name: "haproxy-fastcgi",
    title: "HAProxy, FastCGI",
    needs: ["haproxy"],
    lacks: {
      "a chunked body of 5 MiB": {
        why: "HAProxy 2.6 answers 400 to chunked bodies that do not fit its buffer",
        sees: /status: 400|EPIPE|ECONNRESET/,
      },
    },
  },
  {
    name: "caddy-http",
    title: "Caddy, HTTP",
    needs: ["caddy"],
    ready: "serving initial configuration",
    lacks: { ...ownReasons, ...looksWhole("it ends the response as if it were whole") },
  },
  {
    name: "caddy-fastcgi",
    title: "Caddy, FastCGI",
    needs: ["caddy"],
    ready: "serving initial configuration",
    lacks: {
      ...apache,
      ...ownReasons,
      ...underscores,
      ...closesEach,
      ...looksWhole("it ends the response as if it were whole"),
    },
  },
  { name: "varnish-http", title: "Varnish, HTTP", needs: ["varnishd"], isPlain: true, lacks: {} },
];
