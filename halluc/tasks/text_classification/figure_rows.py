"""The figures of text classification: their names and where they are shown."""

from __future__ import annotations

from collections.abc import Mapping

from halluc.core.figures import KEPT, FigureRow, Placement, at
from halluc.tasks import label_rows

NEW_USERS, NEW_ITEMS = (("user", "new"),), (("item", "new"),)

ROWS = (
    FigureRow(
        "accuracy", "accuracy", "share", "higher", "task", 10, "",
        at("head", "summary", "compared", "card", "card index"),
    ),
    *label_rows.ROWS,
    FigureRow("label_share", "share of texts by predicted label", "share", "none", "task", 50, "", at("periods")),
    FigureRow(
        "ndcg", "NDCG by group", "score", "higher", "task", 60, "NDCG",
        at("head", "summary", "card", "card index")
        + at("summary", heading="  of users not in training", by=NEW_USERS, order=61)
        + at("summary", heading="  of items not in training", by=NEW_ITEMS, order=62),
    ),
    FigureRow("group_auc", "AUC by group", "score", "higher", "task", 63, "", at("summary", "card", "card index")),
    FigureRow("mrr", "mean reciprocal rank (MRR)", "score", "higher", "task", 64, "", at("summary", "card")),
    FigureRow("ranked_groups", "groups that are ranked", "share", "none", "task", 65, "", at("summary")),
    FigureRow(
        "mcc", "correlation (MCC)", "score", "higher", "task", 15, "",
        at("summary", "card", "card index"), hub="matthews_correlation",
    ),
    FigureRow(
        "subset_accuracy", "texts with all labels right", "share", "higher", "task", 11, "",
        at("summary", order=14) + at("card", "card index"),
    ),
    FigureRow(
        "hamming_loss", "wrong decisions (Hamming loss)", "score", "lower", "task", 16, "", at("summary")
    ),
    FigureRow(
        "out_of_scope_acceptance", "out of scope, labelled", "share", "lower", "task", 165, "OOS",
        at("head", "compared")
        + at("cells", "arms", heading="out of scope, labelled")
        + at("sentences", "slope sentences", heading="out-of-scope texts that get a label")
        + at("summary", heading="out of scope: acceptance", order=20)
        + at("summary", heading="  out of scope: acceptance", by=KEPT, order=284)
        + at("card", "card index", order=151),
        legend="out-of-scope texts that get a label",
    ),
    FigureRow(
        "out_of_scope_recall", "out of scope, recognised", "share", "higher", "task", 21, "",
        at("summary", heading="  recall"),
    ),
    FigureRow(
        "out_of_scope_precision", "out of scope, precision", "share", "higher", "task", 22, "",
        at("summary", heading="  precision"),
    ),
    FigureRow(
        "out_of_scope_auroc", "AUROC, in scope against out", "score", "higher", "task", 23, "",
        at("summary", heading="  AUROC, in against out") + at("card", "card index", order=152),
    ),
)  # fmt: skip


# The slices of general figures that are shown.
SLICES: Mapping[str, tuple[Placement, ...]] = {
    "over_claim": at("cells", heading="false in least new", by=(("novelty", "q1"),), order=172)
    + at("cells", heading="false in newest", by=(("novelty", "q4"),), order=173),
}
