"""CUDA on a machine without a GPU: errors, the choice of a device, and reading of arrays."""

import os
import pickle
import types
import warnings
from typing import ClassVar

import numpy as np
import pytest
from scipy import sparse
from sklearn.base import clone

from fastnn import MLPClassifier, MLPRegressor, _core, show_versions
from fastnn._core import cpu
from fastnn._core.device_arrays import DeviceRows, is_on_gpu, to_host
from fastnn._network.compiler import compile_program
from support.names import name_of
from support.scripts import run_script
from support.snapshots import assert_unchanged, snapshot

pytest.importorskip("numba_cuda")
from fastnn._core.cuda import _numba

rng = np.random.default_rng(0)
X = rng.standard_normal((60, 4)).astype(np.float32)
LABELS = rng.integers(3, size=60)
Y = {MLPClassifier: LABELS, MLPRegressor: X @ np.float32([1, -2, 0.5, 0])}
ESTIMATORS = [MLPClassifier, MLPRegressor]


def build(estimator, **options):
    options = {"hidden_layer_sizes": (5,), "max_iter": 4, "random_state": 0} | options
    return estimator(**options)


@pytest.fixture(autouse=True)
def quiet():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


# --- where CUDA cannot start ----------------------------------------------------------------------


def fail(error):
    """A function that raises it."""

    def function(*args):
        raise error

    return function


def machine(error=None, driver=(13, 0), toolkit=(13, 0), has_nvvm=True, card=(9, 0)):
    """A stand-in for ``numba.cuda``, of a machine of that kind."""
    memory = types.SimpleNamespace(free=3_000_000_000, total=80_000_000_000)
    return types.SimpleNamespace(
        cudadrv=types.SimpleNamespace(
            driver=types.SimpleNamespace(
                driver=types.SimpleNamespace(
                    is_available=error is None,
                    initialization_error=error,
                    get_version=lambda: driver,
                )
            ),
            nvvm=types.SimpleNamespace(is_available=lambda: has_nvvm),
        ),
        runtime=types.SimpleNamespace(
            get_version=lambda: toolkit if toolkit else fail(RuntimeError("no libnvrtc"))()
        ),
        get_current_device=lambda: types.SimpleNamespace(
            compute_capability=card, name=b"NVIDIA Card"
        ),
        current_context=lambda: types.SimpleNamespace(get_memory_info=lambda: memory),
    )


@pytest.fixture
def on(monkeypatch):
    """Makes this machine one of that kind, on which CUDA has not been started."""

    def become(**kind):
        monkeypatch.setattr(_numba, "SIMULATED", False)
        monkeypatch.setattr(_numba, "_started", False)
        monkeypatch.setattr(_numba, "cuda", machine(**kind))

    return become


NOT_FOUND = """
CUDA driver library cannot be found.
Ensure that a compatible NVIDIA driver is installed and available on your system path.
"""
DISABLED = "CUDA is disabled due to setting NUMBA_DISABLE_CUDA=1 in the environment, or because"
PROBLEMS = [
    (dict(error=NOT_FOUND), "no driver here: install it from https://www.nvidia.com/drivers. Or"),
    (dict(error=DISABLED), "NUMBA_DISABLE_CUDA=1: unset it"),
    (
        dict(error="Call to cuInit results in CUDA_ERROR_NO_DEVICE (100)"),
        "the driver sees none, with CUDA_VISIBLE_DEVICES='7': look at what nvidia-smi lists",
    ),
    (
        dict(error="Call to cuInit results in CUDA_ERROR_NOT_INITIALIZED (3)"),
        "forked from one that has used the GPU: .*'loky'.* 'spawn'",
    ),
    (
        dict(error="Call to cuInit results in\nCUDA_ERROR_UNKNOWN (999)"),
        r"cannot start the NVIDIA driver \(Call to cuInit results in CUDA_ERROR_UNKNOWN \(999\)\)",
    ),
    (
        dict(driver=(12, 4)),
        r"compiles by CUDA 13.0 here, .* CUDA 12.4, .*update the driver.*numba-cuda\[cu12\]",
    ),
    (dict(card=(7, 0)), "capability 7.5 .* NVIDIA Card has 7.0: choose another by CUDA_VISIBLE"),
]


