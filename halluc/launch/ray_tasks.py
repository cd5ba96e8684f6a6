"""Cells as tasks of a Ray cluster: each starts the process of a cell on its node. Ray stores no results: they are in
the run directories, on storage that all nodes share."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from halluc.config.matrix import Cell
from halluc.core.errors import HallucError
from halluc.launch import ray_cluster
from halluc.launch.cell_process import CellProcess
from halluc.launch.orders import CellOrder
from halluc.launch.scheduling import Ended, in_parallel
from halluc.workflows.experiments import StudyRun

_PAUSE = 0.2


def launch(study_run: StudyRun, address: str | None) -> bool:
    """A launcher of cells on a Ray cluster.

    Raises:
        HallucError C020: no address, or not a study. E420: ray is not installed. E483: there is no suitable cluster.
    """
    if study_run.trains and not study_run.study.axes:
        raise HallucError("C020", "--on ray needs a study, but this config has no `matrix`", help="docs/studies.md")
    ray = ray_cluster.imported()
    with ray_cluster.connected(ray, address), ray_cluster.marker(study_run.study.home) as marker:
        ray_cluster.refuse_unfit(ray, (ray_cluster.settings(cell.loaded) for cell in study_run.cells), marker)
        return in_parallel(study_run, RayTasks(ray, study_run.cells))


class RayTasks:
    """The tasks of cells. All are submitted to Ray at once, which starts each when its resources are free."""

    def __init__(self, ray: Any, cells: Sequence[Cell]) -> None:
        self.ray = ray
        self.settings = {str(cell.slug): ray_cluster.settings(cell.loaded) for cell in cells}
        self.variables = ray_cluster.variables([cell.loaded for cell in cells])
        self.retries = max(one.retries for one in self.settings.values())
        capacity = ray_cluster.cluster_capacity(ray, ray_cluster.settings(cells[0].loaded))
        self.at_once = max(1, min(capacity, len(cells)))
        self.running: dict[Any, str] = {}

    def has_room(self) -> bool:
        return True

    def start(self, order: CellOrder, log: Path) -> None:
        settings = self.settings[order.slug]
        # Only the scheduler restarts tasks: Ray would not wait for a process that is writing its checkpoint.
        task = self.ray.remote(run_on_node).options(max_retries=0, name=order.slug, **ray_cluster.resources(settings))
        environment = {**self.variables, "OMP_NUM_THREADS": str(settings.cpus)}
        self.running[task.remote(order.to_json(), str(log), str(Path.cwd()), environment)] = order.slug

    def ended(self) -> Sequence[Ended]:
        if not self.running:
            return []
        ready, _ = self.ray.wait(list(self.running), num_returns=len(self.running), timeout=_PAUSE)
        results = [(self.running.pop(one), ray_cluster.result_of(self.ray, one)) for one in ready]
        return [Ended(slug, *(result or (-signal.SIGKILL, ""))) for slug, result in results]

    def stop(self) -> None:
        for one in self.running:
            self.ray.cancel(one)

    def kill(self) -> None:
        for one in self.running:
            self.ray.cancel(one, force=True)
        self.running.clear()


def run_on_node(order: str, log: str, folder: str, variables: dict[str, str]) -> tuple[int, str]:
    """On a node: run the process of a cell, and return how it ended. A cancelled task ends with a checkpoint."""
    process = CellProcess(CellOrder.of_json(order), Path(folder, log), {**os.environ, **variables}, Path(folder))
    while True:
        try:
            ended = process.ended()
            if ended is not None:
                return ended
            time.sleep(_PAUSE)
        except KeyboardInterrupt:  # this is how Ray cancels a task
            process.stop()
