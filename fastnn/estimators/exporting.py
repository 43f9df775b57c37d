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
                f"{type(self).__name__} reads rows by a method of its own, which is Python and "
                "cannot be exported: fit an estimator of fastnn on the rows that it makes of them."
            )
        return network

    def to_onnx(self, path: t.Path | None = None) -> Any:
        """Return the fitted network as an ONNX model, and write it to a file.

        Its input ``X`` has the shape ``(n, n_features_in_)``, in float64 if `precision` was
        'float64' and else in float32. Needs the package onnx (``pip install "fastnn-mlp[onnx]"``).

        Of a classifier, ``label`` has the labels, whole numbers or strings, and ``probabilities``
        what `predict_proba` returns: a list for multiclass-multioutput targets, as a sequence.
        Where the loss has no probabilities, ``scores`` has what `decision_function` returns, always
        of two dimensions. Of a regressor, ``variable`` has the targets, of shape
        ``(n, n_outputs_)``.

        After ``import fastnn.onnx``, ``skl2onnx.to_onnx`` converts pipelines that end in a network.

        Parameters
        ----------
        path : str or path-like, default=None
            File to write, or to replace once the new one is complete.

        Returns
        -------
        model : onnx.ModelProto
            Of opset 13, for any runtime since 2021. Networks of bfloat16 and TF32 compute in
            float32.

        Raises
        ------
        ValueError
            If the network has a function of the user, or labels that ONNX does not have.
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

        The file depends on math.h alone, computes in float32, and allocates nothing. Its functions
        are named by it and have the names of the methods: of ``digits.c``,
        ``digits_predict_proba(x, out)`` (`decision_function` where the loss has no probabilities)
        and ``digits_predict(x)``, which returns an index of the names ``digits_classes``; of a
        regressor, ``digits_predict(x, out)``. With ``_batch`` appended they take rows that lie one
        after another. The header describes them.

        Parameters
        ----------
        path : str or path-like
            The source file, whose name ends with ``.c``; the header is beside it. Each is replaced
            once the new one is complete.
        quantized : bool, default=False
            Whether to round weights to int8, with a scale for each unit, which takes a quarter of
            the memory. All else stays float32.
        X : {array-like, sparse matrix} of shape (n_samples, n_features), default=None
            Rows to measure what that changes, required for ``quantized=True``.
        y : array-like, default=None
            Their targets, to measure what it does to `score`.

        Returns
        -------
        files : ExportedC
            The paths ``source`` and ``header``; ``n_constant`` and ``n_stack``, bytes of the
            constants and of the stack. If quantized, ``largest_change`` of an output,
            ``changed_labels``, a fraction of the rows, and ``scores`` before and after.

        Raises
        ------
        ValueError
            If the network has a function of the user.
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
