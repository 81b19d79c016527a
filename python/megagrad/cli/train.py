"""``megagrad train``: a network that tells classes apart, saved and drawn."""

import argparse
import math
import os
import random
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from megagrad.cli import interrupt, words
from megagrad.cli.failure import Failure, told_if_unwritable
from megagrad.demo import picture
from megagrad.demo.datasets import Table, circles, moons, read_csv, spirals
from megagrad.demo.scaling import Scaling
from megagrad.demo.training import Progress, train
from megagrad.nn import ACTIVATIONS, MLP
from megagrad.show.graph import printable

__all__ = ["add_parser"]


class Recipe(NamedTuple):
    """What a data set is made and learned with, unless an option says otherwise.

    title: of its picture; a file's is its name. generate: makes its points; a file has its own.
    """

    title: str
    generate: Callable[[int, float, int], tuple[list[Any], list[int]]] | None
    points: int | None
    noise: float | None
    layers: list[int]
    activation: str
    epochs: int
    learning_rate: float


CSV = "FILE.csv"
RECIPES = {
    "moons": Recipe("Two moons", moons, 100, 0.1, [16, 16], "relu", 100, 1.0),
    "circles": Recipe("Two circles", circles, 100, 0.1, [16, 16], "relu", 100, 1.0),
    "spirals": Recipe("Two spirals", spirals, 200, 0.02, [16, 16], "relu", 500, 1.0),
    CSV: Recipe("", None, None, None, [16, 16], "relu", 200, 0.3),
}

EXAMPLES = """\
examples:
  python -m megagrad train
  python -m megagrad train circles --points 200 --noise 0.15 --epochs 200
  python -m megagrad train spirals --layers 8 8 8 --activation tanh --plot tanh.svg
  python -m megagrad train iris.csv --target species --save iris.npz

FILE.csv has commas between its cells, a header, a column of numbers for each feature, and one that names the class of each
row. Features are brought to mean 0 and deviation 1 for the training; the network that is saved
takes them as they are in the file. To use it:
  model = megagrad.nn.MLP(...)  # with the numbers that the command prints
  model.load_state_dict(megagrad.load("iris.npz"))

Ctrl-C ends the training early, and what is trained so far is saved and drawn; a second one ends
the program at once.
"""


