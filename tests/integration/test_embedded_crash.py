"""An embedded stack recovers from killed processes and the files that they leave."""

import contextlib
import errno
import http.server
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
import psutil
import psycopg
import pytest

from landbridge.stac_api.embedded import control, home_directory, postmaster, stack
from landbridge.stac_api.embedded.cluster import open_cluster
from landbridge.stac_api.embedded.home_directory import Home
from landbridge.stac_api.embedded.postmaster import PidFile, Postmaster
from support.embedded_stack import copy_cluster, new_home
from support.wait import DEADLINE, wait_until

pytestmark = pytest.mark.usefixtures("installation")


@pytest.fixture(scope="module")
def own(cluster_template: Path) -> Iterator[Home]:
    home = Home(new_home())
    copy_cluster(cluster_template, home.postgres)
    try:
        yield home
    finally:
        control.remove(home)


@pytest.fixture
def running(own: Home) -> stack.Stack:
    """The stack of this module, with one more row in its database than the test before."""
    found = stack.up(own)
    with psycopg.connect(found.database) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS public.kept (id serial)")
        connection.execute("INSERT INTO public.kept DEFAULT VALUES")
    return found


def rows(found: stack.Stack) -> int:
    with psycopg.connect(found.database) as connection:
        answer = connection.execute("SELECT count(*) FROM public.kept").fetchone()
    assert answer is not None
    return int(answer[0])


def server_of(home: Home) -> Postmaster:
    found = postmaster.running(open_cluster(home))
    assert found is not None
    return found


def kill(pid: int) -> None:
    """Kill a process and wait for its end."""
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: not alive(pid))


def alive(pid: int) -> bool:
    return psutil.pid_exists(pid) and postmaster.alive(psutil.Process(pid))


def refused(port: int) -> bool:
    with socket.socket() as connection:
        return connection.connect_ex(("127.0.0.1", port)) == errno.ECONNREFUSED


@contextlib.contextmanager
def answering_everything(port: int) -> Iterator[None]:
    """A foreign program on a port, to which every request is fine."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with http.server.HTTPServer(("127.0.0.1", port), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield
        server.shutdown()
        thread.join()


def test_a_killed_api_comes_back_at_its_address_on_the_same_database(own: Home, running: stack.Stack):
    kept, database = rows(running), server_of(own).pid
    kill(running.pid)
    again = stack.start_or_join(own)
    assert again.started
    assert again.stack.pid != running.pid
    assert (again.stack.url, again.stack.token) == (running.url, running.token)
    assert server_of(own).pid == database
    assert rows(again.stack) == kept


def test_another_program_on_the_port_of_a_killed_api_is_not_taken_for_it(own: Home, running: stack.Stack):
    kill(running.pid)
    port = int(running.url.rpartition(":")[2])
    wait_until(lambda: refused(port))  # its last thread closes its sockets
    with answering_everything(port):
        assert stack.http_status(running.url, "/_mgmt/health") == 200
        again = stack.up(own)
        assert again.url != running.url
        assert httpx.get(again.private_url).json()["type"] == "Catalog"


def test_a_killed_postgres_is_started_again_under_the_living_api(own: Home, running: stack.Stack):
    kept, database = rows(running), server_of(own).pid
    kill(database)

    def recovered() -> bool:
        found = PidFile.read(own.postgres)
        return found is not None and found.pid != database and found.status == "ready"

    wait_until(recovered)
    again = stack.up(own)
    assert again.pid == running.pid
    wait_until(lambda: httpx.get(f"{again.private_url}collections", timeout=DEADLINE).status_code == 200)
    assert rows(again) == kept


def test_killed_both_they_come_back(own: Home, running: stack.Stack):
    kept, database = rows(running), server_of(own).pid
    os.kill(running.pid, signal.SIGSTOP)  # or it would start PostgreSQL again
    kill(database)
    kill(running.pid)
    again = stack.start_or_join(own)
    assert again.started
    assert rows(again.stack) == kept


def test_traces_that_name_a_foreign_live_process_are_not_believed(own: Home, running: stack.Stack):
    kept = rows(running)
    pid_file = (own.postgres / "postmaster.pid").read_text()
    sockets = server_of(own).sockets
    control.down(own)
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as foreign:
        stale = "\n".join([str(foreign.pid), *pid_file.split("\n")[1:]])
        (own.postgres / "postmaster.pid").write_text(stale)
        (sockets / ".s.PGSQL.5432.lock").write_text(stale)
        (sockets / ".s.PGSQL.5432").touch()
        for lock in (own.serve_lock, own.up_lock, own.root / "postgres.lock"):
            lock.write_text(f"{foreign.pid}\n")
        state = home_directory.read_state(own)
        assert state is not None
        home_directory.write_state(own, state | {"pid": foreign.pid})

        assert not control.status(own)["running"]
        assert not control.down(own)
        again = stack.start_or_join(own)
        assert again.started
        assert rows(again.stack) == kept
        assert foreign.poll() is None
        foreign.kill()


def test_a_lost_or_spoilt_state_file_costs_only_the_token(own: Home, running: stack.Stack):
    kept = rows(running)
    kill(running.pid)
    own.state.write_text("{")
    again = stack.start_or_join(own)
    assert again.started
    assert again.stack.token != running.token
    assert rows(again.stack) == kept


def test_down_ends_a_database_whose_api_was_killed(own: Home, running: stack.Stack):
    kept, database = rows(running), server_of(own).pid
    kill(running.pid)
    assert control.down(own)
    assert not alive(database)
    assert rows(stack.up(own)) == kept


def test_a_start_killed_while_it_made_the_cluster_leaves_nothing_half():
    folder = new_home()
    home = Home(folder)
    try:
        with subprocess.Popen(
            [sys.executable, "-m", "landbridge.stac_api.embedded", "serve", "--home", str(folder)],
            stderr=subprocess.DEVNULL,
        ) as server:
            wait_until(lambda: any(folder.glob("postgres.new-*/base")))
            server.kill()
        assert not home.postgres.exists()
        assert stack.start_or_join(home).started
        wait_until(lambda: not list(folder.glob("postgres.new-*")) or _orphaned_initdb_is_gone())
    finally:
        control.remove(home)


def _orphaned_initdb_is_gone() -> bool:
    return not any(process.name() == "initdb" for process in psutil.process_iter(["name"]))
