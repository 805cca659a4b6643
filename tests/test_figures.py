"""Figures, by the data behind them: which image lies where, which numbers each line holds, what a legend says."""

import inspect
import itertools
import math
import subprocess
import sys
from dataclasses import replace

import matplotlib
import numpy as np
import pytest
import torch
from matplotlib.backends.backend_agg import FigureCanvasAgg
from oracles import FixedEncoder
from torch import Tensor, nn

from vae_tutorial import figures
from vae_tutorial.gaussian import DiagGaussian
from vae_tutorial.likelihoods import Gaussian
from vae_tutorial.objectives import Terms
from vae_tutorial.training import History
from vae_tutorial.vae import VAE
from vae_tutorial.widgets import LossLab


@pytest.fixture(autouse=True)
def settings_of_matplotlib_are_as_found():
    before = settings()
    yield
    assert settings() == before
    if "matplotlib.pyplot" in sys.modules:
        assert sys.modules["matplotlib.pyplot"].get_fignums() == []


def settings() -> dict[str, object]:
    """matplotlib's settings but for the backend, which ipywidgets asks for, and matplotlib then chooses."""
    return {name: matplotlib.rcParams[name] for name in matplotlib.rcParams if name != "backend"}


def shown(figure) -> list[np.ndarray]:
    """The picture in each of the axes."""
    return [np.asarray(ax.get_images()[0].get_array()) for ax in figure.axes]


def tiled_by_hand(images: Tensor, columns: int, gap: int) -> np.ndarray:
    """A grey sheet with image k at row k // columns, column k % columns; white where there is no image k."""
    n, c, h, w = images.shape
    rows = math.ceil(n / columns)
    sheet = np.full((rows * (h + gap), columns * (w + gap), c), 0.5)
    for k in range(rows * columns):
        top, left = k // columns * (h + gap), k % columns * (w + gap)
        if k < n:
            sheet[top : top + h, left : left + w] = images[k].permute(1, 2, 0).numpy()
        else:
            sheet[top : top + h + gap, left : left + w + gap] = 1.0
    return sheet[..., 0] if c == 1 else sheet


def run(*losses: float, **others: list[float]) -> History:
    """A history whose every term is the same curve, unless given."""
    curves = {name: torch.tensor(others.get(name, losses)) for name in Terms._fields}
    return History(Terms(**curves), steps_per_epoch=10, batch_size=8, seconds=1.0)


class Fields(nn.Module):
    """Codes [b, 2] to images of two pixels: how much of the prior lies below z[0], and below z[1]."""

    def __init__(self, z_dim: int = 2):
        super().__init__()
        self.z_dim = z_dim

    def forward(self, z: Tensor) -> Tensor:
        return torch.special.ndtr(z[:, :2]).view(-1, 1, 1, 2)


def painted(z_dim: int = 2) -> VAE:
    return VAE(FixedEncoder(z_dim), Fields(z_dim), Gaussian(link="identity"))


def posteriors(n: int = 60, z_dim: int = 3) -> DiagGaussian:
    return DiagGaussian(2.5 * torch.randn(n, z_dim), torch.zeros(n, z_dim))


def normed(*norms: float) -> History:
    """A history that keeps these norms of the gradient."""
    return replace(run(*norms), gradient_norm=torch.tensor(norms))


