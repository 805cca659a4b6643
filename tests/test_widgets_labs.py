"""The laboratories: their formulas against torch, and their sliders in a browser."""

import io
import itertools
import math
import re

import numpy as np
import pytest
import torch
from accessibility import violations
from PIL import Image
from playwright.sync_api import expect
from widget_hands import fits, frame, open_saved, shown

from vae_tutorial.gaussian import DiagGaussian
from vae_tutorial.likelihoods import Bernoulli, Gaussian
from vae_tutorial.widgets import KernelLab, LossLab

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser"), pytest.mark.timeout(180)]

MINUS = "\N{MINUS SIGN}"
KERNELS = ["rbf", "imq", "imq7"]


def close(ours, truth, atol=1e-12):
    ours = torch.as_tensor(ours, dtype=torch.float64)
    torch.testing.assert_close(ours, truth.detach().reshape(ours.shape), rtol=1e-9, atol=atol)


# Formulas


PIXELS = torch.tensor(
    list(itertools.product([0.0, 1e-3, 0.3, 0.7, 1.0], np.linspace(-30, 30, 41), [0.05, 0.5, 1.5])),
    dtype=torch.float64,
)


@pytest.mark.parametrize("which", [0, 1, 2])
def test_the_losses_of_a_pixel_and_their_gradients_are_torchs(page, which):
    x, logits, sigma = PIXELS.T.clone()
    logits.requires_grad_()
    image, at = x.view(-1, 1, 1, 1), logits.view(-1, 1, 1, 1)
    if which == 0:
        truth = Bernoulli().nll(at, image)
    elif which == 1:
        truth = torch.cat([Gaussian(s).nll(at[i : i + 1], image[i : i + 1]) for i, s in enumerate(sigma.tolist())])
    else:
        truth = (torch.sigmoid(logits) - x).square()
    (gradient,) = torch.autograd.grad(truth.sum(), logits)
    call = "([which, rows]) => rows.map(([x, l, s]) => ['cost', 'slope'].map(f => vx.pixelLosses[which][f](l, x, s)))"
    ours = torch.tensor(page.evaluate(call, [which, PIXELS.tolist()]), dtype=torch.float64)
    close(ours[:, 0], truth)
    close(ours[:, 1], gradient)


def test_the_kl_of_a_latent_and_its_gradients_are_torchs(page):
    points = torch.cartesian_prod(torch.linspace(-3, 3, 13), torch.linspace(-6, 2, 17)).double()
    points = torch.cat([points, torch.tensor([[0, 1e-4], [1e-6, -1e-7]], dtype=torch.float64)])
    mu, logvar = points[:, :1].clone().requires_grad_(), points[:, 1:].clone().requires_grad_()
    truth = DiagGaussian(mu, logvar).kl()
    gradients = torch.autograd.grad(truth.sum(), (mu, logvar))
    call = "rows => rows.map(([m, v]) => { const k = vx.latentKl(m, v); return [k.kl, k.byMu, k.byLogvar]; })"
    ours = page.evaluate(call, points.tolist())
    close(ours, torch.cat([truth[:, None], *gradients], 1), atol=1e-18)


def kernel(name, squared, width):
    """As Tolstikhin et al. 2018 write it, with C = 2 width^2."""
    c = 2 * width**2
    if name == "rbf":
        return torch.exp(-squared / (2 * width**2))
    scales = [1.0] if name == "imq" else [0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0]
    return sum(c * s / (c * s + squared) for s in scales)


def brute_force(name, p, z, width):
    """The unbiased MMD^2, pair by pair."""

    def pair(a, b):
        return kernel(name, (a - b).square().sum(), width)

    m, n = len(p), len(z)
    within_p = sum(pair(p[i], p[j]) for i in range(m) for j in range(m) if i != j) / (m * (m - 1))
    within_z = sum(pair(z[i], z[j]) for i in range(n) for j in range(n) if i != j) / (n * (n - 1))
    return within_p + within_z - 2 * sum(pair(a, b) for a in p for b in z) / (m * n)


