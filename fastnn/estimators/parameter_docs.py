"""Docstrings of the parameters and attributes that the estimators share.

A parameter is described in about two sentences; formulas are in the docstrings of specs, and the
rest in the user guide, which the page of a class links to by these groups.
"""

#: Groups of the parameters on the page of a class, and the pages of the user guide about them.
GROUPS = {
    "Network": (
        ("stacks", "outputs", "normalisation", "initialisation"),
        "hidden_layer_sizes activation layers normalization weight_init bias_init loss "
        "output_activation",
    ),
    "Optimisation": (
        ("optimizers", "schedules"),
        "solver batch_size max_iter shuffle learning_rate learning_rate_init power_t momentum "
        "nesterovs_momentum beta_1 beta_2 epsilon max_fun learning_rate_factors clip_norm "
        "clip_value",
    ),
    "Regularisation": (
        ("regularisation", "data"),
        "alpha l1_ratio l1_update penalize_intercepts max_norm dropout input_noise weight_noise "
        "label_smoothing class_weight averaging augment",
    ),
    "Validation": (
        ("validation",),
        "early_stopping validation_fraction scoring n_iter_no_change tol train_score "
        "train_score_rows",
    ),
    "Running": (
        ("callbacks", "precision", "gpu"),
        "random_state verbose warm_start callbacks device precision n_jobs",
    ),
}

