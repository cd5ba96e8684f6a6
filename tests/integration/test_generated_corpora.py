"""Hostile corpora from a seed against ``halluc check``: a clear answer to each, and no bug."""

from __future__ import annotations

import pytest

from halluc.__main__ import exit_code_of
from tests.generated_corpora import KINDS, generated_corpora

# The kinds that are large are attacked by the benchmark, which measures time and memory too.
LARGE = {
    "gzip_bomb", "long_line", "open_quotes", "nested_json", "many_fields", "many_columns", "many_labels",
    "many_bad_lines", "endless_sentence", "many_gzip_members", "long_numbers",
}  # fmt: skip
CASES = list(generated_corpora(15, 3 * len(KINDS), leave_out=LARGE))


def test_the_same_seed_gives_the_same_corpora():
    few = list(generated_corpora(15, 12))
    assert few == list(generated_corpora(15, 12))
    assert few != list(generated_corpora(16, 12))


@pytest.mark.parametrize(("name", "content", "config"), CASES, ids=[name for name, *_ in CASES])
def test_each_has_a_clear_answer(tmp_path, capfd, name, content, config):
    (tmp_path / "corpus").write_bytes(content)
    written = (
        f"name: attacked\nmodel: {{name: null, scratch: {{}}}}\n{config.replace('{path}', str(tmp_path / 'corpus'))}"
    )
    (tmp_path / "config.yaml").write_text(written, encoding="utf-8")
    code = exit_code_of(["check", str(tmp_path / "config.yaml"), "--json"])
    out, err = capfd.readouterr()
    assert code in (0, 3), err
    assert "Traceback" not in err
    assert (code == 0) == bool(out)
    assert err.startswith("error[") == (code == 3)
