"""The rows of the table, in their order: all work that megagrad can do."""

from __future__ import annotations

import backward
import expression
import memory
import ops
import optimiser
import startup
import training
from engines import MEGAGRAD
from workload import Workload

_ALL: tuple[Workload, ...] = (
    *ops.WORKLOADS,
    *expression.WORKLOADS,
    *backward.WORKLOADS,
    *training.WORKLOADS,
    *optimiser.WORKLOADS,
    *memory.WORKLOADS,
    *startup.WORKLOADS,
)

WORKLOADS = tuple(workload for workload in _ALL if workload.suits(MEGAGRAD))
