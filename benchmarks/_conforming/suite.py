"""What a library shows of a model, what a property is, and the table of the one against the other."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

import torch
from torch import Tensor

F64 = torch.float64
Decode = Callable[[Tensor], Tensor]  # codes [b, z] to logits [b, c, h, w]
Row = dict[str, str]


class Terms(NamedTuple):
    """A loss and its parts as the library adds them up over the batch."""

    loss: Tensor
    reconstruction: Tensor
    kl: Tensor


class Bound(NamedTuple):
    """L_k of a batch, and its gradients with respect to mu and logvar where the library trains with it."""

    value: Tensor
    gradients: tuple[Tensor, Tensor] | None = None


@dataclass(frozen=True)
class Subject:
    """One model of one library. A part that it does not have is None; mu and logvar [b, z] are the encoder's answer.

    terms(mu, logvar, decode, x, likelihood): the VAE's loss; likelihood is "bernoulli" (decode gives logits) or
        "gaussian" (decode gives means, sigma is 1)
    weighted(beta, mu, logvar, decode, x): the same with the KL weighted
    reconstruct(mu, logvar, decode, x): pictures in eval mode, of a Bernoulli model
    capacity(mu, logvar, at, warmup, c_max): the regularizer at weight 1, `at` of `warmup` steps or epochs done
    bound(k, mu, logvar, decode, x): L_k, sigma 1
    kernel(name, a, b): "rbf" exp(-r2 / 2z) or "imq", the sum over `scales` of 2zs / (2zs + r2), as [n, m]
    mmd2(name, codes, prior): the estimate of MMD^2
    wae(codes, decode, x): reconstruction cost and MMD, not weighted
    parts(mu, logvar, z, n): mutual information, total correlation, dimension-wise KL; n is the size of the data set
    shuffle(z): codes with each latent permuted over the batch
    critic(judge, z, prior): the critic's loss; judge gives one logit a code
    dip(kind, mu, logvar): the penalty at weights 1 and 1
    train(x, seed): weights after a few steps of the library's own loop
    """

    peer: str
    version: str
    model: str
    terms: Callable[[Tensor, Tensor, Decode, Tensor, str], Terms] | None = None
    weighted: Callable[[float, Tensor, Tensor, Decode, Tensor], Tensor] | None = None
    reconstruct: Callable[[Tensor, Tensor, Decode, Tensor], Tensor] | None = None
    capacity: Callable[[Tensor, Tensor, int, int, float], Tensor] | None = None
    bound: Callable[[int, Tensor, Tensor, Decode, Tensor], Bound] | None = None
    kernel: Callable[[str, Tensor, Tensor], Tensor] | None = None
    mmd2: Callable[[str, Tensor, Tensor], Tensor] | None = None
    wae: Callable[[Tensor, Decode, Tensor], tuple[Tensor, Tensor]] | None = None
    parts: Callable[[Tensor, Tensor, Tensor, int], Tensor] | None = None
    shuffle: Callable[[Tensor], Tensor] | None = None
    critic: Callable[[Decode, Tensor, Tensor], Tensor] | None = None
    dip: Callable[[str, Tensor, Tensor], Tensor] | None = None
    train: Callable[[Tensor, int], Tensor] | None = None
    scales: tuple[float, ...] = (1.0,)
    summed: bool = False  # the batch is summed, not averaged; only T9 asks which, elsewhere the sum is divided by b
    constant: bool = True  # log(2 pi) / 2 a pixel is charged; only T8b asks, elsewhere it is added where it lacks
    pairs_with_itself: bool = False  # MMD^2 is a V-statistic; only T28 asks, elsewhere its known bias is allowed for
    documented: Mapping[str, str] = field(default_factory=dict)  # property: where another choice is stated
    why: Mapping[str, str] = field(default_factory=dict)  # property: the reason, read in the code


class Verdict(NamedTuple):
    """What was seen, what was to be seen, and whether that will do."""

    holds: bool
    seen: str
    expected: str


class Property(NamedTuple):
    """One line of the table's left side. `part` names the attribute of `Subject` it needs."""

    name: str
    statement: str
    kind: Literal["correctness", "precision", "convention"]
    part: str
    ask: Callable[[Subject], Verdict]


PROPERTIES: list[Property] = []


def property_of(part: str, name: str, statement: str, kind: Literal["correctness", "precision", "convention"]) -> Any:
    """Put the decorated function into the suite. It may return None where the subject lacks what it asks about."""

    def put(ask: Callable[[Subject], Verdict]) -> Callable[[Subject], Verdict]:
        PROPERTIES.append(Property(name, statement, kind, part, ask))
        return ask

    return put


def rows(peers: Sequence[Sequence[Subject]]) -> Iterator[Row]:
    """The table, one row for each model that has the part, and one in all for a peer none of whose models has it."""
    for name, statement, kind, part, ask in sorted(PROPERTIES, key=_place):
        for models in peers:
            asked = [(m, ask(m)) for m in models if getattr(m, part) is not None]
            judged = [(m, verdict) for m, verdict in asked if verdict is not None]
            for m, verdict in judged:
                yield _row(m, name, statement, kind, verdict)
            if not judged:
                common = {"peer": models[0].peer, "version": models[0].version, "model": "", "property": name}
                blank = {"outcome": "not applicable", "seen": "", "expected": "", "note": ""}
                yield {**common, "statement": statement, "kind": kind, **blank}


def _place(one: Property) -> tuple[int, str]:
    """T2b before T10."""
    return int(one.name[1:].rstrip("abc")), one.name


def _row(m: Subject, name: str, statement: str, kind: str, verdict: Verdict) -> Row:
    row = {"peer": m.peer, "version": m.version, "model": m.model, "property": name, "statement": statement}
    row |= {"kind": kind, "outcome": "holds", "seen": verdict.seen, "expected": verdict.expected, "note": ""}
    if verdict.holds:
        return row
    if name in m.documented:  # what a library says of itself is a choice, whatever the rule
        return row | {"outcome": "does not hold", "kind": "convention", "note": m.documented[name]}
    return row | {"outcome": "does not hold", "note": m.why.get(name, "")}


def close(seen: Tensor | float, expected: Tensor | float, rtol: float = 1e-9, atol: float = 1e-12) -> Verdict:
    """Every number near enough; shown are the two that differ most."""
    a, b = torch.broadcast_tensors(torch.as_tensor(seen, dtype=F64), torch.as_tensor(expected, dtype=F64))
    a, b = a.detach().flatten(), b.detach().flatten()
    worst = int((a - b).abs().nan_to_num(torch.inf).argmax())
    return Verdict(bool(torch.isclose(a, b, rtol=rtol, atol=atol).all()), f"{a[worst]:.6g}", f"{b[worst]:.6g}")


def on_average(draws: Tensor, expected: float) -> Verdict:
    """The mean of independent draws [n] within four standard errors."""
    mean, error = draws.mean().item(), draws.std().item() / len(draws) ** 0.5
    return Verdict(abs(mean - expected) < 4 * error + 1e-9, f"{mean:.5g} ± {error:.2g}", f"{expected:.5g}")


def per_image(m: Subject, value: Tensor, b: int) -> Tensor:
    """A term of a batch of b as a mean, whatever the library's habit."""
    return value / b if m.summed else value