CLASSES = torch.arange(60) % 10
KLS = torch.tensor([0.5, 0.001, 2.25, 0.01, 0.0])
COUNTS = torch.tensor([[100, 0, 0], [1, 199, 0], [1, 29, 70]])
X = torch.linspace(-2, 2, 9)
LABORATORY = {"x": 0.7, "logit": -1.0, "sigma": 0.5, "mu": 1.0, "logvar": -1.0}
EVERY = {
    "gallery": lambda: figures.gallery(torch.rand(7, 1, 4, 5), columns=3, title="seven"),
    "compare": lambda: figures.compare({"a": torch.rand(3, 1, 4, 5), "b": torch.rand(2, 3, 4, 5)}, columns=3),
    "curves": lambda: figures.curves({"a": run(3.0, 2.0, 1.0), "b": run(2.0, 2.0)}),
    "codes": lambda: figures.codes({"a": (posteriors(), CLASSES), "b": (posteriors(), CLASSES)}),
    "manifold": lambda: figures.manifold(painted(), side=3, title="plane"),
    "spread": lambda: figures.spread({"a": [1.0, 2.0], "b": [3.0]}, xlabel="nats", reference=("data", 2.0)),
    "bars": lambda: figures.bars({"a": {"x": 1.0, "y": [1.0, 2.0]}, "b": {"y": -3.0}}, ylabel="nats"),
    "gradient_norms": lambda: figures.gradient_norms({"a": normed(3.0, 0.2), "b": normed(9.0)}, clip_norm=1.0),
    "latent_kl": lambda: figures.latent_kl({"a": KLS, "b": KLS[:2]}),
    "confusion": lambda: figures.confusion(COUNTS),
    "functions": lambda: figures.functions(X, {"p": {"a": X, "b": X.square()}, "q": {"c": X}}, xlabel="x"),
    "heat": lambda: figures.heat({"a": torch.eye(3), "b": -torch.eye(3)}),
    "plane": lambda: figures.plane({"a": [(1.0, 2.0), (2.0, 1.0)], "b": [(3.0, 3.0)]}, "x", "y", sums="sum"),
    "histogram": lambda: figures.histogram([0.0, 3.5, 17.0], 17.0),
    "pass_rates": lambda: figures.pass_rates([("a", 3, 1, 0), ("b", 0, 0, 4)]),
    "loss_laboratory": lambda: figures.loss_laboratory(**LABORATORY),
}


@pytest.mark.parametrize("name", EVERY)
def test_a_figure_can_be_drawn_without_a_warning(name):
    FigureCanvasAgg(EVERY[name]()).draw()


def test_every_public_function_is_tried_here():
    assert {name for name in figures.__all__ if inspect.isfunction(getattr(figures, name))} == set(EVERY)