@pytest.mark.parametrize("kind, message", PROBLEMS)
def test_where_cuda_cannot_start(on, monkeypatch, kind, message):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "7")
    on(**kind)
    with pytest.raises(RuntimeError, match=message) as error:
        _numba.start()
    assert "\n" not in str(error.value)
    assert _core.cuda_problem() == str(error.value)
    assert message[:20] in _core.describe_cuda() or str(error.value) in _core.describe_cuda()


def test_numpy_that_numba_does_not_know(on, monkeypatch):
    """The function that numba-cuda asks for is gone from NumPy 2.5."""
    on()
    monkeypatch.delattr(np, "row_stack")
    with pytest.raises(ImportError, match=r"needs a NumPy before 2\.5.* pip install 'numpy<2\.5'"):
        _numba.start()


def test_tf32_needs_younger_tensor_cores(on):
    """Check the error, also if CUDA is started already."""
    on(card=(7, 5))
    _numba.start()
    with pytest.raises(RuntimeError, match=r"'tf32' .* 8.0 .* NVIDIA Card has 7.5: .*'float32'"):
        _numba.start(tf32=True)
    on(card=(8, 0))
    _numba.start(tf32=True)


@pytest.mark.parametrize("kind", [dict(has_nvvm=False), dict(toolkit=None)])
def test_without_a_compiler(on, kind):
    on(**kind)
    with pytest.raises(ImportError, match=r'NVVM and NVRTC .*: pip install "fastnn-mlp\[cuda\]"'):
        _numba.start()


@pytest.mark.parametrize(
    "kind", [{}, dict(toolkit=(13, 4)), dict(card=(7, 5)), dict(toolkit=(12, 9))]
)
def test_where_cuda_starts(on, kind):
    on(**kind)
    _numba.start()
    assert _core.cuda_problem() is None
    assert "NVIDIA Card (compute capability" in _core.describe_cuda()
    assert "driver of CUDA 13.0" in _core.describe_cuda()


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_a_model_is_as_it_was_where_cuda_cannot_start(on, estimator):
    on(error=NOT_FOUND)
    for model in (build(estimator), build(estimator).fit(X, Y[estimator])):
        state = np.random.RandomState(0)
        model.set_params(device="cuda", random_state=state)
        before, drawn = snapshot(model), state.get_state()[1].copy()
        for method in ("fit", "partial_fit"):
            with pytest.raises(RuntimeError, match="there is no driver here"):
                getattr(model, method)(X, Y[estimator])
            assert_unchanged(model, before)
            np.testing.assert_array_equal(state.get_state()[1], drawn)
    with pytest.raises(RuntimeError, match="there is no driver here"):
        model.predict(X)


def test_what_numba_really_says():
    """Check the error message without a driver, made from numba-cuda's own text."""
    if _numba.SIMULATED or _numba.cuda.is_available():
        pytest.skip("there is a GPU, or a simulated one")
    with pytest.raises(RuntimeError, match=r"there is no driver here|the driver sees none"):
        _numba.start()


def test_without_numba_cuda():
    out = run_script("""
        import sys
        sys.modules["numba_cuda"] = None
        import numpy as np
        from fastnn import MLPRegressor, _core
        X = np.ones((4, 2))
        try:
            MLPRegressor(device="cuda").fit(X, X[:, 0])
        except ImportError as error:
            print(error)
        """)
    assert out.startswith("device='cuda' needs the package numba-cuda, which cannot be imported")
    assert out.endswith('): pip install "fastnn-mlp[cuda]"\n')


def test_importing_fastnn_and_small_work_leave_numba_alone():
    out = run_script("""
        import sys, warnings
        warnings.simplefilter("ignore")
        import numpy as np
        from fastnn import MLPRegressor
        X = np.ones((4, 2))
        MLPRegressor(device="auto", max_iter=2).fit(X, X[:, 0]).predict(X)
        print("numba" in sys.modules, "fastnn._core.cuda" in sys.modules)
        """)
    assert out == "False False\n"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="forks")
