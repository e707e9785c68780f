from common import around, lines
from flask import Flask, Response, make_response, redirect, request

site = Flask(__name__)


@site.get("/")
def page():
    return "<h1>page of flask</h1>"


@site.post("/form")
def form():
    return "%s and %s" % (request.form["name"], request.form["text"])


@site.post("/upload")
def upload():
    sent = request.files["file"]
    return "%s: %d bytes" % (sent.filename, len(sent.read()))


@site.get("/cookies")
def cookies():
    response = make_response("had " + request.cookies.get("one", "none"))
    response.set_cookie("one", "1")
    response.set_cookie("two", "2")
    return response


@site.get("/redirect")
def away():
    return redirect("/elsewhere?a=b", 303)


@site.get("/stream")
def stream():
    return Response(lines(), mimetype="text/plain")


@site.get("/error")
def error():
    raise RuntimeError("on purpose")


@site.get("/client")
def client():
    return "%s %s %s" % (request.remote_addr, request.scheme, request.host)


application = around(site.wsgi_app)
