"""Wrong and right answers to exercise 07."""

import math

import torch
import torch.nn.functional as F
from bordering import *  # noqa: F403
from einops import rearrange, repeat
from proving import *  # noqa: F403
from proving import Bank

from vae_tutorial.gaussian import DiagGaussian

LESSON = "07_conditional_vae"


def hot_of(y, k):
    if y.min() < 0 or y.max() >= k:
        raise ValueError(f"no label from 0 to {k - 1}")
    return (y[:, None] == torch.arange(k)).float()


def refusing(rows):
    """One-hot rows made by `rows`, for labels that are classes."""

    def one_hot(y, n_classes):
        hot_of(y, n_classes)
        return rows(y, n_classes)

    return one_hot


def one_hot_of_ten(y, n_classes):
    return hot_of(y, 10)


def one_hot_of_columns(y, n_classes):
    hot = torch.zeros(len(y), n_classes)
    hot[:, y] = 1
    return hot


def one_hot_by_loops(y, n_classes):
    rows = []
    for label in y.tolist():
        assert label in range(n_classes)
        rows.append([float(place == label) for place in range(n_classes)])
    return torch.tensor(rows)


def one_hot_by_scatter(labels, k):
    hot = torch.zeros(len(labels), k)
    hot.scatter_(1, labels.unsqueeze(1), 1.0)  # refuses what is no column
    return hot


def one_hot_mistyped(y, n_classes):
    if y.min() < 0 or y.max() >= n_classes:
        raise ValeuError("no class")  # noqa: F405
    return hot_of(y, n_classes)


def joined(values, hot):
    return torch.cat([values.flatten(1), hot], dim=1)


def elbo(encoder, decoder, x, hot, eps, *, code=None, to_encoder=None, to_decoder=None, rec=None, kl=None, loss=None):
    """−ELBO with one of its parts made otherwise."""
    mu, logvar = encoder(joined(x, hot if to_encoder is None else to_encoder(hot)))
    z = mu + torch.exp(logvar / 2) * eps if code is None else code(mu, logvar, eps)
    logits = decoder(joined(z, hot if to_decoder is None else to_decoder(hot)))
    pixels = F.binary_cross_entropy_with_logits(logits, x, reduction="sum") / len(x) if rec is None else rec(logits, x)
    price = DiagGaussian(mu, logvar).kl().mean() if kl is None else kl(mu, logvar)
    return (pixels + price if loss is None else loss(pixels, price, hot)), pixels, price


def replacing(**parts):
    return lambda *given: elbo(*given, **parts)


def elbo_by_loops(encoder, decoder, x, hot, eps):
    recs, kls = [], []
    for i in range(len(x)):
        mu, logvar = encoder(torch.cat([x[i].reshape(1, -1), hot[i : i + 1]], 1))
        p = decoder(torch.cat([mu + logvar.exp().sqrt() * eps[i : i + 1], hot[i : i + 1]], 1)).sigmoid()[0]
        recs.append(-(x[i] * p.log() + (1 - x[i]) * (1 - p).log()).sum().item())
        kls.append(0.5 * (mu**2 + logvar.exp() - 1 - logvar).sum().item())
    rec, kl = sum(recs) / len(recs), sum(kls) / len(kls)
    return rec + kl, rec, kl


def elbo_by_distributions(encode, decode, images, labels, noise):
    mu, logvar = encode(joined(images, labels))
    q, prior = torch.distributions.Normal(mu, (logvar / 2).exp()), torch.distributions.Normal(0.0, 1.0)
    logits = decode(joined(q.loc + q.scale * noise, labels))
    likelihood = torch.distributions.Bernoulli(logits=logits, validate_args=False)
    rec = -likelihood.log_prob(images).sum((1, 2, 3)).mean()
    kl = torch.distributions.kl_divergence(q, prior).sum(1).mean()
    return {"loss": rec + kl, "rec": rec, "kl": kl}


def grid(*, codes=None, labels=None, link=torch.sigmoid, layout="(r k) 1 h w -> (r h) (k w)"):
    """A grid with one of its parts made otherwise. codes: (rows, z_dim, k) -> [rows * k, z]; labels: (rows, k)."""

    def class_grid(decoder, rows, z_dim, n_classes):
        z = repeat(torch.randn(rows, z_dim), "r z -> (r k) z", k=n_classes)
        z = z if codes is None else codes(rows, z_dim, n_classes)
        y = torch.arange(n_classes).repeat(rows) if labels is None else labels(rows, n_classes)
        return rearrange(link(decoder(joined(z, hot_of(y, n_classes)))), layout, k=n_classes)

    return class_grid