def test_pictures_are_made_without_pyplot():
    code = (
        "import sys, torch; from vae_tutorial import figures\n"
        "figures.gallery(torch.rand(2, 1, 3, 3), title='t'); figures.spread({'a': [1.0]}, xlabel='x')\n"
        f"figures.loss_laboratory(**{LABORATORY})\n"
        "assert 'matplotlib' in sys.modules and 'matplotlib.pyplot' not in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


# Images


@pytest.mark.parametrize("shape", [(7, 1, 4, 5), (7, 3, 4, 5), (6, 1, 1, 1), (2, 3, 2, 2), (1, 1, 3, 2)])
@pytest.mark.parametrize(("columns", "gap"), [(3, 1), (1, 0), (10, 2)])
def test_images_fill_rows_from_the_top_left_with_grey_between_and_white_where_none_is_left(shape, columns, gap):
    images = torch.rand(shape)
    figure = figures.compare({"": images}, columns=columns, gap=gap)
    (sheet,) = shown(figure)
    np.testing.assert_array_equal(sheet, tiled_by_hand(images, columns, gap).astype(np.float32))


def test_pixels_are_shown_as_they_are_black_0_white_1_top_row_first():
    figure = figures.gallery(torch.rand(2, 1, 3, 3) / 2)
    image = figure.axes[0].get_images()[0]
    assert image.get_clim() == (0, 1)
    assert image.get_cmap()(0.0)[:3] == (0, 0, 0)
    assert image.get_cmap()(1.0)[:3] == (1, 1, 1)
    assert (image.origin, image.get_interpolation()) == ("upper", "nearest")
    assert not figure.axes[0].axison


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("dtype", [torch.float16, torch.float32, torch.float64])
def test_uint8_and_float_images_give_the_same_picture(channels, dtype):
    images = torch.randint(256, (5, channels, 3, 4), dtype=torch.uint8)
    (whole,), (real,) = (shown(figures.gallery(x)) for x in (images, (images / 255.0).to(dtype)))
    np.testing.assert_allclose(real, whole, atol=5e-4 if dtype == torch.float16 else 1e-7)


def test_sets_lie_under_one_another_in_their_order_with_their_labels_and_the_same_scale():
    sets = {"originals": torch.rand(3, 1, 4, 4), "answers": torch.rand(6, 1, 4, 4), "odd": torch.rand(1, 1, 4, 4)}
    figure = figures.compare(sets, columns=3, title="three sets", cell=0.5)
    for sheet, images in zip(shown(figure), sets.values(), strict=True):
        np.testing.assert_array_equal(sheet, tiled_by_hand(images, 3, 1).astype(np.float32))
    assert [ax.texts[0].get_text() for ax in figure.axes] == list(sets)
    FigureCanvasAgg(figure).draw()
    places = [ax.get_window_extent() for ax in figure.axes]
    assert all(above.y0 >= below.y1 for above, below in itertools.pairwise(places))
    scales = [place.width / sheet.shape[1] for place, sheet in zip(places, shown(figure), strict=True)]
    assert scales == pytest.approx([0.5 * figure.dpi / 5] * 3, rel=0.005)  # 4 pixels and the gap are half an inch
    assert figure.get_suptitle() == "three sets"


def test_a_gallery_has_the_width_of_its_cells_and_no_label():
    figure = figures.gallery(torch.rand(8, 1, 4, 4), columns=4, cell=0.5)
    assert tuple(figure.get_size_inches()) == pytest.approx((2.0, 1.0))
    assert figure.axes[0].texts[0].get_text() == ""
    assert figure.get_suptitle() == ""


@pytest.mark.parametrize("rows", [1, 3, 25])
def test_a_title_stands_above_the_picture_however_many_rows_there_are(rows):
    figure = figures.gallery(torch.rand(2 * rows, 1, 4, 4), columns=2, title="title")
    FigureCanvasAgg(figure).draw()
    (title,) = [text for text in figure.texts if text.get_text() == "title"]
    assert title.get_window_extent().y0 >= figure.axes[0].get_window_extent().y1
    assert title.get_window_extent().y1 <= figure.bbox.y1


def test_labels_are_not_cut_off_by_the_edge_of_the_figure():
    images = torch.rand(3, 1, 4, 4)
    figure = figures.compare({"reconstructions": images, "autoencoder,\nrandom codes": images}, columns=3)
    FigureCanvasAgg(figure).draw()
    assert all(ax.texts[0].get_window_extent().x0 >= 0 for ax in figure.axes)


def test_means_a_little_outside_0_to_1_are_shown_as_black_and_white():
    """A Gaussian's mean may leave the range of pixels; in a picture there is nothing beyond black and white."""
    (sheet,) = shown(figures.compare({"": torch.tensor([-0.3, 0.4, 1.7]).view(1, 1, 1, 3)}, columns=1, gap=0))
    assert sheet.flatten().tolist() == pytest.approx([0.0, 0.4, 1.0])


def test_images_may_carry_a_gradient():
    images = torch.rand(2, 1, 3, 3, requires_grad=True)
    np.testing.assert_array_equal(shown(figures.gallery(images))[0], shown(figures.gallery(images.detach()))[0])


@pytest.mark.usefixtures("plain")
@pytest.mark.parametrize(
    "bad",
    [
        torch.full((2, 1, 3, 3), math.nan),
        torch.zeros(3, 3),
        torch.zeros(0, 1, 3, 3),
        torch.zeros(2, 1, 3, 3, dtype=torch.int64),
        np.zeros((2, 1, 3, 3), dtype=np.float32),
        None,
    ],
    ids=["NaN", "two axes", "none", "int64", "numpy", "None"],
)
@pytest.mark.parametrize("draw", [figures.gallery, lambda images: figures.compare({"a": images})])
def test_what_is_no_set_of_images_is_refused_by_name(draw, bad):
    with pytest.raises((TypeError, ValueError), match=r"^images must "):
        draw(bad)


# Curves


@pytest.mark.parametrize("n", [1, 2, 49, 50, 149, 150])
def test_smoothing_leaves_a_constant_as_it_is_and_ends_at_the_last_step(n):
    for ax in figures.curves({"a": run(*[7.25] * n)}).axes:
        (line,) = ax.get_lines()
        np.testing.assert_allclose(line.get_ydata(), 7.25, rtol=1e-6)
        assert line.get_xdata()[-1] == n
        low, high = ax.get_ylim()
        assert low < 7.25 < high


def test_each_point_of_a_curve_is_the_mean_of_the_steps_up_to_it_a_fiftieth_of_the_run():
    curve = torch.rand(163)
    (line,) = figures.curves({"a": run(*curve.tolist())}, terms=["loss"]).axes[0].get_lines()
    assert line.get_xdata().tolist() == list(range(3, 164))
    for step, value in zip(line.get_xdata(), line.get_ydata(), strict=True):
        assert value == pytest.approx(sum(curve[step - 3 : step].tolist()) / 3, rel=1e-5)


def test_each_term_has_a_panel_and_each_run_a_colour_and_a_name():
    one = run(reconstruction=[1.0, 2.0], kl=[3.0, 4.0], loss=[5.0, 6.0], regularizer=[7.0, 8.0])
    other = run(reconstruction=[2.0, 2.0], kl=[2.5, 4.0], loss=[5.5, 6.0], regularizer=[7.5, 8.0])
    figure = figures.curves({"one": one, "other": other})
    assert [ax.get_title() for ax in figure.axes] == ["reconstruction", "KL", "loss"]
    assert [ax.get_ylabel() for ax in figure.axes] == ["nats per image", "", ""]
    for ax, term in zip(figure.axes, ("reconstruction", "kl", "loss"), strict=True):
        assert [line.get_ydata().tolist() for line in ax.get_lines()] == [
            getattr(history.terms, term).tolist() for history in (one, other)
        ]
        assert [line.get_color() for line in ax.get_lines()] == figures.COLORS[:2]
        assert [line.get_label() for line in ax.get_lines()] == ["one", "other"]
    assert [text.get_text() for text in figure.axes[-1].get_legend().get_texts()] == ["one", "other"]
    alone = figures.curves({"one": one}, terms=("regularizer",))
    assert [line.get_ydata().tolist() for line in alone.axes[0].get_lines()] == [[7.0, 8.0]]
    assert alone.axes[0].get_legend() is None


def test_the_first_fifth_of_a_run_may_leave_the_picture_and_nothing_else_does():
    falling = [1000.0] * 9 + [2.0 - 0.02 * i for i in range(36)]  # 45 steps: not smoothed
    low = [0.5] * 45
    (ax,) = figures.curves({"falling": run(*falling), "low": run(*low)}, terms=["loss"]).axes
    bottom, top = ax.get_ylim()
    assert bottom < 0.5 < 2.0 < top
    assert top - bottom < 1.2 * 1.5
    assert figures.curves({"low": run(*low)}, terms=["kl"]).axes[0].get_ylim()[0] == 0  # where a KL may have sunk to


def test_no_run_is_left_out_however_many_there_are():
    runs = {f"run {i}": run(float(i), float(i)) for i in range(12)}
    assert len(figures.curves(runs, terms=["loss"]).axes[0].get_lines()) == 12
    assert len(figures.functions(X, {"p": dict.fromkeys(runs, X)}, xlabel="x").axes[0].get_lines()) == 12
    dots = figures.spread({name: [1.0] for name in runs}, xlabel="x").axes[0].get_lines()
    assert len(dots) == 24


# Codes and the plane


def test_codes_are_the_posterior_means_of_the_first_two_latents_class_by_class():
    q, ring = posteriors(), torch.linspace(0, 2 * math.pi, 200)
    before = q.mu.clone()
    figure = figures.codes({"first": (q, CLASSES), "second": (posteriors(), CLASSES)})
    assert [ax.get_title() for ax in figure.axes] == ["first", "second"]
    ax = figure.axes[0]
    assert [ax.get_xlabel(), ax.get_ylabel()] == ["z[0]", "z[1]"]
    assert len(ax.collections) == 10
    for digit, dots in enumerate(ax.collections):
        np.testing.assert_allclose(dots.get_offsets(), q.mu[digit == CLASSES, :2], rtol=1e-6)
    assert len({tuple(dots.get_facecolor()[0, :3]) for dots in ax.collections}) == 10
    for line, sigmas in zip(ax.get_lines(), (1, 2), strict=True):
        np.testing.assert_allclose(np.hypot(*line.get_data()), np.full(len(ring), sigmas), rtol=1e-6)
    (left, right), (bottom, top) = ax.get_xlim(), ax.get_ylim()
    assert ((q.mu[:, 0] > left) & (q.mu[:, 0] < right) & (q.mu[:, 1] > bottom) & (q.mu[:, 1] < top)).all()
    assert ax.get_aspect() == 1
    assert torch.equal(q.mu, before)


def test_a_legend_names_each_class_in_its_colour():
    q, y = posteriors(), torch.where(CLASSES < 5, 3, 7)
    ax = figures.codes({"": (q, y)}).axes[0]
    named = zip(ax.collections, ax.get_legend().get_texts(), ax.get_legend().legend_handles, (3, 7), strict=True)
    for dots, text, handle, digit in named:
        color = matplotlib.colors.to_rgb(figures.COLORS[digit])
        assert text.get_text() == str(digit)
        np.testing.assert_allclose(dots.get_offsets(), q.mu[y == digit, :2], rtol=1e-6)
        assert tuple(dots.get_facecolor()[0, :3]) == tuple(handle.get_facecolor()[0, :3]) == color


@pytest.mark.parametrize("scale", [0.0, 0.01, 3.0])
def test_the_rings_of_the_prior_are_in_the_picture_however_close_to_0_the_codes_lie(scale):
    mu = scale * torch.randn(20, 2)
    ax = figures.codes({"": (DiagGaussian(mu, torch.zeros_like(mu)), torch.zeros(20, dtype=torch.int64))}).axes[0]
    assert min(*ax.get_xlim()[1:], *ax.get_ylim()[1:]) > 2
    assert max(ax.get_xlim()[0], ax.get_ylim()[0]) < -2


@pytest.mark.parametrize("side", [2, 5])
def test_the_manifold_decodes_quantiles_of_the_prior_z0_to_the_right_and_z1_upwards(side):
    figure = figures.manifold(painted(), side=side)
    cells = shown(figure)[0].reshape(side, side, 2)
    quantiles = np.linspace(0.02, 0.98, side)
    for row in range(side):
        for column in range(side):
            np.testing.assert_allclose(cells[row, column], [quantiles[column], quantiles[side - 1 - row]], atol=1e-5)


def test_the_manifold_leaves_the_model_in_its_modes_and_the_random_state_as_found():
    model = painted()
    model.decoder.eval()
    state = torch.get_rng_state()
    figures.manifold(model, side=2)
    assert [module.training for module in model.modules()] == [True, True, False]
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize("z_dim", [1, 3])
def test_the_manifold_of_another_number_of_latents_is_refused(z_dim):
    with pytest.raises(ValueError, match=f"model must have 2 latents, got {z_dim}"):
        figures.manifold(painted(z_dim))


# Numbers


def test_spread_has_a_dot_for_each_seed_and_a_bar_at_the_mean_first_method_on_top():
    values = {"BCE": [1.0, 2.0, 6.0], "MSE": [4.0], "none": (0.5, 0.25)}
    ax = figures.spread(values, xlabel="nats", reference=("the data", 2.5)).axes[0]
    *pairs, line = ax.get_lines()
    for row, numbers in enumerate(values.values()):
        dots, bar = pairs[2 * row : 2 * row + 2]
        assert list(dots.get_xdata()) == list(numbers)
        assert set(dots.get_ydata()) == {row}
        assert list(bar.get_xdata()) == [sum(numbers) / len(numbers)] * 2
        assert bar.get_ydata()[0] < row < bar.get_ydata()[1]
        assert dots.get_color() == bar.get_color()
    assert (dots.get_linestyle(), dots.get_marker()) == ("None", "o")
    assert list(line.get_xdata()) == [2.5, 2.5]
    assert [text.get_text().strip() for text in ax.texts] == ["the data"]
    assert [label.get_text() for label in ax.get_yticklabels()] == list(values)
    assert ax.get_ylim()[0] > 2.3
    assert ax.get_ylim()[1] < -0.3
    assert ax.get_xlabel() == "nats"
    assert len(figures.spread(values, xlabel="nats").axes[0].get_lines()) == 6


def heights(ax) -> dict[str, list[tuple[float, float]]]:
    """Label -> (middle, height) of each of its bars."""
    return {
        container.get_label(): [(bar.get_x() + bar.get_width() / 2, bar.get_height()) for bar in container]
        for container in ax.containers
    }


def test_bars_are_means_and_dots_are_seeds_each_label_in_its_place_in_every_group():
    groups = {"dropout": {"0": 1.0, "0.5": [2.0, 4.0, 9.0]}, "none": {"0.5": (-3.0,)}, "decay": {"0": [0.5, 1.5]}}
    figure = figures.bars(groups, ylabel="nats")
    (ax,) = figure.axes
    assert list(heights(ax)) == ["0", "0.5"]
    assert [height for _, height in heights(ax)["0"]] == [1.0, 1.0]
    assert [height for _, height in heights(ax)["0.5"]] == [5.0, -3.0]
    assert [round(x) for x, _ in heights(ax)["0"]] == [0, 2]  # "none" was not measured there
    assert [round(x) for x, _ in heights(ax)["0.5"]] == [0, 1]
    assert heights(ax)["0"][0][0] == pytest.approx(-heights(ax)["0.5"][0][0])  # on both sides of the group's tick
    dots = [line for line in ax.get_lines() if line.get_marker() == "o"]
    assert [list(line.get_ydata()) for line in dots] == [[0.5, 1.5], [2.0, 4.0, 9.0]]  # one value needs none
    assert list(dots[0].get_xdata()) == [heights(ax)["0"][1][0]] * 2
    assert list(dots[1].get_xdata()) == [heights(ax)["0.5"][0][0]] * 3
    assert [label.get_text() for label in ax.get_xticklabels()] == list(groups)
    assert ax.get_xticks().tolist() == [0, 1, 2]
    assert ax.get_ylabel() == "nats"
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["0", "0.5"]


def test_bars_of_one_label_need_no_legend_and_no_bar_touches_another():
    assert figures.bars({"a": {"x": 1.0}, "b": {"x": 2.0}}, ylabel="").axes[0].get_legend() is None
    (ax,) = figures.bars({g: dict.fromkeys("stuvwxyz012", 1.0) for g in "ab"}, ylabel="").axes
    edges = sorted((bar.get_x(), bar.get_x() + bar.get_width()) for bar in ax.patches)
    assert len(edges) == 22
    assert all(left[1] < right[0] for left, right in itertools.pairwise(edges))


def test_gradient_norms_are_all_there_on_a_log_axis_with_the_line_they_were_clipped_at():
    runs = {"lr 1e-3": normed(3.0, 700.0, 0.25), "lr 1e-2": normed(5.0, 0.01)}
    (ax,) = figures.gradient_norms(runs, clip_norm=2.5).axes
    *curves, line = ax.get_lines()
    assert ax.get_yscale() == "log"
    for curve, (label, history), color in zip(curves, runs.items(), figures.COLORS, strict=False):
        assert (curve.get_label(), curve.get_color()) == (label, color)
        np.testing.assert_array_equal(curve.get_ydata(), history.gradient_norm)
        assert list(curve.get_xdata()) == list(range(len(history)))
    assert list(line.get_ydata()) == [2.5, 2.5]
    assert [text.get_text() for text in ax.get_legend().get_texts()] == [*runs, "clipped at 2.5"]
    assert len(figures.gradient_norms(runs).axes[0].get_lines()) == 2


def test_a_run_that_kept_no_norms_is_named():
    with pytest.raises(ValueError, match=r"^histories\['b'\] holds no norms; give fit a clip_norm, math\.inf to keep"):
        figures.gradient_norms({"a": normed(1.0), "b": run(1.0)})


@pytest.mark.parametrize(("idle", "talking"), [(0.01, 3), (0.02, 2), (1.0, 1), (0.0, 5), (9.0, 0)])
def test_latents_stand_from_most_to_least_kl_and_idle_ones_are_grey_dots(idle, talking):
    figure = figures.latent_kl({"a": KLS}, idle=idle)
    FigureCanvasAgg(figure).draw()  # without a warning: a line without points would upset the layout
    (ax,) = figure.axes
    assert [height for _, height in heights(ax)["_container0"]] == pytest.approx([2.25, 0.5, 0.01, 0.001, 0.0])
    assert [x for x, _ in heights(ax)["_container0"]] == pytest.approx([1, 2, 3, 4, 5])
    blue, grey = matplotlib.colors.to_rgba(figures.COLORS[0]), matplotlib.colors.to_rgba("0.75")
    assert [bar.get_facecolor() for bar in ax.patches] == [blue] * talking + [grey] * (5 - talking)
    assert [x for dots in ax.get_lines() for x in dots.get_xdata()] == list(range(talking + 1, 6))
    assert not any(np.any(dots.get_ydata()) for dots in ax.get_lines())
    assert ax.texts[0].get_text() == f"2.8 nats\n{talking} of 5 latents at {idle:g} or more"


def test_the_latents_of_models_side_by_side_share_their_height_and_stay_in_their_order():
    figure = figures.latent_kl({"weak": KLS / 10, "strong": 4 * KLS[[0, 2]]})
    assert [ax.get_title() for ax in figure.axes] == ["weak", "strong"]
    assert [ax.get_ylabel() for ax in figure.axes] == ["KL, nats", ""]
    assert figure.axes[0].get_ylim() == figure.axes[1].get_ylim()
    assert figure.axes[0].get_ylim()[1] > 9
    assert [ax.texts[0].get_text().split("\n")[1] for ax in figure.axes] == [
        "2 of 5 latents at 0.01 or more",
        "2 of 2 latents at 0.01 or more",
    ]


def test_confusion_shows_the_shares_of_each_row_and_prints_them_as_per_cent():
    figure = figures.confusion(COUNTS)
    (ax,) = figure.axes
    np.testing.assert_allclose(shown(figure)[0], [[1, 0, 0], [0.005, 0.995, 0], [0.01, 0.29, 0.7]], rtol=1e-6)
    assert ax.get_images()[0].get_clim() == (0, 1)
    printed = {(round(text.get_position()[1]), round(text.get_position()[0])): text.get_text() for text in ax.texts}
    assert {place: printed[place] for place in ((0, 0), (2, 0), (2, 1), (2, 2))} == {
        (0, 0): "100", (2, 0): "1", (2, 1): "29", (2, 2): "70"
    }  # fmt: skip
    assert not {(0, 1), (0, 2), (1, 2)} & set(printed)  # nothing where nothing is
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("classifier sees", "asked for")
    assert ax.get_xticks().tolist() == ax.get_yticks().tolist() == [0, 1, 2]
    assert ax.get_images()[0].origin == "upper"


def test_numbers_of_a_confusion_can_be_read_on_what_lies_behind_them():
    """Contrast of at least 4.5 to 1, as WCAG asks for text."""

    def luminance(color) -> float:
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in matplotlib.colors.to_rgb(color)]
        return float(np.dot([0.2126, 0.7152, 0.0722], linear))

    counts = torch.zeros(51, 51, dtype=torch.int64)  # shares of 100 to 50 per cent in the first column, the rest beside
    counts[:, 0], counts[:, 1] = torch.arange(100, 49, -1), torch.arange(51)
    (ax,) = figures.confusion(counts).axes
    (image,) = ax.get_images()
    assert len(ax.texts) == 101
    for text in ax.texts:
        column, row = (round(place) for place in text.get_position())
        behind, front = luminance(image.get_cmap()(counts[row, column].item() / 100)), luminance(text.get_color())
        assert (max(behind, front) + 0.05) / (min(behind, front) + 0.05) > 4.5, text.get_text()


