"""Lesson 07, Conditional VAE."""

from collections.abc import Iterator
from math import log

from quoted.quotes import Quote, claim, given, near, says
from quoted.sources import Rows, card, finding, printed

FILE = "notebooks/07_conditional_vae.ipynb"
SEEN = "label asked for seen in samples"
SIZES = (2, 4, 8, 16)


def runs(model: str, z_dim: int, epochs: int = 4) -> Rows:
    return finding("conditional_vae").where(model=model, z_dim=z_dim, epochs=epochs)


def percent(z_dim: int, key: str = "seen_right", epochs: int = 4) -> str:
    return runs("CVAE", z_dim, epochs).said(key, 0, scale=100)


def quotes() -> Iterator[Quote]:
    yield from given("always saying 1 gets about [11] %", "With only [0]s, [1]s and [2]s")
    for template in ("where the label says {}", "saves at most {} nats", "It stays above {}", "log 10 = {} nats"):
        yield says(template, f"{log(10):.1f}")
    vae, told = (printed(FILE, "cv-17", rf"\n{name} .* ([\d.]+)(?:\n|$)")[0] for name in ("VAE", "CVAE"))
    yield claim("About ten nats, where the label says 2.3", near(vae - told, 10))
    (ours,), shipped = printed(FILE, "cv-03", r"KL ([\d.]+) nats"), card("cvae-mnist")
    yield says("The whole KL is about {} nats here", f"{ours:.0f}")
    yield says("and {} in the shipped model", f"{shipped['test']['kl']:.0f}", command=shipped["command"])
    (right,) = printed(FILE, "cv-25", r"label they have in +([\d.]+)%")
    yield claim("errs on about one real image in a hundred", near(100 - right, 1, 0.3))
    deaf = [printed(FILE, "cv-45", rf"\n{what} +[\d.]+ +([\d.]+)")[0] for what in ("cost of a wrong label, nats", SEEN)]
    yield claim("A wrong label costs *exactly* nothing, the label asked for is seen one time in ten", deaf == [0, 0.1])
    yield from savings()
    yield from obedience()


def savings() -> Iterator[Quote]:
    finds = finding("conditional_vae")
    gains = {n: runs("VAE", n).mean("minus_elbo") - runs("CVAE", n).mean("minus_elbo") for n in SIZES}
    yield finds.says("from about {} nats at [2] to {} at [8], and hardly further", f"{gains[2]:.0f}", f"{gains[8]:.1f}")
    yield finds.claim("and hardly further", abs(gains[16] - gains[8]) < 1)
    bounds = [runs("VAE", n).mean("minus_bound") - runs("CVAE", n).mean("minus_bound") for n in SIZES]
    yield finds.claim("It stays above 2.3, also between the bounds", min(*gains.values(), *bounds) > 2.3)
    saved = [runs("CVAE", n).mean("minus_bound_no_label") - runs("CVAE", n).mean("minus_bound") for n in SIZES]
    yield finds.says("the label saves {} to {} nats", f"{min(saved):.1f}", f"{max(saved):.1f}")


def obedience() -> Iterator[Quote]:
    finds = finding("conditional_vae")
    yield finds.says("seen in {} % of the samples with 2 latents, in {} % with 16", percent(2), percent(16))
    own = [runs("CVAE", n).mean("seen_right_class_gaussians") for n in SIZES]
    yield finds.claim("about 95 % or more are obeyed at every size", min(own) >= 0.945)
    yield finds.says("lifts eight latents from {} % to {} %", percent(8), percent(8, epochs=16))
    probes = [runs("CVAE", 8, epochs).mean("probe") for epochs in (16, 4)]
    yield finds.claim("while the linear probe falls by half", near(probes[0] / probes[1], 0.5))
    yield finds.says("section 12 has a healthy model with {} %", percent(16, "probe"))
    for key in ("probe", "probe_gaussians"):
        found = [runs("CVAE", n).mean(key) for n in SIZES]
        yield finds.claim("with more latents the probes find more of the label", found == sorted(found))
    lies = [runs("CVAE", n).mean("minus_elbo_wrong_label") - runs("CVAE", n).mean("minus_elbo") for n in SIZES]
    yield finds.claim("and a wrong label costs less", lies == sorted(lies, reverse=True))
