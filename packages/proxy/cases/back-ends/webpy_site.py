import web
from common import around, lines

web.config.debug = False


def html():
    # web.py sends no type by itself, and a response with a body has one.
    web.header("Content-Type", "text/html; charset=utf-8")


class Page:
    def GET(self):
        html()
        return "<h1>page of webpy</h1>"


class Form:
    def POST(self):
        html()
        sent = web.input()
        return "%s and %s" % (sent.name, sent.text)


class Upload:
    def POST(self):
        html()
        sent = web.input(file={})["file"]
        return "%s: %d bytes" % (sent.filename, len(sent.file.read()))


class Cookies:
    def GET(self):
        html()
        had = web.cookies().get("one", "none")
        web.setcookie("one", "1")
        web.setcookie("two", "2")
        return "had " + had


class Redirect:
    def GET(self):
        raise web.seeother("/elsewhere?a=b", absolute=True)


class Stream:
    def GET(self):
        web.header("Content-Type", "text/plain")
        return lines()


class Error:
    def GET(self):
        raise RuntimeError("on purpose")


class Client:
    def GET(self):
        html()
        return "%s %s %s" % (web.ctx.ip, web.ctx.protocol, web.ctx.host)


urls = ("/", "Page", "/form", "Form", "/upload", "Upload", "/cookies", "Cookies", "/redirect", "Redirect")
urls += ("/stream", "Stream", "/error", "Error", "/client", "Client")
application = around(web.application(urls, globals()).wsgifunc())