def test_functions_hold_each_function_in_its_panel():
    values = torch.linspace(0, 1, 9, requires_grad=True)
    panels = {"left": {"a": X.square(), "b": values * 2}, "right": {"c": X.exp()}}
    figure = figures.functions(X, panels, xlabel="logit", ylabel="bits")
    for ax, (title, lines) in zip(figure.axes, panels.items(), strict=True):
        assert [ax.get_title(), ax.get_xlabel(), ax.get_ylabel()] == [title, "logit", "bits"]
        for line, (label, truth) in zip(ax.get_lines(), lines.items(), strict=True):
            assert line.get_label() == label
            np.testing.assert_array_equal(line.get_xdata(), X)
            np.testing.assert_array_equal(line.get_ydata(), truth.detach())
    assert [text.get_text() for text in figure.axes[0].get_legend().get_texts()] == ["a", "b"]
    assert figure.axes[1].get_legend() is None


def losses_by_hand(x: float, sigma: float):
    """Label -> (cost, its derivative by the logit), as functions of the logit."""

    def mean(logit):
        return 1 / (1 + math.exp(-logit))

    def error(logit):
        return mean(logit) - x

    def slope(logit):
        return mean(logit) * (1 - mean(logit))

    constant = 0.5 * math.log(2 * math.pi * sigma**2)
    return {
        "BCE": (lambda at: -x * math.log(mean(at)) - (1 - x) * math.log(1 - mean(at)), error),
        "Gaussian": (
            lambda at: error(at) ** 2 / (2 * sigma**2) + constant,
            lambda at: error(at) * slope(at) / sigma**2,
        ),
        "squared error": (lambda at: error(at) ** 2, lambda at: 2 * error(at) * slope(at)),
    }