@pytest.mark.parametrize("name", KERNELS)
@pytest.mark.parametrize("width", [0.1, 1.4, 20.0])
def test_kernels_and_their_slopes_are_torchs(page, name, width):
    squared = torch.tensor([0.0, 1e-9, 0.3, 1.0, 7.0, 60.0], dtype=torch.float64, requires_grad=True)
    truth = kernel(name, squared, width)
    (slope,) = torch.autograd.grad(truth.sum(), squared)
    call = "([k, w, all]) => all.map(q => [vx.KERNELS[k].value(q, w), vx.KERNELS[k].slope(q, w)])"
    ours = page.evaluate(call, [name, width, squared.tolist()])
    close(ours, torch.stack([truth, slope], 1), atol=1e-300)


MMD = """([k, width, prior, codes]) => {
  const { value, gradient } = vx.mmd2(prior, codes, vx.KERNELS[k], width);
  return { value, gradient: [...gradient] };
}"""


@pytest.mark.parametrize("name", KERNELS)
@pytest.mark.parametrize("width", [0.2, 1.4, 10.0])
def test_mmd_and_its_gradient_are_those_of_a_loop_over_pairs(page, name, width):
    p = torch.randn(7, 2, dtype=torch.float64)
    z = (torch.randn(5, 2, dtype=torch.float64) + 1).requires_grad_()
    truth = brute_force(name, p, z, width)
    (gradient,) = torch.autograd.grad(truth, z)
    ours = page.evaluate(MMD, [name, width, p.flatten().tolist(), z.flatten().tolist()])
    close(ours["value"], truth)
    close(ours["gradient"], gradient.flatten())


@pytest.mark.parametrize("name", KERNELS)
def test_the_curve_over_distances_is_the_estimate_at_each_of_them(page, name):
    p, z = torch.randn(6, 2, dtype=torch.float64), torch.randn(8, 2, dtype=torch.float64)
    call = "([k, p, z, at]) => vx.mmd2Along(p, z, at, vx.KERNELS[k], 1.3)"
    ours = page.evaluate(call, [name, p.flatten().tolist(), z.flatten().tolist(), [0, 0.5, 4]])
    truth = [brute_force(name, p, z + torch.tensor([at, 0.0]), 1.3) for at in (0, 0.5, 4)]
    close(ours, torch.stack(truth))


def expected_kernel(name, variance, shift, width):
    """E k of two points of the plane, their difference N((sqrt(shift), 0), variance I): closed form, or an integral."""
    s = width**2
    if name == "rbf":
        return s / (s + variance) * math.exp(-shift / (2 * (s + variance)))
    t, weights = np.polynomial.laguerre.laggauss(120)
    scales = [1.0] if name == "imq" else [0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0]
    steep = [t / (2 * s * scale) for scale in scales]
    return sum(
        float((weights / (1 + 2 * variance * a) * np.exp(-shift * a / (1 + 2 * variance * a))).sum()) for a in steep
    )


@pytest.mark.parametrize("name", KERNELS)
@pytest.mark.parametrize(("distance", "spread"), [(0.0, 1.0), (1.5, 0.6)])
def test_the_estimate_is_right_on_average(page, name, distance, spread):
    width, pairs = 1.4, torch.randn(150, 2, 40, 2, dtype=torch.float64)
    pairs[:, 1] = spread * pairs[:, 1] + torch.tensor([distance, 0.0])
    call = "([k, w, all]) => all.map(([p, z]) => vx.mmd2(p.flat(), z.flat(), vx.KERNELS[k], w).value)"
    ours = torch.tensor(page.evaluate(call, [name, width, pairs.tolist()]))
    truth = expected_kernel(name, 2, 0, width) + expected_kernel(name, 2 * spread**2, 0, width)
    truth -= 2 * expected_kernel(name, 1 + spread**2, distance**2, width)
    assert abs(ours.mean() - truth) < 4 * ours.std() / math.sqrt(len(ours))


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (0, "0.000"),
        (1.2345, "1.234"),
        (-0.5, f"{MINUS}0.500"),
        (0.00049, "4.9·10⁻⁴"),
        (-3.5e-11, f"{MINUS}3.5·10⁻¹¹"),
        (1e-300, "0"),
    ],
)
def test_numbers_are_told_with_the_digits_that_say_something(page, value, words):
    assert page.evaluate("value => vx.told(value)", value) == words


