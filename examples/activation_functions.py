"""
Activation functions and their derivatives
==========================================

A gradient that is propagated back is multiplied by the derivative of each activation. The logistic
function's is at most 1 / 4, so that gradients vanish in deep networks. The derivative of tanh is 1
at 0, but vanishes where units saturate. The ReLU passes the gradient of active units unchanged, and
nothing of others, which are dead if no row activates them. Leaky variants pass a part of it there;
GELU, SiLU and Mish are smooth everywhere.
"""

import os

import matplotlib.pyplot as plt
import numpy as np

from fastnn.plots import ActivationFunctionDisplay

FAST = os.environ.get("FASTNN_FAST_EXAMPLES") == "1"

# %%
# The largest derivatives between -4 and 4 are 0.25 (logistic), 1 (tanh, ReLU) and 1.76 (SELU).
# Ten layers multiply ten of them. At normally distributed pre-activations, such a product is 1e-7
# for the logistic function in the median, 7e-4 for tanh, and 0.5 for SELU.

chosen = ["logistic", "tanh", "relu", "gelu"] if FAST else None
display = ActivationFunctionDisplay.from_activations(chosen)
drawn = np.random.default_rng(0).normal(size=(1000, 10))
for name, slopes in zip(display.names, display.derivatives, strict=True):
    product = np.median(np.interp(drawn, display.x, slopes).prod(axis=1))
    print(f"{name}: slope {slopes.max():.3g} at most, product of ten {product:.2g}")
plt.show()
