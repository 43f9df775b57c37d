"""An activation, a loss and an optimizer, added by the steps of CONTRIBUTING.md and no other.

They go into a copy of the tree. It is built, and its own tests find them in the registries.
"""

import os
import re
import shutil
import subprocess
import sys

import pytest

from support import ROOT

#: By section of CONTRIBUTING.md and file: beginnings of lines, and what is put before them.
STEPS = {
    "Add an activation": {
        "fastnn/_core/codes.py": {
            "    )\n}\n\n\n@dataclass": '        Activation("throwaway", 18),\n'
        },
        "fastnn/_core/cpu/activations.h": {
            "/* a is the parameter": (
                "INLINE real throwaway(real x) { return x > 0 ? x : x / 2; }\n"
                "INLINE real throwaway_derivative(real y) { return y > 0 ? 1 : REAL(.5f, .5); }\n"
            ),
            "    F(ACT_LOGISTIC,": (
                "    F(ACT_THROWAWAY, throwaway(x[i]), throwaway_derivative(y[i])) \\\n"
            ),
        },
        "fastnn/_core/cuda/activations.py": {
            "_DERIVATIVES_OF_VALUES = {": """\
@device
def throwaway(x, a):
    return x if x > real(0) else real(0.5) * x


@device
def throwaway_derivative(y, a):
    return real(1) if y > real(0) else real(0.5)


""",
            '    "logistic": (logistic,': '    "throwaway": (throwaway, throwaway_derivative),\n',
        },
        "tests/support/reference/activations.py": {
            '    "logistic": Activation(': """\
    "throwaway": Activation(
        lambda z: np.where(z > 0, z, z / 2), lambda z: np.where(z > 0, 1.0, 0.5)
    ),
"""
        },
        "fastnn/estimators/parameter_docs.py": {"'elu', 'selu'": "'throwaway', "},
    },
    "Add a loss": {
        "fastnn/_core/codes.py": {
            "    )\n}\n\n\nclass Rule": '        loss_of_values("throwaway", 15),\n'
        },
        "fastnn/_core/cpu/losses.h": {
            "    F(LOSS_SQUARED_ERROR,": "    F(LOSS_THROWAWAY, (z - y) * (z - y), 2 * (z - y))\\\n"
        },
        "fastnn/_core/cuda/losses.py": {
            "@device": """\
@device
def throwaway_loss(z, y, a):
    return (z - y) * (z - y)


@device
def throwaway_loss_derivative(z, y, a):
    return real(2) * (z - y)


""",
            '    "squared_error":': (
                '    "throwaway": _of_outputs("throwaway_loss", "throwaway_loss_derivative"),\n'
            ),
        },
        "tests/support/reference/losses.py": {
            '    "absolute_error":': (
                '    "throwaway": of_errors(lambda e: e**2, lambda e: 2 * e),\n'
            )
        },
        "fastnn/estimators/docstrings.py": {
            "        - 'poisson' is": "        - 'throwaway' is (z - y)^2.\n"
        },
    },
    "Add an optimizer": {
        "fastnn/_core/codes.py": {"\n\nclass Column": "    THROWAWAY = 16\n"},
        "fastnn/optimizers/momentum.py": {
            "@dataclass": '''\
@dataclass
class Throwaway(StochasticOptimizer):
    """Steps along the sum of halved gradients."""

    code: ClassVar[int] = Rule.THROWAWAY
    n_slots: ClassVar[int] = 1

    def coefficients(self, learning_rates, alpha, first_step):
        return table_of(learning_rates, alpha, 0.5)


'''
        },
        "fastnn/optimizers/__init__.py": {
            "from .rprop": "from .momentum import Throwaway\n",
            '    "lbfgs":': '    "throwaway": Throwaway,\n',
        },
        "fastnn/_core/cpu/optimizers.h": {
            "INLINE void momentum(": """\
INLINE void throwaway_step(const real *c, real *w, real g, real *sum)
{
    *sum = fused(c[COEF_OWN], *sum, g);
    *w = fused(-c[COEF_LEARNING_RATE], *sum, *w);
}

""",
            "        UPDATE(OPT_SGD,": (
                "        UPDATE(OPT_THROWAWAY, 1, throwaway_step(c, w + j, gradient, s0 + j))\n"
            ),
        },
        "fastnn/_core/cuda/optimizers.py": {
            "#: The name of the rule": """\
@device
def throwaway_step(own, rate, factor, decay, w, g, s0, s1, s2):
    total = own[0] * s0 + g
    return w - rate * total, total, s1, s2


""",
            "}": '    Rule.THROWAWAY: "throwaway_step",\n',
        },
        "tests/support/reference/optimizers.py": {
            "class Optimizer(": """\
def throwaway(w, g, slots, t, learning_rate):
    (total,) = slots
    total[...] = total / 2 + g
    return w - learning_rate * total


""",
            '    "sgd": Optimizer(': '    "throwaway": Optimizer(throwaway, 1),\n',
        },
        "fastnn/estimators/parameter_docs.py": {"'adamw', 'nadam'": "'throwaway', \\\n"},
    },
}


