"""Fixtures of all tests. The stack is a real one on a fresh cluster, removed at the end of the run."""

import functools
import gc
import os
import shutil
import ssl
import subprocess
import sys
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import hypothesis
import pytest

from landbridge.stac_api.embedded import postgres_programs
from landbridge.stac_api.embedded import stack as embedded
from landbridge.stac_api.embedded.os_user import OsUser, user_of_cluster
from landbridge.stac_api.errors import PostgresNotFound
from semantics.coverage import measure
from support import embedded_stack
from support.embedded_stack import SHARED, new_home, running_stack

if TYPE_CHECKING:
    from support.receiver import Receiver
    from support.s3_server import S3Server

REPOSITORY = Path(__file__).resolve().parent.parent
NEEDING_THE_STACK = ("integration", "contract", "e2e", "access")
IN_CI = bool(os.environ.get("CI"))
LONG = bool(os.environ.get("LANDBRIDGE_LONG_TESTS"))  # `make test-long`: the full number of generated cases
MOST_PROCESSES = 8  # each has a stack of its own
HOME = pytest.StashKey[Path]()
PATCHES = pytest.StashKey[pytest.MonkeyPatch]()

hypothesis.settings.register_profile("landbridge", deadline=None, derandomize=IN_CI)
hypothesis.settings.load_profile("landbridge")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    integration = {here / name for name in NEEDING_THE_STACK}
    parents: dict[Path, bool] = {}
    for item in items:
        path = item.path
        if path not in parents:
            parents[path] = not integration.isdisjoint(path.parents)
        if parents[path]:
            item.add_marker(pytest.mark.integration)
    if _part_of_workers(config) is not None:
        # All processes have to agree on one order; within a module it stays.
        items.sort(key=lambda item: item.path.parts)


def _part_of_workers(config: pytest.Config) -> float | None:
    """Return the position of this process among the processes of a run, from 0 to 1; None outside of one."""
    worker = getattr(config, "workerinput", None)
    if worker is None:
        return None
    return int(worker["workerid"].removeprefix("gw")) / worker["workercount"]


def pytest_collection_finish() -> None:
    """Keep the collected tests and the imported modules out of the garbage collector.

    A process of a whole run holds some 300,000 of their objects: looking at them again and again took 9 % of
    the CPU time of the unit tests.
    """
    gc.collect()
    gc.freeze()


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Let each process begin the collection elsewhere.

    In a fresh checkout, the first process that imports a test module rewrites its assertions, which takes
    longer than all else in the import, and keeps the result for the others. In one order, all would be first.
    """
    report = yield
    part = _part_of_workers(collector.config)
    if part and isinstance(collector, pytest.Directory) and report.result:
        first = int(part * len(report.result))
        report.result = [*report.result[first:], *report.result[:first]]
    return report


def pytest_configure(config: pytest.Config) -> None:
    """Set the home of this run before a test module is imported and makes a client."""
    os.environ["LANDBRIDGE_HOME"] = str(new_home())
    for name in ("LANDBRIDGE_URL", "LANDBRIDGE_TOKEN", "LANDBRIDGE_USER", "LANDBRIDGE_ORG"):
        os.environ.pop(name, None)
    os.environ["LANDBRIDGE_PROFILE"] = ""  # no profile, even if the user's config.toml has a default
    os.environ["LANDBRIDGE_CONFIG"] = str(Path(os.environ["LANDBRIDGE_HOME"]) / "config.toml")
    # Two processes for each server, which few tests need; the first tile starts them.
    os.environ["LANDBRIDGE_TILE_WORKERS_AT_START"] = "false"
    os.environ["LANDBRIDGE_SOURCES"] = ""  # tests of sources name theirs
    os.environ["LANDBRIDGE_CACHE"] = str(Path(os.environ["LANDBRIDGE_HOME"]) / "cache")
    config.stash[HOME] = Path(os.environ["LANDBRIDGE_HOME"])
    config.stash[SHARED] = set()
    config.stash[PATCHES] = pytest.MonkeyPatch()
    _share_tls_context(config.stash[PATCHES])


def _share_tls_context(patch: pytest.MonkeyPatch) -> None:
    """Let all HTTP clients of this process share the TLS context of a file of certificates.

    httpx reads the usual ones for each client, so for each `httpx.get` too, which takes 25 ms of CPU time.
    """
    create = ssl.create_default_context
    of_file = functools.cache(lambda path: create(cafile=path))

    def create_or_share(*args: Any, **options: Any) -> ssl.SSLContext:
        if args or options.keys() != {"cafile"}:
            return create(*args, **options)
        shared: ssl.SSLContext = of_file(options["cafile"])
        return shared

    patch.setattr(ssl, "create_default_context", create_or_share)


def pytest_unconfigure(config: pytest.Config) -> None:
    config.stash[PATCHES].undo()
    shutil.rmtree(config.stash[HOME], ignore_errors=True)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """Return two processes for each core: half of the time a test waits for a server or a disk."""
    return min(2 * (os.cpu_count() or 1), MOST_PROCESSES)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Print how many statements of the page of semantics have a test, after a run of all tests."""
    if config.args_source is pytest.Config.ArgsSource.TESTPATHS and not config.option.collectonly:
        terminalreporter.section("statements of docs/development/catalog_semantics.md")
        terminalreporter.write_line(str(measure()))


