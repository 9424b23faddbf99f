"""Transactions on their way to Redis, as bytes, and the answers on their way back.

redis-py opens the connections (URLs, ACLs, TLS, clusters) and then stands aside: its replies are objects, which take
longer to make than Redis takes to answer.
"""

import binascii
import select
import ssl
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field

import redis

from metrics_cache.resp import MULTI, commands

Client = redis.Redis | redis.RedisCluster

START = MULTI.encode()
SLOTS = 16384
# Bytes that wait for the sockets to take them.
WAITING = 1 << 20
# Seconds without an answer after which a connection counts as broken.
SILENCE = 60
# Answers that pass: the same command may succeed a moment later, perhaps elsewhere.
PASSING = (
    "LOADING",
    "MOVED",
    "ASK",
    "TRYAGAIN",
    "CLUSTERDOWN",
    "MASTERDOWN",
    "READONLY",
    "BUSY ",
    "NOSCRIPT",
    "NOREPLICAS",
)


class Unavailable(Exception):
    """Redis is not there, or not ready, for the moment."""


class OutOfMemory(Exception):
    """Redis has no room for more keys."""


@dataclass
class Counts:
    """What became of transactions: written, left because of the mode, failed (the first few with key and reason)."""

    written: int = 0
    left: int = 0
    failed: int = 0
    failures: list[str] = field(default_factory=list)

    @property
    def done(self) -> int:
        """All that were answered."""
        return self.written + self.left + self.failed

    def fail(self, key: bytes, reason: str) -> None:
        """Count a failure, and name it if it is one of the first."""
        self.failed += 1
        if len(self.failures) < 10:
            self.failures.append(f"{key.decode(errors='replace')}: {reason}")


class Node:
    """One server's connection."""

    def __init__(self, client: redis.Redis, commands_each: int, counts: Counts) -> None:
        self._pool = client.connection_pool
        self._connection = self._pool.get_connection()
        # There is no public way to a connection's socket; the version is pinned.
        self.socket = self._connection._sock
        self.socket.setblocking(False)
        self._commands = commands_each
        self._counts = counts
        self.outgoing: deque[memoryview] = deque()
        # What was sent and not answered in full: the bytes, and how many of their transactions are answered.
        self._unanswered: deque[tuple[bytes, int]] = deque()
        self._answered = 0
        self._received = b""

    def close(self) -> None:
        """Give up the connection: answers may still be on their way, so nobody else can use it."""
        self._connection.disconnect()

    def add(self, data: bytes, transactions: int) -> None:
        """Queue whole transactions."""
        self.outgoing.append(memoryview(data))
        self._unanswered.append((data, transactions))

    @property
    def idle(self) -> bool:
        """Whether every transaction has been answered."""
        return not self._unanswered

    def write(self) -> None:
        """Hand the socket what it takes."""
        try:
            while self.outgoing:
                count = self.socket.send(self.outgoing[0])
                if count < len(self.outgoing[0]):
                    self.outgoing[0] = self.outgoing[0][count:]
                else:
                    self.outgoing.popleft()
        except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            pass
        except OSError as error:
            raise Unavailable(str(error)) from error

    def read(self) -> None:
        """Take the answers that have come."""
        parts, ended = [self._received], ""
        try:
            while part := self.socket.recv(1 << 18):
                parts.append(part)
            ended = "Redis closed the connection."
        except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            pass
        except OSError as error:
            ended = str(error)
        self._received = b"".join(parts)
        self._count_answers()
        if ended:
            # Redis may have said why.
            raise Unavailable(f"{ended} {self._received[-200:].decode(errors='replace')}".strip())

    def _count_answers(self) -> None:
        """Count the transactions whose answers are complete; the last command's tells whether the key was written."""
        # A line for MULTI, one for each command that is queued, one for EXEC, one for each that is executed.
        each = 2 + 2 * self._commands
        end = self._received.rfind(b"\r\n") + 2 if b"\r\n" in self._received else 0
        lines = self._received[:end].split(b"\r\n")[:-1]
        if self._received.startswith(b"-") or b"\r\n-" in self._received[:end]:
            used = self._look_for_errors(lines)
        else:
            used = len(lines) // each * each
            transactions = used // each
            # DEL found nothing left of the scratch key: it was renamed.
            written = lines[each - 1 : used : each].count(b":0")
            self._counts.written += written
            self._counts.left += transactions - written
            self._answer(transactions)
        rest = lines[used:]
        self._received = b"".join(line + b"\r\n" for line in rest) + self._received[end:]

    def _look_for_errors(self, lines: list[bytes]) -> int:
        """Count transactions one by one. Returns how many lines were answers of complete ones."""
        used = 0
        while True:
            queued = lines[used : used + self._commands + 2]
            if len(queued) < self._commands + 2:
                return used
            executed = []
            if queued[-1].startswith(b"*"):
                executed = lines[used + len(queued) : used + len(queued) + self._commands]
                if len(executed) < self._commands:
                    return used
            used += len(queued) + len(executed)
            errors = [line[1:].decode(errors="replace") for line in queued + executed if line.startswith(b"-")]
            if errors:
                self._failed(errors[0])
            elif executed[-1] == b":0":
                self._counts.written += 1
            else:
                self._counts.left += 1
            self._answer(1)

    def _failed(self, reason: str) -> None:
        if reason.startswith("OOM"):
            raise OutOfMemory(reason)
        if reason.startswith(PASSING):
            raise Unavailable(reason)
        data, _ = self._unanswered[0]
        self._counts.fail(key_of(START + data.split(START)[1 + self._answered]), reason)

    def _answer(self, transactions: int) -> None:
        self._answered += transactions
        while self._unanswered and self._answered >= self._unanswered[0][1]:
            self._answered -= self._unanswered.popleft()[1]


