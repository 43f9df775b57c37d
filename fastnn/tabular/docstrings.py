"""Docstrings of the estimators for tables."""

_FIRST = """\
preset : {'fast', 'default', 'best'}, default='default'
        How much is trained: 'fast' takes about the time of scikit-learn's network, 'default' about
        three and 'best' about fifteen times as long. It is the number of networks.

    categorical_features : "auto" or array-like, default="auto"
        Columns that are categories whatever their values, as a mask, indices or names. Others have
        the type of their values, as `columns_` tells.

    n_networks : int or None, default=None
        Number of networks to train, those that only compete among them. None is by preset.

    n_folds : int or None, default=None
        Number of networks of a member of the ensemble. Each is trained on all rows but a part that
        it is judged by; these parts are disjoint. 1 is a single split, which holds an eighth of the
        rows out. None is by the number of rows: 8 for small tables, fewer for large ones.

    time_limit : float or None, default=None
        Seconds after which no network is trained further. A member of the ensemble is always
        trained, its networks shorter where need be; others count if all their networks are done.
        Results depend on the speed of the machine then."""

_LAST = """\
n_jobs : int or None, default=None
        Number of threads, which train a network each. None is as many as are available. It changes
        no bit of the result.

    callbacks : list of Callback or None, default=None
        Callbacks, see `fastnn.callbacks`. A network is what an epoch is elsewhere: `on_epoch_end`
        is called after each, in the thread that trained it, one at a time, and ends the fit by
        True. ``context.logs`` has its row of `history_`.

    verbose : bool, default=False
        Whether to show a progress bar, or lines where there is no terminal.

    random_state : int, RandomState instance or None, default=None
        Draws configurations, folds, and the seeds of the networks. The same seed gives the same
        bits, for any number of threads."""

_ATTRIBUTES = """\
columns_ : ColumnTable
        What is done with each column, and why: its type, its use, the numbers of its levels and
        gaps. It prints as a table, ``columns_.lines`` has its lines, and ``columns_.to_dicts()`` is
        for ``pandas.DataFrame``.

    networks_ : list of Member
        What the ensemble consists of, the largest weight first. A member has its `weight`, its
        `configuration`, and the `coefs_` and `intercepts_` of its networks, whose mean output
        counts.

    history_ : dict of list
        A row for each network that was trained: number of its "configuration" and its "fold",
        epochs trained ("n_iter"), the epoch that was kept ("best_iter"), its "loss" on rows held
        out, and "seconds".

    n_iter_ : int
        Number of epochs, of all networks together.

    compression_ : Compression
        Of an estimator that `compress` returned: mean losses of its network (`loss`) and of the
        ensemble (`ensemble_loss`) for the same rows (`n_rows`), which the network was not trained
        on.

    n_features_in_ : int
        Number of columns seen during `fit`.

    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the columns seen during `fit`. Defined only if all names are strings."""

_NOTES = """\
Notes
    -----
    Configurations are drawn at random: layers, activation, dropout, learning rate, weight decay,
    and how columns become numbers. Each network is stopped by its loss on the rows held out.
    Configurations compete on the first fold; those with the lowest loss are trained on the others
    too, which is one step of successive halving [3]_. That is done twice: configurations of the
    second half leave out columns whose permutation importance in the ensemble of the first is far
    below the mean. The ensemble is chosen by its loss on the rows held out, over all folds, which
    is how TabPack does it [1]_; the choice is greedy and with replacement [2]_.

    References
    ----------
    .. [1] Gorishniy, Y. et al. "TabPack" (2026).
    .. [2] Caruana, R. et al. "Ensemble selection from libraries of models" (2004).
    .. [3] Jamieson, K. and Talwalkar, A. "Non-stochastic best arm identification and hyperparameter
       optimization" (2016), section 2."""

CLASSIFIER = f"""\
Classifier for tables as they come: an ensemble of multi-layer perceptrons.

    Columns may be numbers, strings, categories, booleans, dates and times, with gaps. Nothing has
    to be scaled, encoded or tuned.

    Parameters
    ----------
    {_FIRST}

    class_weight : dict, 'balanced' or None, default=None
        Weights of classes, as ``{{label: weight}}``, which multiply the weights of rows. 'balanced'
        gives all classes the same total weight.

    {_LAST}

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The classes, sorted.

    {_ATTRIBUTES}

    oof_decision_ : ndarray of shape (n_samples, n_classes)
        Probabilities of the training rows, by networks that have not seen the row. NaN for rows
        that are never held out: those of weight 0, the only row of a class, and with a single split
        most rows.

    {_NOTES}

    Examples
    --------
    >>> import pandas as pd
    >>> from fastnn import TabularMLPClassifier
    >>> X = pd.DataFrame({{"size": [1.0, 2.0, None, 4.0] * 10, "kind": ["a", "b", "b", None] * 10}})
    >>> y = ["no", "yes", "yes", "no"] * 10
    >>> model = TabularMLPClassifier("fast", n_networks=2, n_folds=2, random_state=0).fit(X, y)
    >>> model.predict(X[:4])
    array(['no', 'yes', 'yes', 'no'], dtype='<U3')
    """

REGRESSOR = f"""\
Regressor for tables as they come: an ensemble of multi-layer perceptrons.

    Columns may be numbers, strings, categories, booleans, dates and times, with gaps. Nothing has
    to be scaled, encoded or tuned.

    Parameters
    ----------
    {_FIRST}

    target_transform : {{'auto', 'log', 'sqrt'}} or None, default='auto'
        Transform of the targets that networks learn, which predictions revert. 'auto' leaves the
        choice between none and one to the ensemble where the targets are skewed: 'log' if all are
        above 0, else 'sqrt' if none is below. Targets are standardised in any case.

    {_LAST}

    Attributes
    ----------
    {_ATTRIBUTES}

    oof_decision_ : ndarray of shape (n_samples,)
        Predictions for the training rows, by networks that have not seen the row. NaN for rows
        that are never held out: those of weight 0, and with a single split most rows.

    {_NOTES}

    Examples
    --------
    >>> import pandas as pd
    >>> from fastnn import TabularMLPRegressor
    >>> X = pd.DataFrame({{"size": [1.0, 2.0, None, 4.0] * 10, "kind": ["a", "b", "b", None] * 10}})
    >>> y = [10.0, 20.0, 20.0, 40.0] * 10
    >>> model = TabularMLPRegressor("fast", n_networks=2, n_folds=2, random_state=0).fit(X, y)
    >>> model.score(X, y) > 0.9
    True
    """
