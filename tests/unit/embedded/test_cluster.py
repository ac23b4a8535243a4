"""Places of a cluster's files, and their access rights."""

import os
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from landbridge.stac_api.embedded import cluster as clusters
from landbridge.stac_api.embedded.cluster import Cluster
from landbridge.stac_api.embedded.home_directory import Home
from landbridge.stac_api.embedded.os_user import OsUser, reachable, user_of_cluster
from landbridge.stac_api.errors import ClusterError

ME = OsUser("me", os.geteuid(), os.getegid(), foreign=False)
SOMEBODY = OsUser("somebody", 4242, 4242, foreign=True)
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root runs PostgreSQL as another user")


@pytest.fixture
def folder() -> Iterator[Path]:
    """Passable by everybody, as pytest's own temporary directories are not."""
    with tempfile.TemporaryDirectory(prefix="lb-") as name:
        Path(name).chmod(0o755)
        yield Path(name)


def in_home(root: Path, os_user: OsUser = ME) -> Cluster:
    return Cluster(Home(root), root / "postgres", os_user)


def test_the_socket_is_next_to_the_data_if_its_path_fits(folder: Path):
    sockets = clusters.socket_directory(in_home(folder))
    assert sockets == folder / "run"
    assert stat.S_IMODE(sockets.stat().st_mode) == 0o700


def test_a_socket_path_too_long_for_the_kernel_is_replaced_by_a_short_private_one(folder: Path):
    home = folder / ("long" * 30)
    home.mkdir()
    first = clusters.socket_directory(in_home(home))
    try:
        assert len(os.fsencode(first / ".s.PGSQL.5432")) <= clusters.SOCKET_PATH_BYTES
        assert stat.S_IMODE(first.stat().st_mode) == 0o700
        assert clusters.socket_directory(in_home(home)) == first
        assert clusters.socket_directory(in_home(folder)) != first
    finally:
        first.rmdir()


def test_a_planted_link_in_place_of_a_directory_is_refused(folder: Path):
    (folder / "target").mkdir(mode=0o755)
    (folder / "run").symlink_to(folder / "target")
    with pytest.raises(ClusterError, match="run is not a directory of user me"):
        clusters.private_directory(folder / "run", ME)
    assert stat.S_IMODE((folder / "target").stat().st_mode) == 0o755


def test_a_directory_open_to_others_is_closed(folder: Path):
    (folder / "run").mkdir(mode=0o755)
    clusters.private_directory(folder / "run", ME)
    assert stat.S_IMODE((folder / "run").stat().st_mode) == 0o700


@as_root
def test_a_directory_of_another_user_is_refused(folder: Path):
    (folder / "run").mkdir()
    os.chown(folder / "run", 777, 777)
    with pytest.raises(ClusterError, match="belongs to user 777, not to somebody"):
        clusters.private_directory(folder / "run", SOMEBODY)


@as_root
def test_a_new_directory_is_handed_to_the_account(folder: Path):
    clusters.private_directory(folder / "run", SOMEBODY)
    assert (folder / "run").stat().st_uid == SOMEBODY.uid


@pytest.mark.parametrize(("mode", "expected"), [(0o711, True), (0o755, True), (0o700, False), (0o750, False)])
def test_an_account_reaches_what_every_directory_above_lets_it_through_to(
    folder: Path, mode: int, expected: bool
):
    if not reachable(folder, SOMEBODY):
        pytest.skip(f"{folder.parent} is closed to other users")
    (folder / "a" / "b").mkdir(parents=True)
    (folder / "a").chmod(mode)
    assert reachable(folder / "a" / "b", SOMEBODY) is expected
    assert reachable(folder / "a" / "b", ME)


@as_root
def test_a_home_out_of_the_accounts_reach_keeps_its_cluster_elsewhere(
    folder: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(clusters, "ROOT_HOME", folder / "var")
    home = Home(folder / "closed" / "home")
    home.root.mkdir(parents=True)
    (folder / "closed").chmod(0o700)
    cluster = clusters.open_cluster(home)
    assert cluster.data.is_relative_to(folder / "var" / "clusters")
    assert reachable(cluster.data.parent, cluster.os_user)
    assert clusters.open_cluster(home) == cluster
    # Deleted and made anew, the home does not meet the old cluster.
    home.postgres.unlink()
    assert clusters.open_cluster(home).data != cluster.data


@as_root
def test_as_root_the_cluster_runs_under_an_account_of_its_own_or_under_its_owner(folder: Path):
    assert user_of_cluster(folder / "none").uid != 0
    (folder / "data").mkdir()
    os.chown(folder / "data", 65534, 65534)
    assert user_of_cluster(folder / "data") == OsUser(
        "nobody", 65534, user_of_cluster(folder / "data").gid, foreign=True
    )


def test_a_directory_that_is_no_cluster_is_left_alone(folder: Path):
    (folder / "postgres").mkdir()
    (folder / "postgres" / "precious").touch()
    unused = None
    with pytest.raises(ClusterError, match="neither empty nor a PostgreSQL cluster"):
        clusters.create_cluster(in_home(folder), unused)
    assert (folder / "postgres" / "precious").exists()
