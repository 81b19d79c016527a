"""Rules that the code base keeps."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
pytestmark = pytest.mark.skipif(
    not (ROOT / "CMakeLists.txt").exists(), reason="needs the whole checkout"
)


def sources(folder, *suffixes):
    return [path for path in (ROOT / folder).rglob("*") if path.suffix in suffixes]


def test_the_core_knows_no_python():
    files = [
        path
        for folder in ("cpp/core", "cpp/program", "cpp/tests")
        for path in sources(folder, ".hpp", ".cpp")
    ]
    assert len(files) > 30
    for path in files:
        assert not re.search(
            r'#include\s*[<"](Python\.h|pybind11|value\.hpp)', path.read_text(encoding="utf-8")
        ), path


def test_what_every_node_goes_through_is_written_without_pybind11():
    """A call through pybind11 costs ten times what an operator call costs."""
    hot = re.compile(r"(value|value_\w+|node_pool|operands|bulk_functions|layer)\.[ch]pp")
    files = [path for path in sources("cpp/bindings", ".hpp", ".cpp") if hot.fullmatch(path.name)]
    assert len(files) > 15
    for path in files:
        assert not re.search(
            r'#include\s*[<"](pybind11|registration\.hpp)', path.read_text(encoding="utf-8")
        ), path


def test_what_is_generated_is_up_to_date():
    done = subprocess.run(
        [sys.executable, ROOT / "docs" / "generate.py", "--check"], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


def test_the_build_file_is_short_and_portable():
    text = (ROOT / "CMakeLists.txt").read_text(encoding="utf-8")
    assert len(text.splitlines()) < 80
    assert "-ffp-contract=off" in text
    for flag in ("-march=", "-mtune=", "-Ofast"):
        assert flag not in text
    # More than the baseline only for kernels, which of several sets run is decided at run time.
    for line in text.splitlines():
        assert "-mavx" not in line or re.fullmatch(r"  set\((avx2|avx512) -m[-a-z0-9 ]+\)", line)
    assert not re.search(r"^[^#]*-ffast-math", text, re.MULTILINE)


def test_names_say_what_a_file_is_about():
    for path in sources("cpp", ".hpp", ".cpp") + sources("python", ".py") + sources("bench", ".py"):
        assert not re.search(r"util|helper|manager|misc|common", path.stem), path


def test_the_version_is_the_newest_in_the_changelog():
    import megagrad

    newest = re.search(
        r"^## (\d+\.\d+\.\d+)", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE
    )
    assert newest[1] == megagrad.__version__
