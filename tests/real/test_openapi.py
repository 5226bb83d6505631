"""The API against its own description: schemathesis sends what the document allows and what it does not, to every
endpoint, and no answer may be a server error or one that is not described."""

import os
import pathlib
import subprocess

import pytest

import daemon
import databases
from machines import Machine

VENV = os.environ.get('ROLLCALL_SCHEMATHESIS_VENV')
SECONDS = int(os.environ.get('ROLLCALL_SCHEMATHESIS_SECONDS', '60'))
# The same requests each time, so that a failure is found again; another number makes others.
SEED = os.environ.get('ROLLCALL_SCHEMATHESIS_SEED', '1')
CHECKS = ('not_a_server_error', 'status_code_conformance', 'content_type_conformance', 'response_headers_conformance',
          'response_schema_conformance', 'unsupported_method', 'allow_header_conformance')
RULE = '0d8b25ad-2a5a-4d3d-9b2c-1f6e7b4d0c11'

pytestmark = pytest.mark.timeout(SECONDS * 3 + 120)


@pytest.fixture
def described(tmp_path, ironic):
    """A daemon with something of everything."""
    made = daemon.Rollcall(tmp_path, databases.Sqlite(tmp_path), ironic.url, {
        'clean_up_period': 0, 'processing': {'node_not_found_hook': 'enroll'}})
    try:
        yield made.start()
    finally:
        made.close()


@pytest.fixture
def tester(tmp_path):
    """Runs schemathesis against a daemon, for a share of the time."""
    program = pathlib.Path(VENV or '/nowhere', 'bin', 'schemathesis')
    if not program.exists():
        pytest.skip('no schemathesis is installed: ROLLCALL_SCHEMATHESIS_VENV does not name its environment')

    def test(rollcall, share, **names):
        """Names in paths are made up, unless they are given."""
        config = tmp_path / 'schemathesis.toml'
        lines = [f'"path.{name}" = "{value}"' for name, value in names.items()]
        config.write_text('\n'.join(['[parameters]', *lines, '']))
        return subprocess.run(
            [program, '--config-file', config, 'run', rollcall.url + '/v1/openapi.json', '--checks', ','.join(CHECKS),
             '--max-time', str(max(1, int(SECONDS * share))), '--continue-on-failure', '--no-color',
             '--suppress-health-check', 'all', '--request-timeout', '20', '--seed', SEED],
            cwd=tmp_path, capture_output=True, text=True, timeout=SECONDS * 3 + 60)
    return test


def test_no_answer_is_a_server_error_or_one_that_is_not_described(described, ironic, tester):
    done, waiting = Machine(ironic, described), Machine(ironic, described)
    done.introspect()
    waiting.until_waiting()
    rule = {'uuid': RULE, 'conditions': [{'op': 'eq', 'field': 'a', 'value': 1}], 'actions': [{'action': 'example'}]}
    assert described.post('/v1/rules', json=rule).status_code == 201
    for share, names in ((0.3, {}), (0.4, {'node': done.uuid, 'rule': RULE}), (0.3, {'node': waiting.uuid})):
        ran = tester(described, share, **names)
        assert ran.returncode == 0, ran.stdout[-8000:] + ran.stderr[-2000:]
        print(names, *[line for line in ran.stdout.splitlines() if 'passed' in line or 'generated' in line], sep='\n')
    assert ' 500 ' not in described.log.read_text()
    # It lives, and does what it did before; some of the rules that were made refuse every machine.
    assert described.call('DELETE', '/v1/rules').status_code == 204
    again = Machine(ironic, described)
    again.introspect()
