"""What became of the mutants: `python tests/mutants/report.py BACKEND SESSION.sqlite`, after cosmic-ray.

Prints how many died, and every survivor with its reason from `survivors.json`. Exit code 1 when fewer
than 85 % died, or when one survived that has no reason there: `--refresh` adds it, without one.

A `strict=True` that becomes False is not counted: it says that two lengths are equal, which no input of
right code can tell.
"""

from __future__ import annotations

import argparse
import json
import sqlite3
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
STORED = HERE / "survivors.json"
WANTED = 0.85

QUERY = """
select module_path, operator_name, definition_name, start_pos_row, test_outcome
from mutation_specs join work_results using (job_id) where worker_outcome = 'NORMAL'
order by module_path, start_pos_row, operator_name
"""


def outcomes(session: Path) -> Iterator[tuple[str, str]]:
    """For every mutant that ran, what it is (file, function, line, operator), and its outcome."""
    for path, operator, function, row, outcome in sqlite3.connect(session).execute(QUERY):
        line = (ROOT / path).read_text().splitlines()[row - 1].strip()
        if operator == "core/ReplaceTrueWithFalse" and "strict=True" in line:
            continue
        file = Path(path).relative_to("src/xlosses")
        yield f"{file} | {function} | {line} | {operator.removeprefix('core/')}", outcome


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("backend", help="whose tests were to notice them")
    parser.add_argument("session", type=Path)
    parser.add_argument("--refresh", action="store_true", help="write the survivors to survivors.json")
    arguments = parser.parse_args()
    found = list(outcomes(arguments.session))
    survivors = Counter(mutant for mutant, outcome in found if outcome == "SURVIVED")
    stored = json.loads(STORED.read_text())
    reasons = stored["survivors"]
    died = 1 - survivors.total() / len(found)
    for mutant, count in survivors.items():
        print(f"{count} survived: {mutant}\n    {reasons.get(mutant) or 'NO REASON'}")
    print(f"{len(found)} mutants, {survivors.total()} survived, {died:.1%} died")
    if arguments.refresh:
        figures = {"mutants": len(found), "of": len(found), "survived": survivors.total()}
        stored["figures"][arguments.backend] = figures
        changed = {mutant.partition(" | ")[0] for mutant, _ in found}
        kept = {k: v for k, v in reasons.items() if k.partition(" | ")[0] not in changed}
        stored["survivors"] = {**kept, **{mutant: reasons.get(mutant, "") for mutant in survivors}}
        STORED.write_text(json.dumps(stored, indent=1) + "\n")
        return 0
    return 0 if died >= WANTED and all(reasons.get(mutant) for mutant in survivors) else 1


if __name__ == "__main__":
    sys.exit(main())
