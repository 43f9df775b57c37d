"""Docstrings of the estimators: most parameters and attributes are the same for both."""

_PARAMETERS = """\
hidden_layer_sizes : array-like of shape (n_layers - 2,), int or str, default=(100,)
        The number of units of each hidden layer. '100-50' is (100, 50), as a study of Optuna keeps
        what `fastnn.suggest_params` has suggested.

    activation : str, an activation's spec or a list of these, default='relu'
        Activation function of the hidden layers, of the pre-activation x. A list has one for each
        hidden layer. A spec such as ``LeakyReLU(negative_slope=0.2)`` can be searched over:
        ``activation__negative_slope``.

        - 'identity' is x, 'logistic' is 1 / (1 + exp(-x)), 'tanh' is tanh(x), 'relu' is max(0, x).
        - 'hardtanh' is x, but at least -1 and at most 1 (Collobert 2004).
        - 'leaky_relu' is x, or 0.01 x below zero (Maas et al. 2013): ``LeakyReLU()``.
        - 'rrelu' is x, or a random multiple of x below zero in training (Xu et al. 2015):
          ``RReLU()``.
        - 'elu' is x, or exp(x) - 1 below zero (Clevert et al. 2016): ``ELU()``.
        - 'selu' is 1.0507 times x, or 1.6733 (exp(x) - 1) below zero (Klambauer et al. 2017).
        - 'gelu' is x P(Z <= x), Z standard normal (Hendrycks and Gimpel 2016): ``GELU()``;
          'gelu_tanh' approximates it by a tanh: ``GELU(approximate="tanh")``.
        - 'silu' is x logistic(x) (Elfwing et al. 2018).
        - 'mish' is x tanh(softplus(x)) (Misra 2020).
        - 'softplus' is log(1 + exp(x)) (Dugas et al. 2001).
        - 'softsign' is x / (1 + abs(x)) (Bergstra et al. 2009).
        - 'prelu' is x, or a slope times x below zero, which is trained (He et al. 2015):
          ``PReLU()``; ``PReLU(shared=False)`` has a slope for each unit.
        - 'maxout' is the largest of two x, of weights of their own (Goodfellow et al. 2013):
          ``Maxout(k=2)``. The layer has k times as many columns in `coefs_`.
        - ``CustomActivation(value, derivative)`` is a function of your own.

    solver : {'lbfgs', 'sgd', 'momentum', 'adagrad', 'adadelta', 'rmsprop', 'rprop', 'adam', \
'adamw', 'nadam', 'radam', 'amsgrad', 'lamb'} or a spec, default='adam'
        What minimises the loss. The names of scikit-learn ('lbfgs', 'sgd', 'adam') take their
        options from `momentum`, `nesterovs_momentum`, `beta_1`, `beta_2`, `epsilon` and `max_fun`;
        the others have the defaults of their specs (`Momentum`, `Adagrad`, `Adadelta`, `RMSprop`,
        `Rprop`, `AdamW`, `NAdam`, `RAdam`, `AMSGrad`, `LAMB`). A spec such as
        ``Adam(beta_1=0.8)`` brings its own options, and can be searched over: ``solver__beta_1``.

    alpha : float or Scheduled, default=0.0001
        Strength of the penalty on the weights, which is L2 where `l1_ratio` is 0. It is divided by
        the number of rows of the batch (or by the sum of their sample weights) when it is added to
        the loss. Not used by 'adamw' and 'lamb', which have a `weight_decay` of their own.
        ``Scheduled(0.1, "cosine")`` changes as a learning rate may.

    batch_size : int or 'auto', default='auto'
        Number of rows of a batch; 'auto' is ``min(200, n_samples)``, and all rows with 'rprop'. Not
        used by 'lbfgs'.

    learning_rate : str, schedule or function, default='constant'
        How the learning rate changes from `learning_rate_init` on, by name, by a spec, which can be
        searched over (``learning_rate__gamma``), or by a function ``f(step, n_steps)`` that returns
        what it is multiplied by. Not possible with 'lbfgs' and 'rprop', but that the names of the
        first three are let pass, as in scikit-learn, and not used.

        - 'constant' keeps `learning_rate_init`.
        - 'invscaling' is ``learning_rate_init / (t_ + 1) ** power_t``, anew for each epoch
          (`InvScaling`).
        - 'adaptive' divides the rate by 5 whenever `n_iter_no_change` epochs were no improvement
          (`Adaptive`).
        - 'linear' goes down to a floor (`LinearDecay`), 'inverse' is ``1 / (1 + epsilon t)``
          (`InverseDecay`), 'polynomial' ``1 / (t + 1) ** power`` (`PolynomialDecay`), 'exponential'
          ``gamma ** t`` (`ExponentialDecay`), 'step' goes down by stairs (`StepDecay`), 'cosine'
          along half a cosine, with restarts if wanted (`CosineDecay`), 'one_cycle' up and further
          down (`OneCycle`).
        - 'plateau' reduces the rate when the validation score, or the training loss, gets no better
          (`ReduceOnPlateau`).
        - 'warmup' begins with lower rates, before any of the others: ``Warmup(5, then="cosine",
          per="epoch")``.

        What they are planned for is `max_iter` epochs: more of them with each `fit` of a
        `warm_start`, in all with `partial_fit`. As in scikit-learn, 'adam' does not use the first
        three where they are given by name.

    learning_rate_init : float, default=0.001
        The initial learning rate. Not used by 'lbfgs'.

    power_t : float, default=0.5
        The exponent of ``learning_rate='invscaling'``.

    max_iter : int, default=200
        Maximum number of epochs, or of iterations of 'lbfgs'.

    shuffle : bool, default=True
        Whether to visit the rows in a new random order in each epoch. Not used by 'lbfgs'.

    random_state : int, RandomState instance or None, default=None
        Determines the initial weights, the validation set, the order of the rows, and what is
        dropped out, mixed or added as noise. Draws are scikit-learn's, in the same order.

    tol : float, default=1e-4
        An epoch is an improvement where loss or validation score get better by at least `tol`.
        For 'lbfgs', training stops where no component of the gradient is larger.

    verbose : bool, default=False
        Whether to print the progress of training: True shows `fastnn.callbacks.ProgressBar` in a
        notebook, and in a terminal where rich is installed, and prints scikit-learn's lines
        elsewhere; 2 always prints these.

    warm_start : bool, default=False
        Whether `fit` goes on from where the last call ended: from its parameters, and from the
        state of its optimizer and learning rate.

    momentum : float, default=0.9
        Momentum of 'sgd', between 0 and 1.

    nesterovs_momentum : bool, default=True
        Whether 'sgd' uses Nesterov's momentum.

    early_stopping : bool, default=False
        Whether to set aside validation data, to stop when its score does not improve for
        `n_iter_no_change` epochs, and to keep the parameters that had the best. The score is the
        SCORE, or another by `scoring`. Where `fit` has `X_val` and `y_val`, nothing is set aside.
        Not used by 'lbfgs'.

    validation_fraction : float, default=0.1
        The part of the rows that is set aside for `early_stopping`. With `scoring`, it has rows of
        each class of two or more. Rows whose weight is 0 are never set aside.

    beta_1, beta_2 : float, default=0.9 and 0.999
        Decay rates of the moments of 'adam', in [0, 1).

    epsilon : float, default=1e-8
        Keeps the denominator of 'adam' away from zero.

    n_iter_no_change : int or inf, default=10
        Training stops after more than this number of epochs without improvement.

    max_fun : int, default=15000
        Maximum number of evaluations of the loss by 'lbfgs'.

    normalization : {'batch', 'layer', 'group', 'weight'} or a spec or None, default=None
        Normalisation of the hidden layers: of the batch (``BatchNorm()``), of the units of each row
        (``LayerNorm()``) or of groups of them (``GroupNorm(n_groups=4)``), or of the weights
        (``WeightNorm()``). ``InstanceNorm(n_channels)`` is for units that are channels. Specs can
        be searched over: ``normalization__n_groups``.

    dropout : float, array-like of shape (n_layers - 2,), Dropout or Scheduled, default=0.0
        The part of the hidden units that is left out at random in training, of all layers or of
        each. A ``Dropout(rate, input_rate)`` leaves out features too; with ``inverted=False`` it is
        prediction that scales the outputs, not training. ``Scheduled(0.5, "linear")`` is a rate
        that changes as a learning rate would. Not possible with 'lbfgs'.

    device : {'cpu', 'cuda', 'auto'}, default='cpu'
        Where to compute. 'cuda' is an NVIDIA GPU of compute capability 7.5 or later, by kernels
        that Numba compiles when they are first needed (``pip install "fastnn[cuda]"``). 'auto' is
        the GPU where there is one and training or prediction is so large that this pays, else the
        CPU. A network predicts, and goes on with training, on either device, whichever fitted it:
        ``model.set_params(device="cpu")``. With 'cuda' or 'auto', `X` may be an array on the GPU
        (of PyTorch, CuPy or Numba, of float32, float64 or uint8), which stays there, and `y`
        and `sample_weight` too; predictions come as NumPy arrays. Results of both devices differ by
        rounding errors.

    precision : {'auto', 'float32', 'float64', 'bfloat16', 'tf32'}, default='auto'
        Type of the parameters and of the arithmetic. 'auto' is float32 for `X` of float32 or uint8,
        and float64 for all else. `X` itself is not converted as a whole. 'bfloat16' is float32 but
        for the matrix products, in training and prediction: their inputs are rounded to 8
        significant bits, their sums are float32 (Kalamkar et al. 2019, "A study of BFLOAT16 for
        deep learning training"). The larger the layers, the faster that is; where the processor
        has no instruction for it (AVX512_BF16), it is emulated, with the same results, and slow.
        Products with sparse rows are not rounded. 'tf32' is the same for ``device='cuda'``, which
        has no 'bfloat16': inputs of all products, with sparse rows too, have 11 significant bits.
        It needs a GPU of compute capability 8.0 (Ampere, 2020) or later. On the CPU such a network
        predicts as one of float32. Neither is possible with 'lbfgs'.

    n_jobs : int or None, default=None
        Number of threads. None uses as many as are allowed (OMP_NUM_THREADS, the processors that
        this process may use, joblib) where there is enough to do, and one in a thread that joblib
        runs beside others; negative numbers count back from all processors, -1 is all. The number
        does not change the result.

    weight_init : str, initializer, array, function or list of these, default=None
        The weights to start from, of all layers, or, in a list, of each (the output layer is the
        last). Rules are in `fastnn.initializers`, as ``HeNormal(mode="fan_out")``; names are
        'zeros', 'uniform', 'normal', 'glorot_uniform', 'glorot_normal', 'he_uniform', 'he_normal',
        'lecun_uniform', 'lecun_normal', 'orthogonal' and 'pytorch'. An array has the shape (fan_in,
        fan_out); so has what a function ``f(random_state, fan_in, fan_out)`` returns. None is
        scikit-learn's rule: Glorot's, with a third of the variance where the hidden layers are
        logistic.

    bias_init : str, initializer, array, function or list of these, default=None
        The biases to start from, as `weight_init` but for 'orthogonal'; arrays have the shape
        (fan_out,). None is scikit-learn's rule: random numbers as large as the weights of its
        `weight_init`.

    layers : list of layers or None, default=None
        The hidden layers one by one, in place of `hidden_layer_sizes`, `activation`,
        `normalization` and `dropout`: `Dense`, `Residual`, `Dropout`, normalizations, and
        activations by name or spec. As ``[Dense(100, "gelu", normalization="batch", dropout=0.2),
        Residual([Dense(100), Dense(100, "identity")]), "relu"]``. The output layer comes after
        them. In searches, ``layers__0__units`` is the number of units of the first.

    scoring : str, callable, list, dict or None, default=None
        What validation data is scored by, the more the better: a name that scikit-learn knows,
        ``f(estimator, X, y)``, or 'loss' for the negative loss, without penalty and dropout. None
        is the SCORE. Where rows have weights, they are passed on as `sample_weight`. Of a list of
        these, or a dict of them by name, the first is what decides, and all are in `history_`.

    averaging : {'ema', 'swa'} or EMA, SWA, or None, default=None
        An average of the parameters that training went through, which takes their place when it is
        over, and is what is validated. 'ema' is the exponential moving average of all steps, 'swa'
        the mean of the last quarter of the epochs. The statistics of batch norm become those of the
        average over all training rows, at each validation too, which takes about an epoch's time.
        `warm_start` and `partial_fit` go on from the parameters that are not averaged. Not possible
        with 'lbfgs'.

    augment : {'mixup', 'cutmix'}, Mixup, CutMix, a spec of `fastnn.augment`, callable, \
list of these, or None, default=None
        How training rows are changed at random, anew in each epoch; a list is one after the other.
        Specs such as ``augment.Rotate(10)`` and functions ``(X, y, rng) -> (X, y)`` change the rows
        of an epoch in a thread while the engine trains on those of the epoch before, with a
        `numpy.random.Generator` whose draws depend on `random_state`, the epoch and the place in
        the list only. A function has copies of all training rows and of their targets, as they were
        passed to `fit`, and returns as many and as wide; targets may change, weights of rows and
        validation data do not. That takes the memory of two copies of the training rows, and a
        thread beside those of `n_jobs`. For images, signals and tables there are specs in
        `fastnn.augment`; for lists of tokens `TokenAugmenter`, before they become numbers.

        'mixup' and 'cutmix', the last of a list, mix the rows of a batch with each other in the
        engine, and their losses with them. 'mixup' is ``Mixup()``, weighted means of two rows
        (Zhang et al. 2018); 'cutmix' is ``CutMix()``, that exchanges a box of features (Yun et al.
        2019); ``CutMix(shape=(28, 28))`` of an image. They need batches of at least two.

        `loss_curve_` is of the changed rows, and varies more: `early_stopping`, or a larger
        `n_iter_no_change`, keeps training from ending too soon. Needs dense rows, on the host where
        they are changed before the engine has them, and a solver other than 'lbfgs' and 'rprop'.

    input_noise : float, default=0.0
        Standard deviation of the Gaussian noise that is added to the features, anew at each step of
        training. For the squared error and little noise it amounts to a penalty on the derivative
        of the network with respect to its input (Bishop 1995). Scale the features first, as it is
        the same for all. Needs dense rows, and a solver other than 'lbfgs' and 'rprop'.

    clip_norm : float or None, default=None
        The greatest norm of the gradient of a step, over all parameters that learn together: a
        longer gradient g, that of the penalty included, is multiplied by
        ``clip_norm / (norm(g) + 1e-6)``, as by PyTorch's `clip_grad_norm_` (Pascanu et al. 2013,
        algorithm 1). Not possible with 'lbfgs' and 'rprop'.

    clip_value : float or None, default=None
        Each element of the gradient is cut to the range from -`clip_value` to `clip_value`; that
        comes before `clip_norm`. Not possible with 'lbfgs' and 'rprop'.

    learning_rate_factors : dict or None, default=None
        What the learning rate is multiplied by for some of the parameters: those of a group
        ("weights", "biases" or "normalization"), or of a layer (numbered as `coefs_`, -1 is the
        output layer; a normalization goes with the layer before). The slopes of 'prelu' are in no
        group, and go with their layer. Where several are given for a
        parameter they are multiplied: ``{"biases": 2.0, 0: 0.1}`` lets the biases of the first
        layer learn at 0.2 times the rate. A decoupled decay is multiplied too. 0 freezes: such
        parameters stay as they are, to the bit, whatever penalty, decay or limit there is, and
        their gradient does not count for `clip_norm`. For 'rprop' the factor is one of the first
        step size. Not possible with 'lbfgs'.

    l1_ratio : float, default=0.0
        What part of the penalty is L1, between 0 and 1: with w all weights, the penalty is
        ``alpha * ((1 - l1_ratio) / 2 * sum(w**2) + l1_ratio * sum(abs(w)))``, divided by the rows
        of the batch as told for `alpha`. That is the elastic net (Zou and Hastie 2005) with the
        parameters of `sklearn.linear_model.SGDClassifier`. The gradient of ``abs(w)`` is
        ``sign(w)``, and 0 at 0: weights become small, and hardly ever exactly 0. Not possible with
        'lbfgs', 'adamw' and 'lamb'.

    penalize_intercepts : bool, default=False
        Whether the penalty is on the biases too. The parameters of normalizations and the slopes of
        'prelu' never have one. Not possible with 'adamw' and 'lamb'.

    max_norm : float or None, default=None
        The greatest norm of the weights that come into a unit, of all layers: after each step,
        columns of `coefs_` that are longer are scaled down to it (Srivastava et al. 2014, section
        5.1). Not possible with 'lbfgs'.

    weight_noise : float, default=0.0
        Standard deviation of normally distributed noise that is added to all weights, but not to
        biases, anew for each step of training, for its forward and backward pass and its penalty;
        the step is that of the weights without noise, and these predict (Murray and Edwards 1994;
        Graves 2011). Not possible with 'lbfgs' and 'rprop'.

    callbacks : list of Callback or None, default=None
        What is called in the course of training, see `fastnn.callbacks`: ``EarlyStopping()``,
        ``ReduceLROnPlateau()``, ``Checkpoint(path, resume=True)``, ``CSVLogger(path)``,
        ``TensorBoard()``, ``MLflow()``, ``TerminateOnNaN()``, ``ProgressBar()``, or classes of your
        own that derive from ``Callback``. Their parameters can be searched over:
        ``callbacks__0__patience``. Those of scikit-learn go to `set_callbacks`."""

