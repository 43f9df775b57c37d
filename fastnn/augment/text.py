"""Transforms of lists of tokens, before they are vectorized: "easy data augmentation".

Wei, J. and Zou, K. "EDA: easy data augmentation techniques for boosting performance on text
classification tasks" (2019), section 2. The user gives the synonyms: a dict from a token to a list
of others. A token that is not in it, such as a stop word, has none.
"""

from collections.abc import Callable, Mapping
from functools import partial
from numbers import Integral, Real
from typing import Any, ClassVar

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils import check_consistent_length, check_random_state

from .. import _typing as t
from .._specs.constraints import Interval, check_parameters, defaults_of


def _count(tokens, rate):
    return max(1, int(rate * len(tokens)))


def _chosen(items, rng):
    return items[int(rng.integers(len(items)))]


def _synonym(token, synonyms, rng):
    """Draw a synonym that differs from the token; the token itself if there is none."""
    others = [other for other in synonyms.get(token, ()) if other != token]
    return _chosen(others, rng) if others else token


def swap_tokens(tokens: list[Any], rng: np.random.Generator, rate: float = 0.1) -> list[Any]:
    """Return a copy in which random pairs of tokens are swapped.

    Parameters
    ----------
    tokens : list
    rng : numpy.random.Generator
    rate : float, default=0.1
        Number of pairs as a fraction of the number of tokens; at least one pair is swapped.

    Returns
    -------
    tokens : list
    """
    tokens = list(tokens)
    if len(tokens) > 1:
        for _ in range(_count(tokens, rate)):
            i, j = map(int, rng.choice(len(tokens), 2, replace=False))
            tokens[i], tokens[j] = tokens[j], tokens[i]
    return tokens


def delete_tokens(tokens: list[Any], rng: np.random.Generator, rate: float = 0.1) -> list[Any]:
    """Return a copy without some of the tokens; at least one is kept.

    Parameters
    ----------
    tokens : list
    rng : numpy.random.Generator
    rate : float, default=0.1
        Probability that a token is deleted.

    Returns
    -------
    tokens : list
    """
    tokens = list(tokens)
    kept = [
        token
        for token, number in zip(tokens, rng.random(len(tokens)), strict=True)
        if number >= rate
    ]
    return kept or [_chosen(tokens, rng)] if tokens else []


def replace_synonyms(
    tokens: list[Any], rng: np.random.Generator, synonyms: Mapping[Any, Any], rate: float = 0.1
) -> list[Any]:
    """Return a copy in which some tokens are replaced by synonyms.

    Parameters
    ----------
    tokens : list
    rng : numpy.random.Generator
    synonyms : dict
        Lists of synonyms, by token.
    rate : float, default=0.1
        Number of replacements as a fraction of the number of tokens; at least one, if any token has
        a synonym.

    Returns
    -------
    tokens : list
    """
    tokens = list(tokens)
    known = [i for i, token in enumerate(tokens) if token in synonyms]
    for i in rng.permutation(known)[: _count(tokens, rate)] if known else ():
        tokens[i] = _synonym(tokens[i], synonyms, rng)
    return tokens


def insert_synonyms(
    tokens: list[Any], rng: np.random.Generator, synonyms: Mapping[Any, Any], rate: float = 0.1
) -> list[Any]:
    """Return a copy with synonyms of some tokens inserted at random positions.

    Parameters
    ----------
    tokens : list
    rng : numpy.random.Generator
    synonyms : dict
        Lists of synonyms, by token.
    rate : float, default=0.1
        Number of insertions as a fraction of the number of tokens; at least one, if any token has a
        synonym.

    Returns
    -------
    tokens : list
    """
    tokens = list(tokens)
    known = [token for token in tokens if token in synonyms]
    for _ in range(_count(tokens, rate) if known else 0):
        token = _synonym(_chosen(known, rng), synonyms, rng)
        tokens.insert(int(rng.integers(len(tokens) + 1)), token)
    return tokens


