"""Docstrings of the estimators."""

from .parameter_docs import (
    ATTRIBUTES,
    OUTPUT_ACTIVATION,
    OUTPUT_ACTIVATION_OF_CLASSES,
    OUTPUT_ACTIVATION_OF_VALUES,
    PARAMETERS,
)

_NOTES = """\
Notes
    -----
    Intended differences from scikit-learn: `warm_start` keeps the state of the optimizer. If the
    loss becomes non-finite, training stops, and the best parameters are restored with a
    `ConvergenceWarning`. With `early_stopping`, a class with a single row stays in the training
    set. If `fit` raises an error, the estimator is unchanged."""

CLASSIFIER = f"""Multi-layer perceptron classifier.

    It is a drop-in replacement for `sklearn.neural_network.MLPClassifier`, with the same
    parameters, random numbers and results; the parameters after scikit-learn's are new. By default
    it minimises the cross-entropy: of a softmax for more than two classes, of a logistic unit for
    two classes, and of a logistic unit for each label of a label indicator matrix. For
    multiclass-multioutput targets, each column has its own output layer after the shared hidden
    layers (Caruana, "Multitask learning", 1997). This is a softmax even for two classes, and the
    loss is the sum over the columns.

    Parameters
    ----------
    {PARAMETERS.replace("SCORE", "accuracy")}

    loss : {{'log_loss', 'binary_log_loss', 'hinge', 'squared_hinge', 'weston_watkins', \
'crammer_singer', 'perceptron', 'squared_error'}}, default='log_loss'
        The loss of a row; z are the pre-activations of the output layer (the logits).

        - 'log_loss' is the cross-entropy log(sum(exp(z))) - z_c of a row of class c. For two
          classes, and for each label of a label indicator matrix, it is the cross-entropy of a
          logistic unit.
        - 'binary_log_loss' is the cross-entropy of a logistic unit for each class, one-vs-rest:
          log(1 + exp(-s z)), s = 1 for the row's class and -1 for others. The probabilities are
          normalised to sum 1.
        - 'hinge' is max(0, 1 - s z), one-vs-rest (Rifkin and Klautau, "In defense of one-vs-all
          classification", 2004); 'squared_hinge' is its square.
        - 'weston_watkins' is the sum of max(0, 1 + z_j - z_c) over all other classes j (Weston and
          Watkins, "Support vector machines for multi-class pattern recognition", 1999, with a
          margin of 1 instead of 2).
        - 'crammer_singer' is max(0, 1 + max_j z_j - z_c), j all other classes (Crammer and Singer,
          "On the algorithmic implementation of multiclass kernel-based vector machines", 2001).
        - 'perceptron' is max(0, -s z), one-vs-rest, whose gradient is Rosenblatt's rule ("The
          perceptron", 1958): with ``SGD(momentum=0)`` and ``batch_size=1`` a row changes the
          weights by the rate times (target - threshold(z)) x.
        - 'squared_error' is (z - y)^2 / 2, y = 1 for the row's class and 0 for others (Widrow and
          Hoff, "Adaptive switching circuits", 1960).

        With two classes all losses have one output, for the second class, and 'weston_watkins' and
        'crammer_singer' are the 'hinge' of z_1 - z_0. Only 'log_loss' and 'binary_log_loss' provide
        `predict_proba`.

    {OUTPUT_ACTIVATION}{OUTPUT_ACTIVATION_OF_CLASSES}

    label_smoothing : float or Scheduled, default=0.0
        The fraction of a target that is distributed evenly over all classes. With 'log_loss', the
        target becomes ``(1 - label_smoothing) * y + label_smoothing / n_classes``, where n_classes
        is 2 for logistic units (Szegedy et al., "Rethinking the Inception architecture", 2016,
        section 7). Not available with other losses. ``Scheduled(0.1, "linear")`` follows a
        schedule.

    class_weight : dict, 'balanced', list of dict or None, default=None
        Weights of the classes, by label. The `sample_weight` of rows is multiplied by them.
        'balanced' is ``n_samples / (n_classes * np.bincount(y))`` and is not available with
        `partial_fit`. If each row has one class, the weights also apply to `X_val`. A list contains
        a dict for each label of a label indicator matrix, or for each column of
        multiclass-multioutput targets, and the weights of a row are multiplied.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,), or list of n_targets such
        The sorted class labels. For multiclass-multioutput targets, a list with those of each
        column.

    {ATTRIBUTES.replace("SCORE", "accuracy")}

    {_NOTES}

    Examples
    --------
    >>> from fastnn import MLPClassifier
    >>> from sklearn.datasets import make_classification
    >>> from sklearn.model_selection import train_test_split
    >>> X, y = make_classification(n_samples=100, random_state=1)
    >>> X_train, X_test, y_train, y_test = train_test_split(X, y, stratify=y, random_state=1)
    >>> clf = MLPClassifier(random_state=1, max_iter=300).fit(X_train, y_train)
    >>> clf.predict_proba(X_test[:1]).round(2)
    array([[0.04, 0.96]])
    >>> clf.predict(X_test[:5])
    array([1, 0, 1, 0, 1])
    >>> clf.score(X_test, y_test)
    0.88
    """

