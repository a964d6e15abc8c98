"""A small forwarding proxy: a thread a connection, bodies in pieces. What passes is what a subclass of `Forwarder` says.

Standard library only, for it is what every request of the emulated cloud goes through.
"""

import contextlib
import http.client
import http.server
import socket
import threading

PIECE = 1 << 16
# What belongs to one connection, and is not handed on (RFC 9110, 7.6.1).
HOP = {"connection", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade", "expect"}


class Request:
    """What came in: `body` gives its bytes in pieces, and is read once."""

    def __init__(self, method, path, headers, body):
        self.method, self.path, self.headers, self.body = method, path, headers, body

    def header(self, name):
        return next((value for key, value in self.headers if key.lower() == name), None)


class Answer:
    """What goes back. `body` is bytes, or what gives them in pieces with `length` beforehand."""

    def __init__(self, status, headers, body=b""):
        self.status, self.headers, self.body = status, headers, body


class Forwarder(http.server.ThreadingHTTPServer):
    """Answers by `answer(request)`; `forward(request)` asks the server behind."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, upstream=None, port=0):
        self.upstream = upstream  # "host:port"
        super().__init__(("127.0.0.1", port), Handler)

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}"

    def begin(self):
        threading.Thread(target=self.serve_forever, daemon=True).start()
        return self

    def answer(self, request):
        return self.forward(request)

    def forward(self, request, timeout=600):
        """Hands a request on and returns the answer, whose body is still to be read."""
        connection = http.client.HTTPConnection(self.upstream, timeout=timeout)
        try:
            connection.putrequest(request.method, request.path, skip_host=True, skip_accept_encoding=True)
            chunked = request.header("transfer-encoding") is not None
            for name, value in request.headers:
                if name.lower() not in HOP:
                    connection.putheader(name, value)
            if chunked:
                connection.putheader("Transfer-Encoding", "chunked")
            connection.endheaders()
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # refused early: the answer is there
                for piece in request.body:
                    connection.send(b"%x\r\n%s\r\n" % (len(piece), piece) if chunked else piece)
                if chunked:
                    connection.send(b"0\r\n\r\n")
            got = connection.getresponse()
        except BaseException:
            connection.close()
            raise
        headers = [(name, value) for name, value in got.getheaders() if name.lower() not in HOP]
        return Answer(got.status, headers, Pieces(got, connection))

    def handle_error(self, request, client_address):
        pass  # a client that went away


class Pieces:
    """The body of an answer, on its way."""

    def __init__(self, got, connection):
        self.got, self.connection = got, connection
        self.length = got.length

    def __iter__(self):
        with contextlib.closing(self.connection):
            while piece := self.got.read1(PIECE):
                yield piece

    def close(self):
        self.connection.close()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def __getattr__(self, name):
        if name.startswith("do_"):
            return self.one
        raise AttributeError(name)

    def log_message(self, *_):
        pass

    def one(self):
        try:
            length = int(self.headers.get("Content-Length") or 0)
        except ValueError:
            return self.send_error(400)
        chunked = "chunked" in self.headers.get("Transfer-Encoding", "").lower()
        body = self.chunks() if chunked else self.exactly(length)
        request = Request(self.command, self.path, list(self.headers.items()), body)
        try:
            answer = self.server.answer(request)
        except (OSError, http.client.HTTPException):
            self.close_connection = True
            self.connection.close()
            return None
        self.send(answer)
        # What was not read would be taken for the next request.
        if next(iter(body), None) is not None:
            self.close_connection = True
            self.drain(body)
        return None

    def drain(self, body, limit=64 << 20):
        """Reads on for a while, so that a client which is still sending sees the answer and not a reset."""
        self.connection.settimeout(5)
        with contextlib.suppress(OSError):
            self.wfile.flush()
            self.connection.shutdown(socket.SHUT_WR)
            for piece in body:
                limit -= len(piece)
                if limit < 0:
                    break

    def exactly(self, length):
        while length > 0:
            piece = self.rfile.read1(min(PIECE, length))
            if not piece:
                raise ConnectionResetError("the client closed before the end of its body")
            length -= len(piece)
            yield piece

    def chunks(self):
        while size := int(self.rfile.readline(1024).split(b";")[0], 16):
            yield from self.exactly(size)
            self.rfile.readline(1024)
        while self.rfile.readline(1024).strip():
            pass

    def send(self, answer):
        body, whole = answer.body, isinstance(answer.body, bytes)
        length = len(body) if whole else body.length
        self.send_response_only(answer.status)
        for name, value in answer.headers:
            if name.lower() != "content-length":
                self.send_header(name, value)
        bare = self.command == "HEAD" or answer.status in (204, 304) or answer.status < 200
        if bare:
            given = next((value for name, value in answer.headers if name.lower() == "content-length"), None)
            if given is not None and answer.status != 204:
                self.send_header("Content-Length", given)
        elif length is None:
            self.send_header("Transfer-Encoding", "chunked")
        else:
            self.send_header("Content-Length", str(length))
        self.end_headers()
        for piece in [body] if whole else body:
            if not bare and piece:
                self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece) if length is None else piece)
        if not bare and length is None:
            self.wfile.write(b"0\r\n\r\n")
        self.wfile.flush()
