"""A TCP proxy that does to connections what networks do."""

import contextlib
import socket
import struct
import threading
import time
from collections.abc import Callable

RESET = struct.pack("ii", 1, 0)  # SO_LINGER: close with a RST


class Proxy:
    """Forwards connections to a port of this machine, and misbehaves when told to."""

    def __init__(self, target: int) -> None:
        self._target = target
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.delay = 0.0  # seconds that whatever arrives waits
        self.silent = threading.Event()  # while set, bytes are swallowed and nobody is told
        self.swallow: Callable[[bytes], bool] = lambda _: False  # a reply to lose, and its connection with it
        self._lock = threading.Lock()
        self._pairs: list[tuple[socket.socket, socket.socket]] = []
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            try:
                server = socket.create_connection(("127.0.0.1", self._target))
            except OSError:
                client.close()
                continue
            with self._lock:
                self._pairs.append((client, server))
                for source, sink in ((client, server), (server, client)):
                    thread = threading.Thread(target=self._pump, args=(source, sink, client, server), daemon=True)
                    self._threads.append(thread)
                    thread.start()

    def _pump(self, source: socket.socket, sink: socket.socket, client: socket.socket, server: socket.socket) -> None:
        try:
            while data := source.recv(1 << 16):
                if self.delay:
                    time.sleep(self.delay)
                if source is server and self.swallow(data):
                    break
                if not self.silent.is_set():
                    sink.sendall(data)
        except OSError:
            pass
        self._end(client, server)

    def _end(self, *pair: socket.socket) -> None:
        for each in pair:
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()
        with self._lock:
            self._pairs = [known for known in self._pairs if known != pair]

    def cut(self) -> None:
        """Resets every connection."""
        for pair in list(self._pairs):
            for each in pair:
                with contextlib.suppress(OSError):
                    each.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            self._end(*pair)

    def half_close(self) -> None:
        """The server's side of every connection says that it has no more to say, and still listens."""
        for client, _ in list(self._pairs):
            with contextlib.suppress(OSError):
                client.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)  # wakes the thread that accepts
        self._listener.close()
        self.cut()
        for thread in list(self._threads):
            thread.join(10)