PARAMETERS = """\
hidden_layer_sizes : array-like of shape (n_layers - 2,), int or str, default=(100,)
        The number of units of each hidden layer. The string '100-50' is read as (100, 50); a study
        of Optuna stores the suggestions of `fastnn.suggest_params` in this form.

    activation : {'identity', 'logistic', 'tanh', 'relu', 'hardtanh', 'leaky_relu', 'rrelu', \
'elu', 'selu', 'gelu', 'gelu_tanh', 'silu', 'mish', 'softplus', 'softsign', 'prelu', 'maxout'}, \
a spec or a list of these, default='relu'
        Activation function of the hidden layers, or a list with one for each. The parameters of a
        spec such as ``LeakyReLU(negative_slope=0.2)`` can be searched over:
        ``activation__negative_slope``; ``CustomActivation(value, derivative)`` is a user-defined
        function.

    solver : {'lbfgs', 'sgd', 'momentum', 'adagrad', 'adadelta', 'rmsprop', 'rprop', 'adam', \
'adamw', 'nadam', 'radam', 'amsgrad', 'lamb'} or a spec, default='adam'
        The optimizer. 'lbfgs', 'sgd' and 'adam' take their options from `momentum`,
        `nesterovs_momentum`, `beta_1`, `beta_2`, `epsilon` and `max_fun`. A spec such as
        ``Adam(beta_1=0.8)`` has its own parameters, which can be searched over: ``solver__beta_1``.

    alpha : float or Scheduled, default=0.0001
        Strength of the penalty on the weights, which is L2 if `l1_ratio` is 0. It is divided by the
        number of rows in the batch (or by the sum of their sample weights). Not used by 'adamw' and
        'lamb', which have their own `weight_decay`.

    batch_size : int or 'auto', default='auto'
        Number of rows in a batch. 'auto' is ``min(200, n_samples)``, or all rows for 'rprop'. Not
        used by 'lbfgs'.

    learning_rate : {'constant', 'invscaling', 'adaptive', 'linear', 'inverse', 'polynomial', \
'exponential', 'step', 'cosine', 'one_cycle', 'plateau', 'warmup'}, a schedule or a function, \
default='constant'
        Schedule of the learning rate, planned for `max_iter` epochs: a name, a spec, whose
        parameters can be searched over (``learning_rate__gamma``), or a function
        ``f(step, n_steps)`` that returns a factor of `learning_rate_init`. Not available with
        'lbfgs' and 'rprop'. As in scikit-learn, these ignore the first three names, and 'adam'
        ignores 'invscaling' and 'adaptive', with a warning: ``InvScaling()`` and ``Adaptive()``
        work with all solvers that have a schedule.

    learning_rate_init : float, default=0.001
        The initial learning rate. Not used by 'lbfgs'.

    power_t : float, default=0.5
        The exponent of ``learning_rate='invscaling'``.

    max_iter : int, default=200
        Maximum number of epochs, or of iterations of 'lbfgs'.

    shuffle : bool or 'blocks', default=True
        Whether to shuffle the rows in each epoch. 'blocks' is for memory maps that do not fit in
        memory: it reads blocks of neighbouring rows in a random order, and shuffles them in a
        buffer of 64 MiB. Not used by 'lbfgs'.

    random_state : int, RandomState instance or None, default=None
        Seed of the initial weights, the validation set, the order of the rows, dropout, mixing and
        noise. Random numbers are drawn in the same order as in scikit-learn.

    tol : float, default=1e-4
        Tolerance: the loss or validation score of an epoch must improve by at least `tol` to count
        as an improvement. With 'lbfgs', training stops when no component of the gradient exceeds
        it.

    verbose : bool, default=False
        Whether to show the progress of training. True shows `fastnn.callbacks.ProgressBar` in a
        notebook or terminal if tqdm is installed, and prints the same lines as scikit-learn
        otherwise. 2 always prints these lines. With `train_score`, another line shows the training
        score and the seconds of the epoch.

    warm_start : bool, default=False
        Whether `fit` continues from the end of the previous call, with its parameters and the state
        of the optimizer and learning rate.

    momentum : float, default=0.9
        Momentum of 'sgd', between 0 and 1.

    nesterovs_momentum : bool, default=True
        Whether 'sgd' uses Nesterov's momentum.

    early_stopping : bool, default=False
        Whether to hold out validation data, stop when its score does not improve for
        `n_iter_no_change` epochs, and keep the parameters with the best score. The score is the
        SCORE, or the one given by `scoring`. No rows are held out if `X_val` and `y_val` are passed
        to `fit`. Not used by 'lbfgs'.

    validation_fraction : float, default=0.1
        The fraction of rows held out for `early_stopping`. With `scoring`, they include every class
        that has at least two rows. Rows with weight 0 are never held out.

    beta_1, beta_2 : float, default=0.9 and 0.999
        Decay rates of the moments of 'adam', in [0, 1).

    epsilon : float, default=1e-8
        Constant added to the denominator of 'adam' for numerical stability.

    n_iter_no_change : int or inf, default=10
        Training stops after more than this number of epochs without improvement.

    max_fun : int, default=15000
        Maximum number of evaluations of the loss by 'lbfgs'.

    normalization : {'batch', 'layer', 'group', 'weight'} or a spec or None, default=None
        Normalisation of the hidden layers: over the batch, over the units of each row, over groups
        of them, or of the weights. The parameters of `BatchNorm`, `LayerNorm`, `GroupNorm`,
        `InstanceNorm` and `WeightNorm` can be searched over: ``normalization__n_groups``.

    dropout : float, array-like of shape (n_layers - 2,), Dropout or Scheduled, default=0.0
        The probability that a hidden unit is dropped in training, for all layers or for each. The
        spec `Dropout` can also drop features; ``Scheduled(0.5, "linear")`` follows a schedule. Not
        available with 'lbfgs'.

    device : {'cpu', 'cuda', 'auto'}, default='cpu'
        The device to compute on. 'cuda' is an NVIDIA GPU. 'auto' is the GPU if one is available and
        the work is large enough to benefit, otherwise the CPU. A fitted network can move to another
        device: ``model.set_params(device="cpu")``. Results differ by rounding errors.

    precision : {'auto', 'float32', 'float64', 'bfloat16', 'tf32'}, default='auto'
        Floating-point type of the parameters and of the arithmetic. 'auto' is float32 if `X` is
        float32 or uint8, otherwise float64. 'bfloat16' (CPU) and 'tf32' (GPU) round the inputs of
        matrix products to 8 and 11 significant bits, and are not available with 'lbfgs'.

    n_jobs : int or None, default=None
        Maximum number of threads, which does not change the result. None is limited by
        OMP_NUM_THREADS, the processors available to the process, joblib, and the amount of work.
        Negative numbers count back from the number of processors: -1 is all.

    weight_init : str, initializer, array, function or list of these, default=None
        The initial weights of all layers, or a list with those of each layer, including the output
        layer: a name or spec of `fastnn.initializers`, an array of shape (fan_in, fan_out), or a
        function ``f(random_state, fan_in, fan_out)``. None is scikit-learn's rule: that of Glorot,
        with a third of the variance if the hidden layers are logistic.

    bias_init : str, initializer, array, function or list of these, default=None
        The initial biases, in the same forms as `weight_init` except 'orthogonal'. Arrays have the
        shape (fan_out,). None is scikit-learn's rule: the distribution of the weights.

    layers : list of layers or None, default=None
        The list of hidden layers, in place of `hidden_layer_sizes`, `activation`, `normalization`
        and `dropout`. It can contain `Dense`, `Residual`, `Dropout`, normalizations, and
        activations by name or spec. The output layer is added automatically. Parameters can be
        searched over: ``layers__0__units`` is the number of units of the first layer.

    scoring : str, callable, list, dict or None, default=None
        The score of the validation data; larger is better. It is the name of a scorer of
        scikit-learn, a function ``f(estimator, X, y)``, or 'loss' for the negative loss, without
        penalty and dropout. None is the SCORE. Weights of rows are passed on as `sample_weight`. If
        a list or a dict of scores is given, the first one decides, and all are in `history_`.

    averaging : {'ema', 'swa'} or EMA, SWA, or None, default=None
        Average of the parameters over training: 'ema' is the exponential moving average over all
        steps, 'swa' is the mean over the last quarter of the epochs. The average is used for
        validation and prediction. `warm_start` and `partial_fit` continue from the parameters
        before averaging. Not available with 'lbfgs'.

    augment : {'mixup', 'cutmix'}, Mixup, CutMix, a spec of `fastnn.augment`, callable, \
list of these, or None, default=None
        Random transforms of the training rows, drawn anew in each epoch and applied in order: specs
        of `fastnn.augment`, functions ``(X, y, rng) -> (X, y)`` of all training rows, and, in the
        last place, `Mixup`, `CutMix` or `RandomChoice`, which mix the rows of a batch.
        `loss_curve_` is computed on augmented rows. Not available with sparse rows, 'lbfgs' and
        'rprop'. Transforms need rows in host memory.

    input_noise : float, default=0.0
        Standard deviation of Gaussian noise added to the features, drawn anew at each training step
        (Bishop 1995). Scale the features first, because it is the same for all. Not available with
        sparse rows, 'lbfgs' and 'rprop'.

    clip_norm : float or None, default=None
        Maximum norm of the gradient, including the penalty, over all parameters that are not
        frozen. A larger gradient is scaled down to this norm (Pascanu et al. 2013, algorithm 1).
        Not available with 'lbfgs' and 'rprop'.

    clip_value : float or None, default=None
        Limit of each element of the gradient, which is clipped to [-`clip_value`, `clip_value`]
        before `clip_norm` is applied. Not available with 'lbfgs' and 'rprop'.

    learning_rate_factors : dict or None, default=None
        Factors of the learning rate for groups of parameters ("weights", "biases" or
        "normalization", and "log_variances" of `MultiTaskMLP`) or for layers (numbered like
        `coefs_`; -1 is the output layer). If several factors apply to a parameter, they are
        multiplied. A factor of 0 freezes parameters. Not available with 'lbfgs'.

    l1_ratio : float, default=0.0
        The L1 fraction of the penalty, between 0 and 1: the elastic net (Zou and Hastie 2005) with
        the parameters of `sklearn.linear_model.SGDClassifier`. Not available with 'lbfgs', 'adamw'
        and 'lamb'.

    l1_update : {'gradient', 'proximal'}, default='gradient'
        Update rule for the L1 part of the penalty. 'gradient' adds its subgradient. 'proximal'
        applies a soft threshold after the step, so that weights become exactly 0. 'proximal' is
        available with 'sgd', 'momentum', 'adam' and 'adagrad', and without `WeightNorm`.

    penalize_intercepts : bool, default=False
        Whether to penalise the biases too. The parameters of normalizations and the slopes of
        'prelu' are never penalised. Not available with 'adamw' and 'lamb'.

    max_norm : float or None, default=None
        Maximum norm of the incoming weights of a unit, in all layers. After each step, columns of
        `coefs_` with a larger norm are scaled down to it (Srivastava et al. 2014, section 5.1). Not
        available with 'lbfgs'.

    weight_noise : float, default=0.0
        Standard deviation of Gaussian noise added to the weights, but not to the biases, to compute
        the gradient of each step. The step updates the weights without the noise (Murray and
        Edwards 1994; Graves 2011). Not available with 'lbfgs' and 'rprop'.

    callbacks : list of Callback or None, default=None
        Callbacks of `fastnn.callbacks`, called during training, such as ``EarlyStopping()`` and
        ``Checkpoint(path)``. Their parameters can be searched over (``callbacks__0__patience``);
        pass callbacks of scikit-learn to `set_callbacks`.

    train_score : bool, str or list of str, default=False
        Whether to score training rows after each epoch in the same way as validation data.
        `history_` then contains "train_loss" and each score of `scoring`, or those named in the
        list. The result of training does not change. Not available with 'lbfgs'.

    train_score_rows : int or None, default=None
        Maximum number of rows scored by `train_score`; they are drawn once, at random. None is the
        number of validation rows, or all rows if there is no validation data. From a source,
        approximately this number is drawn, and read again after each epoch."""

