import bottle
from bottle import Bottle, redirect, request, response
from common import around, lines

site = Bottle()


@site.get("/")
def page():
    return "<h1>page of bottle</h1>"


@site.post("/form")
def form():
    return "%s and %s" % (request.forms.getunicode("name"), request.forms.getunicode("text"))


@site.post("/upload")
def upload():
    sent = request.files["file"]
    return "%s: %d bytes" % (sent.raw_filename, len(sent.file.read()))


@site.get("/cookies")
def cookies():
    response.set_cookie("one", "1")
    response.set_cookie("two", "2")
    return "had " + (request.get_cookie("one") or "none")


@site.get("/redirect")
def away():
    redirect("/elsewhere?a=b", 303)


@site.get("/stream")
def stream():
    response.content_type = "text/plain"
    return lines()


@site.get("/error")
def error():
    raise RuntimeError("on purpose")


@site.get("/client")
def client():
    return "%s %s %s" % (request.environ["REMOTE_ADDR"], request.urlparts.scheme, request.urlparts.netloc)


application = around(site)
