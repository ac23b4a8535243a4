"""Finding PostgreSQL, on machines laid out in a temporary directory."""

import os
import re
from dataclasses import replace
from pathlib import Path

import pytest

from landbridge.stac_api.embedded import postgres_programs
from landbridge.stac_api.embedded.os_user import OsUser
from landbridge.stac_api.embedded.postgres_programs import SearchEnvironment
from landbridge.stac_api.errors import PostgresNotFound

ME = OsUser("me", os.geteuid(), os.getegid(), foreign=False)
SOMEBODY = OsUser("somebody", 4242, 4242, foreign=True)


def lay_out(
    bin: Path,
    version: str = "15.18",
    share: Path | None = None,
    extensions: tuple[str, ...] = postgres_programs.EXTENSIONS,
    programs: tuple[str, ...] = postgres_programs.PROGRAMS,
    pg_config: Path | None = None,
) -> Path:
    """Programs that know their version, and the control files of extensions."""
    share = share or bin.parent / "share"
    (share / "extension").mkdir(parents=True, exist_ok=True)
    for name in extensions:
        (share / "extension" / f"{name}.control").touch()
    bin.mkdir(parents=True, exist_ok=True)
    for program in programs:
        write_program(bin / program, f'echo "{program} (PostgreSQL) {version}"')
    answers = f'case "$1" in --bindir) echo {bin};; --sharedir) echo {share};; esac'
    write_program(pg_config or bin / "pg_config", answers)
    return bin


