"""Fits of the estimators for tables: seeds, threads, time, Ctrl-C, and what goes wrong."""

import pickle
import threading
import warnings
from dataclasses import replace

import numpy as np
import pytest
from sklearn.base import clone

from fastnn import TabularMLPClassifier, TabularMLPRegressor
from fastnn.callbacks import Callback, Checkpoint
from fastnn.tabular import fitting
from support.mixed_table import mixed_table
from support.scripts import run_script

X, NUMBERS = mixed_table()
LABELS = np.where(NUMBERS > 4, "high", "low")


def classifier(**parameters):
    return TabularMLPClassifier(**{"n_networks": 4, "n_folds": 2, "random_state": 0} | parameters)


def regressor(**parameters):
    return TabularMLPRegressor(**{"n_networks": 4, "n_folds": 2, "random_state": 0} | parameters)


BOTH = pytest.mark.parametrize(
    ("build", "y"), [(classifier, LABELS), (regressor, NUMBERS)], ids=["classes", "numbers"]
)


def decisions(model, rows=X):
    return getattr(model, "predict_proba", model.predict)(rows)


def differs(one, other):
    return not np.array_equal(decisions(one), decisions(other))


# --- parameters -----------------------------------------------------------------------------------


@pytest.mark.usefixtures("few_epochs")
@BOTH
def test_every_parameter_changes_the_result(build, y):
    """All but `n_jobs`, `callbacks` and `verbose`, which have tests of their own."""
    common = {"preset": "default", "n_networks": None, "n_folds": 2}
    before = build(**common).fit(X, y)
    changes = [
        {"preset": "fast"},
        {"categorical_features": ["count"]},
        {"n_networks": 2},
        {"n_folds": 3},
        {"random_state": 1},
        {"class_weight": "balanced"} if build is classifier else {"target_transform": "log"},
    ]
    for change in changes:
        assert differs(before, build(**common | change).fit(X, y)), change
    n_networks = 37 if build is classifier else 26
    with pytest.warns(UserWarning, match=rf"reached time_limit=0\. . of {n_networks} networks"):
        assert differs(before, build(**common | {"time_limit": 0}).fit(X, y))
    assert differs(before, build(**common).fit(X, y, np.linspace(0.1, 2, len(X))))


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"preset": "slow"}, "'preset' parameter of TabularMLPClassifier must be a str among"),
        ({"n_networks": 0}, "'n_networks'"),
        ({"n_folds": 2.5}, "'n_folds'"),
        ({"time_limit": -1}, "'time_limit'"),
        ({"class_weight": "equal"}, "'class_weight'"),
        ({"n_jobs": 0}, "'n_jobs'"),
        ({"callbacks": 3}, "'callbacks'"),
        ({"verbose": "a lot"}, "'verbose'"),
        ({"callbacks": [Checkpoint("file")]}, "A Checkpoint keeps the training of one network"),
    ],
)
def test_bad_parameters_are_refused(parameters, message):
    model = classifier(**parameters)
    with pytest.raises(ValueError, match=message):
        model.fit(X, LABELS)
    assert not hasattr(model, "networks_")


def test_unknown_arguments_are_explained():
    with pytest.raises(TypeError, match="n_network"):
        TabularMLPClassifier(n_network=3)


# --- seeds and threads ----------------------------------------------------------------------------


@pytest.mark.usefixtures("few_epochs")
@BOTH
@pytest.mark.parametrize("n_folds", [1, 3])
def test_any_number_of_threads_gives_the_same_bits(build, y, n_folds):
    models = [build(n_networks=6, n_folds=n_folds, n_jobs=n_jobs).fit(X, y) for n_jobs in (1, 2, 3)]
    for model in models[1:]:
        np.testing.assert_array_equal(decisions(model), decisions(models[0]))
        np.testing.assert_array_equal(model.oof_decision_, models[0].oof_decision_)
        assert model.history_["loss"] == models[0].history_["loss"]


@pytest.mark.usefixtures("few_epochs")
@BOTH
def test_a_fit_is_pickled_and_cloned(build, y):
    model = build().fit(X, y)
    again = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(decisions(again), decisions(model))
    assert not differs(clone(model).fit(X, y), model)
    assert not differs(model.fit(X, y), again)


# --- what is learned ------------------------------------------------------------------------------


