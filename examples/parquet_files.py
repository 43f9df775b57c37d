"""
Parquet files: a pipeline without a table in memory
===================================================

A year of flights is in a file for each month, which are never read as a whole. `fit` takes a source
of `fastnn.data` in place of `X` and `y`, reads the files block by block in each epoch, and passes
the rows through the transformers of scikit-learn.

Neighbours in a file resemble each other: here they are of one month. So rows are shuffled in a
buffer, and the last figure shows what its size is worth.
"""

import os
import tempfile
import warnings
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.compose import make_column_transformer
from sklearn.exceptions import ConvergenceWarning
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from fastnn import MLPRegressor
from fastnn.data import Parquet

FAST = os.environ.get("FASTNN_FAST_EXAMPLES") == "1"
N_FLIGHTS, EPOCHS = (300, 1) if FAST else (8000, 12)  # a month
warnings.filterwarnings("ignore", category=ConvergenceWarning)  # the epochs are given

# %%
# Delays depend on the airline, the hour, rain and the season. The folder of a file says which month
# it is of; the source makes a column of that.

rng = np.random.default_rng(0)
folder = Path(tempfile.mkdtemp())


def flights(month):
    """Return a table of the flights of a month, and how much each is late, in minutes."""
    rain = rng.random(N_FLIGHTS) < 0.25 + 0.2 * np.cos(month / 6 * np.pi)
    hour = rng.integers(6, 23, N_FLIGHTS)
    airline = rng.choice(["Albatross", "Booby", "Crane"], N_FLIGHTS, p=[0.5, 0.3, 0.2])
    late = 8 + 6 * np.cos(month / 6 * np.pi) + 12 * rain * (airline == "Booby")
    late += 0.08 * (hour - 6) ** 2 * (airline != "Crane") + rng.normal(0, 3, N_FLIGHTS)
    return pd.DataFrame({"airline": airline, "hour": hour, "rain": rain, "late": late})


for month in range(1, 13):
    path = folder / f"month={month}" / "flights.parquet"
    path.parent.mkdir()
    flights(month).to_parquet(path, row_group_size=1000)

source = Parquet(folder, target="late")
print(f"{len(source):,} rows in {len(source.blocks())} blocks, columns: {source.feature_names}")

# %%
# Transformers are fitted to the rows of one block for each month: those of the first files have no
# other months. Rows to hold out are drawn one by one, by a random number for each.

train, held_out = source.split(validation=0.2, random_state=0)
starts = {block.file: block for block in reversed(source.blocks())}.values()
some = pd.concat([rows.X for block in starts for rows in source.read(block)])
prepare = make_column_transformer(
    (OneHotEncoder(), ["airline", "rain"]), (StandardScaler(), ["hour", "month"])
).fit(some)

model = MLPRegressor(hidden_layer_sizes=(64,), max_iter=EPOCHS, tol=0, random_state=0)
model.fit(train.map(prepare), X_val=held_out.map(prepare))
print(f"R2 of the rows held out: {model.score(held_out.map(prepare)):.3f}")
print(f"the noise allows for     {1 - 9 / np.var(pd.read_parquet(folder)['late']):.3f}")

# %%
# Without `shuffle_buffer` 64 MiB of rows are shuffled, which is all of them here. A small buffer
# holds the flights of a month or two, and each step follows their season: its loss is 5.02 for a
# thousandth of the rows, and 4.70 for all. A tenth, with 4.73, is nearly as good. The noise alone
# has a loss of 4.5.

figure, axes = plt.subplots(figsize=(7, 4.5), layout="constrained")
for fraction in (0.001, 0.01, 0.1, 1.0):
    size = max(1, round(fraction * len(train)))
    files = Parquet(folder, target="late", shuffle_buffer=size)
    train, held_out = files.split(validation=0.2, random_state=0)
    model.fit(train.map(prepare), X_val=held_out.map(prepare))
    losses = model.history_["val_loss"]
    print(f"a buffer of {size:6} rows: loss {losses[-1]:.2f}")
    axes.plot(range(1, len(losses) + 1), losses, marker=".", label=f"{fraction:.1%} of the rows")
axes.set(xlabel="epoch", ylabel="loss of the rows held out", yscale="log")
axes.legend(title="shuffle_buffer")
plt.show()