def grid_by_view(decoder, rows, z_dim, n_classes):
    z, y = torch.randn(rows, z_dim).repeat_interleave(n_classes, 0), torch.arange(n_classes).repeat(rows)
    images = decoder(joined(z, hot_of(y, n_classes))).sigmoid()
    return images.view(rows * images.shape[2], n_classes * images.shape[3])


def grid_by_loops(decoder, rows, z_dim, n_classes):
    page = []
    for _ in range(rows):
        z = torch.randn(1, z_dim)
        row = [decoder(torch.cat([z, F.one_hot(torch.tensor([c]), n_classes)], 1)) for c in range(n_classes)]
        page.append(torch.cat(row, dim=3)[0, 0].sigmoid())
    return torch.cat(page)


def grid_by_columns(decoder, rows, z_dim, n_classes):
    z, columns = torch.normal(0.0, 1.0, (rows, z_dim)), []
    for row in torch.eye(n_classes):
        images = 1 / (1 + torch.exp(-decoder(joined(z, row.expand(rows, -1)))))
        columns.append(images.flatten(0, 2))
    return torch.cat(columns, dim=1).numpy()


def lies(shift=lambda y, k: (y + 1) % k, *, told=None, part=0, answer=lambda right, wrong: (right, wrong)):
    """Both −ELBOs, with a slip where asked for; told: parts of `elbo` that differ under the lie; part: of its three."""

    def wrong_labels(encoder, decoder, x, y, n_classes, eps):
        hot, other = hot_of(y, n_classes), hot_of(shift(y, n_classes), n_classes)
        right = elbo(encoder, decoder, x, hot, eps)[part]
        parts = {} if told is None else {told: lambda _: hot}
        return answer(right, elbo(encoder, decoder, x, other, eps, **parts)[part])

    return wrong_labels


def lies_by_rolling(encoder, decoder, x, y, n_classes, eps):
    hot = torch.eye(n_classes)[y]
    return [elbo_by_loops(encoder, decoder, x, told, eps)[0] for told in (hot, hot.roll(1, dims=1))]


def obeyed_by_loops(counts):
    k, total = len(counts), 0
    each = []
    for i in range(k):
        each.append(int(counts[i][i]) / sum(int(c) for c in counts[i]))
        total += int(counts[i][i])
    return total / int(counts.sum()), each


def decoded(label):
    """Mean images with labels made by `label`: (y, k) -> [b, k]."""
    return lambda decoder, z, y, k: torch.sigmoid(decoder(torch.cat([z, label(y, k)], 1)))


def decode_in_place(decoder, z, y, n_classes):
    hot = torch.zeros(len(z), n_classes)
    hot.scatter_(1, y[:, None], 1.0)
    return torch.sigmoid(decoder(torch.cat([z, hot], dim=1)))


def decode_one_by_one(decoder, z, y, n_classes):
    images = []
    for code, label in zip(z, y.tolist(), strict=True):
        row = torch.zeros(n_classes)
        row[label] = 1
        images.append(decoder(torch.cat([code, row])[None]).sigmoid()[0].tolist())
    return images


