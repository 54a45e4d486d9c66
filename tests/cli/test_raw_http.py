"""Answers that come at once are read one by one."""

import socket

from tests.cli.raw_http import read_answers


def test_answers_that_come_in_one_packet_are_all_read() -> None:
    sends, reads = socket.socketpair()
    with sends, reads:
        sends.sendall(b"".join(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n%d" % number for number in range(5)))
        assert [answer.body for answer in read_answers(reads, 5)] == [b"0", b"1", b"2", b"3", b"4"]