REGRESSOR = f"""Multi-layer perceptron regressor.

    It is a drop-in replacement for `sklearn.neural_network.MLPRegressor`, with the same parameters,
    random numbers and results; the parameters after scikit-learn's are new.

    Parameters
    ----------
    loss : {{'squared_error', 'absolute_error', 'huber', 'minkowski', 'quantile', 'poisson'}} or \
Huber, Minkowski, Quantile, CustomLoss, default='squared_error'
        The loss of an output z with target y. The parameters of a spec such as ``Huber(delta=0.5)``
        can be searched over: ``loss__delta``. `loss_` is the mean over outputs, except with
        'poisson'; the gradient is always the gradient of the sum.

        - 'squared_error' is (z - y)^2 / 2, 'absolute_error' is abs(z - y).
        - 'huber' is quadratic for errors up to `delta`, and linear for larger ones (Huber 1964):
          ``Huber(delta=1.0)``.
        - 'minkowski' is abs(z - y)^p / p (Hanson and Burr 1988): ``Minkowski(p=2.0)``.
        - 'quantile' is the pinball loss max(q (y - z), (1 - q) (z - y)), which is minimised by the
          quantile q of the targets (Koenker and Bassett 1978): ``Quantile(quantile=0.5)``.
          ``Quantile([0.05, 0.5, 0.95])`` predicts several quantiles that do not cross.
        - 'poisson' is half the Poisson deviance, with the exponential as output activation (for
          counts and rates, ``y >= 0``).
        - ``CustomLoss(value, derivative)`` is a user-defined function.

    {PARAMETERS.replace("SCORE", "R2 score")}

    {OUTPUT_ACTIVATION}{OUTPUT_ACTIVATION_OF_VALUES}

    Attributes
    ----------
    {ATTRIBUTES.replace("SCORE", "R2 score")}

    {_NOTES} For several outputs, 'lbfgs' minimises the sum of the losses; scikit-learn minimises
    their mean with the gradient of the sum.

    Examples
    --------
    >>> from fastnn import MLPRegressor
    >>> from sklearn.datasets import make_regression
    >>> from sklearn.model_selection import train_test_split
    >>> X, y = make_regression(n_samples=200, n_features=20, random_state=1)
    >>> X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=1)
    >>> regr = MLPRegressor(random_state=1, max_iter=2000, tol=0.1).fit(X_train, y_train)
    >>> regr.predict(X_test[:2]).round()
    array([  29., -291.])
    >>> regr.score(X_test, y_test) > 0.98
    True
    """

