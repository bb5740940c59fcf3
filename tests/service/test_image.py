"""The image serves with the packages of deploy/requirements.txt alone: no torch, no transformers, no llama-index.

There is no Docker here: a process that finds no other package stands for the image.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

from api.settings import load_settings
from tests.api.conftest import write_notes

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
NOT_IN_IT = {"torch", "transformers", "sentence-transformers", "llama-index", "llama-index-core", "onnx", "onnxscript"}

IN_THE_IMAGE = '''
import importlib, pkgutil, re, sys
from importlib import metadata
from pathlib import Path

def plain(name):
    return re.sub(r"[-_.]+", "-", name).lower()

lines = Path(sys.argv[1]).read_text("utf-8").split("\\n")
there = {plain(line) for line in lines if line and not line.startswith("#")} | {"cuecard"}
owners = {name: {plain(d) for d in dists} for name, dists in metadata.packages_distributions().items()}

class Elsewhere:
    """Finds nothing of packages that the image does not have."""

    @staticmethod
    def find_spec(name, path=None, target=None):
        if "." not in name and name in owners and not owners[name] & there:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        return None

sys.meta_path.insert(0, Elsewhere)
import httpx
from api.cli.main import run
from api.home import own
from api.http.app import create_app
from api.local import LocalLibrary
from api.settings import load_settings
from tests.service.running import running

home, notes = sys.argv[2:]
assert run(["ingest", notes, "--home", home, "--json"]) == 0
for package in ("ingest", "api.http"):
    folder = importlib.import_module(package)
    for module in pkgutil.walk_packages(folder.__path__, f"{package}."):
        importlib.import_module(module.name)
settings = load_settings(home, {"CUECARD_REDIS_URL": "redis://127.0.0.1:1/0", "CUECARD_RATE_LIMIT": "1000"})
library = LocalLibrary(settings, own(settings, "serve", create=False))
with running(create_app(library, settings, local=True)) as url:
    answer = httpx.post(f"{url}/ask", json={"question": "Which Redis eviction policy do you choose?"}, timeout=60)
    assert answer.json()["sources"], answer.text
    for route in ("docs", "openapi.json", "metrics", "documents"):
        assert httpx.get(f"{url}/{route}", timeout=60).status_code == 200, route
library.close()
assert not {"torch", "transformers", "llama_index"} & set(sys.modules)
print("served")
'''


def plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def wanted() -> list[str]:
    lines = (DEPLOY / "requirements.txt").read_text("utf-8").split("\n")
    return [line for line in lines if line and not line.startswith("#")]


def test_it_serves_with_these_packages_alone(tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "HF_HUB_OFFLINE": "1"}
    words = [sys.executable, "-c", IN_THE_IMAGE, str(DEPLOY / "requirements.txt"), str(tmp_path / "home")]
    done = subprocess.run(
        [*words, str(write_notes(tmp_path / "notes"))],
        capture_output=True,
        text=True,
        env=environment,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.strip().endswith("served")


def test_each_package_has_one_version_and_torch_is_none_of_them() -> None:
    pinned = {plain(line.partition("==")[0]) for line in (ROOT / "constraints.txt").read_text("utf-8").split()}
    assert not {plain(name) for name in wanted()} & NOT_IN_IT
    assert {plain(name) for name in wanted()} - pinned == set()


def test_the_dockerfile_ends_without_root_and_without_what_it_was_built_with() -> None:
    stages = re.split(r"^FROM ", (DEPLOY / "Dockerfile").read_text("utf-8"), flags=re.MULTILINE)[1:]
    assert len(stages) == 3
    last = stages[-1]
    assert re.search(r"^USER cuecard$", last, re.MULTILINE)
    assert "/opt/export" not in last
    copied = re.findall(r"^COPY (?!--from)(.+)$", "".join(stages), re.MULTILINE)
    for name in {source for line in copied for source in line.split()[:-1]}:
        assert (ROOT / name).exists(), name


def test_the_compose_file_names_settings_that_there_are() -> None:
    compose: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text("utf-8"))
    services = compose["services"]
    assert set(services) == {"cuecard", "qdrant", "postgres", "redis"}
    environment = {
        name: value.replace("${POSTGRES_PASSWORD:?set a password}", "x")
        for name, value in services["cuecard"]["environment"].items()
    }
    assert load_settings("/nowhere", environment).shared
    used = {volume.partition(":")[0] for service in services.values() for volume in service.get("volumes", ())}
    assert used == set(compose["volumes"])
    assert not any(service.get("privileged") for service in services.values())
