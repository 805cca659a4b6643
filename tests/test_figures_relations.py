"""Heat maps and planes of two measures, by the data behind them."""

import matplotlib
import numpy as np
import pytest
import torch

from vae_tutorial import figures

MATRICES = {"before": torch.tensor([[1.0, -0.5], [-0.5, 2.25]]), "after": torch.eye(2)}


def test_a_heat_map_shows_each_matrix_on_one_scale_and_prints_its_numbers():
    figure = figures.heat(MATRICES)
    assert [ax.get_title() for ax in figure.axes] == list(MATRICES)
    for ax, matrix in zip(figure.axes, MATRICES.values(), strict=True):
        (image,) = ax.get_images()
        np.testing.assert_array_equal(np.asarray(image.get_array()), matrix.numpy())
        assert (image.get_clim(), image.origin) == ((-1, 1), "upper")
        printed = {(round(t.get_position()[1]), round(t.get_position()[0])): float(t.get_text()) for t in ax.texts}
        assert printed == {place: pytest.approx(value) for place, value in np.ndenumerate(matrix.numpy())}
    assert [ax.get_ylabel() for ax in figure.axes] == ["latent", ""]


def test_columns_may_have_names():
    (ax,) = figures.heat({"told": torch.rand(4, 3)}, ["shape", "x", "y"]).axes
    assert [label.get_text() for label in ax.get_xticklabels()] == ["shape", "x", "y"]


def test_many_columns_have_a_scale_of_colours_in_place_of_numbers():
    figure = figures.heat({"wide": torch.rand(3, 13)})
    ax, scale = figure.axes
    assert not ax.texts
    assert scale.get_ylim() == (-1, 1)


def test_a_small_negative_number_is_printed_as_zero():
    (ax,) = figures.heat({"": torch.tensor([[-0.001, -0.25]])}).axes
    assert [text.get_text() for text in ax.texts] == [".00", "-.25"]


def test_numbers_of_a_heat_map_can_be_read_on_what_lies_behind_them():
    """Contrast of at least 4.5 to 1, as WCAG asks for text."""

    def luminance(color) -> float:
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in matplotlib.colors.to_rgb(color)]
        return float(np.dot([0.2126, 0.7152, 0.0722], linear))

    values = torch.linspace(-1.2, 1.2, 121).view(11, 11)
    (ax,) = figures.heat({"": values}).axes
    (image,) = ax.get_images()
    assert len(ax.texts) == 121
    for text in ax.texts:
        column, row = (round(place) for place in text.get_position())
        color = image.get_cmap()(image.norm(values[row, column].item()))
        behind, front = luminance(color), luminance(text.get_color())
        assert (max(behind, front) + 0.05) / (min(behind, front) + 0.05) > 4.5, text.get_text()


def test_a_plane_has_a_small_dot_for_each_seed_and_a_large_one_at_their_mean():
    points = {"beta 1": [(10.0, 30.0), (12.0, 32.0)], "beta 4": [(6.0, 40.0)]}
    (ax,) = figures.plane(points, "KL", "distortion").axes
    for pairs, (small, large) in zip(points.values(), zip(ax.lines[::2], ax.lines[1::2], strict=True), strict=True):
        np.testing.assert_array_equal(small.get_xydata(), pairs)
        np.testing.assert_array_equal(large.get_xydata(), [np.mean(pairs, axis=0)])
        assert small.get_markersize() < large.get_markersize()
        assert small.get_color() == large.get_color()
    assert [text.get_text() for text in ax.get_legend().get_texts()] == list(points)
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("KL", "distortion")


def test_lines_of_equal_sums_join_points_of_equal_sum_and_say_it():
    points = {"a": [(10.0, 30.0)], "b": [(6.0, 40.0)]}
    (ax,) = figures.plane(points, "KL", "distortion", sums="-ELBO").axes
    (plain,) = figures.plane(points, "KL", "distortion").axes
    lines = ax.lines[4:]
    assert len(lines) == len(ax.texts) >= 3
    for line, text in zip(lines, ax.texts, strict=True):
        level = float(text.get_text().replace("-ELBO", ""))
        np.testing.assert_allclose(line.get_xydata().sum(1), level)
    assert sum("-ELBO" in text.get_text() for text in ax.texts) == 1
    assert (ax.get_xlim(), ax.get_ylim()) == (plain.get_xlim(), plain.get_ylim())


def test_a_label_without_points_keeps_its_colour_from_the_others():
    points = {"a": [(1.0, 2.0)], "b": [(2.0, 1.0)], "c": [(3.0, 3.0)]}
    (full,), (part,) = figures.plane(points, "", "").axes, figures.plane(points | {"a": []}, "", "").axes
    assert [line.get_color() for line in part.lines] == [line.get_color() for line in full.lines[2:]]
    assert [text.get_text() for text in part.get_legend().get_texts()] == ["b", "c"]


def test_more_labels_than_colours_get_other_markers():
    (ax,) = figures.plane({str(i): [(i, i)] for i in range(12)}, "", "").axes
    looks = {(line.get_color(), line.get_marker()) for line in ax.lines[1::2]}
    assert len(looks) == 12
