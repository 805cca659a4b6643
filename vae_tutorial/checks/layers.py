"""Networks as values: the layers that an input passes, what comes out of them, and the modes of their parts."""

from collections.abc import Iterable, Sequence
from functools import partial
from itertools import pairwise

import torch
from torch import Tensor, nn

from vae_tutorial.checks.answers import Answer
from vae_tutorial.checks.comparing import Verdict, holds
from vae_tutorial.checks.toys import draw

SHAPING = (nn.Flatten, nn.Unflatten, nn.Identity)  # layers that change no number


def passed(layers: Iterable[nn.Module], x: Tensor, seed: int, *, training: bool) -> tuple[list[str], Tensor]:
    """The layers that x [b, f] passes, in words and in this order, and what the last one gives.

    The parameters are replaced by those of `weight` and `gamma_beta`, the biases of linear layers by 0: what comes out
    then follows from the layers alone.
    """
    network = nn.Sequential(*layers).train(training)
    network(x)  # a lazy layer has no weights before it has seen an input
    _replace(network, seed)
    words: list[str] = []
    leaves = [m for m in network.modules() if not list(m.children()) and not isinstance(m, SHAPING)]
    hooks = [leaf.register_forward_hook(lambda m, _, __: words.append(in_words(m))) for leaf in leaves]
    answer = network(x)
    for hook in hooks:  # another network may share the layer
        hook.remove()
    return words, answer


def weight(seed: int, number: int, before: int, after: int) -> Tensor:
    """The weights [after, before] of the linear layer with this number, from 0."""
    return draw(seed + number, after, before) / before**0.5


def gamma_beta(seed: int, number: int, size: int) -> tuple[Tensor, Tensor]:
    """Gamma and beta [size] of the batch norm with this number, from 0."""
    gamma, beta = draw(seed + 20 + number, 2, size)
    return gamma.exp(), beta


@torch.no_grad()
def _replace(network: nn.Module, seed: int) -> None:
    """Each layer has its own numbers; one that stands in two places can have those of one place only."""
    for number, layer in enumerate(m for m in network.modules() if isinstance(m, nn.Linear)):
        layer.weight.copy_(weight(seed, number, layer.in_features, layer.out_features))
        if layer.bias is not None:
            layer.bias.zero_()
    for number, norm in enumerate(m for m in network.modules() if isinstance(m, nn.BatchNorm1d)):
        for parameter, value in zip(norm.parameters(), gamma_beta(seed, number, norm.num_features), strict=False):
            parameter.copy_(value)


def in_words(layer: nn.Module) -> str:
    """A layer by its kind, with its sizes or its probability where they matter."""
    if isinstance(layer, nn.Linear):
        return _linear(layer.in_features, layer.out_features)
    if isinstance(layer, nn.Dropout):
        return dropout(layer.p)
    return type(layer).__name__


def dropout(p: float) -> str:
    """A dropout layer in words."""
    return f"Dropout {p:g}"


def part(answer: Answer, name: str) -> Answer:
    """One of the named parts of what given code hands back."""
    return answer if answer.trouble else Answer(answer.value[name])


def placed(claim: str, words: Answer, sizes: Sequence[int], orders: Sequence[Sequence[str]]) -> Verdict:
    """Whether the layers in words are linear ones of these sizes, each hidden one with one of `orders` behind it."""
    return holds(claim, partial(_misplaced, sizes, orders), words)


def modes_kept(claim: str, after: Answer, before: Sequence[int]) -> Verdict:
    """Whether a network's modules are in the modes they were found in, 1 for train mode."""
    return holds(claim, partial(_changed, before), after)


def _misplaced(sizes: Sequence[int], orders: Sequence[Sequence[str]], words: Sequence[str]) -> str | None:
    lines = [_linear(*pair) for pair in pairwise(sizes)]
    if any(list(words) == [w for line in lines[:-1] for w in (line, *order)] + lines[-1:] for order in orders):
        return None
    shown, mine = " → ".join(words) or "nothing", [word for word in words if word.startswith("Linear")]
    if mine != lines:
        return f"its linear layers are {', '.join(mine) or 'none'}, expected {', '.join(lines)}"
    if words[0] != lines[0]:
        return f"something is done to its input: which layers are hidden ones? ({shown})"
    if words[-1] != lines[-1]:
        return f"something stands behind its last layer: which layers were to stay bare? ({shown})"
    for word in sorted(set(orders[0])):
        if words.count(word) != len(lines) - 1:
            return f"hidden layers: {len(lines) - 1}, {word}: {words.count(word)} ({shown})"
    return f"what does each hidden layer need, and in which order? ({shown})"


def _changed(before: Sequence[int], after: Sequence[float]) -> str | None:
    if list(after) == list(before):
        return None
    if not any(after):
        return "it is left in eval mode: how would a training that goes on now differ?"
    if all(after):
        return "all of it is left in train mode: `train()` reaches every part, whatever its mode was"
    return "some of its parts are left in another mode than they were found in"


def _linear(before: int, after: int) -> str:
    return f"Linear {before} to {after}"
