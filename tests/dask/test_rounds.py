"""Rounds without a cluster: functions of their arguments alone."""

import pickle
from dataclasses import replace

import numpy as np
import pytest

from fastnn import Mixup
from fastnn._core.codes import Column
from fastnn._train.datasets import Dataset
from fastnn.optimizers import Adam
from support.small_fits import X_DIGITS, Y_DIGITS, classifier

pytest.importorskip("distributed")

import dask.array as da

from fastnn.dask import DaskMLPClassifier, rounds

OPTIMIZER = Adam()


def small_plan(**changes):
    model = classifier(
        hidden_layer_sizes=(30,), normalization="batch", dropout=0.2, averaging="ema", max_iter=1
    )
    network = model.fit(X_DIGITS, Y_DIGITS)._network
    plan = rounds.Plan(
        network.architecture, None, OPTIMIZER.code, OPTIMIZER.n_slots, True, 16, 7, True, None, 1, 1
    )
    return replace(plan, **changes), rounds.pack(network.state)


def partition(first=0, n_rows=70):
    rows = slice(first, first + n_rows)
    return Dataset(X_DIGITS[rows], Y_DIGITS[rows].astype(np.int32), None, np.arange(n_rows))


def round_of(start=0, n_steps=3, epoch=0):
    table = OPTIMIZER.coefficients(np.full(n_steps, 1e-2), 1e-4, start)
    table[:, Column.AVERAGE], table[:, Column.GRAD_NORM] = 0.1, 1.0
    return rounds.Round(epoch, start, start, table)


def take(plan, vector, round=None, part=None, number=0):
    return rounds.take_round(part or partition(), number, plan, vector, round or round_of())


def test_a_round_is_a_function_of_its_arguments():
    plan, vector = small_plan()
    before = vector.copy()
    result = take(plan, vector)
    again = take(*pickle.loads(pickle.dumps((replace(plan, n_jobs=4), vector))))
    assert np.array_equal(result.vector, again.vector) and result.loss == again.loss
    assert np.array_equal(vector, before) and not np.array_equal(result.vector, before)


@pytest.mark.parametrize(
    "name, value", [("seed", 8), ("shuffle", False), ("mixing", Mixup()), ("batch_size", 15)]
)
def test_what_a_plan_has_changes_the_result(name, value):
    plan, vector = small_plan()
    result = take(plan, vector)
    assert take(replace(plan, **{name: value}), vector).loss != result.loss


def test_partitions_and_epochs_differ_in_their_order_and_masks():
    plan, vector = small_plan()
    losses = {
        take(plan, vector).loss,
        take(plan, vector, number=1).loss,
        take(plan, vector, round_of(epoch=1)).loss,
    }
    assert len(losses) == 3


def test_an_epoch_trains_on_each_row_once():
    plan, vector = small_plan(batch_size=16)
    rows = [rounds.rows_of_round(70, 16, start, 3) for start in (0, 3, 6)]
    assert rows == [48, 22, 0]
    first, rest = (take(plan, vector, round_of(start)) for start in (0, 3))
    assert [first.norms[1], rest.norms[1]] == [3, 2]


def test_two_rounds_are_as_one_on_a_single_partition():
    plan, vector = small_plan()
    whole = take(plan, vector, round_of(n_steps=4))
    halves = take(plan, vector, round_of(n_steps=2))
    table = round_of(n_steps=4).table[2:]
    halves = take(plan, halves.vector, rounds.Round(0, 2, 2, table))
    assert np.array_equal(whole.vector, halves.vector)


def test_the_mean_is_weighted_and_added_in_order():
    results = [
        rounds.Result(np.full(3, value, np.float32), value, np.array([value, 1.0]))
        for value in (1.0, 3.0)
    ]
    total = rounds.weighted_sum(results, [0.25, 0.75])
    assert total.vector.tolist() == [2.5] * 3 and total.vector.dtype == np.float64
    assert rounds.report_of(total)[0] == 4.0 and rounds.report_of(total)[1].tolist() == [4, 2]
    assert rounds.vector_of(total, np.float32).dtype == np.float32


def test_the_mean_of_one_partition_is_its_state():
    plan, vector = small_plan()
    result = take(plan, vector)
    total = rounds.weighted_sum([result], [1.0])
    assert np.array_equal(rounds.vector_of(total, vector.dtype), result.vector)


def test_a_loss_that_is_not_finite_is_told():
    plan, vector = small_plan()
    part = partition()
    part = part._replace(X=np.where(np.arange(64) == 3, np.inf, part.X))
    assert np.isnan(take(plan, vector, part=part).loss)


def test_without_a_client():
    with pytest.raises(ValueError, match="DaskMLPClassifier needs a client of a cluster"):
        DaskMLPClassifier().fit(da.from_array(X_DIGITS), da.from_array(Y_DIGITS))