def add_parser(commands: Any) -> argparse.ArgumentParser:
    """Add the command and its options."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "train",
        help="train a network to tell classes of points apart, save it, and draw what it learned",
        description="Train a multi-layer perceptron to tell classes of points apart. Draw its\n"
        "decision boundary and its loss: with matplotlib into a file, else in the terminal.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(do=lambda options: _train(options, parser.error))
    add = parser.add_argument
    add(
        "data",
        type=words.unmarked,
        nargs="?",
        default="moons",
        metavar="DATA",
        help=f"moons, circles, spirals, or {CSV}: what to learn from (default: moons)",
    )
    add(
        "--target",
        metavar="COLUMN",
        help=f"the column of {CSV} that names the classes (default: the last one)",
    )
    add(
        "--points",
        type=words.whole(2),
        metavar="N",
        help=f"how many points to make, at least 2 (default: {_defaults('points')})",
    )
    add(
        "--noise",
        type=words.real(0),
        metavar="X",
        help=f"standard deviation of the points around their curve (default: {_defaults('noise')})",
    )
    add(
        "--layers",
        type=words.whole(1),
        nargs="+",
        metavar="N",
        help=f"neurons in each hidden layer (default: {_defaults('layers')})",
    )
    add(
        "--activation",
        choices=ACTIVATIONS,
        metavar="OP",
        help="what the hidden neurons end with: relu, tanh, ... "
        f"(default: {_defaults('activation')})",
    )
    add(
        "--epochs",
        type=words.whole(1),
        metavar="N",
        help=f"how many times to go through all points (default: {_defaults('epochs')})",
    )
    add(
        "--learning-rate",
        "--lr",
        type=words.real(0, open_end=True),
        metavar="X",
        help=f"step size at the start; it falls to a tenth (default: {_defaults('learning_rate')})",
    )
    add(
        "--seed",
        type=int,
        default=1337,
        metavar="N",
        help="seed of the points and of the first weights (default: %(default)s)",
    )
    add(
        "--save",
        type=words.output,
        metavar="PATH",
        help="where the network's numbers go, in NumPy's format .npz (default: nowhere)",
    )
    add(
        "--plot",
        "--output",
        metavar="PATH",
        help="where the picture goes; the suffix chooses the format (default: DATA.png)",
    )
    return parser


def _defaults(option: str) -> str:
    """Say the default of most data sets, and in which ones it differs."""
    values = {name: getattr(recipe, option) for name, recipe in RECIPES.items()}
    usual = values["moons"]
    others = [
        f"{_spelled(value)} for {name}"
        for name, value in values.items()
        if value not in (usual, None)
    ]
    return ", ".join([_spelled(usual), *others])


def _spelled(value: object) -> str:
    return " ".join(map(str, value)) if isinstance(value, list) else str(value)


def _recipe(data: str) -> Recipe:
    """Return the recipe of a data set that has a name, or else that of a file."""
    return RECIPES.get(data, RECIPES[CSV])


def _train(options: argparse.Namespace, refuse: Callable[[str], Any]) -> int:
    _complete(options, refuse)
    table = _table(options)
    scaling = None if _recipe(options.data).generate else _scaling(table, options.data)
    outputs = len(table.classes) if len(table.classes) > 2 else 1
    sizes = [*options.layers, outputs]
    random.seed(options.seed)
    model = MLP(len(table.features), sizes, activation=options.activation)
    print(f"{len(table.points)} points, {len(model.parameters())} parameters", flush=True)
    history: list[Progress] = []
    with interrupt.noticed() as is_interrupted:
        try:
            _learn(model, table, scaling, options, history, is_interrupted)
            _tell(history[-1], options.epochs)
            _save(model, table, sizes, options)
            _show(model, table, history, options)
        # Of an op, such as the log of a negative number.
        except (ValueError, OverflowError) as error:
            raise Failure(
                f"{error}; another --activation or a smaller --learning-rate should help"
            ) from None
        return 130 if is_interrupted() else 0


def _complete(options: argparse.Namespace, refuse: Callable[[str], Any]) -> None:
    """Fill in what the data set decides, and refuse what does not go with it."""
    recipe = _recipe(options.data)
    if recipe.generate:
        options.title = recipe.title
        if options.target is not None:
            refuse(f"argument --target: only {CSV} has columns, {options.data} has not")
    else:
        path = Path(options.data)
        if path.is_dir() or (path.suffix.lower() != ".csv" and not path.exists()):
            made = ", ".join(name for name in RECIPES if name != CSV)
            refuse(f"argument DATA: {options.data!r} is none of {made}, nor a file")
        options.title = printable(path.name)  # fonts have no bytes that are no UTF-8
        for name in ("points", "noise"):
            if getattr(options, name) is not None:
                refuse(f"argument --{name}: {options.data} has points of its own")
    for name, value in recipe._asdict().items():
        if getattr(options, name, "") is None:  # an option that was not given
            setattr(options, name, value)
    if options.plot is None:
        options.plot = f"{Path(options.data).stem}.png"
    if picture.matplotlib_is_installed():  # or nothing will be written
        try:
            options.plot = words.output(options.plot, _suffixes())
        except argparse.ArgumentTypeError as error:
            refuse(f"argument --plot/--output: {error}")
    _keep_files_apart(options, refuse)


def _suffixes() -> list[str]:
    """List what the picture's name may end with; any will do if matplotlib cannot say."""
    try:
        return picture.suffixes()
    except Exception:  # noqa: BLE001 - of its configuration; the training goes on
        return []


def _keep_files_apart(options: argparse.Namespace, refuse: Callable[[str], Any]) -> None:
    """Refuse to write one file over another."""
    roles = {"DATA": options.data, "--save": options.save, "--plot": options.plot}
    if _recipe(options.data).generate:
        del roles["DATA"]
    seen: dict[str, str] = {}
    for role, path in roles.items():
        if path is not None and (other := seen.setdefault(os.path.realpath(path), role)) != role:
            refuse(f"{other} and {role} are the same file, {str(path)!r}")


def _table(options: argparse.Namespace) -> Table:
    generate = _recipe(options.data).generate
    if generate:
        points, labels = generate(options.points, options.noise, options.seed)
        return Table(points, [label > 0 for label in labels], ["x1", "x2"], "label", ["-1", "+1"])
    try:
        return read_csv(options.data, options.target)
    except OSError as error:
        raise Failure(f"cannot read {options.data!r}: {error.strerror}") from None
    except ValueError as error:
        raise Failure(str(error)) from None


def _scaling(table: Table, path: str) -> Scaling:
    try:
        return Scaling.of(table.points, table.features)
    except ValueError as error:
        raise Failure(f"{path}: {error}") from None


