"""The network: forward, backward and training, in one place though it is long."""

from functools import partial

import numpy as np

from fastnn.activations import RReLU
from fastnn.layers import Heads
from support.reference.activations import (
    OUTPUT_ACTIVATIONS,
    activation,
    is_rrelu,
    maxout_backward,
    maxout_forward,
    prelu_backward,
    prelu_forward,
    random_slopes,
)
from support.reference.heads import heads_of, targets_of
from support.reference.layers import (
    Kept,
    dense_backward,
    dense_forward,
    dropout,
    rounded_backward,
    rounded_forward,
)
from support.reference.mixing import Mixing, mix_rows, partners
from support.reference.normalization import (
    batch_norm_backward,
    batch_norm_forward,
    batch_norm_statistics,
    mean_only_backward,
    mean_only_forward,
    moving_average,
    n_groups,
    normalised_weights,
    normalised_weights_backward,
    row_norm_backward,
    row_norm_forward,
)
from support.reference.optimizers import OPTIMIZERS, proximal_step
from support.reference.randomness import keep_mask, normal_noise
from support.reference.regularization import clip_norm, elastic_net, limit_norms, norm_of
from support.reference.stages import stage_table


class Network:
    """A stack of layers, trained one batch after the other.

    Parameters
    ----------
    layers : list of specs of fastnn.layers and fastnn.activations
        The last is the output layer, a Dense. Its activation is the loss's; or another, that comes
        before the loss; or the threshold, that counts in prediction only. Or the last are `Heads`:
        targets have a column or a field for each, outputs lie side by side, and losses are summed
        (Caruana, "Multitask learning", 1997).
    loss : str, LossSpec or MixedLoss
        Key of `LOSSES`, or a spec.
    parameters : list of dict
        For each of the `leaves` of the layers "coef" and "intercept", if it is dense, and what its
        normalisation and its activation have: "scale" and "shift", "g", "slope"; of a head whose
        loss is weighted by its uncertainty, "log_variance".
    statistics : list of dict
        For each leaf the moving "mean" and "variance", or nothing.
    rounds : callable, optional
        What rounds the numbers that dense layers multiply: `bfloat16` or `tf32`.
    """

    def __init__(
        self,
        layers,
        loss,
        parameters,
        statistics,
        input_dropout=0.0,
        seed=0,
        input_noise=0.0,
        rounds=None,
        n_features=None,
    ):
        self.n_features = n_features or len(parameters[0]["coef"])
        self.dense_forward, self.dense_backward = dense_forward, dense_backward
        if rounds is not None:
            self.dense_forward = partial(rounded_forward, rounds)
            self.dense_backward = partial(rounded_backward, rounds)
        self.layers, self.heads = layers, heads_of(layers[-1], loss)
        self.parameters, self.statistics = parameters, statistics
        self.input_dropout, self.input_noise, self.seed = input_dropout, input_noise, seed
        before = [head.before for head in self.heads]
        self.stages = stage_table(layers, input_dropout, input_noise, before)
        self.n_columns = len(self.heads) if isinstance(layers[-1], Heads) else None
        self.slots, self.step, self.average = None, 0, None
        self.grad_norms = []  # of all steps: of the gradient before anything is clipped

    def with_targets(self, y):
        """Each head with its targets, and the weights of its loss: factor, and what is added."""
        targets = targets_of(y, self.n_columns)
        for head, of, p in zip(self.heads, targets, self._of_heads(self.parameters), strict=True):
            yield head, of, head.weighted(*p.get("log_variance", [0.0]))

    def _of_heads(self, values):
        return values[-len(self.heads) :]

    def value(self, z, y, smoothing=0.0):
        """The loss of each row, the weighted sum of those of the heads."""
        return sum(
            factor * head.value(z, of, smoothing) + added
            for head, of, (factor, added) in self.with_targets(y)
        )

    def delta(self, z, y, smoothing=0.0):
        """The derivative of the loss of each row with respect to the pre-activations."""
        heads = self.with_targets(y)
        return np.hstack([factor * h.delta(z, of, smoothing) for h, of, (factor, _) in heads])

    def head_losses(self, z, y, smoothing=0.0):
        """The loss of each row in each head, without weights, of shape (n_heads, n_rows)."""
        return np.array([head.value(z, of, smoothing) for head, of, _ in self.with_targets(y)])

    def forward(self, x, training, step=None, dropout_factor=1.0):
        """Pre-activation of the output layer; and for each stage what its backward pass needs.

        In training, batch norm uses the batch's statistics, but a batch of one row has none: it is
        normalised as in prediction. Dropout, noise and random slopes act at the steps of a training
        only (`step` given), dropout at its rates times a factor. Without a step, the original form
        of dropout scales by the probability of keeping a value (Srivastava et al. 2014, figure 2).
        """
        tape, forks, outputs, trunk = [], [], [], x
        for stage, (kind, spec, i) in enumerate(self.stages[:-1]):
            parameters = None if i is None else self.parameters[i]
            saved = x
            if kind == "output":  # of a head; the next begins where this one did
                outputs.append(x)
                x = trunk
            elif kind == "dense":
                trunk = x
                x = self.dense_forward(x, self._weights(i), parameters["intercept"])
            elif kind == "row_norm":
                scale, shift = parameters.get("scale"), parameters.get("shift")
                x = row_norm_forward(x, n_groups(spec), spec.epsilon, scale, shift)
            elif kind == "prelu":
                x = prelu_forward(x, parameters["slope"])
            elif kind == "maxout":
                x = maxout_forward(x, spec.k)
            elif kind == "activation" and step is not None and is_rrelu(spec):
                spec = RReLU() if isinstance(spec, str) else spec
                slopes = random_slopes(spec, x.shape, self.seed, step, stage)
                saved = np.where(x > 0, 1.0, slopes)
                x = x * saved
            elif kind == "activation":
                saved = activation(spec).derivative(x)
                x = activation(spec).value(x)
            elif kind == "noise" and step is not None:
                x = x + spec * normal_noise(x.shape, self.seed, step, stage)
            elif kind == "batch_norm_statistics":
                constant = not training or len(x) == 1
                average = self.statistics[i]
                mean, variance = (
                    (average["mean"], average["variance"]) if constant else batch_norm_statistics(x)
                )
                saved = mean, variance, constant
            elif kind == "batch_norm":
                mean, variance, _ = tape[-1]
                scale, shift = parameters["scale"], parameters["shift"]
                if spec.mean_only:
                    x = mean_only_forward(x, scale, shift, mean)
                else:
                    x = batch_norm_forward(x, scale, shift, mean, variance, spec.epsilon)
            elif kind == "dropout":
                saved = Kept(True, 1.0 if spec.inverted else 1 - spec.rate)
                if step is not None:
                    rate = min(spec.rate * dropout_factor, 1 - 2**-24)
                    keep = keep_mask(rate, x.shape, self.seed, step, stage)
                    saved = Kept(keep, 1 / (1 - rate) if spec.inverted else 1.0)
                x = saved(x)
            elif kind == "fork":
                forks.append(x)
            elif kind == "join":
                saved = np.ones((len(x), 1), bool), 0.0
                if spec.drop_rate and step is not None:
                    keep = keep_mask(spec.drop_rate, (len(x), 1), self.seed, step, stage)
                    saved = keep, spec.drop_rate
                x = forks.pop() + dropout(x, *saved)
            tape.append(saved)
        return np.hstack([*outputs, x]), tape

    def _differentiate_log_variances(self, gradient, losses):
        """Add the gradients of the log variances, by the mean losses of the heads."""
        parameters, gradient = map(self._of_heads, (self.parameters, gradient))
        for head, p, g, loss in zip(self.heads, parameters, gradient, losses, strict=True):
            if head.terms:
                factor, _ = head.weighted(p["log_variance"])
                g["log_variance"] = head.weight * head.terms / 2 - factor * loss

    def _weights(self, i):
        """Return what a dense layer multiplies by: its coefs, but for weight norm."""
        p = self.parameters[i]
        return normalised_weights(p["coef"], p["g"]) if "g" in p else p["coef"]

    def predict(self, x):
        """Output of the network for new rows."""
        z, _ = self.forward(x, training=False)
        outputs = [OUTPUT_ACTIVATIONS[h.output_activation](z[:, h.columns]) for h in self.heads]
        return np.hstack(outputs)

    def loss_and_grad(
        self,
        x,
        y,
        sample_weight=None,
        alpha=0.0,
        step=None,
        mixing=None,
        dropout_factor=1.0,
        l1_ratio=0.0,
        penalize_intercepts=False,
        smoothing=0.0,
        differentiates=True,
        is_proximal=False,
    ):
        """Data loss, penalty, their gradient and the tape of the forward pass.

        The data loss is the weighted mean over the rows. As in scikit-learn, the penalty is divided
        by the sum of the weights, and only the coefs are penalised, if not the intercepts too.
        Smoothing is of targets that are probabilities: of all classes, or of yes and no.

        The loss of mixed rows is that of their own targets, and that of their partners', mixed;
        each row has its own weight (Zhang et al. 2018).

        The gradient excludes that of |w| if a proximal step follows.
        """
        weight = np.ones(len(x)) if sample_weight is None else sample_weight
        total = weight.sum()
        mixing = mixing or Mixing()
        z, tape = self.forward(mix_rows(x, mixing), True, step, dropout_factor)
        pairs = [(mixing.weight, y), (1 - mixing.weight, partners(y, mixing))]
        data_loss = weight @ sum(part * self.value(z, of, smoothing) for part, of in pairs) / total
        gradient = [{} for _ in self.parameters]
        if differentiates:
            delta = sum(part * self.delta(z, of, smoothing) for part, of in pairs)
            gradient = self.backward(tape, delta * weight[:, np.newaxis] / total)
            losses = sum(part * self.head_losses(z, of, smoothing) for part, of in pairs)
            self._differentiate_log_variances(gradient, losses @ weight / total)
        penalty, l2, l1 = 0.0, alpha * (1 - l1_ratio) / total, alpha * l1_ratio / total
        for p, g in zip(self.parameters, gradient, strict=True):
            named = ("coef", "intercept") if penalize_intercepts else ("coef",)
            for name in p.keys() & named:
                penalty += elastic_net(p[name], l2, l1)[0]
                _, slope = elastic_net(p[name], l2, 0.0 if is_proximal else l1)
                g[name] = g.get(name, 0.0) + slope
        return data_loss, penalty, gradient, tape

    def loss_and_penalty(self, *arguments, **options):
        """Data loss and penalty: `loss_and_grad` without what goes backward, for differences."""
        return self.loss_and_grad(*arguments, differentiates=False, **options)[:2]

    def backward(self, tape, delta):
        """Gradient of every parameter, from the gradient with respect to the last pre-activation.

        Rumelhart, Hinton, Williams, "Learning representations by back-propagating errors" (1986).
        """
        gradient, skipped = [{} for _ in self.parameters], []
        *others, delta = [delta[:, head.columns] for head in self.heads]
        above = 0.0  # what the heads after this one have made of theirs
        for stage in reversed(range(len(tape))):
            (kind, spec, i), saved = self.stages[stage], tape[stage]
            if kind == "output":
                above, delta = above + delta, others.pop()
            elif kind == "dense":
                delta, gradient[i]["coef"], gradient[i]["intercept"] = self.dense_backward(
                    saved, self._weights(i), delta
                )
                if "g" in self.parameters[i]:
                    v, g = self.parameters[i]["coef"], self.parameters[i]["g"]
                    gradient[i]["coef"], gradient[i]["g"] = normalised_weights_backward(
                        v, g, gradient[i]["coef"]
                    )
                if not others:  # of one head, or the first of several
                    delta, above = delta + above, 0.0
            elif kind == "row_norm":
                scale = self.parameters[i].get("scale")
                delta, dscale, dshift = row_norm_backward(
                    saved, n_groups(spec), spec.epsilon, delta, scale
                )
                gradient[i] |= {} if scale is None else {"scale": dscale, "shift": dshift}
            elif kind == "prelu":
                slope = self.parameters[i]["slope"]
                delta, gradient[i]["slope"] = prelu_backward(saved, slope, delta)
            elif kind == "maxout":
                delta = maxout_backward(saved, spec.k, delta)
            elif kind == "activation":
                delta = delta * saved
            elif kind == "batch_norm":
                mean, variance, constant = tape[stage - 1]
                scale = self.parameters[i]["scale"]
                if spec.mean_only:
                    delta, gradient[i]["shift"] = mean_only_backward(scale, delta, constant)
                    gradient[i]["scale"] = np.zeros_like(scale)
                else:
                    delta, gradient[i]["scale"], gradient[i]["shift"] = batch_norm_backward(
                        saved, scale, mean, variance, spec.epsilon, delta, constant
                    )
            elif kind == "dropout":
                delta = saved(delta)
            elif kind == "join":
                skipped.append(delta)
                delta = dropout(delta, *saved)
            elif kind == "fork":
                delta = delta + skipped.pop()
        return gradient

    def train(
        self,
        x,
        y,
        optimizer,
        batch_size,
        learning_rates,
        alpha=0.0,
        sample_weight=None,
        order=None,
        mixings=None,
        dropout_factors=None,
        average_weights=None,
        smoothing=0.0,
        l1_ratio=0.0,
        l1_update="gradient",
        penalize_intercepts=False,
        clip_value=None,
        clip_norm=None,
        max_norm=None,
        weight_noise=0.0,
        factors=None,
        weight_decay=None,
        **hyperparameters,
    ):
        """Train a step for each batch of the rows in `order`; return [data loss, penalty] of each.

        After each step the average of the parameters moves towards them by its part of
        `average_weights`: Polyak and Juditsky, "Acceleration of stochastic approximation by
        averaging" (1992).

        `factors` holds the learning rate's for each layer, by name as the parameters; 0 freezes.
        `mixings` has a `Mixing` for each step, `dropout_factors` a factor of all rates of dropout.
        """
        rule = OPTIMIZERS[optimizer]
        if self.slots is None:
            self.slots = [
                {name: [np.zeros_like(w) for _ in range(rule.n_slots)] for name, w in p.items()}
                for p in self.parameters
            ]
        decay = 0.0  # of the rules that have a decay beside the penalty
        if rule.decoupled:
            alpha = 0.0
            hyperparameters |= {} if weight_decay is None else {"weight_decay": weight_decay}
        else:
            decay = weight_decay or 0.0
        factors = factors or [dict.fromkeys(p, 1.0) for p in self.parameters]
        order = np.arange(len(x)) if order is None else order
        if self.average is None:
            self.average = [
                {name: np.zeros_like(w) for name, w in p.items()} for p in self.parameters
            ]
        starts = range(0, len(order), batch_size)
        average_weights = np.zeros(len(starts)) if average_weights is None else average_weights
        losses = []
        mixings = mixings or [Mixing()] * len(starts)
        keeps = [1.0] * len(starts) if dropout_factors is None else dropout_factors
        for start, learning_rate, weight_of_new, mixing, factor in zip(
            starts, learning_rates, average_weights, mixings, keeps, strict=True
        ):
            rows = order[start : start + batch_size]
            weight = None if sample_weight is None else sample_weight[rows]
            ahead = hyperparameters.get("momentum", 0.9) if optimizer == "look_ahead" else 0.0
            kept, self.parameters = self.parameters, self._shifted(ahead, weight_noise)
            data_loss, penalty, gradient, tape = self.loss_and_grad(
                x[rows],
                y[rows],
                weight,
                alpha,
                self.step,
                mixing,
                factor,
                l1_ratio,
                penalize_intercepts,
                smoothing,
                is_proximal=l1_update == "proximal",
            )
            self.parameters = kept
            l1 = alpha * l1_ratio / (len(rows) if weight is None else weight.sum())
            learning = self._learning(gradient, factors)
            self.grad_norms.append(norm_of([gradient[i][name] for i, name in learning]))
            self._clip(gradient, factors, clip_value, clip_norm)
            self._average_statistics(tape, len(rows))
            self.step += 1
            for p, g, s, f in zip(self.parameters, gradient, self.slots, factors, strict=True):
                for name in [name for name in p if f[name] > 0]:
                    rate = f[name] * learning_rate
                    own = (p[name], g[name], s[name], self.step, rate)
                    still = dict(rule.still if name != "coef" else ())
                    shrink = rate * decay * p[name] if name == "coef" else 0.0
                    p[name] = rule.update(*own, **hyperparameters | still) - shrink
                    is_penalised = name == "coef" or (name == "intercept" and penalize_intercepts)
                    if l1_update == "proximal" and is_penalised:
                        of_step = p[name], s[name], self.step, rate, l1
                        p[name] = proximal_step(optimizer, *of_step, **hyperparameters)
                    if max_norm is not None and name == "coef":
                        p[name] = limit_norms(p[name], max_norm)
            for a, p in zip(self.average, self.parameters, strict=True):
                for name in p:
                    a[name] = a[name] + weight_of_new * (p[name] - a[name])
            losses.append([data_loss, penalty])
        return np.array(losses)

    def _shifted(self, momentum, weight_noise):
        """The parameters where a step takes its gradient: those of the network, but for Nesterov's
        momentum in the form of Sutskever et al. (2013), eq. 3, and for noise on the coefs.

        Noise: Murray and Edwards, "Enhanced MLP performance and fault tolerance resulting from
        synaptic weight noise during training" (1994); Graves, "Practical variational inference for
        neural networks" (2011). It is drawn as the masks of dropout.
        """
        shifted = [dict(p) for p in self.parameters]
        for p, s in zip(shifted, self.slots, strict=True):
            for name in p if momentum else ():
                p[name] = p[name] + momentum * s[name][0]
        for stage, (kind, _, i) in enumerate(self.stages):
            if kind == "dense" and weight_noise:
                w = shifted[i]["coef"]
                noise = normal_noise(w.shape, self.seed, self.step, stage)
                shifted[i]["coef"] = w + weight_noise * noise
        return shifted

    @staticmethod
    def _learning(gradient, factors):
        """Places and names of the parameters that are not frozen."""
        return [(i, name) for i, g in enumerate(gradient) for name in g if factors[i][name] > 0]

    def _clip(self, gradient, factors, value, norm):
        """Clip by value, then by the norm over all parameters that are not frozen."""
        names = self._learning(gradient, factors)
        arrays = [gradient[i][name] for i, name in names]
        if value is not None:
            arrays = [np.clip(g, -value, value) for g in arrays]
        if norm is not None:
            arrays = clip_norm(arrays, norm)
        for (i, name), g in zip(names, arrays, strict=True):
            gradient[i][name] = g

    def _average_statistics(self, tape, n_rows):
        for (kind, spec, i), saved in zip(self.stages[:-1], tape, strict=True):
            if kind == "batch_norm_statistics" and n_rows > 1:
                mean, variance, _ = saved
                self.statistics[i] = moving_average(
                    self.statistics[i],
                    mean,
                    np.ones_like(variance) if spec.mean_only else variance,
                    n_rows,
                    spec.momentum,
                    spec.unbiased and not spec.mean_only,
                )
