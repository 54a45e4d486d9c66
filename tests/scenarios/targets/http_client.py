"""One request over a connection of its own, with the path and the headers exactly as given."""

import http.client
from urllib.parse import urlsplit

from tests.scenarios.playing import Answer
from tests.scenarios.steps import Request

TIMEOUT_S = 60


def send(url: str, request: Request) -> Answer:
    """Send it to the server at `url`."""
    server = urlsplit(url)
    assert server.hostname is not None
    connection = http.client.HTTPConnection(server.hostname, server.port, timeout=TIMEOUT_S)
    try:
        connection.putrequest(request.method, request.path, skip_accept_encoding=True)
        for name, value in request.headers:
            connection.putheader(name, value.encode())
        if request.content or request.method == "POST":
            connection.putheader("Content-Length", str(len(request.content)))
        connection.endheaders(request.content)
        response = connection.getresponse()
        return Answer(response.status, response.getheader("Content-Type"), response.read().decode())
    finally:
        connection.close()
