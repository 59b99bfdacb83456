"""The control socket of a running daemon: what `parley` types over, without a process an edit.

A message is four bytes of length, big-endian, then JSON; see `Sources/ParleyControl`.
"""
import json
import socket
import struct


class Reply:
    """What a daemon answered: the exit code, and the JSON a command would print."""

    def __init__(self, code, text, error):
        self.code, self.text, self.error = code, text, error

    @property
    def json(self):
        return json.loads(self.text)


class ControlLine:
    """One connection, one request at a time. `ConnectionError` where no answer came."""

    def __init__(self, home, timeout=60):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.socket.settimeout(timeout)
        try:
            self.socket.connect(f"{home}/control.sock")
        except OSError as error:
            self.close()
            raise ConnectionError(f"no daemon: {error}") from None

    def __enter__(self):
        return self

    def __exit__(self, *reason):
        self.close()

    def close(self):
        self.socket.close()

    def ask(self, request, **fields):
        """Asks for what `Request` calls `request`; returns the whole answer."""
        body = json.dumps({"request": {request: fields}, "showsAllValues": False}).encode()
        try:
            self.socket.sendall(struct.pack(">I", len(body)) + body)
            text = ""
            while True:
                frame = self.frame()
                text += frame.get("json") or ""
                if not frame["isPiece"]:
                    return Reply(frame["exitCode"], text, frame.get("error"))
        except OSError as error:
            raise ConnectionError(f"no answer: {error}") from None

    def frame(self):
        length, = struct.unpack(">I", self.read(4))
        return json.loads(self.read(length))

    def read(self, length):
        data = b""
        while len(data) < length:
            piece = self.socket.recv(length - len(data))
            if not piece:
                raise ConnectionError("the daemon went away")
            data += piece
        return data


def assignment(field, value, operator="="):
    """One `FIELD=VALUE` of a request."""
    return {"field": field, "operator": operator, "value": value}