def test_after_a_fork():
    run_script("""
        import os, warnings
        warnings.simplefilter("ignore")
        import numpy as np
        from fastnn import MLPRegressor, _core
        from fastnn._core.cuda import _numba
        X = np.ones((4, 2))
        model = MLPRegressor(max_iter=2).fit(X, X[:, 0]).set_params(device="cuda")
        _numba.SIMULATED, _numba._started = False, True  # as if this process had used the GPU
        child = os.fork()
        if child == 0:
            n_right = 0
            for call in (model.predict, lambda X: model.fit(X, X[:, 0])):
                try:
                    call(X)
                except RuntimeError as error:
                    n_right += "'loky', or multiprocessing by its start" in str(error)
            child = os.fork()  # a child's child is as far from the GPU
            if child == 0:
                os._exit(0 if "loky" in _core.cuda_problem() else 1)
            _, status = os.waitpid(child, 0)
            os._exit(0 if n_right == 2 and status == 0 else 1)
        _, status = os.waitpid(child, 0)
        assert os.waitstatus_to_exitcode(status) == 0
        assert _core.cuda_problem() is None
        """)


def test_errors_of_the_device(on):
    on()
    with (
        pytest.raises(MemoryError, match=r"for rows \(5 GB\): 3 of its 80 GB are free. .*batch_si"),
        _numba.device_errors("rows", 5_000_000_000),
    ):
        raise Exception("[2] Call to cuMemAlloc results in CUDA_ERROR_OUT_OF_MEMORY")
    _numba.cuda.current_context = fail(ValueError())
    cases = [
        (MemoryError, "OUT_OF_MEMORY", r"for this network and these batches\. Choose a smaller"),
        (RuntimeError, "UNSUPPORTED_PTX_VERSION", "too old for that: update the driver"),
    ]
    for kind, name, message in cases:
        with pytest.raises(kind, match=message), _numba.device_errors():
            raise Exception(f"CUDA_ERROR_{name}")
    for kind in (ZeroDivisionError, KeyboardInterrupt):
        with pytest.raises(kind), _numba.device_errors():
            raise kind


@pytest.mark.parametrize("where", [0, 1])
def test_arrays_on_another_gpu(on, where):
    on()
    made, cuda = [], _numba.cuda
    cuda.synchronize = lambda: None
    cuda.api = types.SimpleNamespace(
        from_cuda_array_interface=lambda interface, owner: made.append(owner) or interface
    )
    cuda.get_current_device = lambda: types.SimpleNamespace(id=1)
    cuda.cudadrv.driver.driver.cuPointerGetAttribute = lambda attribute, pointer: where
    cuda.cudadrv.driver.binding = types.SimpleNamespace(
        CUpointer_attribute=types.SimpleNamespace(CU_POINTER_ATTRIBUTE_DEVICE_ORDINAL=9),
        CUdeviceptr=int,
    )
    array = types.SimpleNamespace(__cuda_array_interface__=X.__array_interface__)
    if where == 1:
        assert _numba.device_array(array) == X.__array_interface__
        assert made == [array]
        return
    message = "on GPU 0, and fastnn computes on GPU 1: .* CUDA_VISIBLE_DEVICES=0"
    with pytest.raises(ValueError, match=message):
        _numba.device_array(array)


@pytest.mark.parametrize("array", [X, X.T, X[::2, 1:], np.zeros((3, 2))], ids=lambda a: a.strides)
def test_what_has_only_dlpack(array):
    interface, _ = _numba._of_dlpack(array)
    rows = types.SimpleNamespace(__array_interface__=interface)
    np.testing.assert_array_equal(np.asarray(rows), array)


# --- device='auto' --------------------------------------------------------------------------------


