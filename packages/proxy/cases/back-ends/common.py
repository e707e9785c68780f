"""What the frameworks would not do by themselves: an application around theirs that hangs, dies and sends what it must not."""

import os
import signal
import sys
import time


def around(application):
    def outer(environ, start_response):
        path = environ.get("PATH_INFO", "")
        plain = ("Content-Type", "text/plain")
        if path == "/die":
            os.kill(os.getpid(), signal.SIGKILL)
        if path == "/die-later":
            write = start_response("200 OK", [plain, ("Content-Length", "1000000")])
            write(b"begun\n" * 2000)
            os.kill(os.getpid(), signal.SIGKILL)
        if path == "/hang":
            print("it hangs now", file=sys.stderr, flush=True)
            time.sleep(600)
        if path == "/hop":
            start_response("200 OK", [plain, ("Proxy-Authenticate", "Basic"), ("X-Kept", "yes"), ("Content-Length", "3")])
            return [b"hop"]
        if path == "/cr":
            start_response("200 OK", [plain, ("X-Bad", "a\rSet-Cookie: b=c")])
            return [b"bad"]
        if path == "/script":
            start_response("200 OK", [plain])
            return [("%s|%s" % (environ.get("SCRIPT_NAME", ""), path)).encode("latin-1")]
        return application(environ, start_response)

    return outer


def lines():
    for number in range(20000):
        yield b"line %d of a long stream\n" % number