_OUTPUT_ACTIVATION = """\
output_activation : str, an activation's spec or None, default=None
        Activation of the output layer. None is the loss's own: 'exp' for 'poisson', the softmax or
        'logistic' for 'log_loss' and 'binary_log_loss', and else 'identity'. """
_OUTPUT_ACTIVATION_OF_CLASSES = """\
Of
        ``loss='squared_error'`` it may be any of a hidden layer but 'maxout': 'logistic' keeps the
        output between the targets 0 and 1. 'threshold' is 1 where x > 0 else 0, goes with
        'perceptron' and is left out in training: of several classes the first whose unit says 1
        is predicted, and without it the one whose unit says most."""
_OUTPUT_ACTIVATION_OF_VALUES = """\
Of all
        losses but 'poisson' it may be any of a hidden layer but 'maxout': 'softplus' keeps
        predictions positive, 'logistic' between 0 and 1."""

_ATTRIBUTES = """\
loss_ : float
        The loss of the last epoch, penalty included; of the best iteration of 'lbfgs'.

    best_loss_ : float or None
        The lowest loss of an epoch. None with `early_stopping`. Not for 'lbfgs'.

    loss_curve_ : list of float
        The loss of each epoch. Not for 'lbfgs'.

    history_ : dict of list
        What is known of each epoch, or iteration of 'lbfgs', in all calls: "epoch", its number from
        1; "loss" as in `loss_curve_`; where there is validation data "val_loss", without penalty
        and dropout, and each score as ``val_NAME``; "grad_norm"; "learning_rate" of the last
        step, not of 'lbfgs'; "seconds", validation included. NaN is for what was not known in some
        of them. ``pandas.DataFrame(model.history_)`` is a table of it.

        "grad_norm" is the L2 norm of the gradient of a step, as PyTorch's `clip_grad_norm_` returns
        it: of the loss of the batch and its penalty, over all parameters that learn together,
        before `clip_value` and `clip_norm` change anything. A decoupled decay is no part of it, and
        parameters with a factor of 0 in `learning_rate_factors` do not count. It is the mean over
        some steps of the epoch, evenly spaced from the first to the last: every eighth, but at
        least 2 and at most 8. Of 'lbfgs' it is that of all rows. Of several outputs of a regressor
        the solver follows the sum of their losses, as in scikit-learn, and "loss" has the mean.

    validation_scores_ : list of float or None
        The score of the validation data after each epoch, where there is any.

    best_validation_score_ : float or None
        The best of them.

    t_ : int
        The number of training rows that the solver has seen, in all epochs.

    coefs_ : list of ndarray of shape (fan_in, fan_out)
        The weights of each layer. These are the numbers that predict: what you write into them, or
        put in their place, counts. Several output layers come one after another at the end.

    intercepts_ : list of ndarray of shape (fan_out,)
        The biases of each layer. As `coefs_`, they can be written to.

    normalizations_ : list of (dict or None)
        For each layer that is normalised its "scale" and "shift" and, with batch normalization, the
        moving "mean" and "variance". With weight normalization "g", the length of the weights of
        each unit; only the direction of `coefs_` counts then. They can be written to, and an array
        that takes the place of one is written into it.

    activation_parameters_ : list of (dict or None)
        For each layer whose activation is 'prelu' its "slope". They can be written to.

    n_features_in_ : int
        Number of features seen during `fit`.

    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the features seen during `fit`, where `X` has names that are all strings.

    n_iter_ : int
        The number of epochs, or of iterations of 'lbfgs', of the last call.

    n_layers_ : int
        Number of layers, with the input.

    n_outputs_ : int
        Number of outputs; where y has several columns of classes, the number of these.

    out_activation_ : str
        Name of the activation of the output layer."""

