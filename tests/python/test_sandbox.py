"""The sandbox as its users meet it: the command, and the three servers behind their ports."""

import gzip
import http.client
import json
import os
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
import zlib
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

import click
import clickhouse_connect
import lz4.frame
import psutil
import psycopg2
import pytest
import redis
from clickhouse_connect.driver.exceptions import DatabaseError
from conftest import REPO, clean_environment, exported
from parsed_project import wait_until
from psycopg2.extensions import cursor as Cursor

from sandbox import processes
from sandbox.clickhouse import statements
from sandbox.processes import free_ports

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

SANDBOX = REPO / "scripts" / "sandbox.py"
SERVERS = ("postgres", "clickhouse", "valkey")


@dataclass(frozen=True)
class Instance:
    directory: Path
    ports: dict[str, int]

    def run(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        ports = [text for server, port in self.ports.items() for text in (f"--{server}-port", str(port))]
        command = [sys.executable, str(SANDBOX), "--dir", str(self.directory), *ports, *arguments]
        return subprocess.run(
            command, env=clean_environment(**environment), capture_output=True, text=True, timeout=120, check=False
        )

    def succeed(self, *arguments: str) -> str:
        result = self.run(*arguments)
        assert result.returncode == 0, result.stdout + result.stderr
        return result.stdout

    def pids(self) -> dict[str, int]:
        state = json.loads((self.directory / "state.json").read_text())
        return {server: record["pid"] for server, record in state.items()}

    def client(self, **options: object) -> clickhouse_connect.driver.Client:
        login = {"username": "sandbox", "password": "clickhouse-sandbox"} | options
        return clickhouse_connect.get_client(host="127.0.0.1", port=self.ports["clickhouse"], **login)

    @contextmanager
    def postgres(self, user: str = "postgres", password: str = "postgres-sandbox") -> Iterator[Cursor]:
        """A cursor of a connection whose statements are transactions of their own."""
        connection = psycopg2.connect(
            host="127.0.0.1", port=self.ports["postgres"], dbname="community", user=user, password=password
        )
        connection.autocommit = True
        try:
            with connection.cursor() as cursor:
                yield cursor
        finally:
            connection.close()

    def valkey(self) -> redis.Redis:
        return redis.Redis(port=self.ports["valkey"])

    def http(
        self,
        body: bytes | Iterator[bytes] | None = None,
        headers: dict[str, str] | None = None,
        login: str | None = "sandbox:clickhouse-sandbox",
        path: str = "/",
        **parameters: str,
    ) -> tuple[int, dict[str, str], bytes]:
        authorization = {"Authorization": "Basic " + b64encode(login.encode()).decode()} if login else {}
        connection = http.client.HTTPConnection("127.0.0.1", self.ports["clickhouse"], timeout=60)
        try:
            url = f"{path}?{urlencode(parameters)}" if parameters else path
            connection.request("GET" if body is None else "POST", url, body, (headers or {}) | authorization)
            response = connection.getresponse()
            return response.status, dict(response.getheaders()), response.read()
        finally:
            connection.close()


def new_instance(directory: Path) -> Instance:
    return Instance(directory, dict(zip(SERVERS, free_ports(len(SERVERS)), strict=True)))


def is_running(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Instance]:
    instance = new_instance(tmp_path_factory.mktemp("sandbox"))
    output = instance.succeed("up")
    for server, port in instance.ports.items():
        assert f"{server:<10} " in output
        assert f"started on 127.0.0.1:{port}" in output
    yield instance
    instance.run("down")


# The command -------------------------------------------------------------------------------------------------------


def test_up_twice_starts_nothing_anew(sandbox: Instance) -> None:
    before = sandbox.pids()
    assert sandbox.succeed("up").count("already runs") == 3
    assert sandbox.pids() == before


def test_status_names_each_running_server(sandbox: Instance) -> None:
    output = sandbox.succeed("status")
    for server, pid in sandbox.pids().items():
        assert f"{server} " in output
        assert f"pid {pid}" in output


def test_killed_servers_are_reported_and_come_back_with_their_data(sandbox: Instance) -> None:
    with sandbox.postgres() as cursor:
        cursor.execute("""insert into "Tag" (id, name) values (7, 'kept')""")
    client = sandbox.client()
    client.command("create table metrics.kept engine = MergeTree order by n as select number as n from numbers(1000)")
    sandbox.valkey().set("kept", 1)

    for server, pid in sandbox.pids().items():
        os.kill(pid, signal.SIGKILL)
        wait_until(lambda pid=pid: not is_running(pid))
        result = sandbox.run("status")
        assert result.returncode == 1
        assert f"{server:<10} crashed (was pid {pid}" in result.stdout
    assert sandbox.succeed("up").count("started") == 3
    sandbox.succeed("status")

    with sandbox.postgres() as cursor:
        cursor.execute("""select name from "Tag" where id = 7""")
        assert cursor.fetchone() == ("kept",)
    assert sandbox.client().command("select count() from metrics.kept") == 1000
    assert sandbox.valkey().get("kept") == b"1"


def test_a_taken_port_is_named_and_nothing_is_started(tmp_path: Path) -> None:
    instance = new_instance(tmp_path / "other")
    port = instance.ports["clickhouse"]
    with socket.create_server(("127.0.0.1", port)):
        result = instance.run("up")
    assert result.returncode == 1
    assert f"Port {port}, wanted by clickhouse, is taken. Choose another with --clickhouse-port." in result.stderr
    assert not (instance.directory / "state.json").exists()
    assert instance.run("status").returncode == 1
    assert instance.succeed("down") == "nothing runs\n"


def test_ports_for_tests_are_distinct_and_left_alone_by_outgoing_connections(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    limits = tmp_path / "ip_local_port_range"
    monkeypatch.setattr(processes, "EPHEMERAL_PORTS", limits)
    limits.write_text("20000\t60999\n")
    ports = free_ports(50)
    assert len(set(ports)) == 50
    assert all(10_000 <= port < 20_000 for port in ports)
    # Where nearly all are for outgoing connections, one of those has to do.
    limits.write_text("1024\t65535\n")
    assert all(1024 <= port < 60_000 for port in free_ports(50))
    monkeypatch.setattr(processes, "port_is_free", lambda port: False)
    with pytest.raises(click.ClickException, match="tried at random, only 0 could be had"):
        free_ports(1)


def test_another_port_than_the_running_one_is_refused(sandbox: Instance) -> None:
    moved = Instance(sandbox.directory, sandbox.ports | {"valkey": free_ports(1)[0]})
    result = moved.run("up")
    assert result.returncode == 1
    assert f"valkey already runs on port {sandbox.ports['valkey']}" in result.stderr


def test_one_running_node_does_not_become_a_cluster(sandbox: Instance) -> None:
    before = sandbox.pids()
    result = sandbox.run("up", "--cluster")
    assert result.returncode == 1
    assert "clickhouse already runs, and not as a cluster. Run `down` first." in result.stderr
    assert sandbox.pids() == before


def test_a_server_in_another_time_zone_and_down_stops_only_its_own(tmp_path: Path) -> None:
    instance = new_instance(tmp_path / "denver")
    bystander = subprocess.Popen(["sleep", "60"])
    try:
        instance.succeed("up", "--clickhouse-timezone", "America/Denver", "--clickhouse-memory-limit", "1000000000")
        status, headers, body = instance.http(
            b"select timezone(), toDateTime(0), toHour(toDateTime64('2024-01-01', 3))"
        )
        assert (status, body) == (200, b"America/Denver\t1969-12-31 17:00:00\t0\n")
        assert headers["X-ClickHouse-Timezone"] == "America/Denver"
        with pytest.raises(DatabaseError, match="MEMORY_LIMIT_EXCEEDED"):
            instance.client().command("select length(range(400000000))")

        other = instance.run("up", "--clickhouse-timezone", "UTC")
        assert other.returncode == 1
        assert "already runs with timezone America/Denver, not UTC. Run `down` first." in other.stderr

        pids = instance.pids()
        path = instance.directory / "state.json"
        state = json.loads(path.read_text())
        valkey = psutil.Process(state["valkey"]["pid"])
        state["valkey"] |= {"pid": bystander.pid, "started": valkey.create_time() - 60}
        path.write_text(json.dumps(state))
        output = instance.succeed("down")
        assert "valkey     had already ended" in output
        assert bystander.poll() is None
        assert is_running(valkey.pid)
        assert not is_running(pids["postgres"])
        assert not is_running(pids["clickhouse"])
        assert instance.succeed("down") == "nothing runs\n"
        valkey.kill()
    finally:
        bystander.kill()
        instance.run("down")


def test_env_prints_what_a_shell_can_read(sandbox: Instance) -> None:
    lines = sandbox.succeed("env")
    assert all(line.startswith("export ") for line in lines.splitlines())
    assert exported(lines) == {
        "SANDBOX_DIR": str(sandbox.directory),
        "DBT_PROFILES_DIR": str(sandbox.directory),
        "CLICKHOUSE_HOST": "127.0.0.1",
        "CLICKHOUSE_PORT": str(sandbox.ports["clickhouse"]),
        "CLICKHOUSE_USER": "sandbox",
        "CLICKHOUSE_PASSWORD": "clickhouse-sandbox",
        "CLICKHOUSE_DATABASE": "metrics",
        "CLICKHOUSE_SECURE": "False",
        "POSTGRES_HOST": "127.0.0.1",
        "POSTGRES_PORT": str(sandbox.ports["postgres"]),
        "POSTGRES_USER": "metrics_reader",
        "POSTGRES_PASSWORD": "metrics-reader-sandbox",
        "POSTGRES_DATABASE": "community",
        "PARITY_POSTGRES_USER": "metrics_parity",
        "PARITY_POSTGRES_PASSWORD": "metrics-parity-sandbox",
        "OWNER_POSTGRES_USER": "postgres",
        "OWNER_POSTGRES_PASSWORD": "postgres-sandbox",
        "REDIS_URL": f"redis://127.0.0.1:{sandbox.ports['valkey']}/0",
    }


def test_variables_of_other_servers_do_not_touch_the_sandbox(sandbox: Instance) -> None:
    elsewhere = dict.fromkeys(("POSTGRES_HOST", "CLICKHOUSE_HOST", "CLICKHOUSE_USER"), "db.example")
    elsewhere |= {"POSTGRES_PORT": "1", "CLICKHOUSE_PORT": "none", "REDIS_URL": "redis://127.0.0.1:1/0"}
    # Nor does a sandbox that is up need options.
    plain = Instance(sandbox.directory, {})
    assert plain.run("env", **elsewhere).stdout == sandbox.succeed("env")
    again = plain.run("up", **elsewhere)
    assert again.stdout.count("already runs") == 3, again.stderr


def test_seed_makes_tables_of_another_version_anew(sandbox: Instance) -> None:
    with sandbox.postgres() as cursor:
        cursor.execute('alter table "Post" rename "publishedAt" to published; create table "Older" (id int)')
    sandbox.succeed("seed", "--scale", "0.001", "--no-catalog")
    with sandbox.postgres() as cursor:
        cursor.execute("""select count("publishedAt") > 0, to_regclass('"Older"') from "Post" """)
        assert cursor.fetchone() == (True, None)
    with sandbox.postgres("metrics_reader", "metrics-reader-sandbox") as cursor:
        cursor.execute("""select count(*) > 0 from "Post" """)
        assert cursor.fetchone() == (True,)


# PostgreSQL and the way to it ---------------------------------------------------------------------------------------


def test_metrics_reader_reads_and_cannot_write(sandbox: Instance) -> None:
    with sandbox.postgres("metrics_reader", "metrics-reader-sandbox") as cursor:
        cursor.execute("""select count(*) from "ImageReaction" """)
        with pytest.raises(psycopg2.errors.ReadOnlySqlTransaction):
            cursor.execute("""delete from "ImageReaction" """)
        cursor.execute("set default_transaction_read_only = off")
        with pytest.raises(psycopg2.errors.InsufficientPrivilege):
            cursor.execute("""delete from "ImageReaction" """)


def test_a_wrong_postgres_password_is_refused(sandbox: Instance) -> None:
    with (
        pytest.raises(psycopg2.OperationalError, match="password authentication failed"),
        sandbox.postgres("metrics_reader", "wrong"),
    ):
        pass


def connect_postgres(sandbox: Instance, *options: str, **environment: str) -> subprocess.CompletedProcess[str]:
    variables = exported(sandbox.succeed("env"))
    return subprocess.run(
        [sys.executable, str(SANDBOX.with_name("connect_postgres.py")), *options, "--collection", "another"],
        env=clean_environment(**(variables | environment)),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_connect_postgres_creates_updates_and_never_prints_the_password(sandbox: Instance) -> None:
    secret = r"it's a \secret"
    wrong = connect_postgres(sandbox, "--target", "production", POSTGRES_PASSWORD=secret)
    assert wrong.returncode == 1
    assert "metrics_reader@127.0.0.1" in wrong.stderr
    assert "password authentication failed" in wrong.stderr

    with sandbox.postgres() as cursor:
        cursor.execute("alter role metrics_reader password %s", [secret])
        try:
            right = connect_postgres(sandbox, "--target", "production", POSTGRES_PASSWORD=secret)
            assert right.returncode == 0, right.stderr
            for text in (wrong.stdout, wrong.stderr, right.stdout, right.stderr):
                assert "secret" not in text
        finally:
            cursor.execute("alter role metrics_reader password 'metrics-reader-sandbox'")
    assert connect_postgres(sandbox).returncode == 0
    assert sandbox.client().command("select * from postgresql(another, query = 'select 6 * 7 as answer')") == 42


def test_connect_postgres_scrubs_what_the_server_echoes(sandbox: Instance) -> None:
    refused = connect_postgres(sandbox, "--target", "production", CLICKHOUSE_PASSWORD="wrong")
    assert refused.returncode == 1
    assert "AUTHENTICATION_FAILED" in refused.stderr
    assert "metrics-reader-sandbox" not in refused.stdout + refused.stderr


# ClickHouse over plain HTTP -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("file", ["clickhouse_grants.sql", "clickhouse_shard_grants.sql"])
def test_the_grants_are_sql_for_one_user(sandbox: Instance, file: str) -> None:
    """The sandbox's own user gets them from a file of ClickHouse's, where a grant names no user."""
    grants = [grant for grant in statements((REPO / "scripts" / file).read_text()) if grant]
    for grant in grants:
        formatted = sandbox.client().command(f"select formatQuerySingleLine($grant${grant}$grant$)")
        assert formatted.endswith(" TO metrics_dbt"), formatted
    assert len(grants) > 4


def test_http_get_post_settings_and_parameters(sandbox: Instance) -> None:
    assert sandbox.http(path="/ping", login=None)[2] == b"Ok.\n"
    assert sandbox.http(query="select 1")[2] == b"1\n"
    assert sandbox.http(b"select 2")[2] == b"2\n"
    assert sandbox.http(b" + 1", query="select 2")[2] == b"3\n"
    assert sandbox.http(b"select getSetting('max_threads')", max_threads="3")[2] == b"3\n"
    assert sandbox.http(b"select currentDatabase()", database="metrics")[2] == b"metrics\n"
    assert sandbox.http(b"select {x:Array(Int32)}", param_x="[1,2]")[2] == b"[1,2]\n"
    assert sandbox.http(b"select 1 as x", default_format="JSONEachRow")[2] == b'{"x":1}\n'
    named = sandbox.http(b"select queryID(), getSetting('log_comment')", query_id="mine", log_comment="why")
    assert named[2] == b"mine\twhy\n"
    assert named[1]["X-ClickHouse-Query-Id"] == "mine"


def test_http_login_by_headers_and_by_url(sandbox: Instance) -> None:
    headers = {"X-ClickHouse-User": "sandbox", "X-ClickHouse-Key": "clickhouse-sandbox"}
    assert sandbox.http(b"select currentUser()", headers, login=None)[2] == b"sandbox\n"
    url = {"user": "sandbox", "password": "clickhouse-sandbox"}
    assert sandbox.http(b"select currentUser()", login=None, **url)[2] == b"sandbox\n"


def test_a_wrong_login_is_refused(sandbox: Instance) -> None:
    status, headers, body = sandbox.http(b"select 1", login="sandbox:wrong")
    assert status == 403
    assert headers["X-ClickHouse-Exception-Code"] == "516"
    assert body.startswith(b"Code: 516. DB::Exception: sandbox: Authentication failed")
    for login in (None, "default:", "default:clickhouse-sandbox", "nobody:x"):
        assert sandbox.http(b"select 1", login=login)[0] != 200


def test_errors_carry_code_and_text(sandbox: Instance) -> None:
    status, headers, body = sandbox.http(b"select * from nowhere")
    assert status == 404
    assert headers["X-ClickHouse-Exception-Code"] == "60"
    assert b"Code: 60. DB::Exception: " in body
    assert b"(UNKNOWN_TABLE)" in body


@pytest.mark.parametrize(
    ("insert_format", "data"),
    [
        ("JSONEachRow", b'{"n":1,"s":"a"}\n{"n":2,"s":"b"}\n'),
        ("CSV", b'1,"a"\n2,"b"\n'),
        ("CSVWithNames", b'"s","n"\n"a",1\n"b",2\n'),
        ("TabSeparated", b"1\ta\n2\tb\n"),
        ("Values", b"(1, 'a'), (2, 'b')"),
        ("RowBinary", b"\x01\x00\x00\x00\x01a\x02\x00\x00\x00\x01b"),
    ],
)
def test_http_insert_formats(sandbox: Instance, insert_format: str, data: bytes) -> None:
    sandbox.http(b"create or replace table metrics.pairs (n Int32, s String) engine = MergeTree order by n")
    statement = f"insert into metrics.pairs format {insert_format}"
    in_url = sandbox.http(data, query=statement)
    assert json.loads(in_url[1]["X-ClickHouse-Summary"])["written_rows"] == "2"
    assert sandbox.http(statement.encode() + b"\n" + data)[0] == 200
    chunked = sandbox.http(iter([data[:3], data[3:]]), query=statement)
    assert chunked[0] == 200, chunked
    assert sandbox.http(b"select n, s, count() from metrics.pairs group by all order by n")[2] == b"1\ta\t3\n2\tb\t3\n"


@pytest.mark.parametrize("binary_format", ["Native", "Parquet", "ArrowStream"])
def test_http_binary_formats_round_trip(sandbox: Instance, binary_format: str) -> None:
    sandbox.http(b"create or replace table metrics.binary (n UInt64, s String) engine = MergeTree order by n")
    source = f"select number as n, toString(number) as s from numbers(1000) format {binary_format}"
    data = sandbox.http(source.encode())[2]
    assert sandbox.http(data, query=f"insert into metrics.binary format {binary_format}")[0] == 200
    assert sandbox.http(b"select count(), sum(n), uniqExact(s) from metrics.binary")[2] == b"1000\t499500\t1000\n"


PACK = {"gzip": gzip.compress, "deflate": zlib.compress, "lz4": lz4.frame.compress, "zstd": zstd.compress}
UNPACK = {"gzip": gzip.decompress, "deflate": zlib.decompress, "lz4": lz4.frame.decompress, "zstd": zstd.decompress}


@pytest.mark.parametrize("encoding", PACK)
def test_http_compression_both_ways(sandbox: Instance, encoding: str) -> None:
    numbers = "".join(f"{number}\n" for number in range(50_000)).encode()
    sandbox.http(b"create or replace table metrics.packed (n UInt64) engine = MergeTree order by n")
    packed = sandbox.http(
        PACK[encoding](numbers), {"Content-Encoding": encoding}, query="insert into metrics.packed format TabSeparated"
    )
    assert packed[0] == 200, packed
    asked = {"Accept-Encoding": encoding}
    _, headers, body = sandbox.http(b"select n from metrics.packed order by n", asked, enable_http_compression="1")
    assert headers["Content-Encoding"] == encoding
    assert UNPACK[encoding](body) == numbers


def test_clients_see_the_application_tables(sandbox: Instance) -> None:
    engines = dict(sandbox.client().query("select name, engine from system.databases").result_rows)
    assert {engines[name] for name in ("default", "orchestration", "metrics")} == {"Atomic"}
    tables = "select database || '.' || name from system.tables where database in ('default', 'orchestration')"
    assert {row[0] for row in sandbox.client().query(tables).result_rows} == {
        "default.entityMetricEvents",
        "default.modelVersionEvents",
        "default.buzz_resource_compensation",
        "orchestration.jobs",
    }


# ClickHouse through clickhouse-connect --------------------------------------------------------------------------------


@pytest.mark.parametrize("compress", [False, True, "lz4", "zstd", "gzip"])
def test_clickhouse_connect_inserts_and_reads(sandbox: Instance, compress: bool | str) -> None:
    client = sandbox.client(compress=compress, database="metrics")
    client.command("create or replace table rows (n Int32, s Nullable(String), a Array(Int32)) engine = Memory")
    rows = [(number, None if number % 3 else f"é{number}'", [number, 2]) for number in range(10_000)]
    summary = client.insert("rows", rows, column_names=["n", "s", "a"])
    assert summary.written_rows == 10_000
    wanted = client.query("select * from rows where n >= {least:Int32} order by n", parameters={"least": 9_990})
    assert wanted.result_rows == rows[9_990:]
    with client.query_row_block_stream("select n from rows") as blocks:
        assert sum(len(block) for block in blocks) == 10_000


def test_sessions_keep_settings_and_temporary_tables_apart(sandbox: Instance) -> None:
    one, two = sandbox.client(session_id="one"), sandbox.client(session_id="two")
    one.command("create temporary table mine as select 1 as x")
    one.command("set max_threads = 7")
    assert one.command("select getSetting('max_threads') + x from mine") == 8
    assert two.command("select getSetting('max_threads')") != 7
    with pytest.raises(DatabaseError, match="UNKNOWN_TABLE"):
        two.command("select * from mine")


def test_a_session_in_use_is_locked(sandbox: Instance) -> None:
    sleeping = threading.Thread(target=sandbox.http, args=(b"select sleep(1)",), kwargs={"session_id": "busy"})
    sleeping.start()
    wait_until(
        lambda: sandbox.http(b"select count() from system.processes where query = 'select sleep(1)'")[2] == b"1\n"
    )
    assert sandbox.http(b"select 1", session_id="busy")[1]["X-ClickHouse-Exception-Code"] == "373"
    sleeping.join()


# Several clients at once ----------------------------------------------------------------------------------------------

HEAVY = "/* heavy one */ select sum(sipHash64(number, number)) from numbers(100000000000)"


def running(sandbox: Instance, text: str) -> list[str]:
    body = sandbox.http(
        b"select query_id from system.processes where query like {text:String} and query_id != queryID()",
        param_text=f"%{text}%",
    )[2]
    return body.decode().split()


def test_a_heavy_query_does_not_block_a_light_one_and_can_be_killed(sandbox: Instance) -> None:
    answers: list[tuple[int, dict[str, str], bytes]] = []
    heavy = threading.Thread(target=lambda: answers.append(sandbox.http(HEAVY.encode(), query_id="heavy")))
    heavy.start()
    wait_until(lambda: running(sandbox, "/* heavy one */ select sum"))
    for _ in range(5):
        began = time.monotonic()
        assert sandbox.http(b"select count() from system.tables where database = 'default'")[2] == b"3\n"
        assert time.monotonic() - began < 1
    killed = sandbox.http(b"kill query where query like '/* heavy one */%' sync")
    assert killed[2].startswith(b"finished\theavy\tsandbox\t/* heavy one */")
    heavy.join(10)
    status, headers, _ = answers[0]
    assert (status, headers["X-ClickHouse-Exception-Code"]) == (500, "394")


def test_a_client_that_vanishes_does_not_stop_its_insert_select(sandbox: Instance) -> None:
    sandbox.http(b"create or replace table metrics.orphan (n UInt64) engine = MergeTree order by n")
    statement = b"insert into metrics.orphan select number from numbers(1000000) where sleepEachRow(0.000002) = 0"
    authorization = b64encode(b"sandbox:clickhouse-sandbox").decode()
    head = "POST /?max_block_size=100000&max_threads=1 HTTP/1.1\r\nHost: localhost\r\n"
    head += f"Authorization: Basic {authorization}\r\nContent-Length: {len(statement)}\r\n\r\n"
    with socket.create_connection(("127.0.0.1", sandbox.ports["clickhouse"])) as client:
        client.sendall(head.encode() + statement)
        wait_until(lambda: running(sandbox, "insert into metrics.orphan"))
        # Closing with a reset is what the kernel does for a client that was killed.
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    assert running(sandbox, "insert into metrics.orphan")
    wait_until(lambda: not running(sandbox, "insert into metrics.orphan"), 30)
    assert sandbox.http(b"select count() from metrics.orphan")[2] == b"1000000\n"


def test_partitions_views_and_deletes_as_on_a_server(sandbox: Instance) -> None:
    client = sandbox.client(database="default")
    for statement in (
        "create table part (d Date, n Int32) engine = MergeTree partition by d order by n",
        "create table clone as part",
        "insert into clone select toDate('2024-01-01') + number % 2, number from numbers(10)",
        "alter table part attach partition '2024-01-01' from clone",
        "alter table part replace partition '2024-01-02' from clone",
        "delete from part where n = 0",
        "create table copies (n Int32) engine = MergeTree order by n",
        "create materialized view copier to copies as select n from part",
        "insert into part values ('2024-01-03', 99)",
        "exchange tables part and clone",
    ):
        client.command(statement)
    counts = "select (select count() from part), (select count() from clone), (select groupArray(n) from copies)"
    assert client.query(counts).result_rows == [(10, 10, [99])]
    for table in ("copier", "copies", "part", "clone"):
        client.command(f"drop table {table} sync")
