"""Random calls with several hostile arguments each: ``python tests/long/hostile_campaign.py CALLS SEED``.

What has to hold is what hostile/check.py says, but for results, which may follow from either argument.
"""

import contextlib
import faulthandler
import gc
import random
import sys
import tempfile
import warnings
from importlib.util import find_spec
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from hostile.check import try_call
from hostile.objects import HOSTILE
from hostile.table import ROWS, never_ends

# Seconds for ten thousand calls, after which one of them counts as one that never ends.
LONGEST = 600


def campaign(calls, seed):
    """Return how many of so many calls raised; fails at the first that does not keep the rules."""
    generator = random.Random(seed)
    names = [name for name, row in ROWS.items() if row().places()]
    if find_spec("graphviz") is None:
        names.remove("draw_dot")
    raised = 0
    for _ in range(calls):
        name = generator.choice(names)
        call = ROWS[name]()
        places = call.places()
        chosen = generator.sample(places, generator.randint(1, min(3, len(places))))
        arguments = {place: generator.choice(list(HOSTILE)) for place in chosen}
        if never_ends(call, arguments):
            continue
        # try_call() seeds the module random, not this generator.
        seen = try_call(ROWS[name], {place: (it, HOSTILE[it]) for place, it in arguments.items()})
        raised += seen.failed
    return raised


def main():
    calls, seed = int(sys.argv[1]), int(sys.argv[2])
    warnings.simplefilter("error")
    gc.collect()
    gc.freeze()
    step = 10_000
    raised = 0
    for first in range(0, calls, step):
        faulthandler.dump_traceback_later(LONGEST, exit=True)
        with (
            tempfile.TemporaryDirectory() as folder,
            contextlib.chdir(folder),
        ):  # text is a path, too
            raised += campaign(min(step, calls - first), f"{seed}.{first}")
    print(f"{calls} calls, seed {seed}: {raised} raised, all as they should")


if __name__ == "__main__":
    main()