def write_program(path: Path, script: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


@pytest.fixture
def machine(tmp_path: Path) -> postgres_programs.SearchEnvironment:
    return postgres_programs.SearchEnvironment(root=tmp_path, pg_bin=None, search_path="", conda_prefixes=())


def find(
    machine: SearchEnvironment, major: int | None = None, os_user: OsUser = ME
) -> postgres_programs.Installation:
    return postgres_programs.find_installation(os_user, major, machine)


def refusal(machine: SearchEnvironment, major: int | None = None, os_user: OsUser = ME) -> str:
    with pytest.raises(PostgresNotFound) as caught:
        find(machine, major, os_user)
    return str(caught.value)


def test_the_newest_of_several_system_packages_is_taken(machine: SearchEnvironment):
    for major in ("9.6", "14", "17", "16"):
        lay_out(machine.root / "usr/lib/postgresql" / major / "bin", f"{major}.4")
    found = find(machine)
    assert (found.major, found.version) == (17, "17.4")
    assert found.bin == machine.root / "usr/lib/postgresql/17/bin"


def test_one_without_postgis_is_passed_over(machine: SearchEnvironment):
    lay_out(machine.root / "usr/lib/postgresql/17/bin", "17.4", extensions=("btree_gist", "unaccent"))
    lay_out(machine.root / "usr/lib/postgresql/15/bin", "15.18")
    assert find(machine).major == 15


def test_the_one_the_cluster_was_made_by_is_preferred_to_a_newer(machine: SearchEnvironment):
    for major in ("15", "17"):
        lay_out(machine.root / "usr/lib/postgresql" / major / "bin", f"{major}.4")
    assert find(machine, major=15).major == 15


@pytest.mark.parametrize(
    "place",
    [
        "usr/lib/postgresql/16/bin",
        "usr/pgsql-16/bin",
        "opt/homebrew/opt/postgresql@16/bin",
        "opt/homebrew/opt/postgresql/bin",
        "usr/local/opt/postgresql@16/bin",
        "Applications/Postgres.app/Contents/Versions/16/bin",
    ],
)
def test_each_packager_has_its_place(machine: SearchEnvironment, place: str):
    lay_out(machine.root / place, "16.2")
    assert find(machine).bin == machine.root / place


def test_the_one_on_path_comes_before_system_packages(machine: SearchEnvironment):
    lay_out(machine.root / "usr/lib/postgresql/17/bin", "17.4")
    own = lay_out(
        machine.root / "own/bin",
        "16.2",
        pg_config=machine.root / "tools/pg_config",
        share=machine.root / "own/s",
    )
    machine = replace(machine, search_path=str(machine.root / "tools"))
    # Its own directory has no pg_config, so the shared files are looked for beside the programs.
    (machine.root / "own/share/postgresql").mkdir(parents=True)
    (machine.root / "own/s/extension").rename(machine.root / "own/share/postgresql/extension")
    assert find(machine).bin == own


def test_a_conda_environment_is_looked_at(machine: SearchEnvironment):
    lay_out(machine.root / "conda/bin", "16.2")
    machine = replace(machine, conda_prefixes=(machine.root / "none", machine.root / "conda"))
    assert find(machine).bin == machine.root / "conda/bin"


def test_the_variable_names_the_only_place_looked_at(machine: SearchEnvironment):
    lay_out(machine.root / "usr/lib/postgresql/17/bin", "17.4")
    lay_out(machine.root / "mine", "14.1")
    assert find(replace(machine, pg_bin=str(machine.root / "mine"))).major == 14
    assert f"{machine.root}/none has no postgres" in refusal(
        replace(machine, pg_bin=str(machine.root / "none"))
    )


def test_a_beta_has_a_major_version_too(machine: SearchEnvironment):
    lay_out(machine.root / "usr/lib/postgresql/19/bin", "19beta1")
    found = find(machine)
    assert (found.major, found.version) == (19, "19beta1")


@pytest.mark.parametrize(
    ("layout", "reason"),
    [
        ({"version": "13.9"}, "is PostgreSQL 13.9; at least 14 is needed"),
        ({"extensions": ("postgis",)}, "is PostgreSQL 15.18 without the extensions btree_gist, unaccent"),
        ({"extensions": ("btree_gist", "unaccent")}, "is PostgreSQL 15.18 without the extension postgis"),
        ({"programs": ("postgres",)}, "has no initdb (only client programs?)"),
        ({"programs": ()}, "has no postgres and no initdb (only client programs?)"),
    ],
)
def test_the_message_says_why_a_place_was_refused(machine: SearchEnvironment, layout: dict, reason: str):
    place = lay_out(machine.root / "usr/lib/postgresql/15/bin", **layout)
    assert f"{place} {reason}" in refusal(machine)


def test_programs_that_do_not_start_are_refused(machine: SearchEnvironment):
    place = lay_out(machine.root / "usr/lib/postgresql/15/bin")
    write_program(place / "postgres", "exit 1")
    assert f"{place} has a postgres that does not start" in refusal(machine)


def test_programs_out_of_reach_of_their_account_are_refused(machine: SearchEnvironment):
    place = lay_out(machine.root / "usr/lib/postgresql/15/bin")
    (machine.root / "usr").chmod(0o700)
    assert f"{place} is out of reach of user somebody" in refusal(machine, os_user=SOMEBODY)


def test_a_server_without_postgis_gets_the_package_of_its_version(machine: SearchEnvironment):
    for major in ("13", "15", "14"):
        lay_out(machine.root / "usr/lib/postgresql" / major / "bin", f"{major}.1", extensions=())
    assert "sudo apt-get install postgresql-15-postgis-3" in refusal(machine)


def test_a_cluster_of_another_version_gets_the_packages_of_that_version(machine: SearchEnvironment):
    place = lay_out(machine.root / "usr/lib/postgresql/17/bin", "17.4")
    message = refusal(machine, major=15)
    assert "sudo apt-get install postgresql-15 postgresql-15-postgis-3" in message
    assert "made by PostgreSQL 15, whose files no other version reads" in message
    assert f"{place} is PostgreSQL 17.4; this cluster needs 15" in message


def test_an_empty_machine_gets_a_line_for_every_package_manager(machine: SearchEnvironment):
    message = refusal(machine)
    for line in (
        "sudo apt-get install postgresql postgresql-postgis",
        "sudo dnf install postgresql-server postgresql-contrib postgis",
        "brew install postgresql@17 postgis",
        "conda install -c conda-forge postgresql postgis",
        "LANDBRIDGE_PG_BIN",
    ):
        assert line in message
    assert re.search("No PostgreSQL was found at all", message)