@pytest.mark.parametrize(("x", "logit", "sigma"), [(0.7, -1.0, 0.5), (0.0, 2.5, 1.3), (1.0, -6.0, 0.05), (0.4, 0, 1)])
def test_the_loss_laboratory_draws_costs_and_gradients_by_their_formulas(x, logit, sigma):
    figure = figures.loss_laboratory(x, logit, sigma, 0.0, 0.0)
    assert figure.axes[0].get_title() == f"cost of a pixel x = {x:.2f}"
    for panel in (0, 1):
        ax, truths = figure.axes[panel], losses_by_hand(x, sigma)
        texts = [text.get_text() for text in ax.get_legend().get_texts()]
        assert len(ax.get_lines()) == 2 * len(texts) == 6
        for i, (label, functions) in enumerate(truths.items()):
            curve, point = ax.get_lines()[2 * i : 2 * i + 2]
            truth = np.array([functions[panel](at) for at in curve.get_xdata().tolist()])
            assert (curve.get_xdata()[0], curve.get_xdata()[-1]) == (-6, 6)
            np.testing.assert_allclose(curve.get_ydata(), truth, rtol=1e-4, atol=1e-4)
            assert list(point.get_xdata()) == [logit]
            assert point.get_ydata()[0] == pytest.approx(functions[panel](logit), rel=1e-4, abs=1e-4)
            assert curve.get_color() == point.get_color()
            name, value = texts[i].split(": ")
            assert name == label
            assert float(value) == pytest.approx(functions[panel](logit), abs=0.0051, rel=1e-4)


