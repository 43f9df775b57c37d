"""Docstrings of the parameters and attributes that both estimators share."""

PARAMETERS = """\
hidden_layer_sizes : array-like of shape (n_layers - 2,), int or str, default=(100,)
        The number of units of each hidden layer. '100-50' is (100, 50), the form in which a study
        of Optuna stores the suggestions of `fastnn.suggest_params`.

    activation : str, an activation's spec or a list of these, default='relu'
        Activation function of the hidden layers; x is the pre-activation. A list has one for each
        hidden layer. The parameters of a spec such as ``LeakyReLU(negative_slope=0.2)`` can be
        searched over: ``activation__negative_slope``.

        - 'identity' is x, 'logistic' is 1 / (1 + exp(-x)), 'tanh' is tanh(x), 'relu' is max(0, x).
        - 'hardtanh' is x clipped to [-1, 1] (Collobert 2004).
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
        - 'prelu' is x, or a trainable slope times x below zero (He et al. 2015):
          ``PReLU()``; ``PReLU(shared=False)`` has a slope for each unit.
        - 'maxout' is the largest of k pre-activations (Goodfellow et al. 2013): ``Maxout(k=2)``.
          The layer has k times as many columns in `coefs_`.
        - ``CustomActivation(value, derivative)`` is a user-defined function.

    solver : {'lbfgs', 'sgd', 'momentum', 'adagrad', 'adadelta', 'rmsprop', 'rprop', 'adam', \
'adamw', 'nadam', 'radam', 'amsgrad', 'lamb'} or a spec, default='adam'
        The optimizer. The names of scikit-learn ('lbfgs', 'sgd', 'adam') take their options from
        `momentum`, `nesterovs_momentum`, `beta_1`, `beta_2`, `epsilon` and `max_fun`. The others
        use the defaults of their specs (`Momentum`, `Adagrad`, `Adadelta`, `RMSprop`,
        `Rprop`, `AdamW`, `NAdam`, `RAdam`, `AMSGrad`, `LAMB`). A spec such as
        ``Adam(beta_1=0.8)`` has its own options, which can be searched over: ``solver__beta_1``.

    alpha : float or Scheduled, default=0.0001
        Strength of the penalty on the weights, which is L2 if `l1_ratio` is 0. It is divided by the
        number of rows of the batch (or the sum of their sample weights) when it is added to the
        loss. Not used by 'adamw' and 'lamb', which have their own `weight_decay`.
        ``Scheduled(0.1, "cosine")`` follows a schedule, like a learning rate.

    batch_size : int or 'auto', default='auto'
        Number of rows of a batch; 'auto' is ``min(200, n_samples)``, and all rows with 'rprop'. Not
        used by 'lbfgs'.

    learning_rate : str, schedule or function, default='constant'
        Schedule of the learning rate: a name, a spec, whose parameters can be searched over
        (``learning_rate__gamma``), or a function ``f(step, n_steps)`` that returns a factor of
        `learning_rate_init`. Not available with 'lbfgs' and 'rprop'; as in scikit-learn, the names
        of the first three are accepted there and ignored, with a warning.

        - 'constant' keeps `learning_rate_init`.
        - 'invscaling' is ``learning_rate_init / (t_ + 1) ** power_t``, updated after each epoch
          (`InvScaling`).
        - 'adaptive' divides the rate by 5 after `n_iter_no_change` epochs without improvement
          (`Adaptive`).
        - 'linear' decreases to a floor (`LinearDecay`), 'inverse' is ``1 / (1 + epsilon t)``
          (`InverseDecay`), 'polynomial' is ``1 / (t + 1) ** power`` (`PolynomialDecay`),
          'exponential' is ``gamma ** t`` (`ExponentialDecay`), 'step' decreases by steps
          (`StepDecay`), 'cosine' follows half a cosine, with optional restarts (`CosineDecay`),
          'one_cycle' increases first, and then decreases further (`OneCycle`).
        - 'plateau' reduces the rate when the validation score, or the training loss, no longer
          improves (`ReduceOnPlateau`).
        - 'warmup' begins with lower rates, followed by any other schedule: ``Warmup(5,
          then="cosine", per="epoch")``.

        Schedules are planned for `max_iter` epochs: for as many more with each `fit` of a
        `warm_start`, and in all with `partial_fit`, of which each call counts as an epoch. As in
        scikit-learn, 'adam' ignores 'invscaling' and 'adaptive' if they are given by name, with a
        warning: ``InvScaling()`` and ``Adaptive()`` work with all solvers that have a schedule.

    learning_rate_init : float, default=0.001
        The initial learning rate. Not used by 'lbfgs'.

    power_t : float, default=0.5
        The exponent of ``learning_rate='invscaling'``.

    max_iter : int, default=200
        Maximum number of epochs, or of iterations of 'lbfgs'.

    shuffle : bool or 'blocks', default=True
        Whether to visit the rows in a new random order in each epoch. 'blocks' is for memory maps
        that do not fit in memory: blocks of neighbouring rows, of about 1 MiB, are read in a random
        order, and shuffled in a buffer of 64 MiB. Not used by 'lbfgs'.

    random_state : int, RandomState instance or None, default=None
        Seed of the initial weights, the validation set, the order of the rows, dropout, mixing and
        noise. Random numbers are drawn as by scikit-learn, in the same order.

    tol : float, default=1e-4
        An epoch is an improvement if the loss or validation score improves by at least `tol`. With
        'lbfgs', training stops when no component of the gradient is larger.

    verbose : bool, default=False
        Whether to print the progress of training: True shows `fastnn.callbacks.ProgressBar` in a
        notebook or terminal where tqdm is installed, and prints scikit-learn's lines
        elsewhere; 2 always prints these. With `train_score` there is another line, with the seconds
        of the epoch too.

    warm_start : bool, default=False
        Whether `fit` continues from the end of the last call: from its parameters, and the state of
        its optimizer and learning rate.

    momentum : float, default=0.9
        Momentum of 'sgd', between 0 and 1.

    nesterovs_momentum : bool, default=True
        Whether 'sgd' uses Nesterov's momentum.

    early_stopping : bool, default=False
        Whether to hold out validation data, to stop when its score does not improve for
        `n_iter_no_change` epochs, and to keep the parameters with the best score. The score is the
        SCORE, or that of `scoring`. If `fit` is given `X_val` and `y_val`, nothing is held out. Not
        used by 'lbfgs'.

    validation_fraction : float, default=0.1
        The fraction of rows held out for `early_stopping`. With `scoring`, it includes rows of each
        class with at least two. Rows with weight 0 are never held out.

    beta_1, beta_2 : float, default=0.9 and 0.999
        Decay rates of the moments of 'adam', in [0, 1).

    epsilon : float, default=1e-8
        Constant added to the denominator of 'adam' for numerical stability.

    n_iter_no_change : int or inf, default=10
        Training stops after more than this number of epochs without improvement.

    max_fun : int, default=15000
        Maximum number of evaluations of the loss by 'lbfgs'.

    normalization : {'batch', 'layer', 'group', 'weight'} or a spec or None, default=None
        Normalisation of the hidden layers: over the batch (``BatchNorm()``), the units of each row
        (``LayerNorm()``) or groups of them (``GroupNorm(n_groups=4)``), or of the weights
        (``WeightNorm()``). ``InstanceNorm(n_channels)`` is for units that are channels. Parameters
        of specs can be searched over: ``normalization__n_groups``.

    dropout : float, array-like of shape (n_layers - 2,), Dropout or Scheduled, default=0.0
        The probability that a hidden unit is dropped in training, for all layers or for each. A
        ``Dropout(rate, input_rate)`` also drops features; with ``inverted=False`` outputs are
        scaled in prediction, not in training. ``Scheduled(0.5, "linear")`` is a rate that follows a
        schedule. Not available with 'lbfgs'.

    device : {'cpu', 'cuda', 'auto'}, default='cpu'
        The device to compute on. 'cuda' is an NVIDIA GPU of compute capability 7.5 or later, with
        kernels that Numba compiles when they are first needed (``pip install "fastnn-mlp[cuda]"``).
        'auto' is the GPU if there is one and training or prediction is large enough to benefit,
        otherwise the CPU. A network can predict and continue training on either device:
        ``model.set_params(device="cpu")``. With 'cuda' or 'auto', `X` may be an array on the GPU
        (of PyTorch, CuPy or Numba, with float32, float64 or uint8), which stays there, and so may
        `y` and `sample_weight`. Predictions are NumPy arrays. Results of the devices differ by
        rounding errors.

    precision : {'auto', 'float32', 'float64', 'bfloat16', 'tf32'}, default='auto'
        Type of the parameters and of the arithmetic. 'auto' is float32 if `X` is float32 or uint8,
        otherwise float64. `X` itself is not converted as a whole. 'bfloat16' is float32 except in
        matrix products, in training and prediction: their inputs are rounded to 8 significant bits,
        their sums are float32 (Kalamkar et al. 2019, "A study of BFLOAT16 for deep learning
        training"). It pays for large layers. On a processor without instructions for it
        (AVX512_BF16), it is emulated, with the same results, and slow. Products with sparse rows
        are not rounded. 'tf32' is the counterpart for ``device='cuda'``, which has no 'bfloat16':
        inputs of all products, also with sparse rows, have 11 significant bits. It needs a GPU of
        compute capability 8.0 (Ampere, 2020) or later. On the CPU such a network predicts in
        float32. Neither is available with 'lbfgs'.

    n_jobs : int or None, default=None
        Largest number of threads. None allows as many as OMP_NUM_THREADS, the processors available
        to the process, and joblib do, if there is enough work, and one in a thread of joblib. A
        number larger than that of the processors is the number of processors. Negative numbers
        count back from it, -1 is all. While other programs are busy, or processors share a core,
        fewer threads may be faster: then fewer work. The number does not change the result.

    weight_init : str, initializer, array, function or list of these, default=None
        The initial weights of all layers, or in a list of each (the output layer is the last).
        Initializers are in `fastnn.initializers`, such as ``HeNormal(mode="fan_out")``; names are
        'zeros', 'uniform', 'normal', 'glorot_uniform', 'glorot_normal', 'he_uniform', 'he_normal',
        'lecun_uniform', 'lecun_normal', 'orthogonal' and 'pytorch'. An array has the shape (fan_in,
        fan_out), and so has the result of a function ``f(random_state, fan_in, fan_out)``. None is
        scikit-learn's rule: Glorot's, with a third of the variance if the hidden layers are
        logistic.

    bias_init : str, initializer, array, function or list of these, default=None
        The initial biases, like `weight_init` but without 'orthogonal'; arrays have the shape
        (fan_out,). None is scikit-learn's rule: the distribution of the weights.

    layers : list of layers or None, default=None
        The hidden layers one by one, instead of `hidden_layer_sizes`, `activation`,
        `normalization` and `dropout`: `Dense`, `Residual`, `Dropout`, normalizations, and
        activations by name or spec. For example, ``[Dense(100, "gelu", normalization="batch",
        dropout=0.2), Residual([Dense(100), Dense(100, "identity")]), "relu"]``. The output layer is
        added to them. In searches, ``layers__0__units`` is the number of units of the first.

    scoring : str, callable, list, dict or None, default=None
        The score of the validation data, where larger is better: a name of a scorer of
        scikit-learn, a function ``f(estimator, X, y)``, or 'loss' for the negative loss, without
        penalty and dropout. None is the SCORE. Weights of rows are passed on as `sample_weight`. In
        a list of these, or a dict of them by name, the first decides, and all are in `history_`.

    averaging : {'ema', 'swa'} or EMA, SWA, or None, default=None
        An average of the parameters over training, which is validated, and replaces the parameters
        at the end. 'ema' is the exponential moving average over all steps, 'swa' the mean over the
        last quarter of the epochs. The statistics of batch norm are recomputed for the average over
        all training rows, also at each validation, which takes about the time of an epoch.
        `warm_start` and `partial_fit` continue from the parameters that are not averaged. Not
        available with 'lbfgs'.

    augment : {'mixup', 'cutmix'}, Mixup, CutMix, a spec of `fastnn.augment`, callable, \
list of these, or None, default=None
        Data augmentation: random transforms of the training rows, drawn anew in each epoch. A list
        is applied in order, in a thread, while the engine trains on rows before. Specs such as
        ``augment.Rotate(10)`` transform the rows as they are read, a few MiB at a time. Their
        `numpy.random.Generator` depends only on `random_state`, the epoch and the position in the
        list. A function ``(X, y, rng) -> (X, y)``, or a spec that needs several rows, such as
        `SwapNoise`, receives copies of all training rows and targets, as passed to `fit`, for the
        epoch after the present one, and returns arrays of the same shapes. It may change targets,
        but not the weights of rows or validation data. That needs memory for two copies of the
        training rows, and is not available for sources and with ``shuffle='blocks'``.
        `fastnn.augment` has specs for images, signals and tables, `Append`, which adds copies that
        are transformed to the rows of an epoch, and `TokenAugmenter` for lists of tokens before
        vectorizing.

        'mixup' and 'cutmix', last in a list, mix the rows of a batch and their losses in the
        engine. 'mixup' is ``Mixup()``, weighted means of two rows (Zhang et al. 2018); 'cutmix' is
        ``CutMix()``, which swaps a box of features (Yun et al. 2019), or ``CutMix(shape=(28, 28))``
        a box of an image. `RandomChoice` draws one of them for each batch. They need batches of at
        least two rows.

        `loss_curve_` is computed on augmented rows, and varies more: `early_stopping`, or a larger
        `n_iter_no_change`, prevents training from ending too soon. Needs dense rows, on the host
        for transforms, and a solver other than 'lbfgs' and 'rprop'.

    input_noise : float, default=0.0
        Standard deviation of Gaussian noise added to the features, drawn anew at each training
        step. With the squared error and little noise it is equivalent to a penalty on the
        derivative of the network with respect to its input (Bishop 1995). Scale the features first,
        because the noise is the same for all. Needs dense rows, and a solver other than 'lbfgs' and
        'rprop'.

    clip_norm : float or None, default=None
        Largest norm of the gradient g of a step, penalty included, over all parameters that are not
        frozen. A longer gradient is multiplied by ``clip_norm / (norm(g) + 1e-6)``, like PyTorch's
        `clip_grad_norm_` (Pascanu et al. 2013, algorithm 1). Not available with 'lbfgs' and
        'rprop'.

    clip_value : float or None, default=None
        Each element of the gradient is clipped to [-`clip_value`, `clip_value`], before
        `clip_norm`. Not available with 'lbfgs' and 'rprop'.

    learning_rate_factors : dict or None, default=None
        Factors of the learning rate for groups of parameters ("weights", "biases" or
        "normalization") or for layers (numbered like `coefs_`, -1 is the output layer; a
        normalization belongs to the layer before it). The slopes of 'prelu' are in no group, but
        belong to their layer. Several factors of a parameter are multiplied:
        ``{"biases": 2.0, 0: 0.1}`` trains the biases of the first layer with 0.2 times the rate.
        Decoupled weight decay is multiplied too. 0 freezes: such parameters do not change by a bit,
        independently of penalty, decay and limits, and `clip_norm` ignores their gradient. With
        'rprop' the factor applies to the first step size. Not available with 'lbfgs'.

    l1_ratio : float, default=0.0
        The L1 fraction of the penalty, between 0 and 1. With w all weights, the penalty is
        ``alpha * ((1 - l1_ratio) / 2 * sum(w**2) + l1_ratio * sum(abs(w)))``, divided by the rows
        of the batch; see `alpha`. It is the elastic net (Zou and Hastie 2005) with the parameters
        of `sklearn.linear_model.SGDClassifier`. Not available with 'lbfgs', 'adamw' and 'lamb'.

    l1_update : {'gradient', 'proximal'}, default='gradient'
        The step for the L1 part of the penalty. 'gradient' adds its gradient, which is ``sign(w)``,
        and 0 at 0: weights become small, but rarely exactly 0. With 'proximal' it is not in the
        gradient: after each step every weight moves towards 0 by a threshold t, but not beyond,
        ``w = sign(w) max(abs(w) - t, 0)``, so that weights become exactly 0. With l the L1 strength
        ``alpha * l1_ratio / n`` in a batch of n rows, and lr the learning rate, ``t = lr l`` for
        'sgd' (ISTA, Daubechies et al. 2004; FOBOS, Duchi and Singer 2009) and 'momentum'. A
        velocity of 'sgd' takes part in the move (iPiano, Ochs et al. 2014); t is ``1 + momentum``
        times as much with Nesterov's, and divided by ``1 - momentum`` with one of gradients. For
        'adam' and 'adagrad', t is divided by ``sqrt(v) + epsilon``, like the step: else weights
        would come to rest elsewhere than where the gradient balances the penalty (ProxGen, Yun et
        al. 2021). `history_` tells the "zero_fraction" of the weights. Not available with other
        solvers.

    penalize_intercepts : bool, default=False
        Whether the penalty includes the biases. It never includes the parameters of normalizations
        and the slopes of 'prelu'. Not available with 'adamw' and 'lamb'.

    max_norm : float or None, default=None
        Largest norm of the incoming weights of a unit, in all layers: after each step, longer
        columns of `coefs_` are scaled down to it (Srivastava et al. 2014, section 5.1). Not
        available with 'lbfgs'.

    weight_noise : float, default=0.0
        Standard deviation of Gaussian noise added to all weights, but not to biases, in the forward
        and backward pass and the penalty of each training step. The step updates the weights
        without noise, and these are used in prediction (Murray and Edwards 1994; Graves 2011). Not
        available with 'lbfgs' and 'rprop'.

    callbacks : list of Callback or None, default=None
        Callbacks, called during training; see `fastnn.callbacks`: ``EarlyStopping()``,
        ``ReduceLROnPlateau()``, ``Checkpoint(path, resume=True)``, ``CSVLogger(path)``,
        ``TensorBoard()``, ``MLflow()``, ``TerminateOnNaN()``, ``ProgressBar()``, or subclasses of
        ``Callback``. Their parameters can be searched over: ``callbacks__0__patience``. Callbacks
        of scikit-learn are passed to `set_callbacks`.

    train_score : bool, str or list of str, default=False
        Whether training rows are scored after each epoch, as validation data is: in `history_`,
        "train_loss" and a score for each of `scoring` ("train_accuracy") stand beside "val_loss"
        and those of validation. Unlike "loss", the mean over the steps of an epoch, they are of the
        parameters at its end, without augmentation, dropout and penalty. A name or a list of names
        chooses some of `scoring`. It changes no other number. Not available with 'lbfgs'.

    train_score_rows : int or None, default=None
        Largest number of these rows, which are drawn once, at random. None is the number of rows of
        the validation data, and all without. Of a source, about as many are drawn, which are read
        again after each epoch."""

