import django
from common import around, lines
from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.http import HttpResponse, HttpResponseRedirect, StreamingHttpResponse
from django.urls import path

settings.configure(ALLOWED_HOSTS=["*"], ROOT_URLCONF=__name__, SECRET_KEY="of a test", MIDDLEWARE=[], DEBUG=False)


def page(request):
    return HttpResponse("<h1>page of django</h1>")


def form(request):
    return HttpResponse("%s and %s" % (request.POST["name"], request.POST["text"]))


def upload(request):
    sent = request.FILES["file"]
    return HttpResponse("%s: %d bytes" % (sent.name, len(sent.read())))


def cookies(request):
    response = HttpResponse("had " + request.COOKIES.get("one", "none"))
    response.set_cookie("one", "1")
    response.set_cookie("two", "2")
    return response


def away(request):
    response = HttpResponseRedirect("/elsewhere?a=b")
    response.status_code = 303
    return response


def stream(request):
    return StreamingHttpResponse(lines(), content_type="text/plain")


def error(request):
    raise RuntimeError("on purpose")


def client(request):
    return HttpResponse("%s %s %s" % (request.META["REMOTE_ADDR"], request.scheme, request.get_host()))


urlpatterns = [
    path("", page),
    path("form", form),
    path("upload", upload),
    path("cookies", cookies),
    path("redirect", away),
    path("stream", stream),
    path("error", error),
    path("client", client),
]
application = around(get_wsgi_application())
