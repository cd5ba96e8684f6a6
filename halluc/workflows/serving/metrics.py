"""Prometheus metrics of a server: requests, their duration, and the model's claims."""

from __future__ import annotations

from collections.abc import Iterable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from halluc.workflows.prediction import PredictedInput

UNKNOWN = "unknown"


class Metrics:
    """``newest`` is the class of novelty of claims that are least known from training."""

    def __init__(self, newest: str) -> None:
        self.registry = CollectorRegistry()
        self.seconds = Histogram(
            "halluc_request_seconds", "Time from the first byte to the response.", ["path"], registry=self.registry
        )
        self.requests = Counter(
            "halluc_requests", "Answered requests by path and status.", ["path", "status"], registry=self.registry
        )
        self.queued = Gauge("halluc_queued_requests", "Requests in the queue.", registry=self.registry)
        self.unanswered = Gauge(
            "halluc_unanswered_requests", "Requests in the queue or in prediction.", registry=self.registry
        )
        self.batches = Histogram(
            "halluc_batch_texts", "Texts that were predicted together.",
            buckets=[1, 2, 4, 8, 16, 32, 64, 128, 256, 512], registry=self.registry,
        )  # fmt: skip
        self.claims = Counter("halluc_claims", "Claims by novelty.", ["novelty"], registry=self.registry)
        self.abstained = Counter("halluc_abstained_claims", "Claims that were withdrawn.", registry=self.registry)
        self.new_share = Gauge(
            "halluc_new_claims_share",
            f"Share of claims of class `{newest}`, among claims with known novelty.",
            registry=self.registry,
        )
        self._newest, self._new, self._known = newest, 0, 0

    def count_claims(self, batch: Iterable[PredictedInput]) -> None:
        """Count the asserted claims of a batch."""
        for claim in (claim for one in batch for claim in one.asserted):
            self.claims.labels(claim.novelty or UNKNOWN).inc()
            self.abstained.inc(claim.abstained)
            self._known += claim.novelty is not None
            self._new += claim.novelty == self._newest
        self.new_share.set(self._new / self._known if self._known else float("nan"))