@BOTH
def test_it_learns(build, y):
    model = build(n_networks=8, n_folds=4).fit(X, y)
    assert model.score(X, y) > 0.8
    oof = model.oof_decision_
    assert oof.shape == decisions(model).shape
    assert np.isfinite(oof).all()
    judged = model.classes_[oof.argmax(axis=1)] == y if build is classifier else oof - y
    assert np.mean(judged) > 0.85 if build is classifier else np.std(judged) < 0.6 * np.std(y)


@pytest.mark.usefixtures("few_epochs")
def test_what_is_told_of_the_networks():
    model = classifier(n_networks=20).fit(X, LABELS)
    members = model.networks_
    assert sum(member.weight for member in members) == pytest.approx(1)
    assert all(member.weight > 0 for member in members)
    weights = [member.weight for member in members]
    assert weights == sorted(weights, reverse=True)
    assert [len(member.coefs_) for member in members] == [2] * len(members)
    coefs, intercepts = members[0].coefs_[0], members[0].intercepts_[0]
    assert [coef.shape[1] for coef in coefs] == [8, 1] == [len(bias) for bias in intercepts]
    assert repr(members[0]).startswith("Member(weight=")
    history = model.history_
    assert len(history["fold"]) == 20
    first = [number for number, fold in enumerate(history["fold"]) if fold == 0]
    assert [history["configuration"][i] for i in first] == list(range(16))
    assert history["fold"].count(1) == 4
    assert model.n_iter_ == sum(history["n_iter"])
    assert all(best <= n for best, n in zip(history["best_iter"], history["n_iter"], strict=True))


@pytest.mark.usefixtures("few_epochs")
def test_few_rows_and_many_are_predicted_alike(monkeypatch):
    model = classifier().fit(X, LABELS)
    whole = model.predict_proba(X)
    np.testing.assert_allclose(model.predict_proba(X[:3]), whole[:3], rtol=1e-5)
    monkeypatch.setattr("fastnn.tabular.ensemble.BLOCK", 50)
    np.testing.assert_allclose(model.predict_proba(X), whole, rtol=1e-5)


# --- time -----------------------------------------------------------------------------------------


@pytest.mark.usefixtures("few_epochs")
@pytest.mark.parametrize("n_jobs", [1, 2])
def test_the_first_configuration_is_trained_whatever_the_time(n_jobs):
    with pytest.warns(UserWarning, match=r"time_limit=1e-09\. 2 of 6 networks were"):
        model = classifier(n_networks=6, time_limit=1e-9, n_jobs=n_jobs).fit(X, LABELS)
    assert model.history_["fold"] == [0, 1]
    assert model.history_["n_iter"] == [1, 1]
    assert np.isfinite(model.oof_decision_).all()


@pytest.mark.usefixtures("few_epochs")
def test_time_is_shared_among_the_networks_of_a_member(monkeypatch):
    clock = iter(range(1000))
    monkeypatch.setattr(fitting.time, "monotonic", lambda: next(clock))
    with pytest.warns(UserWarning, match=r"time_limit=20\. 3 of 9 networks"):
        model = classifier(n_networks=9, n_folds=3, time_limit=20, n_jobs=1).fit(X, LABELS)
    assert model.history_["fold"] == [0, 1, 2]
    assert max(model.history_["n_iter"]) > 1


@pytest.mark.usefixtures("few_epochs")
def test_time_enough_is_as_good_as_no_limit():
    assert not differs(classifier(time_limit=1e6).fit(X, LABELS), classifier().fit(X, LABELS))


# --- callbacks ------------------------------------------------------------------------------------


class Recorder(Callback):
    """Records what hooks are given, and ends the fit after so many networks."""

    def __init__(self, last=1000):
        self.last = last

    def on_fit_begin(self, context):
        self.seen, self.planned, self.error = [], context.n_epochs, "none yet"

    def on_epoch_end(self, context):
        self.seen.append((context.epoch, context.logs["n_iter"]))
        return context.epoch == self.last

    def on_fit_end(self, context):
        self.error = context.error


@pytest.mark.usefixtures("few_epochs")
@pytest.mark.parametrize("n_jobs", [1, 2])
def test_callbacks_see_each_network(n_jobs):
    recorder = Recorder()
    model = classifier(callbacks=[recorder], n_jobs=n_jobs).fit(X, LABELS)
    assert not differs(model, classifier().fit(X, LABELS))
    assert recorder.planned == 4 and recorder.error is None
    assert [number for number, _ in recorder.seen] == [1, 2, 3, 4]