@pytest.fixture
def small_and_large():
    """Programs of about 10^2 and 10^6 operations a row."""
    return [
        compile_program(4, [types.SimpleNamespace(units=units)], 0, "float32")
        for units in (3, 100_000)
    ]


def test_auto_chooses_by_the_size_of_the_work(monkeypatch, small_and_large):
    small, large = small_and_large
    asked = []
    monkeypatch.setattr(_core, "cuda_problem", lambda: asked.append(1))
    monkeypatch.setattr(_core, "require_cuda", lambda: None)

    def chosen(*args, **options):
        return _core.chosen_device("auto", *args, **options)

    assert chosen(small, 200, 10**6, trains=True) == "cpu"  # many steps, but tiny ones
    assert chosen(large, 200, 10, trains=True) == "cpu"  # large ones, but few
    assert chosen(large, 10_000) == "cpu"
    assert not asked
    assert chosen(large, 200, 100_000, trains=True) == "cuda"
    assert chosen(large, 10**8) == "cuda"
    monkeypatch.setattr(_core, "cuda_problem", lambda: "no driver")
    assert chosen(large, 200, 100_000, trains=True) == "cpu"
    monkeypatch.setattr(_core, "require_cuda", fail(RuntimeError("no driver")))
    assert chosen(large, 200, 100_000, trains=True) == "cpu"
    with pytest.raises(RuntimeError, match="no driver"):
        _core.chosen_device("cuda", small, 1)
    with pytest.raises(RuntimeError, match="no driver"):
        chosen(small, 1, on_gpu=True)


def test_auto_is_the_cpu_where_cuda_is_missing(on):
    on(error=NOT_FOUND)
    model = build(MLPClassifier, device="auto", precision="float32").fit(X, LABELS)
    expected = build(MLPClassifier, precision="float32").fit(X, LABELS)
    np.testing.assert_array_equal(model.predict_proba(X), expected.predict_proba(X))
    with pytest.raises(ValueError, match="precision='tf32' trains with device='cuda' only"):
        build(MLPClassifier, device="auto", precision="tf32").fit(X, LABELS)


def test_unknown_devices():
    model = build(MLPClassifier).fit(X, LABELS).set_params(device="gpu")
    with pytest.raises(ValueError, match=r"device='gpu' is not known; choose .*'cuda', 'auto'"):
        model.predict(X)


# --- a stand-in for the CUDA engine ---------------------------------------------------------------


class OnGPU:
    """An array as PyTorch's on a GPU: nobody may look into it but the engine."""

    def __init__(self, values):
        self.values = values
        self.shape, self.dtype = values.shape, f"torch.{values.dtype}"

    def __dlpack_device__(self):
        return 2, 0

    def __array__(self, *args, **kwargs):
        raise TypeError("can't convert cuda:0 device type tensor to numpy.")


def on_host(array):
    return array.array.values if isinstance(array, DeviceRows) else array


class Engine:
    """The CPU's, that looks into arrays on the GPU; `made` has all."""

    made: ClassVar[list] = []
    fails = False

    def __init__(self, program, *arguments):
        self.program = program
        self._engine = cpu.Engine(program, *arguments)
        self.made.append(self)

    def train_steps(self, X, *arguments):
        n_done = self._engine.train_steps(on_host(X), *arguments)
        if self.fails:
            raise MemoryError("the GPU is full")
        return n_done

    def loss(self, X, *arguments):
        return self._engine.loss(on_host(X), *arguments)

    def add_gradient(self, X, *arguments):
        return self._engine.add_gradient(on_host(X), *arguments)


class Predictor(cpu.Predictor):
    def __call__(self, X, *arguments):
        return super().__call__(on_host(X), *arguments)


