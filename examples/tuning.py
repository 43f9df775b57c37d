"""Choose hyperparameters: a grid in a pipeline, successive halving over epochs, and Optuna.

    python examples/tuning.py

The digits of scikit-learn, split in three: searches validate on parts of the training rows, what
they find is compared on the validation rows, and the best is tested once. With
FASTNN_FAST_EXAMPLES=1 the searches are smaller, and take seconds.
"""

import os
import warnings

from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.model_selection import GridSearchCV, HalvingRandomSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from fastnn import MLPClassifier, suggest_params
from fastnn.preprocessing import train_val_test_split

FAST = os.environ.get("FASTNN_FAST_EXAMPLES") == "1"
EPOCHS, CANDIDATES, TRIALS = (4, 4, 3) if FAST else (27, 18, 10)

# Candidates are compared after few epochs, on purpose.
warnings.filterwarnings("ignore", category=ConvergenceWarning)

X, y = load_digits(return_X_y=True)
X_train, X_val, X_test, y_train, y_val, y_test = train_val_test_split(
    X, y, stratify=y, random_state=0
)
model = make_pipeline(StandardScaler(), MLPClassifier(max_iter=EPOCHS, random_state=0))
found = {}

# Every pair of some penalties and learning rates.
grid = suggest_params(model, grid=True, names=["alpha", "learning_rate_init"])
found["grid"] = GridSearchCV(model, grid, cv=3).fit(X_train, y_train)

# Many candidates for few epochs, then the best third of them for three times as many.
found["halving"] = HalvingRandomSearchCV(
    model,
    suggest_params(model, n_samples=len(X_train)),
    resource="mlpclassifier__max_iter",
    min_resources=max(1, EPOCHS // 9),
    max_resources=EPOCHS,
    n_candidates=CANDIDATES,
    cv=3,
    random_state=0,
).fit(X_train, y_train)

try:
    import optuna
except ImportError:
    print("Optuna is not installed: pip install optuna")
else:
    optuna.logging.set_verbosity(optuna.logging.WARNING)

    def objective(trial):
        model.set_params(**suggest_params(trial, model, n_samples=len(X_train)))
        return cross_val_score(model, X_train, y_train, cv=3).mean()

    study = optuna.create_study(direction="maximize", sampler=optuna.samplers.TPESampler(seed=0))
    study.optimize(objective, n_trials=TRIALS)
    best = optuna.trial.FixedTrial(study.best_params)
    model.set_params(**suggest_params(best, model, n_samples=len(X_train)))
    found["optuna"] = model.fit(X_train, y_train)

scores = {name: search.score(X_val, y_val) for name, search in found.items()}
for name, score in scores.items():
    print(f"{name:8} validation accuracy {score:.3f}")
winner = max(scores, key=scores.get)
print(f"{winner} wins; its test accuracy is {found[winner].score(X_test, y_test):.3f}")
