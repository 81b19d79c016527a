"""Everyone who takes part in ``python bench --everyone``: one entry for each row of the table."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version


@dataclass(frozen=True)
class Entrant:
    """One row of the table."""

    name: str
    adapter: str
    """The module in the folder peers that says how the engine is used."""

    way: str
    """How its moons step is written, in a few words."""

    package: str | None = None
    """What pip installs; None if there is nothing to install."""

    scalar: bool = True
    """Whether it builds a graph of scalar objects, as micrograd does, anew in every step."""

    collector: bool = True
    """Whether Python's cyclic garbage collector runs while it is timed."""

    @property
    def version(self) -> str | None:
        """The installed version; None if the package is not installed."""
        if self.package is None:
            return ""
        try:
            return version(self.package)
        except PackageNotFoundError:
            return None


MEGAGRAD = Entrant("megagrad", "megagrad_own", "its own nn", "megagrad")
MICROGRAD = Entrant("micrograd", "micrograd_itself", "micrograd's nn", "micrograd")
MICROGRAD_GC_OFF = Entrant(
    "micrograd, gc off", "micrograd_itself", "micrograd's nn", "micrograd", collector=False
)

FIELD = (
    MEGAGRAD,
    Entrant("megagrad, micrograd's nn", "megagrad_text", "micrograd's nn", "megagrad"),
    MICROGRAD,
    MICROGRAD_GC_OFF,
    Entrant("scalar class", "scalar_class", "micrograd's nn"),
    Entrant("minigrad", "minigrad_c", "its own nn, constants boxed", "minigrad"),
    Entrant("AutoNeuroNet", "autoneuronet_var", "micrograd's nn", "autoneuronet"),
    Entrant("nanograd", "nanograd", "micrograd's nn", "nanograd-bgriebel"),
    Entrant("PyTorch scalars", "pytorch_scalars", "micrograd's nn", "torch"),
    Entrant("XAD", "xad_tape", "scalars on a tape", "xad", scalar=False),
    Entrant("HIPS autograd", "hips_autograd", "arrays, traced", "autograd", scalar=False),
    Entrant("PyTorch batch", "pytorch_batch", "tensors, eager", "torch", scalar=False),
    Entrant("CasADi", "casadi_function", "symbolic function", "casadi", scalar=False),
    Entrant("JAX", "jax_jit", "compiled function", "jax", scalar=False),
)
