"""The comparison with the naive reading finds seeded faults: each is a change of one place in the engine's own source."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

from hub.guidelines.outcome import Decision
from tests.guidelines.test_guidelines_agreement import Differs, compare_all
from tests.reference.case import Case, kept
from tests.reference.evaluators import by_naive

CASES = 10_000  # at most; a fault is usually found within a few hundred
SEED = 1  # always the same, so that no fault is missed by bad luck

FAULTS = {
    "permit over forbid": (
        "decide",
        "if forbids := matching & index.forbids:",
        "if (forbids := matching & index.forbids) and not matching & index.permits:",
    ),
    "a forbid ignored": ("decide", "if forbids := matching & index.forbids:", "if forbids := 0:"),
    "a withhold ignored": ("decide", "            if taken:", "            if False:"),
    "a safeguard lifted": ("decide", "if not index.safeguard[withhold]:", "if True:"),
    "a grant ignored": ("decide", "if not index.safeguard[withhold]:", "if False:"),
    "handling withheld": ("decide", "each == HANDLING or", ""),
    "a withhold lets in": (
        "decide",
        "(self.index.permits | self.index.forbids)",
        "(self.index.permits | self.index.forbids | self.index.withholds)",
    ),
    "an originator among the recipients": ("decide", "agency.id == alert.originator", "False"),
    "a suspended agency among the recipients": ("decide", 'agency.status == "suspended"', "False"),
    "an exclusion ignored": ("decide", "agency.id in alert.excluded", "False"),
    "a label taken for the next narrower": ("decide", ") > TLP_NARROWEST", ") >= TLP_NARROWEST"),
    "competence not asked": ("decide", "alert.purposes.isdisjoint(agency.competences)", "False"),
    "expiry a moment late": ("decide", "valid_until_ms <= now_ms", "valid_until_ms < now_ms"),
    "RED passed on": ("decide", 'ONWARD_NONE if alert.tlp == "RED" else ONWARD_ASK', "ONWARD_ASK"),
    "H2 to anyone": ("compile", ' or "H2" in handling', ""),
    "unknown age read as an adult's": ("compile", 'frozenset(("yes",))', 'frozenset(("no",))'),
    "unknown values let through": ("compile", "if not codes <= self.known:", "if False:"),
    "an absent attribute passes": ("compile", 'self.all & ~done.pop("tested", 0)', 'self.all | done.pop("tested", 0)'),
    "`absent` passes what is present": (
        "compile",
        'self.all & ~done.pop("absent", 0)',
        'self.all | done.pop("absent", 0)',
    ),
    "`only` read as `any`": ("compile", "allowed &= self.listing", "allowed |= self.listing"),
    "`none` ignored": ("compile", "refused |=", "refused &="),
    "a bound taken exclusively": ("compile", "count > most", "count >= most"),
    "validity ignored": ("compile", "matched &= self.in_force(now_ms)", "pass"),
    "validity worked out once": ("compile", "if not self._from_ms <= now_ms < self._to_ms:", "if not self._to_ms:"),
    "`from` and `to` confused": ("compile", "(guideline.to, addressed)", "(guideline.from_, addressed)"),
    "exceptions ignored": ("compile", " - _union(words, choice.except_)", ""),
    "obligations of one permit only": ("compile", "total = self._merged[total,", "total = self._merged[0,"),
}


def mutant(module: str, old: str, new: str) -> ModuleType:
    """decide.py with the fault in it, or with the parts of a compile.py that has it."""
    changed = _changed(module, old, new)
    if module == "decide":
        return changed
    decide = _changed("decide", "", "")
    for name in ("Compiled", "Restrictions"):
        setattr(decide, name, getattr(changed, name))
    return decide


def _changed(module: str, old: str, new: str) -> ModuleType:
    name = f"hub.guidelines.{module}"
    spec = importlib.util.find_spec(name)
    assert spec is not None and spec.origin is not None
    source = Path(spec.origin).read_text()
    if old:
        assert source.count(old) == 1, f"the place of this fault is not found once: {old}"
        source = source.replace(old, new)
    found = ModuleType(f"{name}_mutant")
    found.__package__ = "hub.guidelines"
    exec(compile(source, spec.origin, "exec"), found.__dict__)
    return found


@pytest.mark.parametrize("fault", FAULTS)
def test_a_seeded_fault_is_found(fault: str) -> None:
    engines = mutant(*FAULTS[fault])

    with pytest.raises(Differs):
        compare_all(CASES, {fault: lambda case: _decide(engines, case)}, keep_as=None, with_seed=SEED)


def test_the_cases_that_are_kept_tell_a_faulty_engine_from_a_sound_one() -> None:
    for fault in ("a safeguard lifted", "unknown age read as an adult's"):
        engines = mutant(*FAULTS[fault])
        assert any(_decide(engines, case) != by_naive(case) for _, case in kept())


def test_the_unchanged_engine_is_no_mutant() -> None:
    engines = mutant("decide", "", "")
    assert compare_all(1_000, {"unchanged": lambda case: _decide(engines, case)}, keep_as=None) >= 1_000


def _decide(engines: ModuleType, case: Case) -> Decision:
    decision: Decision = engines.decide(case.routing, case.core, case.categories, case.bundle, case.now_ms, case.grants)
    return decision
