"""Bytes that are no good HTTP: the server answers or hangs up, and goes on serving everybody else."""

import random
import socket

import pytest

from lambent import Server

TAGS = b"GET /2015-03-31/functions HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"


@pytest.fixture(scope="module")
def target():
    """A server of its own: it must survive all of this in one life."""
    with Server("--pool-size", "0") as server:
        yield server
        serves(server)


def serves(server):
    status, _, body = server.request("GET", "/_lambent/health")
    assert status == 200, body


def exchange(server, sent, half_close=True):
    """Sends bytes and reads until the server hangs up."""
    with server.connect() as connection:
        try:
            connection.sendall(sent)
            if half_close:
                connection.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # It has hung up already.
        received = b""
        try:
            while chunk := connection.recv(65536):
                received += chunk
        except ConnectionResetError:
            pass
        return received


def status_of(answer):
    return int(answer.split(b" ")[1]) if answer.startswith(b"HTTP/1.") else None


@pytest.mark.parametrize("seed", range(20))
def test_random_bytes(target, seed):
    noise = random.Random(seed)
    answer = exchange(target, noise.randbytes(noise.randrange(1, 20_000)))
    assert status_of(answer) in (None, 400)
    serves(target)


REQUESTS = {
    "nothing": b"",
    "an empty line": b"\r\n",
    "no version": b"GET /\r\n\r\n",
    "a version of the future": b"GET / HTTP/9.9\r\n\r\n",
    "no method": b" / HTTP/1.1\r\n\r\n",
    "zero bytes": b"\0" * 1000,
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(500),
    "a head that never ends": b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n" + b"X-A: b\r\n" * 100_000,
    "a header that never ends": b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX-A: " + b"a" * 1_000_000,
    "a path that never ends": b"GET /" + b"a" * 1_000_000,
    "two lengths": b"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
    "a negative length": b"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: -1\r\n\r\n",
    "no number": b"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: many\r\n\r\n",
    "a length of 2^64": b"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 18446744073709551616\r\n\r\n",
    "more than it may": b"POST /2015-03-31/functions HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 99999999999\r\n\r\n{",
    "less than it says": b"POST /2015-03-31/functions HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 100\r\n\r\n{}",
    "length and chunks": b"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "a chunk that is none": b"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n\r\n",
    "a chunk that is cut": b"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\nFFFF\r\nabc",
    "a chunk of 2^64": b"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\n10000000000000000\r\n",
    "bytes in a header": b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX-A: \xff\xfe\x01\r\n\r\n",
    "a line break in a header": b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX-A: a\n b\r\n\r\n",
    "a broken escape": b"GET /2015-03-31/functions/%zz%/ HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
    "a zero in the path": b"GET /2015-03-31/functions/%00 HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
    "upwards": b"GET /2015-03-31/functions/../../../../etc/passwd HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
    "upwards, escaped": b"GET /2015-03-31/functions/..%2f..%2f..%2fetc%2fpasswd HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
    "the preface of HTTP/2, cut": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "HTTP/2 with a frame too large": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\xff\xff\xff\x04\x00\x00\x00\x00\x00",
    "HTTP/2 with noise": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + random.Random(7).randbytes(5000),
}


@pytest.mark.parametrize("what", REQUESTS)
def test_a_request_that_is_none(target, what):
    answer = exchange(target, REQUESTS[what])
    status = status_of(answer)
    assert status is None or 400 <= status < 500, answer[:500]
    assert b"root:" not in answer
    serves(target)


def test_a_slow_client_keeps_nobody_waiting(target):
    """Hundreds that send one byte of a head and then nothing."""
    slow = [target.connect() for _ in range(300)]
    try:
        for number, connection in enumerate(slow):
            connection.sendall(TAGS[: number % len(TAGS)])
        serves(target)
        # One of them goes on where it stopped, and is answered.
        slow[10].sendall(TAGS[10:])
        assert slow[10].recv(65536).startswith(b"HTTP/1.1 200 OK")
    finally:
        for connection in slow:
            connection.close()
    serves(target)


def test_a_client_that_does_not_read_keeps_nobody_waiting(target):
    with target.connect() as deaf:
        deaf.settimeout(2)
        try:
            # Answers pile up until the server stops taking requests from it.
            for _ in range(20_000):
                deaf.sendall(TAGS)
        except TimeoutError:
            pass
        serves(target)


def test_requests_behind_one_another_are_answered_in_order(target):
    unknown = b"GET /2015-03-31/functions/none HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"
    answer = exchange(target, TAGS + TAGS + unknown)
    statuses = [part.split(b" ")[0] for part in answer.split(b"HTTP/1.1 ")[1:]]
    assert statuses == [b"200", b"200", b"404"]


def test_a_client_that_leaves_before_the_answer(target):
    for _ in range(50):
        with target.connect() as connection:
            connection.sendall(TAGS)
    serves(target)
    assert "panic" not in target.log()
