"""A SLURM of one node on loopback: munged, slurmctld and slurmd of the system, with all files in one folder."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

from tests.ports import free_ports

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "squeue", "scontrol")


def lacks() -> str | None:
    """Why no cluster can be started here; None where one can be tried."""
    missing = [name for name in PROGRAMS if shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin") is None]
    if missing:
        return f"{', '.join(missing)} is missing: apt-get install slurm-wlm munge"
    return None if os.geteuid() == 0 else "slurmd of a test is started as root"


def _config(folder: Path, node: str) -> str:
    controller, daemon = free_ports(2)
    return f"""
ClusterName=halluc
SlurmctldHost={node}(127.0.0.1)
SlurmctldPort={controller}
SlurmdPort={daemon}
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
CredType=cred/munge
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SchedulerParameters=sched_min_interval=100000,batch_sched_delay=0,requeue_delay=1
AccountingStorageType=accounting_storage/none
JobAcctGatherType=jobacct_gather/none
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
ReturnToService=2
KillWait=20
MinJobAge=300
MaxArraySize=6
NodeName={node} NodeAddr=127.0.0.1 CPUs=2 RealMemory=1000 State=UNKNOWN
PartitionName=main Nodes={node} Default=YES MaxTime=INFINITE State=UP OverSubscribe=FORCE:2
"""


@contextlib.contextmanager
def cluster(folder: Path) -> Iterator[dict[str, str]]:
    """The environment in which ``sbatch`` finds the cluster.

    Raises:
        RuntimeError: it does not come up.
    """
    node = socket.gethostname().split(".")[0]
    for name in ("state", "spool"):
        (folder / name).mkdir()
    (folder / "slurm.conf").write_text(_config(folder, node))
    (folder / "munge.key").write_bytes(os.urandom(128))
    (folder / "munge.key").chmod(0o400)
    environ = {**os.environ, "SLURM_CONF": str(folder / "slurm.conf"), "PATH": f"{os.environ['PATH']}:/usr/sbin"}
    munged = ["munged", "-F", "--force", f"--socket={folder}/munge.socket", f"--key-file={folder}/munge.key"]
    munged += [f"--{kind}-file={folder}/munged.{kind}" for kind in ("pid", "log", "seed")]
    daemons = [munged, ["slurmctld", "-D", "-i"], ["slurmd", "-D", "-N", node]]
    processes: list[subprocess.Popen[bytes]] = []
    try:
        with (folder / "daemons.log").open("wb") as log:
            for command in daemons:
                processes.append(subprocess.Popen(command, env=environ, stdout=log, stderr=log))
                time.sleep(1)
        _wait_until_idle(environ, folder, processes)
        yield environ
    finally:
        subprocess.run(["scancel", "--user=root"], env=environ, check=False, timeout=30)
        _wait_for_steps(environ)
        for process in reversed(processes):
            process.terminate()
        for process in processes:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(20)
            process.kill()


def _wait_for_steps(environ: dict[str, str]) -> None:
    """Until no task runs: slurmd leaves those that do behind."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        told = subprocess.run(["squeue", "-h"], env=environ, capture_output=True, text=True, check=False)
        if not told.stdout.strip():
            return
        time.sleep(0.2)


def _wait_until_idle(environ: dict[str, str], folder: Path, processes: list[subprocess.Popen[bytes]]) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and all(process.poll() is None for process in processes):
        told = subprocess.run(["sinfo", "-h", "-o", "%T"], env=environ, capture_output=True, text=True, check=False)
        if told.stdout.strip() == "idle":
            return
        time.sleep(0.5)
    logs = [path.read_text(errors="replace")[-1500:] for path in sorted(folder.glob("*.log"))]
    raise RuntimeError("SLURM does not come up:\n" + "\n".join(logs))
