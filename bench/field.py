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
    """How its moons step is written, in a few words; "scalars" if in micrograd's style."""

    package: str | None = None
    """What pip installs; None if there is nothing to install."""

    collector: bool = True
    """Whether Python's cyclic garbage collector runs while it is timed."""

    cores: int | None = None
    """How many processor cores it may use; None for all."""

    @property
    def scalar(self) -> bool:
        """Whether it builds a graph of scalar objects, as micrograd does, anew in every step."""
        return self.way.startswith("scalars")

    @property
    def version(self) -> str | None:
        """The installed version; None if the package is not installed."""
        if self.package is None:
            return ""
        try:
            return version(self.package)
        except PackageNotFoundError:
            return None


MEGAGRAD = Entrant("megagrad", "megagrad_own", "scalars, own nn", "megagrad")
MICROGRAD = Entrant("micrograd", "micrograd_itself", "scalars, micrograd's nn", "micrograd")
MICROGRAD_GC_OFF = Entrant(
    "micrograd, gc off", "micrograd_itself", "scalars, micrograd's nn", "micrograd", collector=False
)

FIELD = (
    MEGAGRAD,
    Entrant("megagrad, micrograd's nn", "megagrad_text", "scalars, micrograd's nn", "megagrad"),
    MICROGRAD,
    MICROGRAD_GC_OFF,
    Entrant("scalar class", "scalar_class", "scalars, micrograd's nn"),
    Entrant("minigrad", "minigrad_c", "scalars, own nn", "minigrad"),
    Entrant("AutoNeuroNet", "autoneuronet_var", "scalars, micrograd's nn", "autoneuronet"),
    Entrant("nanograd", "nanograd", "scalars, micrograd's nn", "nanograd-bgriebel"),
    Entrant("PyTorch scalars", "pytorch_scalars", "scalars, micrograd's nn", "torch"),
    Entrant("XAD", "xad_tape", "tape", "xad"),
    Entrant("HIPS autograd", "hips_autograd", "arrays, traced anew", "autograd"),
    Entrant("PyTorch batch", "pytorch_batch", "arrays, eager", "torch"),
    Entrant("CasADi", "casadi_function", "arrays, recorded once", "casadi"),
    Entrant("JAX", "jax_jit", "arrays, compiled once", "jax"),
)
