"""Wrong and right answers to exercise 01."""

import math

import torch
import torch.nn.functional as F
from bordering import *  # noqa: F403
from einops import einsum, rearrange
from proving import *  # noqa: F403
from proving import Bank

from vae_tutorial.gaussian import DiagGaussian
from vae_tutorial.objectives import Objective
from vae_tutorial.regularizers import KL

LESSON = "01_autoencoder_to_vae"


def kl(mu, logvar):
    return 0.5 * (mu**2 + logvar.exp() - 1 - logvar).sum(1)


def elbo(logits, x, mu, logvar):
    reconstruction = F.binary_cross_entropy_with_logits(logits, x, reduction="sum") / len(x)
    return reconstruction + kl(mu, logvar).mean(), reconstruction, kl(mu, logvar).mean()


def replacing(reconstruction=None, kl_=None, loss=None):
    """−ELBO with one of its parts made otherwise."""

    def minus_elbo(logits, x, mu, logvar):
        _, r, k = elbo(logits, x, mu, logvar)
        r = r if reconstruction is None else reconstruction(logits, x)
        k = k if kl_ is None else kl_(mu, logvar)
        return (r + k if loss is None else loss(r, k)), r, k

    return minus_elbo


def kl_by_loops(mu, logvar):
    prices = []
    for m, v in zip(mu.tolist(), logvar.tolist(), strict=True):
        prices.append(sum((a * a + math.exp(c) - 1 - c) / 2 for a, c in zip(m, v, strict=True)))
    return prices


def kl_by_torch(mu, logvar):
    q = torch.distributions.Normal(mu, torch.exp(0.5 * logvar))
    return torch.distributions.kl_divergence(q, torch.distributions.Normal(0.0, 1.0)).sum(-1)


def elbo_by_probabilities(logits, x, mu, logvar):
    p = torch.sigmoid(logits)
    r = -(x * p.log() + (1 - x) * (1 - p).log()).flatten(1).sum(1)
    k = kl_by_torch(mu, logvar)
    return {"loss": (r + k).mean(), "reconstruction": r.mean(), "kl": k.mean()}


def step(
    model, optimizer, x, eps, *, loss=lambda r, k: r + k, draw=True, clear=True, move=True, encode=None, backward=None
):
    """A training step, with a slip where asked for."""
    q = encode(model, x) if encode else model.encoder(x)
    z = q.mu + torch.exp(q.logvar / 2) * eps if draw else q.mu
    _, r, k = elbo(model.decoder(z), x, q.mu, q.logvar)
    if clear:
        optimizer.zero_grad()
    (loss(r, k) if backward is None else backward(r, k)).backward()
    if move:
        optimizer.step()
    return loss(r, k).item()


def slipped(**slip):
    return lambda model, optimizer, x, eps: step(model, optimizer, x, eps, **slip)


def step_that_forgets(model, optimizer, x, eps):
    """The gradients are cleared before the optimiser sees them."""
    q = model.encoder(x)
    loss = elbo(model.decoder(q.mu + torch.exp(q.logvar / 2) * eps), x, q.mu, q.logvar)[0]
    loss.backward()
    optimizer.zero_grad()
    optimizer.step()
    return loss.item()


def step_without_gradient(model, optimizer, x, eps):
    q = model.encoder(x)
    with torch.no_grad():
        z = q.mu + torch.exp(q.logvar / 2) * eps
    loss = elbo(model.decoder(z), x, q.mu, q.logvar)[0]
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss.item()


def step_that_tells_late(model, optimizer, x, eps):
    step(model, optimizer, x, eps)
    q = model.encoder(x)
    return elbo(model.decoder(q.mu + torch.exp(q.logvar / 2) * eps), x, q.mu, q.logvar)[0].item()


def step_by_hand(model, optimizer, x, eps):
    q = model.encoder(x)
    logits = model.decoder(DiagGaussian(q.mu, q.logvar).mu + (0.5 * q.logvar).exp() * eps)
    loss = (model.likelihood.nll(logits, x) + q.kl()).mean()
    weights = list(model.parameters())
    for weight, gradient in zip(weights, torch.autograd.grad(loss, weights), strict=True):
        weight.grad = gradient
    optimizer.step()
    return float(loss)


