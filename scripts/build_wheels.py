"""Builds the wheels of all distributions, and tries them in clean environments: `make wheels`.

The compiled distribution has wheels for Linux on x86-64 and arm64 with glibc 2.17 or later: one for Python
3.11, and one for later ones. zig (from PyPI) compiles them, and auditwheel checks what they need.
"""

import argparse
import os
import platform as host
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
COMPILED = "landbridge-kernels"
PURE = (
    *("landbridge-mappings", "landbridge-raster", "landbridge-stac-api"),
    *("landbridge", "landbridge-descarteslabs"),
)
MACHINES = ("x86_64", "aarch64")
GLIBC = (2, 17)
# The first is built against its own interface, the second against the stable one, which serves later ones.
BUILT_WITH = ("3.11", "3.12")
TRIED_WITH = ("3.11", "3.12", "3.13")
TOOLS = ("cc", "c++", "ar", "ranlib")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", nargs="?", type=Path, default=ROOT / "dist", help="folder of the wheels")
    parser.add_argument("--no-trial", action="store_true", help="do not install the wheels")
    options = parser.parse_args()
    folder: Path = options.folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("landbridge*.whl"):
        if not is_current(old):
            old.unlink()
    for name in PURE:
        uv("build", "--quiet", "--wheel", "--package", name, "--out-dir", folder)
    for machine in MACHINES:
        for version in BUILT_WITH:
            if not list(folder.glob(f"{wheel_stem(version)}-*_{machine}.whl")):
                build_compiled(machine, version, folder)
    for wheel in sorted(folder.glob("*.whl")):
        print(f"{wheel.stat().st_size / 1000:8,.0f} kB  {wheel.name}")
    if not options.no_trial:
        for version in TRIED_WITH:
            try_wheels(version, folder)


def is_current(wheel: Path) -> bool:
    """Return whether a wheel is of compiled code that has not changed since: it takes minutes to build."""
    sources = [path for path in (ROOT / "src" / "kernels").rglob("*") if path.is_file()]
    newest = max(path.stat().st_mtime for path in (*sources, Path(__file__)))
    return wheel.name.startswith("landbridge_kernels-") and wheel.stat().st_mtime > newest


def wheel_stem(version: str) -> str:
    """Return the name of the compiled wheel for a version of Python, up to its platform."""
    release = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    tag = f"cp{version.replace('.', '')}"
    return f"landbridge_kernels-{release}-{tag}-{tag if version == BUILT_WITH[0] else 'abi3'}"


def build_compiled(machine: str, version: str, folder: Path) -> None:
    """Build the compiled distribution for a machine and a version of Python."""
    with tempfile.TemporaryDirectory() as work:
        plain = Path(work, "wheels")
        environment = cross_environment(machine, version, Path(work))
        arguments = ("--wheel", "--package", COMPILED, "--python", version, "--out-dir", plain)
        uv("build", *arguments, environment=environment)
        (wheel,) = plain.glob("*.whl")
        platform = f"manylinux_{GLIBC[0]}_{GLIBC[1]}_{machine}"
        # The names of platforms are known for this machine only; the wheel's own is found by its name.
        wanted = platform if machine == host.machine() else "auto"
        run("auditwheel", "repair", "--plat", wanted, "--wheel-dir", folder, wheel)
        # The wheel needs no more than the platform promises.
        if not list(folder.glob(f"{wheel_stem(version)}-*{platform}*.whl")):
            sys.exit(f"{wheel.name} needs more than {platform}: {[one.name for one in folder.glob('*.whl')]}")


def cross_environment(machine: str, version: str, work: Path) -> Mapping[str, str]:
    """Return the environment in which zig compiles for a machine; its commands are scripts in a folder."""
    target = f"{machine}-linux-gnu.{GLIBC[0]}.{GLIBC[1]}"
    for tool in TOOLS:
        command = f"{tool} -target {target}" if tool in ("cc", "c++") else tool
        script = work / tool
        script.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m ziglang {command} "$@"\n')
        script.chmod(0o755)
    settings = {
        "CMAKE_SYSTEM_NAME": "Linux",
        "CMAKE_SYSTEM_PROCESSOR": machine,
        "CMAKE_AR": work / "ar",
        "CMAKE_RANLIB": work / "ranlib",
        # nanobind relies on it, and Python's stable interface and zig's library do not bring it along.
        "CMAKE_CXX_FLAGS": "-include cstdio",
        # zig keeps symbols otherwise.
        "CMAKE_SHARED_LINKER_FLAGS": "-s",
        "CMAKE_MODULE_LINKER_FLAGS": "-s",
    }
    return {
        **os.environ,
        "CC": str(work / "cc"),
        "CXX": str(work / "c++"),
        "SKBUILD_CMAKE_ARGS": ";".join(f"-D{name}={value}" for name, value in settings.items()),
        # The machine in the names of the wheel and of the extension.
        "_PYTHON_HOST_PLATFORM": f"linux-{machine}",
        "SETUPTOOLS_EXT_SUFFIX": f".cpython-{version.replace('.', '')}-{machine}-linux-gnu.so",
    }


def try_wheels(version: str, folder: Path) -> None:
    """Install the wheels in an empty environment of a version of Python, and read pixels there."""
    with tempfile.TemporaryDirectory() as work:
        uv("venv", "--quiet", "--python", version, Path(work, "environment"))
        python = Path(work, "environment", "bin", "python")
        release = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
        wanted = [f"{name}=={release}" for name in (COMPILED, "landbridge", "landbridge-descarteslabs")]
        # Our own distributions come as wheels of the folder only.
        ours = [argument for name in (COMPILED, *PURE) for argument in ("--only-binary", name)]
        uv("pip", "install", "--quiet", "--python", python, "--find-links", folder, *ours, *wanted)
        trial = shutil.copy(ROOT / "scripts" / "try_wheels.py", work)
        # Outside the checkout, without its environment.
        environment = {"PATH": os.environ["PATH"], "HOME": work}
        subprocess.run([python, "-I", trial, work], check=True, cwd=work, env=environment)


def uv(*arguments: object, environment: Mapping[str, str] | None = None) -> None:
    run(ROOT / "scripts" / "uv", *arguments, environment=environment)


def with_pyenv(environment: Mapping[str, str]) -> Mapping[str, str]:
    """Return an environment in which all interpreters of pyenv are found, not the active ones only."""
    folders = sorted(map(str, Path.home().glob(".pyenv/versions/*/bin")))
    return {**environment, "PATH": os.pathsep.join([environment["PATH"], *folders])}


def run(*command: object, environment: Mapping[str, str] | None = None) -> None:
    """Run a command; its output is printed if it fails."""
    done = subprocess.run(
        [*map(str, command)],
        check=False,
        cwd=ROOT,
        env=with_pyenv(environment or os.environ),
        capture_output=True,
        text=True,
    )
    if done.returncode:
        sys.exit(
            f"{done.stdout}{done.stderr}{' '.join(map(str, command))} failed with status {done.returncode}."
        )


if __name__ == "__main__":
    main()
