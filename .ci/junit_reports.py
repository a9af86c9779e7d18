"""What pytest's JUnit reports say: how many tests there were, and which of them failed."""
import xml.etree.ElementTree as ElementTree


def count_tests(report):
    """Numbers of tests and why some were skipped, from a JUnit file; {} if there is none."""
    if not report.is_file():
        return {}
    suite = ElementTree.parse(report).getroot().find('testsuite')
    number = {name: int(suite.get(name)) for name in ('tests', 'failures', 'errors', 'skipped')}
    failed = number['failures'] + number['errors']
    reasons = {skip.get('message', '') for skip in suite.iter('skipped')}
    return dict(passed=number['tests'] - failed - number['skipped'], failed=failed,
                skipped=number['skipped'], skipped_because=sorted(reasons),
                minutes=round(float(suite.get('time')) / 60, 1))


def failed_tests(report):
    """Names, as pytest takes them, of the tests that failed; [] if there is no report."""
    if not report.is_file():
        return []
    cases = ElementTree.parse(report).getroot().iter('testcase')
    return [f'{case.get("classname").replace(".", "/")}.py::{case.get("name")}' for case in cases
            if case.find('failure') is not None or case.find('error') is not None]