def _learn(
    model: MLP,
    table: Table,
    scaling: Scaling | None,
    options: argparse.Namespace,
    history: list[Progress],
    is_interrupted: Callable[[], bool],
) -> None:
    """Train, adding to the history, until all epochs are over or the user has had enough."""
    points, labels = table.points, table.labels
    if scaling:
        points = scaling.apply(points)
    if len(table.classes) == 2:
        labels = [2 * label - 1 for label in labels]
    steps = train(
        model,
        points,
        labels,
        classes=len(table.classes),
        epochs=options.epochs,
        learning_rate=options.learning_rate,
    )
    with _reporter(options.epochs) as report:
        for progress in steps:
            _check(progress)
            history.append(progress)
            report(progress)
            if is_interrupted():
                break
    if is_interrupted():
        print(f"\nmegagrad: interrupted after epoch {progress.epoch}", file=sys.stderr)
    if scaling:
        scaling.fold_into(model)


@contextmanager
def _reporter(epochs: int) -> Iterator[Callable[[Progress], object]]:
    """Yield what shows the progress: a bar on a terminal, if tqdm is installed, else lines."""
    try:
        if not sys.stderr.isatty():
            raise ImportError
        from tqdm import tqdm
    except ImportError:
        yield lambda progress: _print(progress, epochs)
        return
    with tqdm(total=epochs, unit="epoch", file=sys.stderr) as bar:

        def advance(progress: Progress) -> None:
            state = f"loss {progress.loss:.4f}, accuracy {progress.accuracy:.1%}"
            bar.set_postfix_str(state, refresh=False)
            bar.update(progress.epoch - bar.n)

        yield advance


def _check(progress: Progress) -> None:
    if not math.isfinite(progress.loss):
        raise Failure(
            f"the loss is {progress.loss} after {progress.epoch} epochs; "
            "a smaller --learning-rate should help"
        )


def _print(progress: Progress, epochs: int) -> None:
    if progress.epoch % math.ceil(epochs / 10) == 0 or progress.epoch == epochs:
        print(
            f"epoch {progress.epoch:{len(str(epochs))}}/{epochs}  "
            f"loss {progress.loss:.4f}  accuracy {progress.accuracy:6.1%}",
            flush=True,
        )


def _tell(last: Progress, epochs: int) -> None:
    early = f" ({last.epoch} of {epochs} epochs)" if last.epoch < epochs else ""
    print(f"trained: accuracy {last.accuracy:.1%}, loss {last.loss:.4f}{early}", flush=True)


def _save(model: MLP, table: Table, sizes: list[int], options: argparse.Namespace) -> None:
    if options.save is None:
        return
    from megagrad.state import save  # which imports NumPy

    with told_if_unwritable(options.save):
        save(model.state_dict(), options.save)
    form = f"MLP({len(table.features)}, {sizes}, activation={options.activation!r})"
    meaning = (
        f"positive for {table.classes[1]!r}, else {table.classes[0]!r}"
        if len(table.classes) == 2
        else f"the largest output's of {table.classes}"
    )
    print(f"network: {options.save}, for {form}; {table.target}: {meaning}", flush=True)


def _show(model: MLP, table: Table, history: list[Progress], options: argparse.Namespace) -> None:
    if picture.matplotlib_is_installed():
        last = history[-1]
        title = (
            f"{options.title} after {last.epoch} epochs: "
            f"accuracy {last.accuracy:.1%}, loss {last.loss:.4f}"
        )
        with told_if_unwritable(options.plot), _told_if_undrawable(options.plot):
            picture.draw(model, table, history, options.plot, title)
        is_plane = len(table.features) == 2
        print(f"{'decision boundary and loss' if is_plane else 'loss'}: {options.plot}")
        return
    if len(table.features) == 2:
        width = min(shutil.get_terminal_size().columns, 80)
        print(picture.sketch(model, table, width=width, colour=_stdout_has_colour()))
    print("matplotlib, which draws this into a file, comes with: pip install 'megagrad[viz]'")


@contextmanager
def _told_if_undrawable(path: Path) -> Iterator[None]:
    """Make a Failure of what matplotlib raises, as without the LaTeX that it is configured for."""
    try:
        yield
    except OSError:
        raise
    except Exception as error:  # noqa: BLE001 - matplotlib raises its own kinds
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise Failure(f"matplotlib cannot draw {str(path)!r}: {reason}") from None


def _stdout_has_colour() -> bool:
    """Tell whether stdout is a terminal whose user has not asked for plain text (no-color.org)."""
    return (
        sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    )
