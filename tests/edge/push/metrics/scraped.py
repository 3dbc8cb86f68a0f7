"""One scrape, read by the parser of Prometheus' own client."""

from __future__ import annotations

from dataclasses import dataclass

import httpx
from prometheus_client.parser import text_string_to_metric_families

from tests.edge.push.serving import Service, http


@dataclass(frozen=True)
class Scrape:
    """Every sample by name and labels."""

    samples: dict[tuple[str, frozenset[tuple[str, str]]], float]
    types: dict[str, str]

    def value(self, name: str, **labels: object) -> float:
        """The value of a sample. Raises KeyError when there is none."""
        return self.samples[name, frozenset((key, str(value)) for key, value in labels.items())]

    @property
    def names(self) -> set[str]:
        """The names of all samples."""
        return {name for name, _ in self.samples}

    def series(self, name: str) -> list[dict[str, str]]:
        """The labels of every sample of a name."""
        return [dict(labels) for found, labels in self.samples if found == name]


async def scrape(service: Service) -> Scrape:
    """Scrape a service."""
    async with http(service) as client:
        return parsed(await client.get("/metrics"))


def parsed(response: httpx.Response) -> Scrape:
    """Return the samples of an answer, of which no two have one name and the same labels."""
    assert response.status_code == 200
    assert response.headers["content-type"].startswith("text/plain; version=0.0.4")
    families = list(text_string_to_metric_families(response.text))
    found = [((one.name, frozenset(one.labels.items())), one.value) for family in families for one in family.samples]
    samples = dict(found)
    assert len(samples) == len(found), "a sample is there twice"
    assert all(family.documentation.endswith(".") or "process" in family.name for family in families)
    return Scrape(samples, {family.name: family.type for family in families})
