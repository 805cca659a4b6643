"""What the charts share: colours, and axes without what says nothing."""

from matplotlib.axes import Axes

# Petroff's ten (2021), which colour-blind readers can tell apart; the explorer's map has the same.
COLORS = ["#3f90da", "#ffa90e", "#bd1f01", "#94a4a2", "#832db6", "#a96b59", "#e76300", "#b9ac70", "#717581", "#92dadd"]


def tidy(ax: Axes, title: str = "", xlabel: str = "", ylabel: str = "") -> None:
    ax.spines[["top", "right"]].set_visible(False)
    ax.set_title(title, fontsize=11)
    ax.set_xlabel(xlabel, fontsize=10)
    ax.set_ylabel(ylabel, fontsize=10)
    ax.tick_params(labelsize=9)
