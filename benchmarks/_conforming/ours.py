"""vae_tutorial, as the suite sees it."""

from functools import partial
from importlib.metadata import version

import torch
from torch import Tensor, nn

from _conforming.suite import Bound, Decode, Subject, Terms
from vae_tutorial.gaussian import DiagGaussian
from vae_tutorial.likelihoods import Bernoulli, Gaussian
from vae_tutorial.measures import log_likelihood
from vae_tutorial.networks import mlp
from vae_tutorial.objectives import IWAE, Objective
from vae_tutorial.regularizers import DIP, KL, MMD, Capacity, decompose_kl, imq, mmd2, rbf
from vae_tutorial.regularizers.mmd import SCALES
from vae_tutorial.training import fit
from vae_tutorial.training.adversarial import critic_loss
from vae_tutorial.vae import VAE

KERNELS = {"rbf": rbf, "imq": imq}
LIKELIHOODS = {"bernoulli": Bernoulli(), "gaussian": Gaussian(1.0, link="identity")}


class _Answer(nn.Module):
    """A network with a fixed answer, or one that is a function."""

    def __init__(self, answer: Decode, like: Tensor):
        super().__init__()
        self.answer, self.anchor = answer, nn.Parameter(torch.zeros((), dtype=like.dtype))

    def forward(self, told: Tensor) -> Tensor:
        return self.answer(told)


def _vae(mu: Tensor, logvar: Tensor, decode: Decode, likelihood: str) -> VAE:
    return VAE(_Answer(lambda _: DiagGaussian(mu, logvar), mu), _Answer(decode, mu), LIKELIHOODS[likelihood])


def _terms(mu: Tensor, logvar: Tensor, decode: Decode, x: Tensor, likelihood: str) -> Terms:
    loss, reconstruction, kl, _ = Objective(KL())(_vae(mu, logvar, decode, likelihood), x)
    return Terms(loss, reconstruction, kl)


def _weighted(beta: float, mu: Tensor, logvar: Tensor, decode: Decode, x: Tensor) -> Tensor:
    return Objective(KL(weight=beta))(_vae(mu, logvar, decode, "bernoulli"), x).loss


def _reconstruct(mu: Tensor, logvar: Tensor, decode: Decode, x: Tensor) -> Tensor:
    return _vae(mu, logvar, decode, "bernoulli").reconstruct(x)


def _capacity(mu: Tensor, logvar: Tensor, at: int, warmup: int, c_max: float) -> Tensor:
    return Capacity(weight=1.0, c_max=c_max, steps=warmup)(DiagGaussian(mu, logvar), mu, at)


def _iwae(k: int, mu: Tensor, logvar: Tensor, decode: Decode, x: Tensor) -> Bound:
    value = -IWAE(k)(_vae(mu, logvar, decode, "gaussian"), x).loss
    return Bound(value, torch.autograd.grad(value, (mu, logvar)) if mu.requires_grad else None)


def _log_likelihood(k: int, mu: Tensor, logvar: Tensor, decode: Decode, x: Tensor) -> Bound:
    seed = int(torch.randint(2**31, ()))
    inside = x.clamp(0, 1)  # it asks for pictures; a shift of data and decoder alike is no change of p(x)
    shift = (x - inside)[:1]  # in a batch of the suite all images are one
    model = _vae(mu, logvar, lambda z: decode(z) - shift, "gaussian")
    return Bound(log_likelihood(model, inside, k=k, seed=seed).mean())


def _wae(codes: Tensor, decode: Decode, x: Tensor) -> tuple[Tensor, Tensor]:
    terms = Objective(MMD(weight=1.0))(_vae(codes, torch.full_like(codes, -80.0), decode, "gaussian"), x)
    constant = LIKELIHOODS["gaussian"].nll(x, x).mean()
    return terms.reconstruction - constant, terms.regularizer


def _dip(kind: str, mu: Tensor, logvar: Tensor) -> Tensor:
    return DIP(kind, off_diagonal=1.0, diagonal=1.0)(DiagGaussian(mu, logvar), mu)


def _parts(mu: Tensor, logvar: Tensor, z: Tensor, n: int) -> Tensor:
    return torch.stack(decompose_kl(DiagGaussian(mu, logvar), z))


def _train(x: Tensor, seed: int) -> Tensor:
    torch.manual_seed(0)
    model = VAE(*mlp((1, 4, 4), z_dim=2, hidden=(8,)))
    fit(model, Objective(KL()), x, epochs=3, batch_size=16, seed=seed, device="cpu", progress=False)
    return nn.utils.parameters_to_vector(model.parameters()).detach()


SMALL_BATCH = "a bias that decompose_kl's documentation states: never above log b, for a data set of any size"


def subjects() -> list[Subject]:
    """What of the package the suite can ask."""
    ours = partial(Subject, "vae-tutorial", version("vae-tutorial"))
    return [
        ours("VAE", terms=_terms, weighted=_weighted, reconstruct=_reconstruct, train=_train),
        ours("Capacity", capacity=_capacity),
        ours("IWAE", bound=_iwae),
        ours("log_likelihood", bound=_log_likelihood),
        ours(
            "WAE-MMD",
            kernel=lambda name, a, b: KERNELS[name](a, b),
            mmd2=lambda name, codes, prior: mmd2(codes, prior, KERNELS[name]),
            wae=_wae,
            scales=SCALES,
        ),
        ours("decompose_kl", parts=_parts, documented={"T41c": SMALL_BATCH}),
        ours("WAE-GAN", critic=lambda judge, z, prior: critic_loss(_Answer(judge, z), z, prior)),
        ours("DIP-VAE", dip=_dip),
    ]
