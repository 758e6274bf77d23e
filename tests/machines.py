"""Hidden Markov models that emit on their edges, fitted to exact word probabilities."""

from itertools import product

import numpy as np


def random_machine(rng, lead, n_states, n_symbols):
    """First states ``(*lead, k)`` and edges ``(*lead, n_symbols, k, k)``."""
    first = rng.dirichlet(np.ones(n_states), lead)
    edges = rng.dirichlet(np.ones(n_symbols * n_states), (*lead, n_states))
    edges = edges.reshape(*lead, n_states, n_symbols, n_states)
    return first, np.moveaxis(edges, -2, -3)


def forward(first, edges, words):
    """``pi T_1 ... T_t`` for every word and t: arrays ``(n, n_words, k)``."""
    alphas = [np.broadcast_to(first[:, None], (len(first), len(words), first.shape[1]))]
    for symbols in words.T:
        alphas.append((alphas[-1][..., None, :] @ edges[:, symbols])[..., 0, :])
    return alphas


def random_words(rng, n_states, n_symbols, length):
    """What a machine of random numbers writes."""
    words = np.array(list(product(range(n_symbols), repeat=length)))
    machine = random_machine(rng, (1,), n_states, n_symbols)
    return forward(*machine, words)[-1].sum(axis=-1).reshape((n_symbols,) * length)


def fit(targets, n_states, rng, n_starts=6, n_steps=200):
    """Baum and Welch's iteration on words, each weighed by its probability.

    Args:
        targets: Word probabilities of several processes, ``(n, n_symbols, ...)``.
        n_states: States of each machine.
        rng: Source of randomness for the starts.
        n_starts: Starts for each process; the best is kept.
        n_steps: Iterations.

    Returns:
        What the best machine of each writes, in the shape of the targets.
    """
    n, n_symbols, length = len(targets), targets.shape[1], targets.ndim - 1
    words = np.array(list(product(range(n_symbols), repeat=length)))
    weights = np.repeat(targets.reshape(n, -1), n_starts, axis=0)
    first, edges = random_machine(rng, (n * n_starts,), n_states, n_symbols)
    for _ in range(n_steps):
        alphas = forward(first, edges, words)
        beta = np.ones_like(alphas[0])
        share = (weights / alphas[-1].sum(axis=-1))[..., None, None]
        counts = np.zeros_like(edges)
        for t in reversed(range(length)):
            used = edges[:, words[:, t]]
            pairs = share * alphas[t][..., :, None] * used * beta[..., None, :]
            for symbol in range(n_symbols):
                counts[:, symbol] += pairs[:, words[:, t] == symbol].sum(axis=1)
            beta = (used @ beta[..., None])[..., 0]
        first = (share[..., 0] * alphas[0] * beta).sum(axis=1)
        first = first / first.sum(axis=1, keepdims=True)
        edges = counts / counts.sum(axis=(1, 3))[:, None, :, None]
    found = forward(first, edges, words)[-1].sum(axis=-1)
    loss = -(weights * np.log(found)).sum(axis=1).reshape(n, n_starts)
    best = np.arange(n) * n_starts + loss.argmin(axis=1)
    return found[best].reshape(targets.shape)
