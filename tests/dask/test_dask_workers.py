"""Workers in processes of their own: neither their number nor their loss changes a bit."""

import hashlib
import os
import signal
import threading

import dask.array as da
import distributed
import numpy as np
import pytest

from fastnn import Mixup
from fastnn.callbacks import Callback
from fastnn.dask import DaskMLPClassifier
from support.small_fits import X_DIGITS, Y_DIGITS

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


class Kills(Callback):
    """Kills a worker in the middle of a round."""

    def __init__(self, client):
        self.client, self.n_killed = client, 0

    def on_batch_end(self, context):
        if (context.epoch, context.batch) == (1, 2):
            pid = next(iter(self.client.run(os.getpid).values()))
            threading.Timer(0.002, os.kill, (pid, signal.SIGKILL)).start()
            self.n_killed += 1


def sha_of_fit(callbacks=None, **options):
    model = DaskMLPClassifier(
        (20,),
        batch_size=10,
        max_iter=3,
        steps_per_round=3,
        random_state=0,
        dropout=0.2,
        normalization="batch",
        averaging="ema",
        augment=Mixup(),
        early_stopping=True,
        callbacks=callbacks,
        **options,
    )
    model.fit(da.from_array(X_DIGITS, chunks=(70, 64)), da.from_array(Y_DIGITS, chunks=100))
    arrays = [*model.coefs_, *model.intercepts_, np.array(model.loss_curve_)]
    return hashlib.sha256(b"".join(array.tobytes() for array in arrays)).hexdigest()


def test_workers_change_no_bit():
    with (
        distributed.LocalCluster(
            n_workers=2,
            threads_per_worker=1,
            dashboard_address=":0",
            silence_logs="CRITICAL",
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        for nanny in cluster.workers.values():
            nanny.auto_restart = False
        shas, killer = [sha_of_fit()], Kills(client)
        shas.append(sha_of_fit([killer]))
        assert killer.n_killed == 1
        assert len(client.run(os.getpid)) == 1
        shas.append(sha_of_fit())
        assert len(set(shas)) == 1
