"""Ctrl-C stops long calls soon, and leaves what is usable."""

import pytest

from support import TESTS
from support.scripts import run_script

INTERRUPTED = """
    import sys
    import numpy as np
    sys.path.insert(0, {tests!r})
    from support.engines import Engine
    from support.interrupts import CtrlC
    from support.problems import make_data, make_layers, make_network

    rng = np.random.default_rng(0)
    layers = make_layers([200, 10], position="before")
    network = make_network(rng, 100, layers, "squared_error")
    X, y = make_data(rng, 5000, 100, 10, "squared_error")
    engine = Engine(network, "squared_error", "adam", "float32", 100, n_threads=2)
    X = X.astype("float32")
    order = np.tile(np.arange(5000), 2_000)
    rates = np.full(100_000, 1e-4)  # a minute
    ctrl_c = CtrlC(0.5)
    try:
        engine.train(X, y, 100, rates, order=order)
    except KeyboardInterrupt:
        print(ctrl_c.answered())
    step = engine.state.step
    assert 0 < step < 100_000
    assert np.isfinite(engine.predict(X)).all()
    engine.train(X, y, 100, np.full(50, 1e-4))
    assert engine.state.step == step + 50
"""


def test_ctrl_c_stops_a_long_call_soon():
    """Check the delay of Ctrl-C, 0.2 s by design, with a margin for a busy machine."""
    answered = float(run_script(INTERRUPTED.format(tests=str(TESTS))))
    print(f"Ctrl-C was answered after {answered * 1000:.0f} ms")
    assert answered < 1


INTERRUPTED_STEP = """
    import sys, time
    import numpy as np
    import scipy.sparse
    sys.path.insert(0, {tests!r})
    from support.engines import Engine
    from support.interrupts import CtrlC
    from support.problems import make_data, make_layers, make_network

    name = {name!r}
    n_rows, n_features, width = 5_000, 500, 1_000
    rng = np.random.default_rng(0)
    layers = make_layers([width, width, 10], position="before" if "normalized" in name else None)
    network = make_network(rng, n_features, layers, "squared_error")
    X, y = make_data(rng, n_rows, n_features, 10, "squared_error")
    X = X.astype("float32")
    rows = scipy.sparse.csr_array(X * (X > 1)) if "sparse" in name else X
    optimizer = "lamb" if "lamb" in name else "adam"
    made = network, "squared_error", optimizer, "float32", 16
    engine, twin = Engine(*made, n_threads=2), Engine(*made, n_threads=2)

    def step(engine, n=None):
        return engine.train(rows[:n], y[:n], n or n_rows, [1e-4])

    call = {{
        "predict": lambda: [engine.predict(rows) for _ in range(4)],
        "gradient": lambda: engine.loss_and_grad(rows, y),
        "step": lambda: step(engine),
    }}[name.split()[-1]]
    step(engine, 40)
    step(twin, 40)
    began = time.perf_counter()
    call()
    whole = time.perf_counter() - began

    for part in {parts}:
        ctrl_c = CtrlC(part * whole)
        try:
            while True:
                call()
        except KeyboardInterrupt:
            print(ctrl_c.answered(), whole)
    for _ in range(engine.state.step - twin.state.step):  # those that were not interrupted
        step(twin)
    assert step(engine, 40).tolist() == step(twin, 40).tolist()
    for arena in ("parameters", "statistics", "slots"):
        assert np.array_equal(getattr(engine.state, arena), getattr(twin.state, arena)), arena
"""


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("normalized step", (0.1, 0.5, 0.8)),  # forward, back, and while weights get gradients
        ("lamb step", (0.8,)),
        ("sparse step", (0.3, 0.8)),
        ("normalized gradient", (0.3,)),
        ("predict", (0.3,)),
    ],
)
def test_ctrl_c_leaves_a_long_step_as_if_it_had_not_begun(name, parts):
    script = INTERRUPTED_STEP.format(tests=str(TESTS), name=name, parts=parts)
    for line in run_script(script).splitlines():
        answered, whole = map(float, line.split())
        print(f"{name} of {whole:.1f} s: Ctrl-C was answered after {answered * 1000:.0f} ms")
        assert answered < 1


def test_ctrl_c_leaves_a_usable_estimator():
    answered = run_script("""
        import warnings
        import numpy as np
        from fastnn import MLPClassifier
        from support.interrupts import CtrlC
        warnings.simplefilter("ignore")
        rng = np.random.default_rng(0)
        X, y = rng.standard_normal((5000, 100)).astype("float32"), rng.integers(3, size=5000)
        ctrl_c = CtrlC(0.5)
        model = MLPClassifier((200,), max_iter=10**6, tol=0, n_iter_no_change=10**6)
        try:
            model.fit(X, y)
        except KeyboardInterrupt:
            pass
        print(ctrl_c.answered())
        assert np.isfinite(model.predict_proba(X)).all()
    """)
    assert float(answered) < 1
