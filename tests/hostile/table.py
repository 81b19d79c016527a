"""Every call that hostile arguments are given to, by its name."""

from hostile.calls import FUNCTION, FUNCTIONAL, NN, PARALLEL, Rows, value_rows
from hostile.more_calls import FILES, OPTIM, OTHERS, SCHEDULES

ROWS: Rows = {
    **value_rows(),
    **FUNCTIONAL,
    **FUNCTION,
    **{f"parallel.{name}": row for name, row in PARALLEL.items()},
    **NN,
    **OPTIM,
    **SCHEDULES,
    **FILES,
    **OTHERS,
}

# NumPy's own recursion, which has no end: np.add(array, 1.0).
CRASHES_NUMPY = "array with itself"
