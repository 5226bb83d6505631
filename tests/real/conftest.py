"""What the tests are given: databases, a node service, a daemon, machines."""

import os
import signal
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import pytest  # noqa: E402

import daemon  # noqa: E402
import databases  # noqa: E402
from ironic_stand_in import Ironic  # noqa: E402
from machines import Machine  # noqa: E402
from real_ironic import RealIronic  # noqa: E402
from real_keystone import RealKeystone  # noqa: E402
from real_swift import RealSwift  # noqa: E402


def pytest_configure(config):
    """Without a binary nothing here can pass; a request to end is obeyed tidily, so that no process stays behind."""
    if not daemon.BINARY:
        raise pytest.UsageError('ROLLCALL_BIN must name the binary to test; scripts/test sets it')
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(params=['sqlite', 'postgresql'])
def database(request, tmp_path):
    if request.param == 'postgresql' and not databases.POSTGRES:
        pytest.skip('no PostgreSQL cluster: ROLLCALL_TEST_POSTGRES is not set')
    made = databases.Sqlite(tmp_path) if request.param == 'sqlite' else databases.Postgres()
    yield made
    made.drop()


@pytest.fixture
def ironic():
    with Ironic() as made:
        yield made


@pytest.fixture(scope='module')
def module_ironic():
    """A stand-in that the tests of a module share."""
    with Ironic() as made:
        yield made


def options_of(request):
    """The options that a test's mark gives to its daemon."""
    mark = request.node.get_closest_marker('configured')
    return mark.kwargs if mark else {}


@pytest.fixture
def rollcall(request, tmp_path, database, ironic):
    """A running daemon with a database of its own and the stand-in as node service."""
    made = daemon.Rollcall(tmp_path, database, ironic.url, options_of(request))
    try:
        yield made.start()
    finally:
        made.close()


@pytest.fixture
def machine(ironic, rollcall):
    return Machine(ironic, rollcall)


@pytest.fixture
def machines(ironic, rollcall):
    """Makes further machines."""
    return lambda **fields: Machine(ironic, rollcall, **fields)


@pytest.fixture(scope='session')
def real_ironic(tmp_path_factory):
    """The real service; started once, it is slow to come up."""
    made = RealIronic(os.environ.get('ROLLCALL_IRONIC_VENV'), tmp_path_factory.mktemp('ironic'))
    if not made.is_installed():
        pytest.skip('no Ironic is installed: ROLLCALL_IRONIC_VENV does not name its environment')
    try:
        yield made.start()
    finally:
        made.stop()


@pytest.fixture
def rollcall_of_real_ironic(request, tmp_path, real_ironic):
    """A running daemon whose node service is the real one."""
    made = daemon.Rollcall(tmp_path, databases.Sqlite(tmp_path), real_ironic.url, options_of(request))
    try:
        yield made.start()
    finally:
        made.close()


@pytest.fixture(scope='session')
def real_keystone(tmp_path_factory):
    """The real service; started once, it is slow to come up. It knows a user `rollcall` with the role `service`."""
    made = RealKeystone(os.environ.get('ROLLCALL_KEYSTONE_VENV'), tmp_path_factory.mktemp('keystone'))
    if not made.is_installed():
        pytest.skip('no Keystone is installed: ROLLCALL_KEYSTONE_VENV does not name its environment')
    try:
        made.start().grant('rollcall', 'service', project='service')
        yield made
    finally:
        made.stop()


def swift_at(folder, keystone=None):
    """The real Swift, not started."""
    made = RealSwift(os.environ.get('ROLLCALL_SWIFT_VENV'), folder, keystone)
    if not made.is_installed():
        pytest.skip('no Swift is installed: ROLLCALL_SWIFT_VENV does not name its environment, or there is no memcached')
    return made


@pytest.fixture(scope='session')
def real_swift(tmp_path_factory):
    """The real service, standing alone; started once, it is slow to come up."""
    made = swift_at(tmp_path_factory.mktemp('swift'))
    try:
        yield made.start()
    finally:
        made.stop()


@pytest.fixture(scope='session')
def real_swift_of_keystone(tmp_path_factory, real_keystone):
    """The real service behind the real Keystone, and in its catalogue."""
    made = swift_at(tmp_path_factory.mktemp('swift-of-keystone'), real_keystone)
    real_keystone.register('object-store', f'{made.url}/v1/AUTH_$(project_id)s')
    try:
        yield made.start()
    finally:
        made.stop()
