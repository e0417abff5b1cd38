"""The proxy does what a rule says, and nothing to anybody else. Tested before a server that answers at once: no Kafka."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator

import pytest

from tests.kafka.faults.proxy import HEADER, Api, NotHit, Proxy, Rule

WAIT_S = 10.0


class Answering:
    """Reads frames, keeps their bodies, and answers each with its correlation id and its body."""

    def __init__(self) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        self.received: list[bytes] = []
        self._came = threading.Condition()
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._socket.close()

    def await_body(self, body: bytes) -> None:
        with self._came:
            assert self._came.wait_for(lambda: body in self.received, WAIT_S), f"{body!r} never came"

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection:
            while (frame := read(connection)) is not None:
                _, _, correlation = HEADER.unpack_from(frame)
                with self._came:
                    self.received.append(frame[HEADER.size :])
                    self._came.notify_all()
                write(connection, correlation.to_bytes(4, "big") + frame[HEADER.size :])


class Client:
    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), WAIT_S)

    def ask(self, api: Api, body: bytes) -> None:
        write(self._socket, HEADER.pack(api, 0, len(body)) + body)

    def answer(self) -> bytes | None:
        """The body of the next answer; None if the connection was closed."""
        frame = read(self._socket)
        return None if frame is None else frame[4:]

    def close(self) -> None:
        self._socket.close()


def read(connection: socket.socket) -> bytes | None:
    head = _exactly(connection, 4)
    return None if head is None else _exactly(connection, int.from_bytes(head, "big"))


def _exactly(connection: socket.socket, count: int) -> bytes | None:
    found = b""
    while len(found) < count:
        try:
            more = connection.recv(count - len(found))
        except OSError:
            return None
        if not more:
            return None
        found += more
    return found


def write(connection: socket.socket, frame: bytes) -> None:
    connection.sendall(len(frame).to_bytes(4, "big") + frame)


@pytest.fixture
def server() -> Iterator[Answering]:
    server = Answering()
    yield server
    server.close()


@pytest.fixture
def proxy(server: Answering) -> Iterator[Proxy]:
    proxy = Proxy(lambda: server.port).start()
    yield proxy
    proxy.stop()


@pytest.fixture
def client(proxy: Proxy) -> Iterator[Client]:
    client = Client(proxy.port)
    yield client
    client.close()


def test_without_a_rule_every_request_is_answered(client: Client, proxy: Proxy) -> None:
    for body in (b"one", b"two", b"x" * 3_000_000):
        client.ask(Api.PRODUCE, body)
        assert client.answer() == body
    assert proxy.frames["PRODUCE"] == 3
    assert not proxy.marks


def test_a_request_that_is_held_keeps_its_connection_and_comes_late(
    client: Client, proxy: Proxy, server: Answering
) -> None:
    rule = proxy.arm(Rule(Api.END_TXN, "hold"))
    client.ask(Api.END_TXN, b"held")
    rule.await_hit(WAIT_S)
    assert server.received == []
    rule.release()
    assert client.answer() == b"held"


def test_a_request_that_is_held_comes_even_if_its_client_has_gone(
    client: Client, proxy: Proxy, server: Answering
) -> None:
    rule = proxy.arm(Rule(Api.END_TXN, "hold"))
    client.ask(Api.END_TXN, b"held")
    rule.await_hit(WAIT_S)
    client.close()
    rule.release()
    server.await_body(b"held")


def test_another_connection_goes_on_while_one_is_held(client: Client, proxy: Proxy) -> None:
    rule = proxy.arm(Rule(Api.END_TXN, "hold"))
    client.ask(Api.END_TXN, b"held")
    rule.await_hit(WAIT_S)
    other = Client(proxy.port)
    other.ask(Api.END_TXN, b"free")
    assert other.answer() == b"free"
    other.close()


def test_a_cut_closes_the_connection_at_once_and_delivers_late(client: Client, proxy: Proxy, server: Answering) -> None:
    rule = proxy.arm(Rule(Api.END_TXN, "cut"))
    client.ask(Api.END_TXN, b"cut")
    assert client.answer() is None
    assert server.received == []
    rule.release()
    server.await_body(b"cut")
    assert rule.await_answer(WAIT_S) == b"cut"


def test_what_is_severed_or_dropped_never_comes(client: Client, proxy: Proxy, server: Answering) -> None:
    proxy.arm(Rule(Api.PRODUCE, "drop"))
    proxy.arm(Rule(Api.PRODUCE, "sever"))
    client.ask(Api.PRODUCE, b"dropped")
    client.ask(Api.FETCH, b"after it")
    assert client.answer() == b"after it"
    client.ask(Api.PRODUCE, b"severed")
    assert client.answer() is None
    assert server.received == [b"after it"]
    assert proxy.marks == {"PRODUCE drop": 1, "PRODUCE sever": 1}


def test_an_answer_is_dropped_or_delayed_and_its_request_is_not(
    client: Client, proxy: Proxy, server: Answering
) -> None:
    dropped = proxy.arm(Rule(Api.END_TXN, "drop-answer"))
    delayed = proxy.arm(Rule(Api.END_TXN, "delay-answer"))
    client.ask(Api.END_TXN, b"a")
    assert dropped.await_answer(WAIT_S) == b"a"
    client.ask(Api.END_TXN, b"bb")
    assert delayed.await_answer(WAIT_S) == b"bb"
    delayed.release()
    assert client.answer() == b"bb"
    assert server.received == [b"a", b"bb"]


def test_a_rule_takes_only_what_mentions_its_name_and_so_often_as_it_says(
    client: Client, proxy: Proxy, server: Answering
) -> None:
    rule = proxy.arm(Rule(Api.PRODUCE, "drop", times=2, mentions=b"router-1"))
    for body in (b"router-0", b"router-1", b"of router-1", b"router-1 again"):
        client.ask(Api.PRODUCE, body)
    assert [client.answer(), client.answer()] == [b"router-0", b"router-1 again"]
    rule.await_used_up(WAIT_S)
    assert rule.hits == 2


def test_calm_lets_everything_through(client: Client, proxy: Proxy) -> None:
    held = proxy.arm(Rule(Api.END_TXN, "hold"))
    client.ask(Api.END_TXN, b"held")
    held.await_hit(WAIT_S)
    proxy.calm()
    assert client.answer() == b"held"
    client.ask(Api.END_TXN, b"next")
    assert client.answer() == b"next"


def test_a_rule_that_nothing_met_says_so(proxy: Proxy) -> None:
    rule = proxy.arm(Rule(Api.PRODUCE, "drop"))
    with pytest.raises(NotHit, match="no PRODUCE"):
        rule.await_hit(0.01)


def test_a_frame_that_is_held_for_a_time_goes_on_by_itself(client: Client, proxy: Proxy) -> None:
    proxy.arm(Rule(Api.END_TXN, "hold", for_s=0.05))
    client.ask(Api.END_TXN, b"held")
    assert client.answer() == b"held"
    assert proxy.marks == {"END_TXN hold": 1}
