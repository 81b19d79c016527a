"""Every call that hostile arguments are given to, by its name."""

from collections.abc import Mapping

from hostile.calls import FUNCTION, NN, PARALLEL, Rows, value_rows
from hostile.check import Call
from hostile.functional_calls import FUNCTIONAL
from hostile.layer_calls import LAYERS
from hostile.module_calls import MODULES
from hostile.more_calls import FILES, OPTIM, OTHERS, SCHEDULES

ROWS: Rows = {
    **value_rows(),
    **FUNCTIONAL,
    **FUNCTION,
    **{f"parallel.{name}": row for name, row in PARALLEL.items()},
    **NN,
    **MODULES,
    **LAYERS,
    **OPTIM,
    **SCHEDULES,
    **FILES,
    **OTHERS,
}


def never_ends(call: Call, places: Mapping[int | str, str]) -> bool:
    """Whether NumPy recurses without an end, as in np.add(array, 1.0).

    places: the hostile arguments' names by their places.
    """
    return call.arrays_too and "array with itself" in places.values()
