"""``megagrad bench``: the benchmark, from wherever megagrad is installed."""

import subprocess
import sys

import pytest

from megagrad.cli import bench


def megagrad_bench(tmp_path, *words, before=""):
    code = f"import sys; {before}\nfrom megagrad.cli.main import main; sys.exit(main())"
    return subprocess.run(
        [sys.executable, "-c", code, "bench", *words],
        cwd=tmp_path,
        capture_output=True,
        encoding="utf-8",
        timeout=120,
    )


def test_the_benchmark_is_installed():
    assert any((folder / "__main__.py").is_file() for folder in bench.FOLDERS)


@pytest.mark.parametrize("package", ["rich", "micrograd"])
def test_without_its_packages(tmp_path, package):
    done = megagrad_bench(tmp_path, before=f"sys.modules[{package!r}] = None")
    assert (done.returncode, done.stdout) == (1, "")
    assert "pip install 'megagrad[bench]'" in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("package", ["rich", "micrograd"])
def test_help_needs_no_packages(tmp_path, package):
    done = megagrad_bench(tmp_path, "--help", before=f"sys.modules[{package!r}] = None")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("usage: megagrad bench")


def test_all_words_are_the_benchmarks(tmp_path):
    pytest.importorskip("rich")
    pytest.importorskip("micrograd")
    done = megagrad_bench(tmp_path, "--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("usage: megagrad bench [-h] [--check]")
    done = megagrad_bench(tmp_path, "--check", "--only", "add")
    assert done.stdout.startswith("1 workloads checked, all engines compute equal results\n")
    assert megagrad_bench(tmp_path, "--absent").returncode == 2