@pytest.mark.usefixtures("few_epochs")
def test_a_callback_ends_the_fit():
    model = classifier(n_networks=10, n_jobs=1)  # of two members
    with pytest.warns(UserWarning, match=r"A callback ended the fit\. 9 of 10 networks were"):
        model.set_params(callbacks=[Recorder(last=9)]).fit(X, LABELS)
    assert len(model.history_["fold"]) == 9
    with pytest.raises(ValueError, match=r"A callback ended the fit\. No network was trained on"):
        model.set_params(callbacks=[Recorder(last=4)]).fit(X, LABELS)
    assert len(model.history_["fold"]) == 9


@pytest.mark.usefixtures("few_epochs")
def test_progress_is_shown(capsys):
    classifier(verbose=True).fit(X, LABELS)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("network 1/4  ") and lines[-1].startswith("network 4/4  ")
    classifier().fit(X, LABELS)
    assert capsys.readouterr().out == ""


# --- errors ---------------------------------------------------------------------------------------


@pytest.mark.usefixtures("few_epochs")
@pytest.mark.parametrize("n_jobs", [1, 2])
def test_an_error_in_a_thread_changes_nothing(n_jobs):
    class Fails(Callback):
        def on_epoch_end(self, context):
            if context.epoch == 2:
                raise ZeroDivisionError("an error of the user's")

    model = classifier(n_jobs=n_jobs).fit(X, LABELS)
    before, n_threads = vars(model).copy(), threading.active_count()
    with pytest.raises(ZeroDivisionError, match="an error of the user's"):
        model.set_params(callbacks=[Fails()]).fit(X[::-1], LABELS)
    assert vars(model) == before | {"callbacks": model.callbacks}
    assert threading.active_count() == n_threads


@pytest.mark.usefixtures("few_epochs")
def test_networks_that_diverge_are_left_out(monkeypatch):
    draw, rates = fitting.draw, iter([1e30, 1e-3, 1e-3])

    def draw_one_that_diverges(*arguments):
        return replace(draw(*arguments), learning_rate_init=next(rates))

    monkeypatch.setattr(fitting, "draw", draw_one_that_diverges)
    with pytest.warns(UserWarning, match=r"diverged: .* 3 of 4 networks"):
        model = regressor(n_networks=4).fit(X, NUMBERS)
    assert np.isfinite(model.predict(X)).all()


INTERRUPTED = """
    import threading, warnings
    from dataclasses import replace
    import numpy as np
    from fastnn import TabularMLPClassifier
    from fastnn.callbacks import Callback
    from fastnn.tabular import fitting
    from support.interrupts import CtrlC
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((1000, 10)), rng.integers(2, size=1000)
    draw, sizes = fitting.draw, iter([{first}, 20_000, 20_000])
    def draw_long(*arguments):
        n = next(sizes)
        return replace(draw(*arguments), max_iter=n, patience=n, hidden_layer_sizes=(50,))
    fitting.draw = draw_long
    class Interrupts(Callback):
        def {hook}(self, context):
            global ctrl_c
            ctrl_c = CtrlC(0.5)
    model = TabularMLPClassifier(
        n_networks={n}, n_folds={n_folds}, n_jobs=2, callbacks=[Interrupts()], random_state=0
    )
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        raised = False
        try:
            model.fit(X, y)
        except KeyboardInterrupt as error:
            raised = str(error)
    print(ctrl_c.answered())
    told = [str(warning.message) for warning in caught]
    assert hasattr(model, "networks_") == {fitted}, told
    assert [*told, raised] == {told}, (told, raised)
    assert threading.active_count() == 1
"""


@pytest.mark.parametrize(
    "case",
    [
        {
            "hook": "on_epoch_end",
            "first": 1,
            "n": 2,
            "n_folds": 1,
            "fitted": True,
            "told": ["Training interrupted by user. 1 of 2 networks were trained.", False],
        },
        {
            "hook": "on_fit_begin",
            "first": 20_000,
            "n": 4,
            "n_folds": 2,
            "fitted": False,
            "told": [
                "Training interrupted by user. No network was trained on each fold: this "
                "TabularMLPClassifier is unchanged."
            ],
        },
    ],
    ids=["after one", "before"],
)
def test_ctrl_c_leaves_what_is_complete(case):
    answered = run_script(INTERRUPTED.format(**case))
    print(f"Ctrl-C was answered after {float(answered) * 1000:.0f} ms")
    assert float(answered) < 1


@pytest.mark.usefixtures("few_epochs")
def test_a_fit_leaves_no_warning_behind():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        classifier().fit(X, LABELS)
        regressor().fit(X, NUMBERS)