@pytest.fixture
def stand_in(monkeypatch):
    """Replace the CUDA engine; return the list of engines created."""
    from fastnn._core import cuda

    module = types.SimpleNamespace(
        Engine=Engine,
        Predictor=Predictor,
        refuse=cuda.refuse,
        n_threads=cuda.n_threads,
        all_finite=lambda rows: bool(np.isfinite(on_host(rows)).all()),
        take_rows=lambda rows, numbers: OnGPU(on_host(rows)[numbers]),
        to_host=lambda array: array.values.copy(),
    )
    of_device = _core.engine_module
    monkeypatch.setattr(
        _core, "engine_module", lambda device: module if device == "cuda" else of_device(device)
    )
    monkeypatch.setattr(_core, "require_cuda", lambda: None)
    monkeypatch.setattr(Engine, "made", [])
    return Engine


def negative_errors(model, X, y, sample_weight):
    return float(-abs(model.predict(X) - y) @ sample_weight)


OPTIONS = [
    {},
    {"early_stopping": True},
    {"early_stopping": True, "scoring": "loss"},
    {"early_stopping": True, "scoring": "neg_mean_squared_error"},
    {"early_stopping": True, "scoring": negative_errors},
    {"solver": "lbfgs"},
    {"normalization": "batch", "averaging": "ema"},
    {"augment": "mixup"},
    {"precision": "float64"},
]


@pytest.mark.parametrize("estimator", ESTIMATORS)
@pytest.mark.parametrize("options", OPTIONS, ids=name_of)
@pytest.mark.parametrize("device", ["cuda", "auto"])
def test_rows_on_the_gpu(stand_in, estimator, options, device):
    weights = 0.5 + rng.random(60)
    y = Y[estimator]
    expected = build(estimator, **options).fit(X, y, weights)
    model = build(estimator, device=device, **options)
    model.fit(OnGPU(X), OnGPU(y), OnGPU(weights))
    assert stand_in.made
    for own, theirs in zip(model.coefs_, expected.coefs_, strict=True):
        np.testing.assert_array_equal(own, theirs)
    assert model.n_features_in_ == 4
    np.testing.assert_array_equal(model.predict(OnGPU(X)), expected.predict(X))
    assert model.score(OnGPU(X), OnGPU(y), OnGPU(weights)) == expected.score(X, y, weights)
    if estimator is MLPClassifier:
        np.testing.assert_array_equal(model.predict_proba(OnGPU(X)), expected.predict_proba(X))


@pytest.mark.parametrize("scoring", [None, "accuracy", "loss"])
@pytest.mark.parametrize("where", [(OnGPU, OnGPU), (OnGPU, np.asarray), (np.asarray, OnGPU)])
def test_validation_rows_on_the_gpu(stand_in, scoring, where):
    options = {"early_stopping": True, "scoring": scoring}
    of_training, of_validation = where
    held_out = X[:20], LABELS[:20], np.ones(20)
    names = "X_val", "y_val", "sample_weight_val"
    expected = build(MLPClassifier, **options)
    expected.fit(X, LABELS, **dict(zip(names, held_out, strict=True)))
    model = build(MLPClassifier, device="auto", **options)
    there = dict(zip(names, map(of_validation, held_out), strict=True))
    model.fit(of_training(X), LABELS, **there)
    assert stand_in.made
    assert model.validation_scores_ == expected.validation_scores_
    np.testing.assert_array_equal(model.coefs_[0], expected.coefs_[0])


def test_bytes_on_the_gpu(stand_in):
    images = rng.integers(256, size=(60, 4)).astype(np.uint8)
    expected = build(MLPClassifier).fit(images, LABELS)
    model = build(MLPClassifier, device="cuda").fit(OnGPU(images), LABELS)
    np.testing.assert_array_equal(
        model.predict_proba(OnGPU(images)), expected.predict_proba(images)
    )


BAD_ROWS = [
    (X.astype(np.float16), "X on the GPU must be a matrix of float32, float64 or uint8, .*float16"),
    (X.astype(np.int64), "this is of int64"),
    (X[:, 0], r"this is of float32, with the shape \(60,\)"),
    (X[:0], r"at least one row and one feature, but has shape \(0, 4\)"),
    (X[:, :0], "at least one row and one feature"),
    (X[:50], "inconsistent numbers of samples"),
    (np.where(X[7, 2] == X, np.nan, X), "Input X contains NaN or infinity"),
    (np.where(X[7, 2] == X, -np.inf, X), "Input X contains NaN or infinity"),
]


