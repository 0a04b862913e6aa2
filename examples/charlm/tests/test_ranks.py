"""Ranks find each other among strangers, and add up in a fixed order."""

import json
import socket
import threading
import unittest
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import asdict

import rendezvous
from link import GroupError, Link
from rendezvous import Greeting, Place
from tests.launch import meeting_point

TOKEN, PLAN = "token", "plan"


class Ranks(unittest.TestCase):
    def setUp(self):
        meeting = meeting_point()
        self.address, self.port = meeting["MASTER_ADDR"], int(meeting["MASTER_PORT"])
        self.pool = ThreadPoolExecutor()
        self.addCleanup(self.pool.shutdown)

    def begin(self, rank, world_size, work=lambda group: None, plan=PLAN, join_secs=30.0, silence_secs=30.0):
        """A rank in a thread: what `work` gives for its group."""
        place = Place(rank, world_size, self.address, self.port, join_secs, silence_secs)

        def body():
            with rendezvous.join(place, TOKEN, plan) as group:
                return work(group)

        return self.pool.submit(body)

    def connect(self):
        """A connection to rank 0, as soon as it listens."""
        while True:
            try:
                connection = socket.create_connection((self.address, self.port))
            except ConnectionRefusedError:
                continue
            if connection.getsockname() != connection.getpeername():
                self.addCleanup(connection.close)
                return connection
            connection.close()

    def test_add_up_in_the_order_of_the_ranks_whoever_comes_first(self):
        values = [[1e16, 1.0], [1.0, 2.0], [-1e16, 3.0]]
        results = [self.begin(0, 3, lambda group: group.sum(values[0]))]
        results.append(self.begin(2, 3, lambda group: group.sum(values[2])))
        results.append(self.begin(1, 3, lambda group: group.sum(values[1])))
        # (1e16 + 1) - 1e16 is 0 in this order; any other order gives 1.
        self.assertEqual([result.result() for result in results], [[0.0, 6.0]] * 3)

    def test_share_what_rank_0_has(self):
        rank_0 = self.begin(0, 2, lambda group: group.share(b"state"))
        rank_1 = self.begin(1, 2, lambda group: group.share(None))
        self.assertEqual((rank_0.result(), rank_1.result()), (b"state", b"state"))

    def test_need_no_sockets_when_there_is_only_one(self):
        place = Place(0, 1, "", 0, 1.0, 1.0)
        with rendezvous.join(place, TOKEN, PLAN) as group:
            self.assertEqual(group.sum([1.5]), [1.5])
            self.assertEqual(group.share(b"state"), b"state")
            group.wait()

    def test_meet_although_strangers_knock_too(self):
        rank_0 = self.begin(0, 2, lambda group: group.sum([1.0]))
        noises = (b"GET / HTTP/1.1\r\n\r\n", b"", bytes(8), b"\xff" * 8, bytes(7) + b"\2{}", bytes(7) + b"\1\xff")
        for noise in noises:
            connection = self.connect()
            with suppress(OSError):  # rank 0 may have reset the connection before it has read all of the noise
                connection.sendall(noise)
                connection.shutdown(socket.SHUT_WR)
                self.assertEqual(connection.recv(1), b"", msg=noise)
        self.assertEqual(self.begin(1, 2, lambda group: group.sum([2.0])).result(), [3.0])
        self.assertEqual(rank_0.result(), [3.0])

    def test_send_a_rank_of_another_training_away_and_go_on(self):
        rank_0 = self.begin(0, 2, lambda group: group.sum([1.0]))
        for token, program in (("other", "charlm/1"), (TOKEN, "charlm/0")):
            other = Link(self.connect(), "rank 0")
            other.send(json.dumps(asdict(Greeting(1, 2, token, PLAN, program))).encode())
            answer = json.loads(other.receive())
            self.assertEqual(answer, {"refusal": "another training is running there", "belongs": False})
        self.assertEqual(self.begin(1, 2, lambda group: group.sum([2.0])).result(), [3.0])
        self.assertEqual(rank_0.result(), [3.0])

    def test_keep_a_place_for_one_rank_only(self):
        rank_0 = self.begin(0, 3, lambda group: group.sum([1.0]))
        twins = [self.begin(1, 3, lambda group: group.sum([2.0])) for _ in range(2)]
        rank_2 = threading.Event()
        refused = []
        for twin in twins:
            twin.add_done_callback(lambda done: (refused.append(done.exception()), rank_2.set()))
        self.assertTrue(rank_2.wait(30.0))
        self.assertRegex(str(refused[0]), "rank 0 refused this rank: there is no free place for a rank 1")
        self.assertEqual(self.begin(2, 3, lambda group: group.sum([3.0])).result(), [6.0])
        self.assertEqual(rank_0.result(), [6.0])

    def test_do_not_start_when_they_disagree(self):
        for options, reason in (({"plan": "other"}, "other options"), ({"world_size": 3}, "counts 3 ranks")):
            with self.subTest(reason):
                rank_0 = self.begin(0, 2)
                rank_1 = self.begin(1, **{"world_size": 2, **options})
                with self.assertRaisesRegex(GroupError, f"rank 1 does not fit: .*{reason}"):
                    rank_0.result()
                with self.assertRaisesRegex(GroupError, f"rank 0 refused this rank: .*{reason}"):
                    rank_1.result()

    def test_do_not_wait_for_ever(self):
        with self.assertRaisesRegex(GroupError, "rank 1, 2 of 3 did not come within 0.2 s"):
            self.begin(0, 3, join_secs=0.2).result()
        with self.assertRaisesRegex(GroupError, "did not meet rank 0 at .* within 0.3 s: Connection refused"):
            self.begin(1, 3, join_secs=0.3).result()

    def test_are_a_group_only_when_all_are_there(self):
        rank_0 = self.begin(0, 3, join_secs=0.3)
        with self.assertRaisesRegex(GroupError, "did not meet rank 0"):
            self.begin(1, 3, join_secs=0.6).result()
        with self.assertRaisesRegex(GroupError, "rank (1, )?2 of 3 did not come"):
            rank_0.result()

    def test_say_when_the_port_is_taken(self):
        with socket.create_server((self.address, self.port)):
            with self.assertRaisesRegex(GroupError, f"cannot listen on .* port {self.port}: Address already in use"):
                self.begin(0, 2).result()

    def test_notice_a_rank_that_falls_silent(self):
        released = threading.Event()
        rank_1 = self.begin(1, 2, lambda group: released.wait())
        rank_0 = self.begin(0, 2, lambda group: group.sum([1.0]), silence_secs=0.2)
        with self.assertRaisesRegex(GroupError, "lost rank 1: silent for 0.2 s"):
            rank_0.result()
        released.set()
        rank_1.result()

    def test_notice_numbers_that_do_not_fit(self):
        rank_0 = self.begin(0, 2, lambda group: group.sum([1.0, 2.0]))
        self.begin(1, 2, lambda group: group._links[0].send(b"12345678")).result()
        with self.assertRaisesRegex(GroupError, "rank 1 sent 8 bytes instead of 2 numbers"):
            rank_0.result()

    def test_notice_a_connection_to_oneself(self):
        with socket.socket() as connection:
            connection.bind((self.address, self.port))
            connection.connect((self.address, self.port))
            self.assertTrue(Link(connection, "oneself").is_to_itself())


if __name__ == "__main__":
    unittest.main()
