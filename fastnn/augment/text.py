"""Lists of tokens, changed before they become numbers: "easy data augmentation".

Wei, J. and Zou, K. "EDA: easy data augmentation techniques for boosting performance on text
classification tasks" (2019), section 2. Synonyms are those of a table of the user's: a dict from a
token to a list of others; a token that is not in it, such as a stop word, has none.
"""

from numbers import Integral, Real
from typing import ClassVar

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils import check_consistent_length, check_random_state

from .._specs.constraints import Interval, check_parameters


def _count(tokens, rate):
    return max(1, int(rate * len(tokens)))


def _chosen(items, rng):
    return items[int(rng.integers(len(items)))]


def _synonym(token, synonyms, rng):
    """One that differs from the token, or itself."""
    others = [other for other in synonyms.get(token, ()) if other != token]
    return _chosen(others, rng) if others else token


def swap_tokens(tokens, rng, rate=0.1):
    """A copy in which pairs of tokens, drawn at random, have changed places.

    Parameters
    ----------
    tokens : list
    rng : numpy.random.Generator
    rate : float, default=0.1
        So many pairs for each token, and at least one.

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


def delete_tokens(tokens, rng, rate=0.1):
    """A copy without some tokens; of those that there are, one is always left.

    Parameters
    ----------
    tokens : list
    rng : numpy.random.Generator
    rate : float, default=0.1
        The probability of each to be left out.

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


def replace_synonyms(tokens, rng, synonyms, rate=0.1):
    """A copy in which some tokens are replaced by synonyms.

    Parameters
    ----------
    tokens : list
    rng : numpy.random.Generator
    synonyms : dict
        Lists of tokens, by token.
    rate : float, default=0.1
        The part of the tokens that are replaced, and at least one, of those that have synonyms.

    Returns
    -------
    tokens : list
    """
    tokens = list(tokens)
    known = [i for i, token in enumerate(tokens) if token in synonyms]
    for i in rng.permutation(known)[: _count(tokens, rate)] if known else ():
        tokens[i] = _synonym(tokens[i], synonyms, rng)
    return tokens


def insert_synonyms(tokens, rng, synonyms, rate=0.1):
    """A copy with synonyms of some of its tokens at places drawn at random.

    Parameters
    ----------
    tokens : list
    rng : numpy.random.Generator
    synonyms : dict
        Lists of tokens, by token.
    rate : float, default=0.1
        So many for each token, and at least one, if any has a synonym.

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


class TokenAugmenter(BaseEstimator):
    """Adds changed copies of texts, which are lists of tokens, and their targets.

    Each copy goes through one of `replace_synonyms`, `insert_synonyms`, `swap_tokens` and
    `delete_tokens`, drawn at random. It is used before tokens are counted, on training data only;
    `fit_resample` has the convention of imbalanced-learn, whose pipelines do that.

    Parameters
    ----------
    synonyms : dict or None, default=None
        Lists of tokens, by token. None leaves out what needs synonyms.
    rate : float, default=0.1
        How much is changed: `rate` of the functions.
    n_copies : int, default=4
        Of each text.
    random_state : int, RandomState or None, default=None

    Attributes
    ----------
    sample_indices_ : ndarray of shape (n_texts * (1 + n_copies),)
        The number of the text that each has been.

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
    }

    def __init__(self, synonyms=None, rate=0.1, n_copies=4, random_state=None):
        self.synonyms = synonyms
        self.rate = rate
        self.n_copies = n_copies
        self.random_state = random_state

    def fit_resample(self, X, y):
        """The texts, and then their copies.

        Parameters
        ----------
        X : list of list
            Tokens of each text.
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
        changes = [(swap_tokens, ()), (delete_tokens, ())]
        if self.synonyms:
            known = (self.synonyms,)
            changes += [(replace_synonyms, known), (insert_synonyms, known)]
        texts = [list(tokens) for tokens in X]
        copies = []
        for _ in range(self.n_copies):
            for tokens in texts:
                change, known = _chosen(changes, rng)
                copies.append(change(tokens, rng, *known, rate=self.rate))
        self.sample_indices_ = np.tile(np.arange(len(texts)), 1 + self.n_copies)
        return texts + copies, np.asarray(y)[self.sample_indices_]
