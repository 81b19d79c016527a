"""The inputs that are kept: for each target an archive, which the tests run and campaigns begin with.

python tests/fuzz/corpus.py unpack TARGET FOLDER
python tests/fuzz/corpus.py pack TARGET FOLDER
"""

import hashlib
import sys
import zipfile
from pathlib import Path

ARCHIVES = Path(__file__).parent / "corpus"


def inputs(target: str) -> dict[str, bytes]:
    with zipfile.ZipFile(ARCHIVES / f"{target}.zip") as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def unpack(target: str, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    if not (ARCHIVES / f"{target}.zip").exists():
        return
    for name, content in inputs(target).items():
        (folder / name).write_bytes(content)


def pack(target: str, folder: Path) -> None:
    """The same inputs always make the same archive."""
    if not any(folder.iterdir()):
        raise FileNotFoundError(f"{folder} is empty: nothing was merged")
    contents = sorted((path.read_bytes() for path in folder.iterdir()), key=lambda x: (len(x), x))
    with zipfile.ZipFile(
        ARCHIVES / f"{target}.zip", "w", zipfile.ZIP_DEFLATED, compresslevel=9
    ) as archive:
        for content in contents:
            member = zipfile.ZipInfo(hashlib.sha1(content).hexdigest()[:10])
            member.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(member, content)


if __name__ == "__main__":
    _, command, target, folder = sys.argv
    {"pack": pack, "unpack": unpack}[command](target, Path(folder))