@pytest.mark.parametrize("rows, message", BAD_ROWS, ids=lambda value: str(value)[:30])
@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_bad_rows_on_the_gpu(stand_in, estimator, rows, message):
    fitted = build(estimator, device="cuda").fit(OnGPU(X), Y[estimator])
    for model in (build(estimator, device="cuda"), fitted):
        before = snapshot(model)
        with pytest.raises(ValueError, match=message):
            model.fit(OnGPU(rows), Y[estimator])
        assert_unchanged(model, before)
    if "inconsistent" not in message:
        with pytest.raises(ValueError, match=message):
            fitted.predict(OnGPU(rows))


def test_number_of_features_on_the_gpu(stand_in):
    model = build(MLPClassifier, device="cuda").fit(X, LABELS)
    for call in (model.predict, lambda X: model.partial_fit(X, LABELS)):
        with pytest.raises(ValueError, match="X has 3 features, but MLPClassifier is expecting 4"):
            call(OnGPU(X[:, :3]))


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_arrays_on_the_gpu_and_the_cpu(estimator):
    y = Y[estimator]
    model, message = build(estimator), r"reads memory of the processor: .*\.cpu\(\) .*\.get\(\)"
    before = snapshot(model)
    for X_there, y_there, weights in (
        (OnGPU(X), y, None),
        (X, OnGPU(y), None),
        (X, y, OnGPU(np.ones(60))),
    ):
        with pytest.raises(ValueError, match=message):
            model.fit(X_there, y_there, weights)
    assert_unchanged(model, before)
    with pytest.raises(ValueError, match=message):
        model.fit(X, y).predict(OnGPU(X))


def test_what_lies_on_a_gpu():
    class Interface:
        @property
        def __cuda_array_interface__(self):
            return {}

    class OfTheHost:
        def __dlpack_device__(self):
            return 1, 0

    assert is_on_gpu(OnGPU(X)) and is_on_gpu(DeviceRows(OnGPU(X))) and is_on_gpu(Interface())
    for other in (X, [[1.0]], None, sparse.csr_matrix(X), OfTheHost(), memoryview(X), "X", 3):
        assert not is_on_gpu(other)


@pytest.mark.parametrize("method", ["cpu", "get"])
def test_libraries_bring_their_arrays_to_the_host(method):
    tensor = OnGPU(X)
    setattr(
        tensor, method, lambda: types.SimpleNamespace(numpy=lambda: X) if method == "cpu" else X
    )
    assert to_host(tensor) is X


def test_differentiated_tensors_are_detached():
    tensor = OnGPU(X)
    tensor.requires_grad, tensor.detach = True, lambda: OnGPU(X)
    assert not hasattr(DeviceRows(tensor).array, "requires_grad")


@pytest.mark.parametrize("device, n_engines", [("cuda", 3), ("cpu", 1)])
def test_engines_on_a_gpu_do_not_outlive_a_call(stand_in, device, n_engines):
    """Check that engines are released, because they hold the rows of one call by address."""
    model = build(MLPClassifier, device=device)
    made = []
    original = _core.make_engine

    def make_engine(*arguments):
        made.append(original(*arguments))
        return made[-1]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_core, "make_engine", make_engine)
        for _ in range(3):
            model.partial_fit(X, LABELS, classes=[0, 1, 2])
    assert len(made) == n_engines


@pytest.mark.parametrize("warm_start", [True, False])
def test_what_fails_on_the_gpu_changes_nothing(stand_in, monkeypatch, warm_start):
    model = build(MLPClassifier, device="cuda", warm_start=warm_start).fit(X, LABELS)
    before = snapshot(model)
    monkeypatch.setattr(stand_in, "fails", True)
    with pytest.raises(MemoryError, match="the GPU is full"):
        model.fit(X, LABELS)
    assert_unchanged(model, before)