OUTPUT_ACTIVATION = """\
output_activation : str, an activation's spec or None, default=None
        Activation of the output layer. None is the one that belongs to the loss: 'exp' for
        'poisson', the softmax or 'logistic' for 'log_loss' and 'binary_log_loss', otherwise
        'identity'. """
OUTPUT_ACTIVATION_OF_CLASSES = """\
With
        ``loss='squared_error'`` it may be any activation of hidden layers except 'maxout':
        'logistic' keeps the output between the targets 0 and 1. 'threshold' (1 if x > 0, else 0) is
        for 'perceptron' and is not applied in training. With several classes, it predicts the first
        class whose output is 1, instead of the class with the largest output."""
OUTPUT_ACTIVATION_OF_VALUES = """\
With all
        losses except 'poisson', it may be any activation of hidden layers except 'maxout':
        'softplus' keeps predictions positive, 'logistic' between 0 and 1."""

ATTRIBUTES = """\
loss_ : float
        The loss of the last epoch, or of the best iteration of 'lbfgs', including the penalty.

    best_loss_ : float or None
        The lowest loss of all epochs. None with `early_stopping`. Not available with 'lbfgs'.

    loss_curve_ : list of float
        The loss of each epoch. Not available with 'lbfgs'.

    history_ : dict of list
        Metrics of each epoch, or iteration of 'lbfgs', in all calls: "epoch", its number, from 1;
        "loss", as in `loss_curve_`; "val_loss", without penalty and dropout, and each score as
        ``val_NAME``, if there is validation data; "train_loss" and ``train_NAME``, the same for
        training rows, with `train_score`; "grad_norm"; "zero_fraction", with
        ``l1_update='proximal'``; "learning_rate", of the last step (not with 'lbfgs'); "seconds",
        including the time for scores. Each call of `partial_fit` counts as an epoch, and "call"
        contains its number, from 1. NaN marks unknown values. ``pandas.DataFrame(model.history_)``
        converts it to a table.

        "grad_norm" is the L2 norm of the gradient of a step, as returned by PyTorch's
        `clip_grad_norm_`. The gradient is that of the loss of the batch and its penalty, before
        `clip_value` and `clip_norm`, over all parameters that are not frozen by a factor of 0 in
        `learning_rate_factors`. Decoupled weight decay is not included. The value is the mean over
        some steps of the epoch, evenly spaced from the first to the last: every eighth, but at
        least 2 and at most 8. With 'lbfgs' it is the norm for all rows. For several outputs of a
        regressor, the solver minimises the sum of their losses, as in scikit-learn, while "loss" is
        their mean.

    stopped_ : bool
        Whether the last call of `fit` stopped before `max_iter` epochs, due to lack of progress,
        divergence or a callback. After `partial_fit`, whether a callback such as `EarlyStopping`
        asks for no further call, or training diverged. Not available with 'lbfgs'.

    validation_scores_ : list of float or None
        The score of the validation data after each epoch. None without validation data.

    best_validation_score_ : float or None
        The best validation score. None without validation data.

    t_ : int
        The number of training rows that the solver has seen, in all epochs.

    coefs_ : list of ndarray of shape (fan_in, fan_out)
        The weights of each layer. Prediction uses these arrays, so they can be modified or
        replaced. If there are several output layers, they are last.

    intercepts_ : list of ndarray of shape (fan_out,)
        The biases of each layer. Like `coefs_`, they can be modified.

    normalizations_ : list of (dict or None)
        For each normalised layer, its "scale" and "shift" and, with batch normalization, the
        running "mean" and "variance". With weight normalization, "g" is the norm of the weights of
        each unit, and only the direction of `coefs_` matters. The arrays can be modified; an array
        that replaces one of them is copied into it.

    activation_parameters_ : list of (dict or None)
        For each layer with the activation 'prelu', its "slope". The slopes can be modified.

    n_features_in_ : int
        Number of features seen during `fit`.

    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the features seen during `fit`. Defined only if `X` has names that are all strings.

    n_iter_ : int
        The number of epochs, or of iterations of 'lbfgs', in the last call.

    n_layers_ : int
        Number of layers, including the input layer.

    n_outputs_ : int
        Number of outputs, one for each quantile; for multiclass-multioutput targets, the number of
        columns.

    out_activation_ : str
        Name of the activation of the output layer."""
