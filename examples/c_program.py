"""
A network in a program of C
===========================

`to_c` writes a fitted network as a source file that any C99 compiler takes: for a phone, a
microcontroller, or a program in another language. Here a shell runs it on digits.

With ``quantized=True`` weights are bytes, a quarter of the size. What that costs is measured.
"""

import os
import shutil
import subprocess
import tempfile
import warnings
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split

from fastnn import MLPClassifier

FAST = os.environ.get("FASTNN_FAST_EXAMPLES") == "1"
EPOCHS = 10 if FAST else 40

# %%
# A network of 64 units learns digits of 8 x 8 pixels, and is written twice.

X, y = load_digits(return_X_y=True)
X = X.astype(np.float32) / 16
X_train, X_test, y_train, y_test = train_test_split(X, y, stratify=y, random_state=0)
model = MLPClassifier((64,), learning_rate_init=0.005, max_iter=EPOCHS, random_state=0)
with warnings.catch_warnings():
    warnings.simplefilter("ignore", ConvergenceWarning)  # the number of epochs is given
    model.fit(X_train, y_train)

folder = Path(tempfile.mkdtemp())
plain = model.to_c(folder / "plain.c")
digits = model.to_c(folder / "digits.c", quantized=True, X=X_test, y=y_test)
print(f"float32: {plain.n_constant} bytes. int8: {digits.n_constant} bytes, accuracy", end=" ")
print("{:.3f} in place of {:.3f}".format(*reversed(digits.scores)), end=", ")
print(f"a probability differs by up to {digits.largest_change:.4f}.")

# %%
# The program reads rows of numbers, and prints a line for each.

(folder / "main.c").write_text("""\
#include <stdio.h>

#include "digits.h"

int main(void)
{
    float x[DIGITS_N_FEATURES], p[DIGITS_N_OUTPUTS];
    for (int n = 0; scanf("%f", x + n) == 1;)
        if (++n == DIGITS_N_FEATURES) {
            const int label = digits_predict(x);
            digits_predict_proba(x, p);
            printf("%s %.3f\\n", digits_classes[label], p[label]);
            n = 0;
        }
    return 0;
}
""")
np.savetxt(folder / "rows.txt", X_test, fmt="%g")
COMMAND = "cc -std=c99 -O2 -o digits main.c digits.c -lm && ./digits < rows.txt"


def run():
    """Return labels and their probabilities, as the program prints them."""
    if shutil.which("cc") is None:
        print("There is no C compiler here (cc): the picture has the predictions of Python.")
        return [(p.argmax(), p.max()) for p in model.predict_proba(X_test)]
    done = subprocess.run(COMMAND, shell=True, cwd=folder, check=True, capture_output=True)
    print(f"$ {COMMAND}")
    return [line.split() for line in done.stdout.decode().splitlines()]


lines = run()
labels = np.array([int(label) for label, _ in lines])
print(f"{len(lines)} digits, {100 * np.mean(labels == y_test):.1f} % right")
shutil.rmtree(folder)

# %%
# The first digits, with what the program says of them.

figure, panels = plt.subplots(3, 8, figsize=(9, 4.2), layout="constrained")
for axes, row, (label, probability) in zip(panels.flat, X_test, lines, strict=False):
    axes.imshow(row.reshape(8, 8), cmap="gray_r")
    axes.set_title(f"{label}: {100 * float(probability):.0f} %", fontsize="medium")
    axes.set_axis_off()
figure.suptitle("Predictions of a C program")
plt.show()