@pytest.fixture(autouse=True, scope="module")
def own_default_clients() -> Iterator[None]:
    """Forget the default clients after each module: one may be of a service that only its tests have."""
    yield
    catalog = sys.modules.get("landbridge.catalog")
    if catalog is not None:
        catalog.CatalogClient.clear_all_default_clients()


@pytest.fixture(scope="session")
def home(pytestconfig: pytest.Config) -> Path:
    """Home directory of this run's stack. Tests never use the stack of the user."""
    return pytestconfig.stash[HOME]


@pytest.fixture(scope="session")
def account(home: Path) -> OsUser:
    """The account that runs PostgreSQL."""
    return user_of_cluster(home / "postgres")


@pytest.fixture(scope="session")
def installation(account: OsUser) -> postgres_programs.Installation:
    """PostgreSQL with PostGIS of this machine. Without it tests are skipped; in CI they fail."""
    try:
        return postgres_programs.find_installation(account)
    except PostgresNotFound as error:
        if IN_CI:
            raise
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def cluster_template(installation: postgres_programs.Installation, pytestconfig: pytest.Config) -> Path:
    """The data directory of a migrated cluster, made once and copied for each stack."""
    assert pytestconfig.cache is not None
    return embedded_stack.cluster_template(pytestconfig.cache.mkdir("clusters"), installation)


@pytest.fixture(scope="session")
def stack(home: Path, cluster_template: Path, pytestconfig: pytest.Config) -> Iterator[embedded.Stack]:
    """The running embedded stack: `.url`, `.token`, `.home`, `.store`, `.database`."""
    with running_stack(cluster_template, home) as running:
        pytestconfig.stash[SHARED].add(running.database)
        yield running
        pytestconfig.stash[SHARED].remove(running.database)


@pytest.fixture(scope="session")
def http(stack: embedded.Stack) -> Iterator[httpx.Client]:
    """HTTP client of the stack's API with the right to write."""
    headers = {"Authorization": f"Bearer {stack.token}"}
    with httpx.Client(base_url=stack.url, headers=headers, timeout=60) as client:
        yield client


@pytest.fixture(scope="session")
def s3_server() -> Iterator["S3Server"]:
    """The S3 server of this process."""
    from support.s3_server import seaweedfs

    if sys.platform != "linux":
        pytest.skip("the packages of SeaweedFS are for Linux")
    with seaweedfs() as server:
        yield server


@pytest.fixture
def receiver() -> Iterator["Receiver"]:
    """A receiver of notifications on this machine."""
    from support.receiver import Receiver

    made = Receiver()
    yield made
    made.stop()


@pytest.fixture(scope="session")
def landsat8() -> Path:
    """Folder with a pair of real Landsat 8 scenes, one file per band."""
    folder = REPOSITORY.parent / "shared" / "data" / "landsat8"
    if not folder.is_dir():
        pytest.skip(f"the Landsat 8 pair is not at {folder}")
    return folder


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Folder on a separate file system of 8 MiB; needs Linux and root."""
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=8m,mode=0711", "tmpfs", str(folder)]
    try:
        subprocess.run(command, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"no file system can be mounted here: {error}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)
