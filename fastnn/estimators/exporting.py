"""Export of the estimators to ONNX and to C."""

from collections.abc import Callable
from typing import Any

from .. import _typing as t
from .persistence import views_of


class Exportable:
    """Mixin of estimators whose networks are exported."""

    _fitted: Callable[[], Any]
    _twin: Callable[..., Any]
    _reads_arrays: Any

    def _network_to_export(self):
        """Return the fitted network, which must read the rows of `predict` as they are."""
        network = self._fitted()
        if not self._reads_arrays:
            raise ValueError(
                f"{type(self).__name__} overrides `read`, a Python method that cannot be exported: "
                "fit an estimator of fastnn on the rows that `read` returns."
            )
        return network

    def to_onnx(self, path: t.Path | None = None) -> Any:
        """Return the fitted network as an ONNX model, and write it to a file.

        The input ``X`` has the shape ``(n, n_features_in_)``. It is float64 if the network is, and
        float32 otherwise. The package onnx is required (``pip install "fastnn-mlp[onnx]"``).

        The outputs of a classifier are ``label``, with integers or strings, and ``probabilities``,
        the result of `predict_proba` (a sequence for multiclass-multioutput targets). If the loss
        has no probabilities, ``scores`` replaces them: the result of `decision_function`, always
        two-dimensional. The output of a regressor is ``variable``, with the targets in the shape
        ``(n, n_outputs_)``.

        After ``import fastnn.onnx``, ``skl2onnx.to_onnx`` converts pipelines that end in a network.

        Parameters
        ----------
        path : str or path-like, default=None
            The file to write. An existing file is replaced when the new one is complete. None
            writes no file.

        Returns
        -------
        model : onnx.ModelProto
            A model of opset 13, for any runtime since 2021. Networks in bfloat16 and TF32 are
            exported in float32.

        Raises
        ------
        ValueError
            If the network contains a user-defined function, or labels of a type that ONNX lacks.
        """
        from .. import __version__
        from .._export.onnx_graph import write_onnx

        return write_onnx(self._network_to_export(), path, __version__)

    def to_c(
        self,
        path: t.Path,
        *,
        quantized: bool = False,
        X: t.Rows | None = None,
        y: t.Targets | None = None,
    ) -> Any:
        """Write the fitted network as a file of C99 and its header.

        The code depends only on math.h, computes in float32 and allocates no memory. The functions
        are named after the file and the methods. For a classifier, ``digits.c`` defines
        ``digits_predict_proba(x, out)`` (or ``digits_decision_function``, if the loss has no
        probabilities) and ``digits_predict(x)``, which returns an index into the names
        ``digits_classes``. For a regressor, it defines ``digits_predict(x, out)``. Functions with
        the suffix ``_batch`` take several contiguous rows. The header documents them all.

        Parameters
        ----------
        path : str or path-like
            The source file, with the suffix ``.c``. The header is written next to it. Existing
            files are replaced when the new ones are complete.
        quantized : bool, default=False
            Whether to round the weights to int8, with a scale for each unit, which takes a quarter
            of the memory. Everything else remains float32.
        X : {array-like, sparse matrix} of shape (n_samples, n_features), default=None
            Rows on which the effect of the rounding is measured, required if ``quantized=True``.
        y : array-like, default=None
            Their targets, to measure the effect on `score`.

        Returns
        -------
        files : ExportedC
            The result, with the paths ``source`` and ``header``, and the sizes of the constants and
            of the stack in bytes, ``n_constant`` and ``n_stack``. If quantized, also
            ``largest_change`` of an output, ``changed_labels`` as a fraction of the rows, and
            ``scores`` before and after.

        Raises
        ------
        ValueError
            If the network contains a user-defined function.
        """
        from .. import __version__
        from .._export.c_export import check_path, loss_of_quantization, quantized_network, write_c

        network, path = self._network_to_export(), check_path(path)
        title = f"Predictions of an {type(self).__name__} of fastnn {__version__}"
        if not quantized:
            if X is not None or y is not None:
                raise ValueError(
                    "X and y measure what quantized=True changes: set it, or omit them."
                )
            return write_c(network, path, title)
        if X is None:
            raise ValueError("quantized=True changes predictions: pass rows X to measure how much.")
        rounded = quantized_network(network)
        twin = self._twin(_network=rounded, **views_of(rounded))
        return write_c(rounded, path, title, loss_of_quantization(self, twin, X, y))
