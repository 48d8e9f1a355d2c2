from pathlib import Path

from commands.test.junit import Outcome, read_outcomes

FILE = """<testsuites><testsuite>
<testcase classname="tests.unit.stack.test_a" name="passes" time="1.5"/>
<testcase classname="tests.unit.test_b" name="fails" time="0.5"><failure/></testcase>
<testcase classname="tests.e2e.test_c" name="breaks" time="2"><error/></testcase>
<testcase classname="tests.e2e.test_c" name="is left out" time="0"><skipped/></testcase>
<testcase classname="" name="tests.dags.test_d" time="0"><error/></testcase>
</testsuite></testsuites>"""


def test_outcomes_are_counted_by_suite(tmp_path: Path) -> None:
    file = tmp_path / "stack.xml"
    file.write_text(FILE)
    assert read_outcomes(file) == {
        "unit": Outcome(tests=2, failed=1, skipped=0, seconds=2.0),
        "e2e": Outcome(tests=2, failed=1, skipped=1, seconds=2.0),
        "collection": Outcome(tests=1, failed=1, skipped=0, seconds=0.0),
    }


def test_run_without_a_file_has_no_outcomes(tmp_path: Path) -> None:
    assert read_outcomes(tmp_path / "types.xml") == {}
