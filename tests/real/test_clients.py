"""The clients that operators have: the `openstack` command and the Python library, with the real Ironic behind."""

import json
import os
import pathlib
import subprocess
import sys

import ironic_inspector_client
import pytest
from keystoneauth1 import noauth, session

from daemon import wait_for
from machines import document, mac

OPENSTACK = pathlib.Path(sys.executable).with_name('openstack')
NUMBER = 60000

# One process starts the real service, and only once.
pytestmark = pytest.mark.xdist_group('real Ironic')


@pytest.fixture
def rollcall(rollcall_of_real_ironic):
    return rollcall_of_real_ironic


@pytest.fixture
def node(real_ironic):
    """A node of Ironic whose ramdisk would post document(NUMBER)."""
    made = real_ironic.enrol('rack-9', mac(NUMBER))
    yield made
    real_ironic.remove(made)


@pytest.fixture
def client(rollcall):
    without_login = session.Session(auth=noauth.NoAuth(endpoint=rollcall.url))
    return ironic_inspector_client.ClientV1(session=without_login, inspector_url=rollcall.url)


@pytest.fixture
def openstack(rollcall, real_ironic):
    """Runs `openstack baremetal introspection ...` as an operator does."""
    environment = {**os.environ, 'OS_AUTH_TYPE': 'none', 'OS_ENDPOINT': real_ironic.url, 'INSPECTOR_URL': rollcall.url}

    def run(*arguments, fails=False):
        done = subprocess.run([OPENSTACK, 'baremetal', 'introspection', *arguments], capture_output=True, text=True,
                              timeout=120, env=environment)
        assert (done.returncode != 0) == fails, done.stderr
        return done.stderr if fails else done.stdout
    return run


def wait(client, node):
    """Waits as the library does; returns the status."""
    return client.wait_for_finish([node], retry_interval=0.1, max_retries=600)[node]


def until_waiting(client, node):
    wait_for(lambda: client.get_status(node)['state'] == 'waiting', 'the reboot', 60)


def test_the_command_goes_through_a_whole_introspection(openstack, rollcall, real_ironic, client, node, tmp_path):
    openstack('start', node)
    until_waiting(client, node)
    assert rollcall.callback(document(NUMBER)).status_code == 200
    wait(client, node)

    status = json.loads(openstack('status', 'rack-9', '-f', 'json'))
    assert status['uuid'] == node and status['finished'] is True and status['error'] is None
    [row] = json.loads(openstack('list', '-f', 'json'))
    assert row['UUID'] == node and row['Error'] is None
    openstack('data', 'save', node, '--file', str(tmp_path / 'data.json'))
    assert json.loads((tmp_path / 'data.json').read_text())['cpus'] == 8
    openstack('data', 'save', node, '--unprocessed', '--file', str(tmp_path / 'raw.json'))
    assert json.loads((tmp_path / 'raw.json').read_text()) == document(NUMBER)

    openstack('reprocess', node)
    assert wait(client, node)['error'] is None
    properties = real_ironic.node(node)['properties']
    assert (properties['cpus'], properties['memory_mb']) == ('8', '16384')


def test_the_command_aborts(openstack, client, node):
    openstack('start', node)
    until_waiting(client, node)
    openstack('abort', node)
    assert wait(client, node)['error'] == 'Canceled by operator'
    assert json.loads(openstack('status', node, '-f', 'json'))['error'] == 'Canceled by operator'


def test_the_command_shows_what_was_refused(openstack, real_ironic):
    assert 'was not found in Ironic' in openstack('start', 'nobody', fails=True)


def test_the_library_goes_through_a_whole_introspection(rollcall, real_ironic, client, node):
    client.introspect(node)
    until_waiting(client, node)
    assert client.get_status(node)['finished'] is False
    assert rollcall.callback(document(NUMBER)).status_code == 200
    status = wait(client, node)
    assert status['finished'] is True and status['error'] is None
    assert [row['uuid'] for row in client.list_statuses()] == [node]
    assert client.get_data(node)['memory_mb'] == 16384
    assert client.get_data(node, processed=False) == document(NUMBER)
    client.reprocess(node)
    assert wait(client, node)['error'] is None
    found = real_ironic.node(node)
    assert found['properties']['cpus'] == '8' and found['power_state'] == 'power off'
    assert real_ironic.addresses(node) == [mac(NUMBER)]


def test_the_library_aborts(client, node):
    client.introspect(node)
    until_waiting(client, node)
    client.abort(node)
    assert wait(client, node)['error'] == 'Canceled by operator'


def test_the_library_shows_what_was_refused(client):
    with pytest.raises(ironic_inspector_client.ClientError) as caught:
        client.introspect('nobody')
    assert caught.value.response.status_code == 404 and 'nobody' in str(caught.value)


def test_the_library_knows_the_range_of_versions(client):
    assert client.server_api_versions() == ((1, 0), (1, 18))