def key_of(transaction: bytes) -> bytes:
    """The key that a transaction writes: DEL and EXEC come after the command that names it."""
    return commands(transaction)[-3][-1]


class Pipe:
    """Connections to all servers that keys may belong to."""

    def __init__(self, client: Client, commands_each: int, counts: Counts) -> None:
        self._nodes: list[Node] = []
        self._of_slot: list[Node] | None = None
        try:
            if isinstance(client, redis.RedisCluster):
                by_name: dict[str, Node] = {}
                self._of_slot = []
                for slot in range(SLOTS):
                    node = client.nodes_manager.get_node_from_slot(slot)
                    if node.name not in by_name:
                        by_name[node.name] = Node(client.get_redis_connection(node), commands_each, counts)
                    self._of_slot.append(by_name[node.name])
                self._nodes = list(by_name.values())
            else:
                self._nodes = [Node(client, commands_each, counts)]
        except redis.exceptions.RedisError:
            self.close()
            raise

    def close(self) -> None:
        """Give up the connections."""
        for node in self._nodes:
            node.close()

    def send(self, data: bytes) -> None:
        """Send whole transactions; return as soon as there is room for more."""
        for node, part, transactions in self._shared_out(data):
            node.add(part, transactions)
        self._move(wait=0)
        while sum(len(view) for node in self._nodes for view in node.outgoing) > WAITING:
            self._move(wait=SILENCE)

    def drain(self) -> None:
        """Return when everything that was sent is answered."""
        while not all(node.idle for node in self._nodes):
            self._move(wait=SILENCE)

    def _shared_out(self, data: bytes) -> Iterable[tuple[Node, bytes, int]]:
        """Which transactions go to which node."""
        if self._of_slot is None:
            return [(self._nodes[0], data, data.count(START))]
        parts: dict[Node, list[bytes]] = {}
        for transaction in data.split(START)[1:]:
            # A scratch key begins with its key in braces, and comes first.
            begin = transaction.index(b"{") + 1
            key = transaction[begin : transaction.index(b"}", begin)]
            parts.setdefault(self._of_slot[binascii.crc_hqx(key, 0) % SLOTS], []).append(transaction)
        return [(node, START + START.join(several), len(several)) for node, several in parts.items()]

    def _move(self, wait: float) -> None:
        """Move bytes both ways, where they can be moved within so many seconds."""
        busy = [node for node in self._nodes if not node.idle]
        sending = [node.socket for node in busy if node.outgoing]
        readable, writable, _ = select.select([node.socket for node in busy], sending, [], wait)
        if wait and not readable and not writable:
            raise Unavailable(f"Redis has not answered for {wait} seconds.")
        for node in busy:
            if node.socket in writable:
                node.write()
            if node.socket in readable:
                node.read()