_OF_HEADS = """\
heads : dict or None, default=None
        The heads by name: a `Head`, the name or the spec of a loss, or None to choose the loss by
        the targets, which is 'squared_error' for floats and 'log_loss' for labels. 'log_loss' is
        the cross-entropy of a softmax, or of logistic units for two classes and for indicators of
        several labels. None instead of a dict chooses the loss of every head in `y`. ``{"price":
        Head(weight=0.5), "kind": None, "visits": "poisson"}``.

    task_weighting : {'uncertainty'} or None, default=None
        Weighting of the losses of the heads in their sum. With None, the loss of a row is sum(w L),
        where w is the `weight` of a `Head`, and L is its loss, summed over its outputs.
        'uncertainty' also trains a log variance s for each head, starting at 0, and the loss is
        sum(w (exp(-s) L + n s / 2)) (Kendall, Gal and Cipolla, "Multi-task learning using
        uncertainty to weigh losses for scene geometry and semantics", 2018, section 3). n is the
        number of outputs of the head: up to a constant, the loss is the negative log likelihood of
        n independent normal distributions with the variance exp(s) (eq. 5). For a softmax, and for
        losses that compare the outputs of a row, n is 1 (eq. 10). At the minimum exp(s) is 2 L / n,
        the mean squared error of values. Scale targets of very different sizes first, because a
        step of 'adam' changes s by about the learning rate at most;
        ``learning_rate_factors={"log_variances": 10.0}`` lets it move faster.

    label_smoothing : float or Scheduled, default=0.0
        Label smoothing of all heads whose loss has probabilities; see `MLPClassifier`."""

_ATTRIBUTES_OF_HEADS = """\
heads_ : tuple of str
        The names of the heads, in the order of their output layers.

    classes_ : dict of ndarray
        The sorted classes of each head that has labels.

    task_weights_ : dict of float
        The factor of the loss of each head: its `weight`, multiplied by exp(-s) if s is trained."""

_SHARED_ATTRIBUTES = ATTRIBUTES.replace("SCORE", "mean of the scores of the heads").replace(
    "out_activation_ : str\n        Name of the activation of the output layer.",
    "out_activation_ : dict of str\n        Name of the activation of each head.",
)

OF_SEVERAL_TASKS = f"""Multi-layer perceptron for several tasks, with a head for each.

    Each head predicts classes, several labels per row, or values, by an output layer of its own;
    the heads share the hidden layers (Caruana, "Multitask learning", 1997). Each head has a loss
    and a weight, and the weights can be trained. The loss of the network is the weighted sum of the
    losses of the heads. The other parameters are those of `MLPClassifier` and `MLPRegressor`.

    Parameters
    ----------
    {PARAMETERS.replace("SCORE", "mean of the scores of the heads")}

    {_OF_HEADS}

    Attributes
    ----------
    {_ATTRIBUTES_OF_HEADS}

    {_SHARED_ATTRIBUTES}

    See Also
    --------
    MLPClassifier : Network for classes, also for several unnamed columns of them.
    MLPRegressor : Network for values, also for several columns of them.

    Notes
    -----
    `history_` also contains ``NAME_loss`` for each head, the mean of L over the epoch (not with
    'lbfgs'); ``val_NAME_accuracy`` or ``val_NAME_r2``, with validation data and the default
    `scoring`; and ``NAME_weight``, if weights are trained. "loss" is the weighted sum.
    `early_stopping` does not stratify the rows that it holds out.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnn import Head, MultiTaskMLP
    >>> X = np.random.default_rng(0).normal(size=(300, 4))
    >>> y = {{"side": np.where(X[:, 0] > 0, "right", "left"), "size": X[:, 1] * X[:, 2]}}
    >>> model = MultiTaskMLP(heads={{"side": None, "size": Head(weight=2.0)}}, random_state=0,
    ...                      learning_rate_init=0.01).fit(X, y)
    >>> model.predict(X[:3])["side"].tolist() == y["side"][:3].tolist()
    True
    >>> sorted(model.scores(X, y))
    ['side', 'size']
    """
