import cherrypy
from common import around, lines


class Site:
    @cherrypy.expose
    def index(self):
        return "<h1>page of cherrypy</h1>"

    @cherrypy.expose
    def form(self, name, text):
        return "%s and %s" % (name, text)

    @cherrypy.expose
    def upload(self, file):
        return "%s: %d bytes" % (file.filename, len(file.file.read()))

    @cherrypy.expose
    def cookies(self):
        had = cherrypy.request.cookie["one"].value if "one" in cherrypy.request.cookie else "none"
        cherrypy.response.cookie["one"] = "1"
        cherrypy.response.cookie["two"] = "2"
        return "had " + had

    @cherrypy.expose
    def redirect(self):
        raise cherrypy.HTTPRedirect("/elsewhere?a=b", 303)

    @cherrypy.expose
    def stream(self):
        cherrypy.response.headers["Content-Type"] = "text/plain"
        return lines()

    stream._cp_config = {"response.stream": True}

    @cherrypy.expose
    def error(self):
        raise RuntimeError("on purpose")

    @cherrypy.expose
    def client(self):
        request = cherrypy.request
        return "%s %s %s" % (request.remote.ip, request.scheme, request.headers["Host"])


cherrypy.config.update({"environment": "embedded", "request.show_tracebacks": False, "log.screen": False})
application = around(cherrypy.tree.mount(Site(), "/"))
