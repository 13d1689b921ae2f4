"""Each claim in `tests/README.md` names its tests."""

import re

from tools.generate import ROOT

CLAIMS = ROOT / "tests" / "README.md"


def test_each_claim_names_tests_of_its_tier() -> None:
    rows = re.findall(r"^\|(?! claim|---)(.+)\|$", CLAIMS.read_text(encoding="utf-8"), re.M)
    assert len(rows) > 20
    for claim, *tiers in (row.split("|") for row in rows):
        named = [re.findall(r"`([\w/]+\.py)::(\w+)`", tier) for tier in tiers]
        assert any(named), claim
        for tests, exhaustive in zip(named, (False, True), strict=True):
            for path, name in tests:
                text = (CLAIMS.parent / path).read_text(encoding="utf-8")
                assert f"\ndef {name}(" in text, f"{path} does not contain {name}"
                before = text.partition(f"\ndef {name}(")[0].rpartition("\n\n\n")[2]
                marked = "@pytest.mark.exhaustive\n" in f"{before}\n"
                assert marked == exhaustive, f"{name} is in the wrong column"