def step_by_the_package(model, optimizer, x, eps):
    with torch.random.fork_rng():
        draw, torch.randn_like = torch.randn_like, lambda _: eps
        try:
            terms = Objective(KL())(model, x)
        finally:
            torch.randn_like = draw
    optimizer.zero_grad(set_to_none=False)
    terms.loss.backward()
    optimizer.step()
    return terms.loss.detach()


def tiled(images, rows):
    return rearrange(images, "(r c) 1 h w -> (r h) (c w)", r=rows)


def grid(make):
    """A grid of what `make` draws: images [n, 1, h, w]."""
    return lambda decoder, z_dim, rows, columns: tiled(make(decoder, rows * columns, z_dim), rows)


def grid_by_loops(decoder, z_dim, rows, columns):
    page = []
    for _ in range(rows):
        images = [torch.sigmoid(decoder(torch.randn(1, z_dim)))[0, 0] for _ in range(columns)]
        page.append(torch.cat(images, dim=1))
    return torch.cat(page, dim=0).numpy()


def grid_by_permuting(decoder, z_dim, rows, columns):
    images = decoder(torch.normal(0.0, 1.0, (rows * columns, z_dim))).sigmoid()
    h, w = images.shape[-2:]
    return images.view(rows, columns, h, w).permute(0, 2, 1, 3).reshape(rows * h, columns * w)


def price_of(logvar, factor=1.0):
    """The price that follows from a variant with another log variance."""
    return lambda mine: (
        factor * kl(torch.full((1, mine.z_dim), mine.mu), torch.full((1, mine.z_dim), logvar(mine))).item()
    )


