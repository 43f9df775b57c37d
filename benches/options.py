"""Techniques whose cost and effect are measured: parameters of the estimators, by name."""

from fastnn import (
    CutMix,
    Dense,
    Dropout,
    GroupNorm,
    Maxout,
    Mixup,
    MLPClassifier,
    Residual,
    Warmup,
    augment,
)
from fastnn.callbacks import Callback


class EachBatch(Callback):
    """Lets the engine take one step at a time."""

    def on_batch_end(self, context):
        return False


def classifier(name, epochs, **parameters):
    """A classifier with two hidden layers of 100 units and an option, that runs all epochs."""
    sizes = {} if "layers" in OPTIONS[name] else {"hidden_layer_sizes": (100, 100)}
    runs = {"max_iter": epochs, "n_iter_no_change": epochs, "tol": 0.0}
    return MLPClassifier(**sizes, **runs, **parameters, **OPTIONS[name])


def blocks(drop_rate=0.0):
    """The two hidden layers as one layer and a residual block of one."""
    return {"layers": [Dense(100), Residual([Dense(100)], drop_rate)]}


OPTIONS = {
    "plain": {},
    "activation='tanh'": {"activation": "tanh"},
    "activation='elu'": {"activation": "elu"},
    "activation='gelu'": {"activation": "gelu"},
    "activation='silu'": {"activation": "silu"},
    "activation='mish'": {"activation": "mish"},
    "activation='prelu'": {"activation": "prelu"},
    "activation='rrelu'": {"activation": "rrelu"},
    "activation=Maxout(2)": {"activation": Maxout(2)},
    "normalization='batch'": {"normalization": "batch"},
    "normalization='layer'": {"normalization": "layer"},
    "normalization=GroupNorm(10)": {"normalization": GroupNorm(10)},
    "normalization='weight'": {"normalization": "weight"},
    "residual block": blocks(),
    "residual block, stochastic depth 0.2": blocks(0.2),
    "dropout=0.2": {"dropout": 0.2},
    "dropout=Dropout(0.1, input_rate=0.3)": {"dropout": Dropout(0.1, 0.3)},
    "input_noise=0.2": {"input_noise": 0.2},
    "weight_noise=0.01": {"weight_noise": 0.01},
    "augment=Mixup(0.2)": {"augment": Mixup(0.2)},
    "augment=CutMix(shape=(28, 28))": {"augment": CutMix(shape=(28, 28))},
    "augment=RandomChoice([Mixup(0.2), CutMix(shape=(28, 28))])": {
        "augment": augment.RandomChoice([Mixup(0.2), CutMix(shape=(28, 28))])
    },
    "augment=Affine()": {"augment": augment.Affine()},
    "augment=Append(Affine())": {"augment": augment.Append(augment.Affine())},
    "augment=RandAugment(1, 3)": {"augment": augment.RandAugment(1, 3.0)},
    "augment=AutoAugment('svhn')": {"augment": augment.AutoAugment("svhn")},
    "label_smoothing=0.1": {"label_smoothing": 0.1},
    "alpha=1": {"alpha": 1.0},
    "l1_ratio=0.5": {"l1_ratio": 0.5, "alpha": 0.01},
    "max_norm=2": {"max_norm": 2.0},
    "clip_value=0.01": {"clip_value": 0.01},
    "clip_norm=0.5": {"clip_norm": 0.5},
    "averaging='ema'": {"averaging": "ema"},
    "averaging='swa'": {"averaging": "swa"},
    "learning_rate='cosine'": {"learning_rate": "cosine"},
    "learning_rate=Warmup(0.1, 'cosine')": {"learning_rate": Warmup(0.1, "cosine")},
    "solver='sgd'": {"solver": "sgd", "learning_rate_init": 0.05},
    "solver='rmsprop'": {"solver": "rmsprop"},
    "solver='adamw'": {"solver": "adamw"},
    "solver='nadam'": {"solver": "nadam"},
    "solver='amsgrad'": {"solver": "amsgrad"},
    "solver='lamb'": {"solver": "lamb"},
    "callbacks=[Callback()]": {"callbacks": [Callback()]},
    "callbacks=[EachBatch()]": {"callbacks": [EachBatch()]},
    "precision='bfloat16'": {"precision": "bfloat16"},
    "batch norm, dropout, label smoothing, cosine": {
        "normalization": "batch",
        "dropout": Dropout(0.1, 0.3),
        "label_smoothing": 0.1,
        "learning_rate": "cosine",
    },
}