@pytest.mark.parametrize("section", STEPS)
def test_contributing_names_the_files(section):
    text = (ROOT / "CONTRIBUTING.md").read_text()
    steps = text.split(f"\n## {section}\n\n")[1].split("\n\n")[0]
    named = set(re.findall(r"`((?:fastnn|tests)/[\w./]+)`", steps))
    files = set(STEPS[section])
    assert len(named) <= 7
    for path in files:
        assert path in named or os.path.dirname(path) in named, path


@pytest.mark.cuda
def test_all_three_work(tmp_path):
    """Check them against the reference, on the CPU and in the CUDA simulator, and in estimators.

    One test, for the tree is built once: processes that share tests out build one each.
    """
    tree = tmp_path / "tree"
    left_out = shutil.ignore_patterns(".*", "build", "dist", "docs", "*.so", "__pycache__")
    shutil.copytree(ROOT, tree, ignore=left_out)
    for files in STEPS.values():
        for path, insertions in files.items():
            text = (tree / path).read_text()
            for before, inserted in insertions.items():
                at = text.index(f"\n{before}") + 1
                text = text[:at] + inserted + text[at:]
            (tree / path).write_text(text)
    run(tree, "setup.py", "build_ext", "--inplace")
    run(tree, "-W", "ignore", "-c", TRAINING)
    passes(tree, "core/test_ops.py", "loss or activ or optim or codes")
    passes(tree, "core/cuda/test_cuda_twins.py", "registries")
    passes(tree, "core/cuda/test_cuda_rules.py", "rule")
    passes(tree, "specs/test_specs.py", "codes or loss")
    assert passes(tree, "core/test_engine.py", "throwaway") > 50
    simulated = "core/cuda/device/test_cuda_engine.py", "throwaway"
    assert passes(tree, *simulated, NUMBA_ENABLE_CUDASIM="1") > 3


TRAINING = """
import numpy as np
from fastnn import MLPRegressor
X = np.random.default_rng(0).standard_normal((200, 3))
y = X[:, 0] + 0.1 * abs(X[:, 1])
model = MLPRegressor("throwaway", activation="throwaway", solver="throwaway", max_iter=60,
                     learning_rate_init=0.01, random_state=0, tol=0)
assert model.fit(X, y).score(X, y) > 0.9
"""


def passes(tree, tests, chosen, **environment):
    """Run some tests of the tree; returns how many there are."""
    marks = "-m", "cuda or not cuda"  # those that are left out otherwise, too
    out = run(tree, "-m", "pytest", "-q", f"tests/{tests}", "-k", chosen, *marks, **environment)
    return int(re.search(r"(\d+) passed", out)[1])


def run(tree, *arguments, **environment):
    environment = os.environ | {"PYTHONPATH": str(tree), "PYTEST_ADDOPTS": ""} | environment
    done = subprocess.run(
        [sys.executable, *arguments], cwd=tree, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-5000:]
    return done.stdout