BANKS = {
    "reparameterise": Bank(
        "reparameterise",
        wrong=[
            ("logvar is taken for sigma", lambda mu, logvar, eps: mu + logvar * eps),
            ("the variance stands where σ belongs", lambda mu, logvar, eps: mu + logvar.exp() * eps),
            ("σ = exp(2 log σ²)", lambda mu, logvar, eps: mu + torch.exp(2 * logvar) * eps),
            ("where is σ?", lambda mu, logvar, eps: mu + eps),
            ("where is the mean?", lambda mu, logvar, eps: torch.exp(logvar / 2) * eps),
            ("nothing was drawn", lambda mu, logvar, eps: mu),
            ("which of the two does ε belong to", lambda mu, logvar, eps: mu * eps + torch.exp(logvar / 2)),
            ("1/σ", lambda mu, logvar, eps: mu + torch.exp(-logvar / 2) * eps),
            ("expected", lambda mu, logvar, eps: mu + torch.exp(logvar / 2) * torch.randn_like(mu)),
            ("stops with TypeError", lambda mu, logvar: mu),
            ("the shape is", lambda mu, logvar, eps: (mu + torch.exp(logvar / 2) * eps).mean(0)),
        ],
        right=[
            lambda mu, logvar, eps: torch.addcmul(mu, (0.5 * logvar).exp(), eps),
            lambda m, v, e: m.numpy() + v.exp().sqrt().numpy() * e.numpy(),
            lambda mu, logvar, eps: [
                [m + math.exp(v) ** 0.5 * e for m, v, e in zip(*row, strict=True)]
                for row in zip(mu.tolist(), logvar.tolist(), eps.tolist(), strict=True)
            ],
        ],
    ),
    "kl": Bank(
        "kl_divergence",
        wrong=[
            ("is the ½ there?", lambda mu, logvar: 2 * kl(mu, logvar)),
            ("never negative", lambda mu, logvar: -kl(mu, logvar)),
            ("which axis is summed", lambda mu, logvar: 0.5 * (mu**2 + logvar.exp() - 1 - logvar)),
            ("not over the latents", lambda mu, logvar: 0.5 * (mu**2 + logvar.exp() - 1 - logvar).sum(0)),
            ("average over the latents", lambda mu, logvar: 0.5 * (mu**2 + logvar.exp() - 1 - logvar).mean(1)),
            ("keep one number for each image", lambda mu, logvar: kl(mu, logvar).sum()),
            ("average over the images", lambda mu, logvar: kl(mu, logvar).mean()),
            ("the − 1 is missing", lambda mu, logvar: 0.5 * (mu**2 + logvar.exp() - logvar).sum(1)),
            ("takes logvar for σ", lambda mu, s: 0.5 * (mu**2 + s**2 - 1 - torch.log(s**2)).sum(1)),
            ("log σ² for log σ", lambda mu, s: 0.5 * (mu**2 + torch.exp(2 * s) - 1 - 2 * s).sum(1)),
            ("σ stands where σ² belongs", lambda mu, v: 0.5 * (mu**2 + (v / 2).exp() - 1 - v).sum(1)),
            (
                "the other way round",
                lambda mu, v: torch.distributions.kl_divergence(
                    torch.distributions.Normal(0.0, 1.0), torch.distributions.Normal(mu, torch.exp(v / 2))
                ).sum(1),
            ),
            ("μ has to be squared", lambda mu, v: 0.5 * (mu + v.exp() - 1 - v).sum(1)),
            ("the term of μ is missing", lambda mu, v: 0.5 * (v.exp() - 1 - v).sum(1)),
        ],
        right=[
            kl_by_loops,
            kl_by_torch,
            lambda mu, logvar: DiagGaussian(mu, logvar).kl(),
            lambda mu, v: (einsum(mu, mu, "b z, b z -> b") + einsum(v.expm1() - v, "b z -> b")) / 2,
            lambda mu, v: -0.5 * torch.sum(1 + v - mu.pow(2) - v.exp(), dim=1),
        ],
    ),
    "price": Bank(
        "price",
        of_variant=True,
        wrong=[
            ("σ for log σ²", price_of(lambda mine: mine.sigma)),
            ("σ² for log σ²", price_of(lambda mine: mine.sigma**2)),
            ("log σ for log σ²", price_of(lambda mine: math.log(mine.sigma))),
            (
                "the last term takes log σ",
                lambda mine: mine.z_dim * 0.5 * (mine.mu**2 + mine.sigma**2 - 1 - math.log(mine.sigma)),
            ),
            ("one latent", lambda mine: price_of(lambda m: 2 * math.log(m.sigma))(mine) / mine.z_dim),
            ("bits", price_of(lambda mine: 2 * math.log(mine.sigma), 1 / math.log(2))),
            ("is the ½ there?", price_of(lambda mine: 2 * math.log(mine.sigma), 2)),
            ("not yet", lambda mine: 1.0),
            ("has to be numbers", lambda mine: "12 nats"),
        ],
        right=[
            price_of(lambda mine: 2 * math.log(mine.sigma)),
            lambda mine: mine.z_dim * 0.5 * (mine.mu**2 + mine.sigma**2 - 1 - math.log(mine.sigma**2)),
            lambda mine: torch.tensor([round(price_of(lambda m: math.log(m.sigma**2))(mine), 2)]),
        ],
    ),
    "elbo": Bank(
        "minus_elbo",
        wrong=[
            ("has to be added", replacing(loss=lambda r, k: r - k)),
            ("averaged over pixels", replacing(F.binary_cross_entropy_with_logits)),
            (
                "summed over the images too",
                replacing(lambda a, x: F.binary_cross_entropy_with_logits(a, x, reduction="sum")),
            ),
            (
                "one number for each image: give the mean",
                replacing(lambda a, x: F.binary_cross_entropy_with_logits(a, x, reduction="none").sum((1, 2, 3))),
            ),
            ("the KL is summed over the images", replacing(kl_=lambda mu, v: kl(mu, v).sum())),
            ("the KL is averaged over latents", replacing(kl_=lambda mu, v: kl(mu, v).mean() / mu.shape[1])),
            ("the KL is one number for each image", replacing(kl_=kl)),
            (
                "the sigmoid is taken twice",
                replacing(lambda a, x: F.binary_cross_entropy_with_logits(a.sigmoid(), x, reduction="sum") / len(x)),
            ),
            (
                "logits and images are exchanged",
                replacing(lambda a, x: F.binary_cross_entropy_with_logits(x, a, reduction="sum") / len(x)),
            ),
            ("the reconstruction alone", replacing(loss=lambda r, k: r)),
            ("squared error", replacing(lambda a, x: (a.sigmoid() - x).square().sum() / len(x))),
            ("3 results are asked for", lambda *parts: elbo(*parts)[0]),
            ("of kl", replacing(kl_=lambda mu, v: 2 * kl(mu, v).mean())),
        ],
        right=[
            elbo_by_probabilities,
            lambda logits, x, mu, v: [part.item() for part in elbo(logits, x, mu, v)],
            replacing(
                lambda a, x: -torch.distributions.Bernoulli(logits=a, validate_args=False).log_prob(x).sum() / len(x)
            ),
        ],
    ),
    "step": Bank(
        "training_step",
        wrong=[
            ("takes the optimizer's step", slipped(move=False)),
            ("sets them to zero", slipped(clear=False)),
            ("not part of what is lowered", slipped(loss=lambda r, k: r)),
            ("but not in what is lowered", slipped(backward=lambda r, k: r)),
            ("the decoder sees the mean", slipped(draw=False)),
            ("gradients last until then", step_that_forgets),
            ("does the draw let it pass", step_without_gradient),
            ("the loss climbs", slipped(backward=lambda r, k: -(r + k))),
            ("behind the step", step_that_tells_late),
            ("no attribute 'backward'", lambda model, optimizer, x, eps: float(x.mean()).backward()),
            ("for looking", slipped(encode=lambda model, x: model.encode(x))),
            ("numbers", lambda *given: (step(*given) and None) or "done"),
            ("expected", slipped(backward=lambda r, k: 2 * (r + k))),
        ],
        right=[step_by_hand, step_by_the_package, slipped(backward=lambda r, k: k + r)],
    ),
    "grid": Bank(
        "sample_grid",
        wrong=[
            ("the prior is N(0, I)", grid(lambda decoder, n, z: decoder(torch.rand(n, z)).sigmoid())),
            ("what makes probabilities of logits?", grid(lambda decoder, n, z: decoder(torch.randn(n, z)))),
            ("the sigmoid is taken twice", grid(lambda decoder, n, z: decoder(torch.randn(n, z)).sigmoid().sigmoid())),
            ("all images are the same", grid(lambda decoder, n, z: decoder(torch.zeros(n, z)).sigmoid())),
            ("all images are the same", grid(lambda d, n, z: d(torch.randn(1, z)).sigmoid().expand(n, -1, -1, -1))),
            ("is turned", grid(lambda decoder, n, z: decoder(torch.randn(n, z)).sigmoid().mT)),
            ("the shape is", lambda d, z, r, c: d(torch.randn(r * c, z)).sigmoid()),
            ("the shape is", lambda d, z, r, c: tiled(d(torch.randn(r * c, z)).sigmoid(), c)),
            (
                "are interleaved",
                lambda d, z, r, c: rearrange(d(torch.randn(r * c, z)).sigmoid(), "(r c) 1 h w -> (h r) (w c)", r=r),
            ),
            ("are cut up", lambda d, z, r, c: d(torch.randn(r * c, z)).sigmoid().reshape(r * 4, c * 4)),
            ("of mean", grid(lambda decoder, n, z: decoder(torch.randn(n, z)).clamp(0, 1))),
            ("of spread", grid(lambda decoder, n, z: decoder(2 * torch.randn(n, z)).sigmoid())),
        ],
        right=[grid_by_loops, grid_by_permuting, grid(lambda d, n, z: d(torch.randn(z, n).T).sigmoid())],
    ),
}