@pytest.mark.parametrize(("mu", "logvar"), [(1.0, -1.0), (0.0, 0.0), (-3.0, 2.0), (2.5, -6.0)])
def test_the_loss_laboratory_draws_a_latent_against_the_prior_with_its_kl_and_gradients(mu, logvar):
    ax = figures.loss_laboratory(0.5, 0.0, 1.0, mu, logvar).axes[2]
    kl = 0.5 * (mu**2 + math.exp(logvar) - 1 - logvar)
    assert ax.get_title() == f"KL = {kl:.2f} nats"
    h = 1e-5
    by_mu = (0.5 * (mu + h) ** 2 - 0.5 * (mu - h) ** 2) / (2 * h)
    by_logvar = 0.5 * (math.exp(logvar + h) - math.exp(logvar - h) - 2 * h) / (2 * h)
    words = ax.get_xlabel().splitlines()[1].split(", ")
    assert [word.split(" = ")[0] for word in words] == ["dKL/dmu", "dKL/dlogvar"]
    assert [float(word.split(" = ")[1]) for word in words] == pytest.approx([by_mu, by_logvar], abs=0.0051)
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["prior", "q(z|x)"]
    for area, (mean, variance) in zip(ax.collections, ((0.0, 1.0), (mu, math.exp(logvar))), strict=True):
        for z, height in area.get_paths()[0].vertices:
            density = math.exp(-((z - mean) ** 2) / (2 * variance)) / math.sqrt(2 * math.pi * variance)
            assert height == 0 or height == pytest.approx(density, rel=1e-4, abs=1e-6)
        assert area.get_paths()[0].vertices[:, 1].max() == pytest.approx((2 * math.pi * variance) ** -0.5, rel=0.02)