def back_translate(
    tokens: list[Any], rng: np.random.Generator, translate: Callable[..., Any]
) -> list[Any]:
    """Return what a function makes of the tokens, such as a translation and its translation back.

    Parameters
    ----------
    tokens : list
    rng : numpy.random.Generator
        Not used; here as in the other functions.
    translate : callable
        Takes a list of tokens, and returns another.

    Returns
    -------
    tokens : list

    References
    ----------
    Sennrich, R., Haddow, B. and Birch, A. "Improving neural machine translation models with
    monolingual data" (2016), section 3. Xie, Q. et al. "Unsupervised data augmentation for
    consistency training" (2020), section 2.2, for classification.
    """
    translated = translate(list(tokens))
    if isinstance(translated, str | bytes) or not np.iterable(translated):
        raise ValueError(
            "The function that translates must return a list of tokens, as it is given, and "
            f"returned {type(translated).__name__}: split texts, as in text.split()."
        )
    return list(translated)


class TokenAugmenter(BaseEstimator):
    """Add augmented copies of texts (lists of tokens), with their targets.

    Each copy is transformed by one of `replace_synonyms`, `insert_synonyms`, `swap_tokens`,
    `delete_tokens` and `back_translate`, drawn at random. Use it before vectorizing, on training
    data only: as a sampler with `fit_resample`, in a pipeline of imbalanced-learn.

    Parameters
    ----------
    synonyms : dict or None, default=None
        Lists of synonyms, by token. None leaves out the functions that need synonyms.
    rate : float, default=0.1
        The `rate` of these functions.
    n_copies : int, default=4
        Number of copies of each text.
    random_state : int, RandomState or None, default=None
    translate : callable or None, default=None
        Translates a list of tokens to another language and back, for `back_translate`: a function
        of yours, with any model. None leaves it out.

    Attributes
    ----------
    sample_indices_ : ndarray of shape (n_texts * (1 + n_copies),)
        The index of the text that each one is made from.

    Examples
    --------
    >>> from fastnn.augment import TokenAugmenter
    >>> texts = [["a", "good", "film"], ["a", "bad", "one"]]
    >>> augmenter = TokenAugmenter({"good": ["fine", "great"]}, n_copies=2, random_state=0)
    >>> more, labels = augmenter.fit_resample(texts, [1, 0])
    >>> more[:2], labels
    ([['a', 'good', 'film'], ['a', 'bad', 'one']], array([1, 0, 1, 0, 1, 0]))
    """

    _parameter_constraints: ClassVar[dict] = {
        "synonyms": [dict, None],
        "rate": [Interval(Real, 0, 1, closed="neither")],
        "n_copies": [Interval(Integral, 1, None, closed="left")],
        "random_state": ["random_state"],
        "translate": [callable, None],
    }

    def __init__(
        self,
        synonyms: Mapping[Any, Any] | None = None,
        rate: float = 0.1,
        n_copies: int = 4,
        random_state: t.Seed = None,
        translate: Callable[..., Any] | None = None,
    ) -> None:
        self.synonyms = synonyms
        self.rate = rate
        self.n_copies = n_copies
        self.random_state = random_state
        self.translate = translate

    def __setstate__(self, state):
        super().__setstate__(defaults_of(type(self)) | state)  # parameters newer than the pickle

    def fit_resample(self, X: Any, y: t.Targets | None) -> tuple[Any, Any]:
        """Return the texts, followed by their copies.

        Parameters
        ----------
        X : list of list
            The tokens of each text.
        y : array-like of shape (n_texts,) or (n_texts, n_outputs)

        Returns
        -------
        X : list of list
        y : ndarray
        """
        check_parameters(self)
        check_consistent_length(X, y)
        if any(isinstance(tokens, str | bytes) for tokens in X):
            raise ValueError(
                "TokenAugmenter changes lists of tokens, and was given texts: split them first, as "
                "in [text.split() for text in X]."
            )
        rng = np.random.default_rng(check_random_state(self.random_state).randint(2**31 - 1))
        changes: list[Callable] = [swap_tokens, delete_tokens]
        if self.synonyms:
            changes += [
                partial(f, synonyms=self.synonyms) for f in (replace_synonyms, insert_synonyms)
            ]
        changes = [partial(change, rate=self.rate) for change in changes]
        if self.translate is not None:
            changes.append(partial(back_translate, translate=self.translate))
        texts = [list(tokens) for tokens in X]
        copies = []
        for _ in range(self.n_copies):
            for tokens in texts:
                copies.append(_chosen(changes, rng)(tokens, rng))
        self.sample_indices_ = np.tile(np.arange(len(texts)), 1 + self.n_copies)
        return texts + copies, np.asarray(y)[self.sample_indices_]
