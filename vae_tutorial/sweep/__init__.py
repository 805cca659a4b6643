"""Many training runs, on this machine or on many, into one table: a grid of methods, weights and seeds."""

from vae_tutorial.sweep.machines import cluster
from vae_tutorial.sweep.measuring import MEASURES, measure
from vae_tutorial.sweep.processes import Processes
from vae_tutorial.sweep.run import sweep
from vae_tutorial.sweep.settings import METHODS, Setting
from vae_tutorial.sweep.table import Table, read

__all__ = ["MEASURES", "METHODS", "Processes", "Setting", "Table", "cluster", "measure", "read", "sweep"]