@pytest.mark.parametrize(
    ("low", "high", "ticks"),
    [(-6, 6, [-6, -4, -2, 0, 2, 4, 6]), (-2.5, 7, [-2, 0, 2, 4, 6]), (0, 0.55, [0, 0.1, 0.2, 0.3, 0.4, 0.5])],
)
def test_axes_have_round_numbers(page, low, high, ticks):
    assert page.evaluate("([low, high]) => vx.ticks(low, high)", [low, high]) == ticks


# Widgets


def drag(page, slider, to):
    """Drag a thumb with the mouse to about `to`; the value it ends at."""
    box = slider.bounding_box()
    low, high = (float(slider.get_attribute(name)) for name in ("min", "max"))

    def x(value):
        return box["x"] + 8 + (box["width"] - 16) * (value - low) / (high - low)

    page.mouse.move(x(float(slider.input_value())), box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(x(to), box["y"] + box["height"] / 2, steps=8)
    page.mouse.up()
    frame(page)
    return float(slider.input_value())


def told(root, chart):
    """What a chart's legend says: name -> value."""
    items = root.locator("figure", has_text=chart).first.locator("li").all()
    return {item.locator("span").first.inner_text(): item.locator("span").last.inner_text() for item in items}


def number(words):
    return float(words.replace(" nats", "").replace(MINUS, "-"))


def test_dragging_the_logit_moves_every_point_and_tells_costs_and_gradients(page):
    lab = shown(page, LossLab(x=0.0, sigma=0.3))
    logit = drag(page, lab.get_by_label("logit", exact=True), to=4)
    assert logit == pytest.approx(4, abs=0.06)
    s = 1 / (1 + math.exp(-logit))
    cost, slope = told(lab, "Cost of the pixel"), told(lab, "Gradient by the logit")
    assert number(cost["BCE"]) == pytest.approx(math.log1p(math.exp(logit)), abs=6e-4)
    assert number(cost["Gaussian"]) == pytest.approx(s**2 / 0.18 + 0.5 * math.log(2 * math.pi * 0.09), abs=6e-4)
    assert number(cost["squared error"]) == pytest.approx(s**2, abs=6e-4)
    assert number(slope["BCE"]) == pytest.approx(s, abs=6e-4)
    assert number(slope["Gaussian"]) == pytest.approx(s * s * (1 - s) / 0.09, abs=6e-4)
    assert number(slope["squared error"]) == pytest.approx(2 * s * s * (1 - s), abs=6e-4)
    expect(lab.locator(".vx-status")).to_contain_text(f"BCE {math.log1p(math.exp(logit)):.2f}")


POINTS = """chart => [...chart.querySelectorAll(':scope > svg > .vx-point')].map((point, i) => {
  const [x, y] = point.getAttribute('transform').match(/[-\\d.]+/g).map(Number);
  const path = chart.querySelector(`:scope > svg .vx-line-${i}`).getAttribute('d');
  const line = path.slice(1).split('L').map(p => p.split(' ').map(Number));
  const after = Math.max(1, line.findIndex(([at]) => at >= x - 0.05));
  const [[x0, y0], [x1, y1]] = [line[after - 1], line[after]];
  return y - (y0 + (y1 - y0) * (x - x0) / (x1 - x0));
})"""


@pytest.mark.parametrize(
    ("lab", "start"), [(LossLab, {"logit": 2.3, "mu": -1.2}), (KernelLab, {"kernel": "imq", "distance": 2.3})]
)
def test_every_point_lies_on_its_line(page, lab, start):
    lab = shown(page, lab(**start))
    charts = lab.locator("figure:not(.vx-crowds)").all()
    assert len(charts) == 3
    for chart in charts:
        for gap in chart.evaluate(POINTS):
            assert abs(gap) < 1


def test_the_latents_sliders_tell_the_kl_and_its_pulls(page):
    lab = shown(page, LossLab())
    mu = drag(page, lab.get_by_label("μ of q(z|x)"), to=-2)
    logvar = drag(page, lab.get_by_label("log σ² of q"), to=-3)
    words = lab.get_by_label("One latent").locator("> .vx-legend").inner_text().split("\n")
    values = dict(zip(words[::2], words[1::2], strict=True))
    kl = 0.5 * (mu**2 + math.exp(logvar) - 1 - logvar)
    assert number(values["KL(q ‖ p)"]) == pytest.approx(kl, abs=6e-4)
    assert number(values["dKL / dμ"]) == pytest.approx(mu, abs=6e-4)
    assert number(values["dKL / d log σ²"]) == pytest.approx(0.5 * (math.exp(logvar) - 1), abs=6e-4)


def test_keys_double_click_and_reset(page):
    lab = shown(page, LossLab(x=0.25))
    x = lab.get_by_label("pixel x")
    x.focus()
    for key in ("ArrowRight", "ArrowRight", "Shift+ArrowLeft", "d", "0"):
        page.keyboard.press(key)
    assert float(x.input_value()) == 0.44
    page.keyboard.press("End")
    assert float(x.input_value()) == 1
    page.keyboard.press("Delete")
    assert float(x.input_value()) == 0.25
    drag(page, x, to=0.9)
    x.dblclick()
    assert float(x.input_value()) == 0.25
    drag(page, lab.get_by_label("logit", exact=True), to=3)
    lab.get_by_role("button", name="Reset").click()
    assert float(lab.get_by_label("logit", exact=True).input_value()) == -1
    assert page.evaluate("leaked").count("d") == 0
    x.focus()
    page.keyboard.press("Escape")
    assert page.evaluate("leaked")[-1] == "Escape"


def test_a_value_beyond_its_axis_waits_hollow_at_the_end(page):
    lab = shown(page, LossLab(x=0.0, logit=4.0, sigma=0.05))
    points = lab.locator("figure", has_text="Cost of the pixel").locator("> svg > .vx-point")
    assert [("vx-beyond" in p.get_attribute("class")) for p in points.all()] == [False, True, False]
    s = 1 / (1 + math.exp(-4))
    cost = s**2 / (2 * 0.05**2) + 0.5 * math.log(2 * math.pi * 0.05**2)
    assert told(lab, "Cost of the pixel")["Gaussian"] == f"↑ {cost:.3f} nats"


@pytest.mark.parametrize("lab", [LossLab, KernelLab])
@pytest.mark.parametrize("width", [390, 640, 800, 1040])
def test_charts_are_never_large_and_the_latents_numbers_stand_under_theirs(page, lab, width):
    before = page.viewport_size
    page.set_viewport_size({"width": width, "height": 900})
    try:
        rows = {390: 3, 640: 2, 800: 2, 1040: 1 if lab is LossLab else 2}[width]
        lab = shown(page, lab())
        charts = [chart.bounding_box() for chart in lab.locator("figure:not(.vx-crowds)").all()]
        assert all(240 <= chart["width"] <= 380 for chart in charts)
        assert fits(page)
        assert len({round(chart["y"]) for chart in charts}) == rows
        for numbers in lab.locator(".vx-lab-part > .vx-legend").all():
            assert numbers.bounding_box()["x"] == charts[-1]["x"]
            assert 0 < numbers.bounding_box()["y"] - (charts[-1]["y"] + charts[-1]["height"]) < 30
    finally:
        page.set_viewport_size(before)


def test_reset_puts_the_kernel_back_too(page):
    lab = shown(page, KernelLab(kernel="imq"))
    lab.get_by_role("combobox").select_option("RBF")
    drag(page, lab.get_by_role("slider", name="distance"), to=6)
    lab.get_by_role("button", name="Reset").click()
    assert lab.get_by_role("combobox").input_value() == "imq"
    assert float(lab.get_by_role("slider", name="distance").input_value()) == 3
    frame(page)
    expect(lab.locator(".vx-status")).to_contain_text("IMQ of width 1.41")


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("width", [0.1, 1.4, 20.0])
def test_the_axes_of_the_kernels_curves_hold_them(page, kernel, width):
    lab = shown(page, KernelLab(kernel=kernel, width=width))
    for chart in lab.locator("figure:not(.vx-crowds)").all():
        path = chart.locator("> svg .vx-line-0").get_attribute("d")
        heights = [float(place.split(" ")[1]) for place in path[1:].split("L")]
        assert min(heights) >= 22
        assert max(heights) <= 164
        assert chart.locator("> svg > .vx-beyond").count() == 0


def crowds(widget):
    """The draws of the prior, and those that the codes are made of, float64 [n, 2]."""
    numbers = (torch.frombuffer(bytearray(widget.scene[key]), dtype=torch.float32) for key in ("prior", "codes"))
    return tuple(values.double().view(-1, 2) for values in numbers)


def unbiased_mmd2(name, p, z, width):
    """As `brute_force`, all pairs at once."""

    def mean(a, b, same):
        k = kernel(name, (a[:, None] - b).square().sum(-1), width)
        return (k.sum() - k.trace()) / (len(a) * (len(a) - 1)) if same else k.mean()

    return mean(p, p, True) + mean(z, z, True) - 2 * mean(p, z, False)


def estimate(lab):
    """MMD², its slope and the norm of its gradient, as told."""
    words = lab.locator("figure", has_text="MMD² against").locator("li .vx-told-value").all_inner_texts()
    return [0.0 if "·10⁻" in word else number(word) for word in words]


@pytest.mark.parametrize(("name", "choice"), [("rbf", "RBF"), ("imq", "IMQ"), ("imq7", "IMQ, sum of 7 scales")])
def test_the_kernel_laboratory_tells_the_estimate_of_its_crowds(page, name, choice):
    widget = KernelLab(width=1.0)
    lab = shown(page, widget)
    lab.get_by_role("combobox").select_option(choice)
    distance = drag(page, lab.get_by_role("slider", name="distance"), to=2)
    spread = drag(page, lab.get_by_label("spread"), to=1.2)
    p, eps = crowds(widget)
    shift = torch.tensor(distance, dtype=torch.float64, requires_grad=True)
    z = spread * eps + torch.stack([shift, torch.zeros_like(shift)])
    z.retain_grad()

    truth = unbiased_mmd2(name, p, z, 1.0)
    truth.backward()
    assert estimate(lab) == pytest.approx([truth.item(), shift.grad.item(), z.grad.norm().item()], abs=6e-4)
    squared = torch.tensor(distance**2)
    assert number(told(lab, "Kernel k(r)")[f"at distance {distance:.2f}"]) == pytest.approx(
        kernel(name, squared, 1.0).item(), abs=6e-4
    )


def test_the_pull_vanishes_when_the_kernel_is_far_too_narrow_or_far_too_wide(page):
    lab = shown(page, KernelLab(distance=4.0))
    width = lab.get_by_label("kernel width")
    fitting = estimate(lab)[1]
    width.focus()
    page.keyboard.press("Home")
    frame(page)
    assert lab.locator(".vx-row", has=page.get_by_label("kernel width")).locator("output").inner_text() == "0.0295"
    narrow = estimate(lab)[1]
    page.keyboard.press("End")
    frame(page)
    wide = estimate(lab)[1]
    assert fitting > 0.05
    assert abs(narrow) < 0.001
    assert abs(wide) < 0.01


def test_arrows_show_the_gradient_and_vanish_with_it(page):
    widget = KernelLab(distance=3.0)
    lab = shown(page, widget)
    arrows = lab.locator(".vx-crowds > svg .vx-arrows")
    shafts = re.findall(r"M([-.\d]+) ([-.\d]+)l([-.\d]+) ([-.\d]+)m", arrows.get_attribute("d"))
    assert len(shafts) > 60
    p, eps = crowds(widget)
    z = (0.7 * eps + torch.tensor([3.0, 0.0])).requires_grad_()
    unbiased_mmd2("rbf", p, z, math.sqrt(2)).backward()
    unit = 620 / 15  # pixels, the plane being 15 wide and the arrows 1 for a gradient of 1 / n; up is negative
    pushes = -unit * len(z) * z.grad * torch.tensor([1.0, -1.0])
    drawn = [push for push in pushes if push.norm() >= 1]
    assert len(drawn) == len(shafts)
    ours = torch.tensor([[float(dx), float(dy)] for *_, dx, dy in shafts], dtype=torch.float64)
    torch.testing.assert_close(ours, torch.stack(drawn), atol=0.3, rtol=0.01)  # the width is rounded to its slider
    lab.get_by_label("kernel width").focus()
    page.keyboard.press("End")
    frame(page)
    assert arrows.get_attribute("d") == ""


@pytest.mark.parametrize("lab", [LossLab, KernelLab])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_wrong(page, lab, scheme):
    page.emulate_media(color_scheme=scheme)
    page.add_style_tag(content=":root { color-scheme: light dark; } body { background: light-dark(#fff, #111); }")
    shown(page, lab())
    assert violations(page, ".vx") == []
    page.emulate_media(color_scheme="light")


# Places without a kernel


@pytest.mark.parametrize("lab", [LossLab, KernelLab])
def test_a_saved_page_works_from_a_file_and_on_a_telephone(page, tmp_path, lab):
    page = open_saved(page, lab(), tmp_path)
    slider = page.get_by_role("slider", name="pixel x" if lab is LossLab else "distance")
    before = page.locator(".vx-told-value").all_inner_texts()
    assert drag(page, slider, to=0.3) == pytest.approx(0.3, abs=0.1)
    assert page.locator(".vx-told-value").all_inner_texts() != before
    page.set_viewport_size({"width": 390, "height": 800})
    assert fits(page)
    assert page.failures == []
    page.close()


@pytest.mark.parametrize("lab", [LossLab, KernelLab])
def test_a_still_picture_and_a_name_that_are_always_the_same(lab):
    first, second = (lab()._repr_mimebundle_()[0] for _ in range(2))
    assert first["image/png"] == second["image/png"]
    assert repr(lab()) == repr(lab())
    assert len(lab()._still()) < 60_000
    assert Image.open(io.BytesIO(lab()._still())).size[0] > 600


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: LossLab(x=1.5), "x must be a number from 0 to 1, got 1.5"),
        (lambda: LossLab(sigma=0), "sigma must be a number from 0.05 to 1.5, got 0"),
        (lambda: LossLab(mu=math.nan), "mu must be a number from -3 to 3, got nan"),
        (lambda: KernelLab(kernel="laplace"), "kernel must be one of rbf, imq, imq7, got 'laplace'"),
        (lambda: KernelLab(width=0), "width must be a number from 0.03 to 30, got 0"),
        (lambda: KernelLab(distance=9), "distance must be a number from 0 to 8, got 9"),
    ],
)
def test_what_lies_outside_a_slider_is_refused(plain, make, words):
    with pytest.raises(ValueError, match="must be") as error:
        make()
    assert str(error.value) == words
