"""Docstrings of the estimators for tables."""

_FIRST = """\
preset : {'fast', 'default', 'best'}, default='default'
        Number of networks to train: 'fast' takes about as long as a network of scikit-learn,
        'default' about three times, and 'best' about fifteen times as long.

    categorical_features : "auto" or array-like, default="auto"
        Columns to treat as categories regardless of their values, as a mask, indices or names. The
        types of other columns are inferred from their values; see `columns_`.

    n_networks : int or None, default=None
        Number of networks to train, including those that are not selected. None is the number of
        the preset.

    n_folds : int or None, default=None
        Number of cross-validation folds, and of networks in each member of the ensemble. Each
        network is trained on the rows outside its fold, and evaluated on the fold. 1 is a single
        split, which holds out an eighth of the rows. None depends on the number of rows: 8 for
        small tables, fewer for large ones.

    time_limit : float or None, default=None
        Time limit of training, in seconds. One member of the ensemble is always trained, with fewer
        epochs if necessary. Other members are used if all their networks are complete. With a time
        limit, results depend on the speed of the machine."""

_LAST = """\
n_jobs : int or None, default=None
        Number of threads, each of which trains one network at a time. None is all that are
        available. It does not change the result.

    callbacks : list of Callback or None, default=None
        Callbacks of `fastnn.callbacks`. Networks take the place of epochs: `on_epoch_end` is called
        after each network, in the thread that trained it, one call at a time. If it returns True,
        the fit ends. ``context.logs`` contains the row of the network in `history_`.

    verbose : bool, default=False
        Whether to show a progress bar, or lines if there is no terminal.

    random_state : int, RandomState instance or None, default=None
        Seed of the configurations, the folds and the networks. The same seed gives the same result,
        bit for bit, for any number of threads."""

_ATTRIBUTES = """\
columns_ : ColumnTable
        Type and use of each column, with the reason and the numbers of its levels and gaps. It
        prints as a table. ``columns_.lines`` contains the rows, and
        ``pandas.DataFrame(columns_.to_dicts())`` converts it.

    networks_ : list of Member
        Members of the ensemble, the largest weight first. A member has a `weight`, a
        `configuration`, and the `coefs_` and `intercepts_` of its networks, whose outputs are
        averaged.

    history_ : dict of list
        A row for each trained network: the numbers of its "configuration" and "fold", the number of
        epochs ("n_iter"), the epoch whose parameters were kept ("best_iter"), the "loss" on rows
        held out, and "seconds".

    n_iter_ : int
        Total number of epochs of all networks.

    compression_ : Compression
        Mean losses of the network (`loss`) and of the ensemble (`ensemble_loss`) on the same
        `n_rows` rows, on which the network was not trained. Defined only for estimators returned by
        `compress`.

    n_features_in_ : int
        Number of columns seen during `fit`.

    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the columns seen during `fit`. Defined only if all names are strings."""

_NOTES = """\
Notes
    -----
    Configurations are drawn at random: layers, activation, dropout, learning rate, weight decay and
    the encoding of columns. Each network is stopped early by its loss on the rows held out.
    Configurations compete on the first fold; those with the lowest loss are also trained on the
    other folds, which is one step of successive halving [3]_. This is done twice: configurations of
    the second half omit columns whose permutation importance in the ensemble of the first half is
    far below the mean. The ensemble is selected by its loss on the rows held out, over all folds,
    as in TabPack [1]_. The selection is greedy and with replacement [2]_.

    References
    ----------
    .. [1] Gorishniy, Y. et al. "TabPack" (2026).
    .. [2] Caruana, R. et al. "Ensemble selection from libraries of models" (2004).
    .. [3] Jamieson, K. and Talwalkar, A. "Non-stochastic best arm identification and hyperparameter
       optimization" (2016), section 2."""

CLASSIFIER = f"""\
Classifier for unprocessed tables: an ensemble of multi-layer perceptrons.

    Columns may be numbers, strings, categories, booleans, dates and times, with gaps. Scaling,
    encoding and tuning are not necessary.

    Parameters
    ----------
    {_FIRST}

    class_weight : dict, 'balanced' or None, default=None
        Weights of the classes, as ``{{label: weight}}``, by which the weights of rows are
        multiplied. 'balanced' gives all classes the same total weight.

    {_LAST}

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The classes, sorted.

    {_ATTRIBUTES}

    oof_decision_ : ndarray of shape (n_samples, n_classes)
        Out-of-fold probabilities of the training rows, by networks that have not seen the row. NaN
        for rows that are never held out: rows of weight 0, the only row of a class, and most rows
        with a single split.

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
Regressor for unprocessed tables: an ensemble of multi-layer perceptrons.

    Columns may be numbers, strings, categories, booleans, dates and times, with gaps. Scaling,
    encoding and tuning are not necessary.

    Parameters
    ----------
    {_FIRST}

    target_transform : {{'auto', 'log', 'sqrt'}} or None, default='auto'
        Transform of the targets for training, which is inverted in predictions. With 'auto', if the
        targets are skewed, the ensemble selects between no transform and one: 'log' if all targets
        are above 0, 'sqrt' if none is below 0. Targets are always standardised.

    {_LAST}

    Attributes
    ----------
    {_ATTRIBUTES}

    oof_decision_ : ndarray of shape (n_samples,)
        Out-of-fold predictions for the training rows, by networks that have not seen the row. NaN
        for rows that are never held out: rows of weight 0, and most rows with a single split.

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
