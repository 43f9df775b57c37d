"""A process that holds one library on a GPU, and does one thing at a time when asked.

python benches/gpu_worker.py COLUMN DEVICE      (started by gpu.py; a DEVICE but "cuda" is a dry
                                                 run)
"""

import importlib.metadata
import sys
import time

import gpu_checks
import gpu_peers
from peers import FastNN
from worker import Work, serve
from workloads import Workload

PACKAGES = ("numpy", "numba", "numba-cuda", "cuda-core", "cuda-bindings", "torch")


class GpuWork(Work):
    """A method for each thing that the process can be asked for; `fit` and `loss` are of a fit."""

    def __init__(self, column, device):
        self.column, self.device, self.on_gpu = column, device, device == "cuda"
        if not self.on_gpu:
            sys.setswitchinterval(1e-4)  # threads of the simulator wait more than they compute
        self.peer, self.loaded = gpu_peers.COLUMNS[column](self.on_gpu), {}

    def versions(self):
        """Return versions of packages, and descriptions of the GPU by Numba and PyTorch."""
        import fastnn

        answer = {"fastnn": fastnn.__version__}
        for name in PACKAGES:
            try:
                answer[name] = importlib.metadata.version(name)
            except importlib.metadata.PackageNotFoundError:
                answer[name] = "not installed"
        from numba import cuda

        if self.on_gpu:
            device, memory = cuda.get_current_device(), cuda.current_context().get_memory_info()
            answer["CUDA of Numba"] = ".".join(map(str, cuda.runtime.get_version()))
            answer["CUDA of the driver"] = ".".join(
                map(str, cuda.cudadrv.driver.driver.get_version())
            )
            answer["compute capability"] = ".".join(map(str, device.compute_capability))
            answer["multiprocessors"] = device.MULTIPROCESSOR_COUNT
            answer["free memory, MiB"] = memory[0] >> 20
        return answer

    def check(self, name):
        return {"found": gpu_checks.CHECKS[name](not self.on_gpu)}

    # ------------------------------------------------------------------------------------ steps

    def prepare(self, fields):
        """Seconds that it took to make, compile and capture what does the steps of a case."""
        self.case = gpu_peers.Case(**{**fields, "hidden": tuple(fields["hidden"])})
        start = time.perf_counter()
        self.peer.prepare(self.case)
        return {"seconds": time.perf_counter() - start}

    def run(self):
        """Seconds of a run, and by the clock; some steps before wake up whatever sleeps."""
        self.peer.run(max(1, self.case.n_steps // 8))
        seconds, clock = self.peer.run(self.case.n_steps)
        return {"seconds": seconds, "clock": clock}

    def loss_of_steps(self):
        return {"loss": self.peer.loss(), "guess": self.case.guess()}

    # ------------------------------------------------------------------------------------- fits

    def make(self, fields, device):
        """Data, and what will be trained on it by `fit`."""
        self.workload = Workload(**{**fields, "hidden": tuple(fields["hidden"])})
        case = gpu_peers.Case(
            self.workload.n_features,
            self.workload.hidden,
            self.workload.n_classes,
            self.workload.batch_size,
            1,
            n_rows=self.workload.n_rows,
        )
        self.X, self.y = case.data()
        make = FastNN if self.column == "fastnn" else gpu_peers.TorchFit
        self.model = make(self.workload, self.X, self.y, device=device)
        return {}

    # ------------------------------------------------------------------------------------ costs

    def costs(self):
        """Microseconds of launches, from Python and from a graph."""
        from numba import cuda

        from fastnn._core.cuda.kernels import kernels_of
        from fastnn._core.cuda.launch import Launch, new_stream

        kernel, stream = kernels_of("float32")("clear"), new_stream()
        array = cuda.device_array(32, "float32")
        launch = Launch("clear", kernel, 1, 32, (array,))
        n = 2000 if self.on_gpu else 2

        def from_python():
            for _ in range(n):
                kernel[1, 32, stream](array)

        from_python()
        stream.synchronize()
        start = time.perf_counter()
        from_python()
        queued = time.perf_counter() - start
        stream.synchronize()
        answer = {
            "a launch from Python, until it is queued": 1e6 * queued / n,
            "a launch from Python": 1e6 * (time.perf_counter() - start) / n,
        }
        few, many = (self._replayed([launch] * length, stream, n) for length in (1, 16))
        answer["a replayed step of one kernel"] = few
        answer["a replayed step of 16 kernels"] = many
        answer["a kernel more in a graph"] = (many - few) / 15
        return answer

    def _replayed(self, launches, stream, n_steps):
        """Microseconds of a step of these launches."""
        from fastnn._core.cuda.launch import Replay

        replay = Replay(launches, stream)
        replay.run(128 if self.on_gpu else 1)  # makes the graphs of one step and of many
        stream.synchronize()
        start = time.perf_counter()
        replay.run(n_steps)
        stream.synchronize()
        return 1e6 * (time.perf_counter() - start) / n_steps

    def kernels(self):
        """Time each kernel of the prepared step, replayed many times.

        That reads and writes the engine's own memory, so it is done when all else is.
        """
        from fastnn._core.cuda.plan import TRAIN
        from fastnn._core.cuda.steps import CURSOR

        steps = self.peer.engine._steps
        (replay,) = (r for key, r in steps._replays.items() if key[0].mode == TRAIN)
        words = steps._buffers["words"]
        table = words.copy_to_host()
        table[0, CURSOR] = 1  # the end of a step moves it: that kernel is left out
        words.copy_to_device(table)
        launches = [launch for launch in replay.launches if launch.name != "end_step"]
        n = 128 if self.on_gpu else 1
        times = [[one.name, self._replayed([one], steps._stream, n)] for one in launches]
        return {"launches": len(replay.launches), "microseconds": times}


if __name__ == "__main__":
    serve(lambda: GpuWork(*sys.argv[1:]))