def test_what_the_other_device_fitted(stand_in):
    """Pickles and clones tell nothing of the device but the parameter."""
    model = build(MLPClassifier, device="cuda").fit(X, LABELS)
    copied = pickle.loads(pickle.dumps(model))
    expected = build(MLPClassifier).fit(X, LABELS)
    for one in (model, copied):
        np.testing.assert_array_equal(one.predict_proba(X), expected.predict_proba(X))
        one.set_params(device="cpu")
        np.testing.assert_array_equal(one.predict_proba(X), expected.predict_proba(X))
    assert pickle.dumps(model._network) == pickle.dumps(expected._network)
    assert clone(model.set_params(device="auto")).device == "auto"
    n_made = len(stand_in.made)
    model.set_params(device="cpu").partial_fit(X, LABELS)
    assert len(stand_in.made) == n_made
    model.set_params(device="cuda").partial_fit(X, LABELS)
    assert len(stand_in.made) == n_made + 1


# --- precision ------------------------------------------------------------------------------------


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_tf32(stand_in, monkeypatch, estimator):
    monkeypatch.setattr(_core, "cuda_problem", lambda: None)
    for device in ("cuda", "auto"):
        model = build(estimator, device=device, precision="tf32").fit(X, Y[estimator])
        assert stand_in.made.pop().program.tf32
        assert model.coefs_[0].dtype == np.float32
    plain = build(estimator, device="cuda", precision="float32").fit(X, Y[estimator])
    assert not stand_in.made.pop().program.tf32
    model.set_params(device="cpu")
    np.testing.assert_array_equal(model.predict(X), plain.predict(X))
    copied = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(copied.predict(X), plain.predict(X))
    assert copied._network.architecture.precision == "tf32"
    copied.set_params(device="cuda").partial_fit(X, Y[estimator])
    assert stand_in.made.pop().program.tf32


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_precisions_of_the_other_device(stand_in, estimator):
    cases = [
        (
            {"precision": "tf32"},
            "'tf32' trains with device='cuda' only, .*'float32', or 'bfloat16'",
        ),
        ({"precision": "bfloat16", "device": "cuda"}, "device='cpu'. With .* precision='tf32'"),
        ({"precision": "tf32", "device": "cuda", "solver": "lbfgs"}, "'tf32' needs a solver such"),
    ]
    for options, message in cases:
        model = build(estimator, **options)
        before = snapshot(model)
        with pytest.raises(ValueError, match=message):
            model.fit(X, Y[estimator])
        assert_unchanged(model, before)
    tf32 = build(estimator, device="cuda", precision="tf32").fit(X, Y[estimator])
    with pytest.raises(ValueError, match="'tf32' trains with device='cuda' only"):
        tf32.set_params(device="cpu").partial_fit(X, Y[estimator])
    with pytest.raises(ValueError, match="precision='float32', but the network was fitted in tf32"):
        tf32.set_params(device="cuda", precision="float32").partial_fit(X, Y[estimator])
    bfloat16 = build(estimator, precision="bfloat16").fit(X, Y[estimator])
    with pytest.raises(ValueError, match="fitted in bfloat16 predicts with device='cpu'"):
        bfloat16.set_params(device="cuda").predict(X)


def test_bfloat16_keeps_auto_on_the_cpu(stand_in, monkeypatch):
    monkeypatch.setattr(_core, "cuda_problem", lambda: None)
    monkeypatch.setattr(_core, "LEAST_ON_CUDA", 0)
    monkeypatch.setattr(_core, "LEAST_OF_STEP", 0)
    build(MLPClassifier, device="auto", precision="bfloat16").fit(X, LABELS).predict(X)
    assert not stand_in.made
    build(MLPClassifier, device="auto").fit(X, LABELS).predict(X)
    assert stand_in.made


def test_one_line_about_cuda(capsys, on):
    on(error=NOT_FOUND)
    show_versions()
    line = next(line for line in capsys.readouterr().out.splitlines() if "CUDA: " in line)
    assert "numba-cuda 0." in line and "there is no driver here" in line