def test_the_sliders_of_the_loss_laboratory_are_its_figures_arguments_and_may_go_to_both_ends():
    sliders = LossLab().scene["knobs"]
    assert [slider["name"] for slider in sliders] == list(inspect.signature(figures.loss_laboratory).parameters)
    for end in ("min", "max"):
        figure = figures.loss_laboratory(**{slider["name"]: slider[end] for slider in sliders})
        FigureCanvasAgg(figure).draw()
        assert all(np.isfinite(line.get_ydata()).all() for ax in figure.axes for line in ax.get_lines())


# Inputs


def test_what_is_drawn_is_not_changed():
    images, histories = torch.rand(3, 1, 4, 4) * 1.2, {"a": run(3.0, 2.0, 1.0)}
    before, curve = images.clone(), histories["a"].terms.loss.clone()
    values, kl, counts = {"a": [1.0, 2.0]}, KLS.clone(), COUNTS.clone()
    figures.compare({"a": images})
    figures.curves(histories)
    figures.spread(values, xlabel="")
    figures.bars({"group": values}, ylabel="")
    figures.latent_kl({"a": KLS})
    figures.confusion(COUNTS)
    assert torch.equal(images, before)
    assert torch.equal(histories["a"].terms.loss, curve)
    assert values == {"a": [1.0, 2.0]}
    assert torch.equal(KLS, kl)
    assert torch.equal(COUNTS, counts)