_NOTES = """\
Notes
    -----
    Differences from scikit-learn, all intended: `warm_start` keeps the state of the optimizer. When
    the loss is not finite any more, training stops at once, and the best parameters come back with
    a `ConvergenceWarning`. A class of a single row is kept in training with `early_stopping`. An
    estimator whose `fit` raises an error is as it was before."""

CLASSIFIER = f"""Multi-layer perceptron classifier.

    It takes the place of `sklearn.neural_network.MLPClassifier`, with the same parameters, draws
    and results; what comes after scikit-learn's parameters is new. By default it minimises the
    cross-entropy: of a softmax over more than two classes, of a logistic unit for two classes, and
    of one for each label of a label indicator matrix. Where y has several columns of classes, each
    has an output layer of its own behind the same hidden layers (Caruana, "Multitask learning",
    1997), a softmax also where the classes are two, and the loss is the sum over the columns.

    Parameters
    ----------
    {_PARAMETERS.replace("SCORE", "accuracy")}

    loss : {{'log_loss', 'binary_log_loss', 'hinge', 'squared_hinge', 'weston_watkins', \
'crammer_singer', 'perceptron', 'squared_error'}}, default='log_loss'
        The loss of a row whose output layer has the pre-activations z.

        - 'log_loss' is the cross-entropy log(sum(exp(z))) - z_c of a row of class c; of two
          classes, and of each label of a label indicator matrix, that of a logistic unit.
        - 'binary_log_loss' is the cross-entropy of a logistic unit for each class, against all
          others: log(1 + exp(-s z)), s = 1 for the row's own class and -1 for others. The units'
          probabilities are divided by their sum.
        - 'hinge' is max(0, 1 - s z), a unit for each class against all others (Rifkin and Klautau,
          "In defense of one-vs-all classification", 2004); 'squared_hinge' is its square.
        - 'weston_watkins' is the sum of max(0, 1 + z_j - z_c) over all other classes j (Weston and
          Watkins, "Support vector machines for multi-class pattern recognition", 1999, with a
          margin of 1 in place of 2).
        - 'crammer_singer' is max(0, 1 + max_j z_j - z_c), j all other classes (Crammer and Singer,
          "On the algorithmic implementation of multiclass kernel-based vector machines", 2001).
        - 'perceptron' is max(0, -s z), a unit for each class against all others, whose gradient is
          Rosenblatt's rule ("The perceptron", 1958): with ``SGD(momentum=0)`` and ``batch_size=1``
          a row changes weights by the rate times (target - threshold(z)) x.
        - 'squared_error' is (z - y)^2 / 2, y = 1 for the row's own class and 0 for others (Widrow
          and Hoff, "Adaptive switching circuits", 1960).

        Of two classes all have one output, of the second class, and 'weston_watkins' and
        'crammer_singer' are 'hinge', of z_1 - z_0. Only the first two give `predict_proba`.

    {_OUTPUT_ACTIVATION}{_OUTPUT_ACTIVATION_OF_CLASSES}

    label_smoothing : float or Scheduled, default=0.0
        How much of a target is spread evenly over all classes: of 'log_loss' the target is
        ``(1 - label_smoothing) * y + label_smoothing / n_classes``, n_classes = 2 for logistic
        units (Szegedy et al., "Rethinking the Inception architecture", 2016, section 7). Other
        losses have none. ``Scheduled(0.1, "linear")`` changes as a learning rate may.

    class_weight : dict, 'balanced', list of dict or None, default=None
        Weights of the classes, by label: rows count as if their `sample_weight` were multiplied by
        them. 'balanced' is ``n_samples / (n_classes * np.bincount(y))``, not for `partial_fit`;
        where a row has one class, that of the training rows is for `X_val` too. Of a label
        indicator matrix a list has a dict for each label, of several columns of classes one for
        each column, and their weights are multiplied.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,), or list of n_targets such
        The class labels, sorted. Where y has several columns of classes, those of each column.

    {_ATTRIBUTES.replace("SCORE", "accuracy")}

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

    It takes the place of `sklearn.neural_network.MLPRegressor`, with the same parameters, draws and
    results; what comes after scikit-learn's parameters is new.

    Parameters
    ----------
    loss : {{'squared_error', 'absolute_error', 'huber', 'minkowski', 'quantile', 'poisson'}} or \
Huber, Minkowski, Quantile, CustomLoss, default='squared_error'
        The loss of an output z and its target y. A spec such as ``Huber(delta=0.5)`` can be
        searched over: ``loss__delta``. `loss_` is the mean over outputs, except for 'poisson';
        the gradient is always that of the sum.

        - 'squared_error' is (z - y)^2 / 2, 'absolute_error' is abs(z - y).
        - 'huber' is the first where the error is small, and a straight line where it is larger than
          `delta` (Huber 1964): ``Huber(delta=1.0)``.
        - 'minkowski' is abs(z - y)^p / p (Hanson and Burr 1988): ``Minkowski(p=2.0)``.
        - 'quantile' is max(q (y - z), (1 - q) (z - y)), whose minimum is the quantile q of the
          targets (Koenker and Bassett 1978): ``Quantile(quantile=0.5)``.
        - 'poisson' is half the Poisson deviance of an output that is the exponential of a linear
          function (for counts and rates, ``y >= 0``).
        - ``CustomLoss(value, derivative)`` is a function of your own.

    {_PARAMETERS.replace("SCORE", "R2 score")}

    {_OUTPUT_ACTIVATION}{_OUTPUT_ACTIVATION_OF_VALUES}

    Attributes
    ----------
    {_ATTRIBUTES.replace("SCORE", "R2 score")}

    {_NOTES} Of several outputs, 'lbfgs' minimises the sum of the losses, whose gradient it uses;
    scikit-learn gives it their mean.

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
