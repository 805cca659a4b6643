"""Lesson 10, DIP-VAE."""

from collections.abc import Iterator
from math import log
from statistics import mean

from quoted.quotes import Quote, claim, given, near, says
from quoted.sources import Row, Rows, card, finding, printed

FILE = "notebooks/10_dip_vae.ipynb"
DIP = ("DIP-I 10, 100", "DIP-II 10, 10", "DIP-II 100, 100")
COPIES = ("published 5, 10", "published 5, 10, per image", "published 0.1, 0.05")


def runs(method: str, data: str = "mnist") -> Rows:
    return finding("dip_vae").where(data=data, method=method)


def more(method: str, than: str = "VAE", key: str = "minus_elbo") -> float:
    return runs(method).mean(key) - runs(than).mean(key)


def quotes() -> Iterator[Quote]:
    yield from given("means of variance above [0.01]", "with correlations +[0.6]:", "has the weights [0.1] and [0.05]")
    yield says("so of the {} nats", f"{log(10):.2f}")
    yield from short_runs()
    yield from weights()
    yield from copies()
    yield from chance()
    yield from sprites()
    yield from samples()


def short_runs() -> Iterator[Quote]:
    vae = runs("VAE")
    yield vae.says("single variances reach {}", f"{max(vae.values('variance_most')):.1f}")
    most = vae.values("correlation_most")
    yield vae.says("the largest correlation of two means is {} to {}", f"{min(most):.1f}", f"{max(most):.1f}")
    before, *after = (printed(FILE, "dv-16", rf"\n{name} +\d+ +([\d.]+)")[0] for name in ("VAE", "DIP-I", "DIP-II"))
    yield says("fell from about {} to {}", f"{before:.2f}", f"{mean(after):.2f}")


def weighted(off: int, on: int) -> Row:
    (row,) = finding("dip_weights").where(off_diagonal=off, diagonal=on).rows
    return row


def size(row: Row) -> float:
    """The mean size of a covariance of two latents."""
    table = row["covariance"]
    return mean(abs(table[i][j]) for i in range(len(table)) for j in range(len(table)) if i != j)


def used(row: Row) -> list[int]:
    return [i for i, line in enumerate(row["covariance_of_means"]) if line[i] > 0.01]


def weights() -> Iterator[Quote]:
    finds, none = finding("dip_weights"), weighted(0, 0)
    off = [f"{weighted(weight, 0)['minus_elbo'] - none['minus_elbo']:.{weight == 1:d}f}" for weight in (1, 10, 100)]
    template = "at [1], covariances fall to a third for {} nats"
    yield finds.says(template, off[0])
    yield finds.claim("covariances fall to a third", near(size(weighted(1, 0)) / size(none), 1 / 3))
    yield finds.says("At 10 it costs {} nats, at 100 {}", *off[1:])
    shrunk = [weighted(100, 0)["covariance"][i][i] for i in used(weighted(100, 0))]
    yield finds.says("to variances of {} to {}", f"{min(shrunk):.2f}", f"{max(shrunk):.2f}")
    on = [f"{weighted(0, weight)['minus_elbo'] - none['minus_elbo']:.0f}" for weight in (1, 10, 100)]
    yield finds.says("*On the diagonal* alone: {}, {}, {} nats", *on)
    yield finds.claim("covariances **grow**, threefold", near(size(weighted(0, 100)) / size(none), 3))
    both = weighted(100, 100)
    yield finds.says("are left, at {} nats", f"{both['minus_elbo'] - none['minus_elbo']:.0f}")
    yield finds.claim("At 100 and 100 two latents are left", len(used(both)) == 2)


def copies() -> Iterator[Quote]:
    finds, key = finding("dip_vae"), "correlation_active"
    published, penalised = ([runs(name).mean(key) for name in names] for names in (COPIES, DIP))
    ends = [f"{end(values):.2f}" for values in (published, penalised) for end in (min, max)]
    template = "mean correlations of {} to {}, where the plain VAE has {} and the definition {} to {}"
    yield finds.says(template, *ends[:2], runs("VAE").said(key, 2), *ends[2:])
    behind = min(more(name, than="DIP-II 10, 10") for name in COPIES)
    yield finds.claim("the −ELBO is 20 nats and more behind DIP-II with weights of 10", 20 <= behind < 25)
    left = {*runs("DIP-II 100, 100").values("active_units")}
    yield finds.claim("at 100 the latents in use are two or three", left == {2, 3})


