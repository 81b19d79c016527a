"""Rules that the code base keeps."""

import re
import subprocess
import sys
import tomllib

import pytest
from support.places import ROOT

pytestmark = pytest.mark.skipif(
    not (ROOT / "CMakeLists.txt").exists(), reason="needs the whole checkout"
)


def sources(folder, *suffixes):
    return [path for path in (ROOT / folder).rglob("*") if path.suffix in suffixes]


def cpp_sources():
    """Ours: doctest is not."""
    return [path for path in sources("cpp", ".hpp", ".cpp") if path.parent.name != "doctest"]


def read(path):
    return path.read_text(encoding="utf-8")


def test_the_core_knows_no_python():
    """That no folder includes one of the binding's is seen to by test_layering."""
    files = [path for path in cpp_sources() if "bindings" not in path.parts]
    assert len(files) > 30
    for path in files:
        assert not re.search(r'#include\s*[<"](Python\.h|pybind11)', read(path)), path


def test_what_every_node_goes_through_is_written_without_pybind11():
    """A call through pybind11 costs ten times what an operator call costs."""
    files = [path for path in cpp_sources() if path.parent.name in ("value", "bundle")]
    assert len(files) > 15
    for path in files:
        if path.name != "losses.cpp":
            assert not re.search(r'#include\s*[<"](pybind11|.*errors\.hpp)', read(path)), path


def test_what_is_generated_is_up_to_date():
    done = subprocess.run(
        [sys.executable, ROOT / "docs" / "generate.py", "--check"], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


def test_the_build_file_is_short_and_portable():
    text = read(ROOT / "CMakeLists.txt") + read(ROOT / "cpp" / "CMakeLists.txt")
    assert len(text.splitlines()) < 100
    assert "-ffp-contract=off" in text
    for flag in ("-march=", "-mtune=", "-Ofast"):
        assert flag not in text
    # More than the baseline only for kernels, which of several sets run is decided at run time.
    for line in text.splitlines():
        assert "-mavx" not in line or re.fullmatch(r"  set\((avx2|avx512) -m[-a-z0-9 ]+\)", line)
    assert not re.search(r"^[^#]*-ffast-math", text, re.MULTILINE)


def test_an_op_is_named_in_its_entry_alone():
    """What has a slot in Python's types is named there, too, and arithmetic where it is fused."""
    table = read(ROOT / "cpp" / "graph" / "op_table.hpp").split("#define MEGAGRAD_INFIX")[1]
    names = re.findall(r"^ +ENTRY\((\w+),", table, re.MULTILINE)
    assert len(names) == len(set(names)) > 35
    slots = {"add", "sub", "mul", "div", "pow", "neg", "abs"}
    slots |= {"less", "less_equal", "greater", "greater_equal"}  # which have a truth value
    slots |= {"detach", "shifted"}  # where backward ends; what overflows as `-` does
    for path in cpp_sources():
        if path.parent.name != "tests" and path.name != "losses.cpp":  # which consist of ops
            named = set(re.findall(r"Op::(\w+)", read(path)))
            assert not named & set(names) - slots, path


# Files that are longer than a reader takes in at once, and why they are not taken apart.
LONG = {"doctest.h": "not ours"}


def test_no_file_is_long_without_a_reason():
    for folder in ("bench", "cpp", "docs", "python", "tests"):
        for path in sources(folder, ".hpp", ".cpp", ".py", ".pyi"):
            lines = len(read(path).splitlines())
            assert lines <= 400 or path.name in LONG, f"{path}: {lines} lines"


def test_names_say_what_a_file_is_about():
    for path in cpp_sources() + sources("python", ".py") + sources("bench", ".py"):
        assert not re.search(r"util|helper|manager|misc|common", path.stem), path


def test_the_version_stands_in_one_place():
    """In pyproject.toml; what is written for people and archives agrees with it."""
    import megagrad

    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    changes = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert project["version"] == megagrad.__version__
    assert re.search(r"^## (\d+\.\d+\.\d+)", changes, re.MULTILINE)[1] == megagrad.__version__
    assert re.search(r"^version: (.+)$", citation, re.MULTILINE)[1] == megagrad.__version__


def test_every_python_that_is_promised_is_tested():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    promised = re.findall(r"Python :: (3\.\d+)", " ".join(project["classifiers"]))
    workflow = (ROOT / ".github" / "workflows" / "tests.yml").read_text(encoding="utf-8")
    assert re.findall(r'"(3\.\d+)"', re.search(r"python: \[(.+)\]", workflow)[1]) == promised
    assert project["requires-python"] == f">={promised[0]}"
