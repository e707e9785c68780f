# Varnish, which speaks HTTP/1.1 to the application. It has no TLS of its own: another server stands in front of it for that.
vcl 4.1;

backend everywhere {
  .path = "@SOCKET@";
}

sub vcl_recv {
  # Who came over what. Varnish has appended the client's address to X-Forwarded-For, and the application believes the last.
  set req.http.X-Forwarded-Proto = "http";
  # Nothing is cached. Where the application says in its headers what may be, leave this out.
  return (pass);
}

sub vcl_backend_response {
  # Responses go on as they come.
  set beresp.do_stream = true;
}
