"""Whole steps in three kernels against the reference, and which networks have them."""

import numpy as np
import pytest

from engines import SOLVERS, Engine, large_epsilon, rounded, small_rate
from fastnn._core.cuda import plan, small
from fastnn.activations import ELU, LeakyReLU, PReLU, RReLU
from fastnn.layers import BatchNorm, Dense, Dropout, Heads, Residual
from fastnn.optimizers import Rule
from problems import (
    EACH_LOSS,
    LAYOUTS,
    make_counts,
    make_data,
    make_network,
    rate_factors,
)
from reference import ACTIVATIONS, loss_of
from test_cuda_engine import BATCH, N_FEATURES, N_ROWS, follow, hidden
from test_engine import TOLERANCE, assert_same_state

KERNELS = ["small_first", "small_rest", "small_update"]


@pytest.fixture(autouse=True)
def planned(monkeypatch):
    """The kernels of all plans of training that were made; they are to be these."""
    names, plan_step = [], plan.Plan.__init__

    def init(self, program, arenas, call, *others):
        plan_step(self, program, arenas, call, *others)
        if call.trains:
            names.append([launch.name for launch in self.launches])

    monkeypatch.setattr(plan.Plan, "__init__", init)
    yield names
    assert all(each == KERNELS for each in names)


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("optimizer", [name for name in SOLVERS if "la" not in name[:2]])
def test_every_optimizer(optimizer, dtype, planned):
    follow(hidden(), "log_loss", optimizer, dtype)
    assert planned