OUTPUT_ACTIVATION = """\
output_activation : str, an activation's spec or None, default=None
        Activation of the output layer. None is that of the loss: 'exp' for 'poisson', the softmax
        or 'logistic' for 'log_loss' and 'binary_log_loss', otherwise 'identity'. """
OUTPUT_ACTIVATION_OF_CLASSES = """\
With
        ``loss='squared_error'`` it may be any activation of hidden layers but 'maxout': 'logistic'
        keeps the output between the targets 0 and 1. 'threshold' (1 if x > 0, else 0) is for
        'perceptron' and is not applied in training: with several classes the first whose output is
        1 is predicted, and without it the one with the largest output."""
OUTPUT_ACTIVATION_OF_VALUES = """\
With all
        losses but 'poisson' it may be any activation of hidden layers but 'maxout': 'softplus'
        keeps predictions positive, 'logistic' between 0 and 1."""

ATTRIBUTES = """\
loss_ : float
        The loss of the last epoch, penalty included; with 'lbfgs', of the best iteration.

    best_loss_ : float or None
        The lowest loss of an epoch. None with `early_stopping`. Not available with 'lbfgs'.

    loss_curve_ : list of float
        The loss of each epoch. Not available with 'lbfgs'.

    history_ : dict of list
        Metrics of each epoch, or iteration of 'lbfgs', in all calls: "epoch", its number from 1;
        "loss" as in `loss_curve_`; with validation data "val_loss", without penalty and dropout,
        and each score as ``val_NAME``; with `train_score` "train_loss" and ``train_NAME``, of
        training rows in the same way; "grad_norm"; with ``l1_update='proximal'`` "zero_fraction";
        "learning_rate" of the last step (not with 'lbfgs'); "seconds", scores included. Each call
        of `partial_fit` counts as an epoch, and has its number, from 1, in "call" too. NaN marks
        unknown values. ``pandas.DataFrame(model.history_)`` converts it to a table.

        "grad_norm" is the L2 norm of the gradient of a step, as returned by PyTorch's
        `clip_grad_norm_`: of the loss of the batch and its penalty, over all parameters that are
        not frozen by a factor of 0 in `learning_rate_factors`, before `clip_value` and `clip_norm`.
        Decoupled weight decay is not included. It is the mean over some steps of the epoch, evenly
        spaced from the first to the last: every eighth, but at least 2 and at most 8. With 'lbfgs'
        it is the norm for all rows. For several outputs of a regressor the solver minimises the sum
        of their losses, as in scikit-learn, and "loss" has the mean.

    stopped_ : bool
        Whether the last call of `fit` stopped before `max_iter` epochs: for lack of progress, after
        divergence, or by a callback. After `partial_fit`, whether a callback such as
        `EarlyStopping` wants no further call, or training diverged. Not available with 'lbfgs'.

    validation_scores_ : list of float or None
        The score of the validation data after each epoch, if there is any.

    best_validation_score_ : float or None
        The best validation score.

    t_ : int
        The number of training rows that the solver has seen, in all epochs.

    coefs_ : list of ndarray of shape (fan_in, fan_out)
        The weights of each layer. Prediction uses these arrays: writing into them, or replacing
        them, takes effect. Several output layers are at the end.

    intercepts_ : list of ndarray of shape (fan_out,)
        The biases of each layer. Like `coefs_`, they can be modified.

    normalizations_ : list of (dict or None)
        For each normalised layer its "scale" and "shift" and, with batch normalization, the running
        "mean" and "variance". With weight normalization "g", the norm of the weights of each unit;
        only the direction of `coefs_` matters then. They can be modified; an array that replaces
        one is copied into it.

    activation_parameters_ : list of (dict or None)
        For each layer whose activation is 'prelu' its "slope". They can be modified.

    n_features_in_ : int
        Number of features seen during `fit`.

    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the features seen during `fit`. Defined only if `X` has names that are all strings.

    n_iter_ : int
        The number of epochs, or of iterations of 'lbfgs', of the last call.

    n_layers_ : int
        Number of layers, including the input layer.

    n_outputs_ : int
        Number of outputs, one for each quantile; for multiclass-multioutput targets, the number of
        columns.

    out_activation_ : str
        Name of the activation of the output layer."""
