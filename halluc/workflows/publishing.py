"""``halluc push``: the model of a run, its card and its config in a repository of a Hugging Face hub, as one commit."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from halluc.core import hub, latest
from halluc.core.errors import HallucError, environment_error
from halluc.core.messages import conclude, put, tell, warn
from halluc.reporting.collect import paths, reproducing
from halluc.reporting.markdown.card import CARD
from halluc.runs import directory, integrity
from halluc.runs.directory import CONFIG_FILE, RunDir
from halluc.runs.results import PushedFile, PushResult
from halluc.wording.formats import size
from halluc.workflows import run_state

if TYPE_CHECKING:
    from huggingface_hub import HfApi

_HUB = "hub:"
_REPORT = ("report/index.html", "report/report.md", "report/report.json")
# A file of the repository: its content, as bytes or as a file of the run.
Files = dict[str, bytes | Path]


def push(folder: Path, name: str, *, private: bool = False, with_report: bool = False, yes: bool = False) -> PushResult:
    """Publish the model of a run; unless ``yes``, only list the files, without using the network.

    Raises:
        HallucError C018: the name is not ``hub:NAME``. R101, R105, R118: no run, or one without a model. R134: its
            model was changed, or has no card, or the run has no report. E470 to E474: the hub refuses.
    """
    repository = _repository(name)
    run = directory.open_run(latest.resolve(folder))
    run_state.refuse_untrained(run, "its training did not finish (see `halluc train --resume`)")
    files = _files(run, with_report)
    from huggingface_hub import constants

    result = PushResult(
        run=str(run.path), repository=repository, endpoint=constants.ENDPOINT, private=private, commit=None,
        files=[PushedFile(path=path, bytes=_bytes(content)) for path, content in files.items()],
    )  # fmt: skip
    _tell(result, yes)
    if yes:
        result.commit = _publish(result, files)
        conclude(f"published: {result.commit}")
    else:
        conclude("dry run: nothing was published; publish with --yes")
    put(result)
    return result


def _repository(name: str) -> str:
    """
    Raises:
        HallucError C018: it is not a name of a model on a hub.
    """
    from huggingface_hub.errors import HFValidationError
    from huggingface_hub.utils import validate_repo_id  # type: ignore[attr-defined]

    repository = name.removeprefix(_HUB)
    help = "write hub:NAME or hub:ORGANISATION/NAME"
    if not name.startswith(_HUB) or "@" in repository:
        raise HallucError("C018", f"`{name}` is not a repository name on a hub", help=help)
    try:
        validate_repo_id(repository)
    except HFValidationError as error:
        raise HallucError("C018", f"`{name}` is not a valid model name: {error}", help=help) from None
    return repository


def _files(run: RunDir, with_report: bool) -> Files:
    """
    Raises:
        HallucError R134: the model was changed, or has no card, or the run has no report.
    """
    record = run.read()
    changed = integrity.changed_model_files(run, record)
    if changed:
        what = ", ".join(f"{name} {why}" for name, why in changed.items())
        raise HallucError("R134", f"{run.model} is not the model that training wrote: {what}", help="restore the files")
    if not (run.model / CARD).is_file():
        message = f"{run.model} has no model card"
        raise HallucError("R134", message, help=f"halluc eval {run.path}, then halluc report {run.path} writes it")
    names = sorted({*(record.model_files or integrity.of_model(run)), CARD})
    files: Files = {name: run.model / name for name in names}
    for path in sorted(run.model.rglob("*")):
        name = path.relative_to(run.model).as_posix()
        if path.is_file() and name not in files:
            warn(f"{path} is not published, because training did not write it")
    public_paths = paths.known_paths([(run, reproducing.config_lines(run))])
    # Absolute paths would reveal names of users and machines.
    files[CONFIG_FILE] = public_paths.text(run.config.read_text(encoding="utf-8")).encode()
    if with_report:
        report = {name: run.path / name for name in _REPORT if (run.path / name).is_file()}
        if not report:
            raise HallucError("R134", f"{run.path} has no report", help=f"halluc report {run.path} writes it")
        files |= report
    return files


def _bytes(content: bytes | Path) -> int:
    return content.stat().st_size if isinstance(content, Path) else len(content)


def _tell(result: PushResult, yes: bool) -> None:
    for file in result.files:
        tell(f"{'publish' if yes else 'would publish'} {size(file.bytes):>9}  {file.path}")
    total = size(sum(file.bytes for file in result.files))
    seen = "private if new" if result.private else "public if new"
    tell(f"{len(result.files)} files, {total}, to {result.endpoint}/{result.repository} ({seen})")
    if any(file.path in _REPORT for file in result.files):
        warn("the report quotes texts of the corpus: only publish it if you may publish these texts")


def _publish(result: PushResult, files: Files) -> str:
    """Publish the files; returns the address of the commit.

    Raises:
        HallucError E470 to E474: as ``_refused``; no file was published then.
    """
    from huggingface_hub import CommitOperationAdd, HfApi, get_token

    token = get_token()
    if token is None:
        help = "run `hf auth login`, or set HF_TOKEN to a token with write access"
        raise environment_error("E470", f"no token for {result.endpoint}", help)
    reason = hub.unreachable()
    if reason is not None:
        raise environment_error("E474", f"the hub cannot be reached ({reason}); nothing was published", hub.HELP)
    operations = [
        CommitOperationAdd(path, content if isinstance(content, bytes) else str(content))
        for path, content in files.items()
    ]
    api = HfApi(endpoint=result.endpoint, token=token)
    with _refusals(result.repository), _hide_progress_bars():
        repository = api.create_repo(result.repository, private=result.private or None, exist_ok=True).repo_id
        _check(api, repository, result.private)
        commit = api.create_commit(repository, operations, commit_message="Model trained by halluc")
    return str(commit.commit_url)


def _check(api: HfApi, repository: str, private: bool) -> None:
    """
    Raises:
        HallucError E472: the repository has another type. E473: it is public, but should be private.
    """
    from huggingface_hub.errors import RepositoryNotFoundError

    try:
        info = api.model_info(repository)
    except RepositoryNotFoundError:
        help = "choose another name"
        raise environment_error("E472", f"{repository} exists and is not a model repository", help) from None
    if private and not info.private:
        help = "make it private in its settings, choose another name, or remove --private"
        raise environment_error("E473", f"{repository} already exists and is public; nothing was published", help)


@contextlib.contextmanager
def _refusals(repository: str) -> Iterator[None]:
    """Converts errors of the hub. Files become visible with the commit, which is the last request."""
    from huggingface_hub.errors import HfHubHTTPError, HTTPError  # type: ignore[attr-defined]

    try:
        yield
    except HfHubHTTPError as error:
        _refuse(error.response.status_code, repository, str(error.server_message or error))
    except (HTTPError, OSError, ValueError) as error:
        message = f"{repository}: {error or type(error).__name__}; no file was published"
        raise environment_error("E474", message, "try again") from None


def _refuse(status: int, repository: str, answer: str) -> NoReturn:
    if status == 401:
        help = "run `hf auth login`, or set HF_TOKEN to a token with write access"
        raise environment_error("E470", f"the hub rejected the token ({answer})", help) from None
    if status == 403:
        help = "get write access, use a token with write access, or choose another name"
        raise environment_error("E471", f"the token has no write access to {repository} ({answer})", help) from None
    message = f"{repository}: the hub returned status {status} ({answer}); no file was published"
    raise environment_error("E474", message, "try again") from None


@contextlib.contextmanager
def _hide_progress_bars() -> Iterator[None]:
    from huggingface_hub.utils.tqdm import are_progress_bars_disabled, disable_progress_bars, enable_progress_bars

    before = are_progress_bars_disabled()
    disable_progress_bars()
    try:
        yield
    finally:
        if not before:
            enable_progress_bars()