def chance() -> Iterator[Quote]:
    ten, hundred = (printed(FILE, "dv-37", rf"weights +{w}, .*: +([\d.]+) +[\d.]+ +([\d.]+)") for w in (10, 100))
    yield says("going from ten to six saves {} nats", f"{ten[0] - ten[1]:.0f}")
    yield claim("at 100 more than 50", 50 < hundred[0] - hundred[1] < 55)
    (whole,) = printed(FILE, "dv-39", r"whole batch +([\d.]+)")
    yield says("({} nats, not the {} above", f"{whole:.1f}", f"{ten[0]:.1f}")
    finds = finding("dip_vae")
    late = [(f"DIP-II {weight}, {weight}", f"DIP-II {weight}, {weight}, late") for weight in (10, 100)]
    lost = [(f"{more(now):.0f}", f"{more(now, than=later):.0f}") for now, later in late]
    template = "Of the {} nats of −ELBO that the penalty had cost, {} are back; of {}, {}."
    yield finds.says(template, *lost[0], *lost[1])
    counts = [{*runs(name).values("active_units")} for pair in late for name in pair]
    in_words = counts == [{6, 7, 8}, {8, 9}, {2, 3}, {6, 7, 8}]
    yield finds.claim(
        "eight or nine latents instead of six to eight, at 100 six to eight instead of two or three", in_words
    )
    halves = runs("DIP-II 10, 10, in halves").values("active_units") == runs("DIP-II 10, 10").values("active_units")
    yield finds.claim("At weights of 10 the same number of latents is lost in every seed", halves)


def sprites() -> Iterator[Quote]:
    finds, vae = finding("dip_vae"), runs("VAE", "sprites")
    shares = [runs(name, "sprites").mean("correlation_active") / vae.mean("correlation_active") for name in DIP]
    yield finds.claim("Correlations fell to about an eighth", near(mean(shares), 1 / 8, 0.15))
    played = vae.values("scores.FactorVAE")
    yield finds.says("dots alone reach from {} to {}", f"{min(played):.2f}", f"{max(played):.2f}")
    two = runs("DIP-II 10, 10", "sprites")
    times = [two.mean(key) / vae.mean(key) for key in ("scores.MIG", "scores.SAP")]
    yield finds.claim("nearly three times the VAE's", all(near(value, 2.8) for value in times))
    lines = [printed(FILE, "dv-46c", rf"z\[{i}\] +[\d.]+ +[\d.]+ +([\d.]+)")[0] for i in (8, 4, 7, 5)]
    gap, shipped = lines[0] - max(lines[1:]), card("dip-ii-sprites")
    yield says("its gap, {} over five factors, is {} of this", f"{gap:.2f}", f"{gap / 5:.2f}")
    told = shipped["test"]["scores"]["MIG"]
    yield says("of this model's MIG of {}", f"{told:.2f}", command=shipped["command"])


def samples() -> Iterator[Quote]:
    finds = finding("dip_vae")
    yield finds.says("which says least: {}, as by chance alone", runs("DIP-II 100, 100").spread("mmd2", 3))
    nearer = {
        name: [b < a for a, b in zip(runs("VAE").values("mmd2"), runs(name).values("mmd2"), strict=True)]
        for name in DIP
    }
    in_words = all(nearer[DIP[1]]) and sum(nearer[DIP[0]]) == 2
    yield finds.claim("DIP-II in every seed, DIP-I in two of three", in_words)
    yield finds.says(
        "Fréchet {} for the VAE, {} and {} with DIP, and {} where two latents are left",
        runs("VAE").spread("frechet", 0),
        *(runs(name).said("frechet", 0) for name in DIP[:2]),
        f"{runs(DIP[2]).mean('frechet'):,.0f}",
    )
    yield finds.says("samples better than the VAE, {}.", runs("DIP-II 10, 10, late").spread("frechet", 0))
    costs = [f"{more(name, key='reconstruction'):.0f}" for name in (*DIP[:2], "DIP-II 10, 10, late")]
    yield finds.says("DIP-I costs {} nats of reconstruction, DIP-II {} (late {})", *costs)