BANKS = {
    "one_hot": Bank(
        "one_hot",
        wrong=[
            ("the label itself is one number", refusing(lambda y, k: y[:, None].float())),
            ("there are ten columns", refusing(one_hot_of_ten)),
            ("stands the label itself", refusing(lambda y, k: hot_of(y, k) * y[:, None])),
            ("too far to the left", refusing(lambda y, k: hot_of((y - 1) % k, k))),
            ("too far to the right", refusing(lambda y, k: hot_of((y + 1) % k, k))),
            ("does `hot[:, y]` mean", refusing(one_hot_of_columns)),
            ("rows and columns are exchanged", refusing(lambda y, k: hot_of(y, k).T)),
            ("0 and 1 are exchanged", refusing(lambda y, k: 1 - hot_of(y, k))),
            ("all rows are 0", refusing(lambda y, k: torch.zeros(len(y), k))),
            ("the shape is", refusing(lambda y, k: F.one_hot(y).float())),  # as many columns as the largest label asks
            ("Long and Float", refusing(lambda y, k: F.one_hot(y, k))),
            ("it gives a row for 5", lambda y, k: (y[:, None] == torch.arange(k)).float()),
            ("of zeros or of the last class", lambda y, k: torch.eye(k)[y]),
            ("a slip in the code, not a refusal", one_hot_mistyped),
        ],
        right=[
            one_hot_by_loops,
            one_hot_by_scatter,
            lambda y, k: F.one_hot(y, k).float(),
            refusing(lambda y, k: torch.eye(k)[y]),
        ],
    ),
    "join": Bank(
        "join",
        wrong=[
            ("the label stands in front: pixels", lambda v, hot: torch.cat([hot, v.flatten(1)], 1)),
            ("the label is missing", lambda v, hot: v.flatten(1)),
            ("the pixels are missing", lambda v, hot: hot),
            ("all images ended up in one row", lambda v, hot: torch.cat([v.flatten(), hot.flatten()])),
            ("rows and columns are exchanged", lambda v, hot: joined(v.mT if v.ndim == 4 else v, hot)),
            ("one number again", lambda v, hot: joined(v, hot.argmax(1, keepdim=True))),
            ("latents first", lambda v, hot: torch.cat([hot, v] if v.ndim == 2 else [v.flatten(1), hot], 1)),
            ("stops with RuntimeError", lambda v, hot: torch.cat([v, hot], dim=1)),
            ("expected", lambda v, hot: torch.cat([v.flatten(1), hot.flip(1)], 1)),
        ],
        right=[
            lambda v, hot: torch.hstack([v.reshape(len(v), -1), hot]),
            lambda v, hot: [[*a.flatten().tolist(), *h.tolist()] for a, h in zip(v, hot, strict=True)],
            lambda images, rows: F.pad(rows, (images[0].numel(), 0)) + F.pad(images.flatten(1), (0, rows.shape[1])),
        ],
    ),
    "elbo": Bank(
        "minus_elbo",
        wrong=[
            ("the encoder is not told", replacing(to_encoder=torch.zeros_like)),
            ("the decoder is not told", replacing(to_decoder=torch.zeros_like)),
            ("nobody is told", replacing(to_encoder=torch.zeros_like, to_decoder=torch.zeros_like)),
            ("the decoder sees the mean", replacing(code=lambda mu, v, eps: mu)),
            ("not scaled by σ", replacing(code=lambda mu, v, eps: mu + eps)),
            ("the variance stands where σ", replacing(code=lambda mu, v, eps: mu + v.exp() * eps)),
            ("logvar is taken for σ", replacing(code=lambda mu, v, eps: mu + v * eps)),
            ("this is the ELBO", replacing(loss=lambda r, k, hot: -r - k)),
            ("the label was charged too", replacing(loss=lambda r, k, hot: r + k + math.log(hot.shape[1]))),
            ("has to be added", replacing(loss=lambda r, k, hot: r - k)),
            ("the reconstruction alone", replacing(loss=lambda r, k, hot: r)),
            ("averaged over pixels", replacing(rec=F.binary_cross_entropy_with_logits)),
            (
                "summed over the images too",
                replacing(rec=lambda a, x: F.binary_cross_entropy_with_logits(a, x, reduction="sum")),
            ),
            (
                "the sigmoid is taken twice",
                replacing(
                    rec=lambda a, x: F.binary_cross_entropy_with_logits(a.sigmoid(), x, reduction="sum") / len(x)
                ),
            ),
            ("one number for each image", replacing(kl=lambda mu, v: DiagGaussian(mu, v).kl())),
            ("the KL is summed over the images", replacing(kl=lambda mu, v: DiagGaussian(mu, v).kl().sum())),
            ("averaged over latents", replacing(kl=lambda mu, v: DiagGaussian(mu, v).kl_terms().mean())),
            ("stops with RuntimeError", lambda e, d, x, hot, eps: e(x.flatten(1))),
            ("3 results are asked for", lambda *parts: elbo(*parts)[0]),
        ],
        right=[elbo_by_loops, elbo_by_distributions, replacing(loss=lambda r, k, hot: (k + r).item())],
    ),
    "grid": Bank(
        "class_grid",
        wrong=[
            ("the codes differ within a row", grid(codes=lambda r, z, k: torch.randn(r * k, z))),
            ("all columns show the class 0", grid(labels=lambda r, k: torch.zeros(r * k, dtype=torch.int64))),
            ("reversed order", grid(labels=lambda r, k: torch.arange(k).flip(0).repeat(r))),
            ("the prior is N(0, I)", grid(codes=lambda r, z, k: torch.rand(r, z).repeat_interleave(k, 0))),
            ("the sigmoid is taken twice", grid(link=lambda a: a.sigmoid().sigmoid())),
            ("what makes probabilities of logits?", grid(link=lambda a: a)),
            ("all rows are the same", grid(codes=lambda r, z, k: torch.randn(1, z).expand(r * k, z))),
            ("the codes differ within a row", grid(codes=lambda r, z, k: torch.randn(r, z).repeat(k, 1))),
            ("the same class", grid(labels=lambda r, k: torch.arange(k).repeat_interleave(r))),
            ("are cut up", grid_by_view),
            ("of mean over the rows", grid(layout="(r k) 1 h w -> (h r) (w k)")),
            ("the shape is", grid(layout="(r k) 1 h w -> (k h) (r w)")),
            ("the shape is", grid(layout="(r k) 1 h w -> (r k) 1 h w")),
        ],
        right=[grid_by_loops, grid_by_columns, grid(codes=lambda r, z, k: torch.randn(z, r).T.repeat_interleave(k, 0))],
    ),
    "lie": Bank(
        "wrong_labels",
        wrong=[
            ("the two are exchanged", lies(answer=lambda right, wrong: (wrong, right))),
            ("the second is their difference", lies(answer=lambda right, wrong: (right, wrong - right))),
            ("do the wrong labels reach", lies(lambda y, k: y)),
            ("the class before", lies(lambda y, k: (y - 1) % k)),
            ("only the encoder is lied to", lies(told="to_decoder")),
            ("only the decoder is lied to", lies(told="to_encoder")),
            ("stops with ValueError", lies(lambda y, k: y + 1)),
            ("the last class stays", lies(lambda y, k: (y + 1).clamp(max=k - 1))),
            ("the KL too", lies(part=1)),
            ("2 results are asked for", lies(answer=lambda right, wrong: wrong - right)),
        ],
        right=[
            lies(),
            lies_by_rolling,
            lies(lambda y, k: torch.where(y + 1 == k, 0, y + 1), answer=lambda a, b: torch.stack([a, b]).tolist()),
        ],
    ),
    "obeyed": Bank(
        "obeyed",
        wrong=[
            ("which axis is which?", lambda c: (c.trace() / c.sum(), c.diagonal() / c.sum(0))),
            ("not all classes were asked for equally", lambda c: ((e := c.diagonal() / c.sum(1)).mean(), e)),
            ("most often, right or wrong", lambda c: (c.trace() / c.sum(), c.max(1).values / c.sum(1))),
            ("these are counts", lambda c: (c.trace(), c.diagonal() / c.sum(1))),
            ("the diagonal's counts", lambda c: (c.trace() / c.sum(), c.diagonal())),
            ("was seen otherwise", lambda c: (1 - c.trace() / c.sum(), c.diagonal() / c.sum(1))),
            ("of that class's samples", lambda c: (c.trace() / c.sum(), c.diagonal() / c.sum())),
            ("2 results are asked for", lambda c: c.trace() / c.sum()),
        ],
        right=[
            obeyed_by_loops,
            lambda c: (c.trace().double() / c.sum(), torch.einsum("ii->i", c / c.sum(1, keepdim=True))),
            lambda c: {"share": (c * torch.eye(len(c))).sum() / c.sum(), "each": (c.diag() / c.sum(-1)).numpy()},
        ],
    ),
    "fault": Bank(
        "fault",
        wrong=[
            ("compare what a label changes", "deaf encoder"),
            ("compare what a label changes", "shuffled labels"),
            ("compare what a label changes", "idle code"),
            ("is none of", "the decoder"),
            ("is none of", 2),
        ],
        right=["deaf decoder", "deaf " + "decoder"],
    ),
    "mend": Bank(
        "decode",
        wrong=[
            ("a tensor that nobody uses", decoded(lambda y, k: torch.zeros(len(y), k))),
            ("every label of the batch", decoded(one_hot_of_columns)),
            ("one place too far", decoded(lambda y, k: hot_of((y + 1) % k, k))),
            ("stands the label itself", decoded(lambda y, k: hot_of(y, k) * y[:, None])),
            ("the sigmoid is missing", lambda d, z, y, k: d(joined(z, hot_of(y, k)))),
            ("the sigmoid is taken twice", lambda d, z, y, k: d(joined(z, hot_of(y, k))).sigmoid().sigmoid()),
            ("the code is not", lambda d, z, y, k: d(joined(0 * z, hot_of(y, k))).sigmoid()),
            ("stops with RuntimeError", lambda d, z, y, k: d(joined(z, y[:, None])).sigmoid()),
            ("stands in front: latents first", lambda d, z, y, k: d(torch.cat([hot_of(y, k), z], 1)).sigmoid()),
            ("expected", lambda d, z, y, k: d(joined(z, hot_of(y, k).flip(0))).sigmoid()),
        ],
        right=[decode_in_place, decode_one_by_one, decoded(lambda y, k: torch.eye(k)[y])],
    ),
}
