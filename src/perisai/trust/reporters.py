"""How far each reporter is to be believed, by what instruments made of what he reported before."""

from collections.abc import Iterable

import msgspec

from .claims import Claim

REMEMBERED = 50_000
DOUBTED = 0.3
"""Share of right reports, by the rule of succession, under which a reporter counts only where others see the same."""


class Reporters(msgspec.Struct):
    """Claims each reporter took part in: [seen, unseen]."""

    votes: dict[str, list[int]] = {}

    def credit(self, claim: Claim, names: Iterable[str]) -> None:
        """These reporters' claim was seen, or refuted; each verdict counts once for each of them."""
        for name in names if claim.verdict != "open" else ():
            if claim.reporters.get(name, claim.verdict) == claim.verdict:
                continue
            claim.reporters[name] = claim.verdict
            votes = self.votes.pop(name, [0, 0])
            votes[0 if claim.verdict == "seen" else 1] += 1
            self.votes[name] = votes
        while len(self.votes) > REMEMBERED:
            del self.votes[next(iter(self.votes))]

    def doubted(self, name: str) -> bool:
        """Whether he was contradicted too often to count alone."""
        seen, unseen = self.votes.get(name, (0, 0))
        return (seen + 1.0) / (seen + unseen + 2.0) < DOUBTED

    def worst(self, most: int) -> list[tuple[str, int, int]]:
        """(key, claims seen, claims refuted) of those who are doubted, the most refuted first."""
        found = [(name, v[0], v[1]) for name, v in self.votes.items() if self.doubted(name)]
        return sorted(found, key=lambda row: (-row[2], row[0]))[:most]
