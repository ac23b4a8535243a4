"""`python -m deploy.manifests`: render the Kustomize base; validate each object by Kubernetes' schemas."""

from __future__ import annotations

import subprocess
import sys

import kubernetes_validate
import yaml

from deploy.compose_file import PROGRAMS, ROOT

_VERSION = "1.37"


def main() -> int:
    """Print the objects and return the exit code."""
    command = [str(PROGRAMS / "kubectl"), "kustomize", str(ROOT / "deploy" / "kubernetes")]
    text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    objects = [one for one in yaml.safe_load_all(text) if one]
    failed = 0
    for one in objects:
        name = f"{one['kind']} {one['metadata']['name']}"
        try:
            kubernetes_validate.validate(one, _VERSION, strict=True)
        except kubernetes_validate.ValidationError as error:
            failed += 1
            print(f"FAILED  {name}: {'.'.join(map(str, error.path))}: {error.message}")
        else:
            print(f"ok      {name}")
    return int(bool(failed) or not objects)


if __name__ == "__main__":
    sys.exit(main())
