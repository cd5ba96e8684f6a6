"""The command line: signatures and help. Commands import lazily and call a workflow, whose messages go to the
terminal."""

from halluc.cli import experiments, models, overviews
from halluc.cli.app import app

__all__ = ["app", "experiments", "models", "overviews"]
