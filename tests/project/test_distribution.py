"""What is installed from a wheel: the package, the compiled engine, the benchmark, nothing else."""

import re
from importlib import metadata

import pytest

import megagrad

DISTRIBUTION = metadata.distribution("megagrad")
EXPECTED = re.compile(
    r"""megagrad/( \w+\.py | (cli|demo|functional|nn|optim|show|torch_export|bench|bench/peers|bench/programs|bench/programs/fork)/\w+\.py   # Python
      | _core\.pyi | py\.typed                                       # types
      | _core\.[\w.-]+\.(so|pyd)                                     # the engine
      )
      | megagrad\.libs/[\w.+-]+                                        # C++'s own library, on musl
      | megagrad-[\w.]+\.dist-info/[\w./]+ | .*/bin/megagrad | .*/Scripts/megagrad\.exe
      | .*\.pyc""",
    re.VERBOSE,
)


@pytest.fixture(scope="module")
def files():
    if "editable" in (DISTRIBUTION.read_text("direct_url.json") or ""):
        pytest.skip("an editable installation")
    return [file.as_posix() for file in DISTRIBUTION.files]


def test_nothing_but_the_package_is_installed(files):
    assert [file for file in files if not EXPECTED.fullmatch(file)] == []


def test_one_engine_with_its_types_and_licence(files):
    assert len([file for file in files if re.search(r"_core\..*(so|pyd)$", file)]) == 1
    for needed in ("_core.pyi", "py.typed", "licenses/LICENSE", "bench/__main__.py"):
        assert any(file.endswith(needed) for file in files), needed


def test_numpy_is_all_that_is_required():
    required = [line for line in DISTRIBUTION.requires if "extra ==" not in line]
    assert len(required) == 1
    assert required[0].startswith("numpy")


def test_the_version_is_the_distributions():
    assert megagrad.__version__ == DISTRIBUTION.version
