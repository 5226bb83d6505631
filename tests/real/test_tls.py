"""TLS of both listeners: certificates made here, read again on SIGHUP, with connections that go on."""

import http.client
import signal
import ssl

import pytest
import requests

import daemon
import databases
from certificates import Authority
from daemon import wait_for
from machines import Machine


@pytest.fixture
def authority(tmp_path):
    return Authority(tmp_path / 'ca.pem')


@pytest.fixture
def files(tmp_path, authority):
    """Certificate and key of the daemon."""
    made = tmp_path / 'cert.pem', tmp_path / 'key.pem'
    authority.sign(*made)
    return made


@pytest.fixture
def secure(tmp_path, ironic, authority, files, monkeypatch):
    """A daemon that speaks TLS to everybody."""
    monkeypatch.setenv('REQUESTS_CA_BUNDLE', str(authority.path))
    certificate, key = map(str, files)
    ramdisks = {'listen_port': daemon.free_port()}
    made = daemon.Rollcall(tmp_path, databases.Sqlite(tmp_path), ironic.url, {
        'use_ssl': True, 'ssl': {'cert_file': certificate, 'key_file': key}, 'callback': ramdisks})
    made.url = made.url.replace('http:', 'https:')
    made.ramdisks = f'https://127.0.0.1:{ramdisks["listen_port"]}'
    try:
        yield made.start()
    finally:
        made.close()


def shown(url):
    """The certificate that a new connection is shown."""
    host, port = url.removeprefix('https://').split(':')
    return ssl.get_server_certificate((host, int(port)))


def read_again(secure, what):
    """Has the daemon read its files again; waits until its log says so of both listeners."""
    before = secure.log.read_text().count(what)
    secure.process.send_signal(signal.SIGHUP)
    wait_for(lambda: secure.log.read_text().count(what) >= before + 2, what)


def go_on(connection):
    """One more request on a connection."""
    connection.request('GET', '/v1')
    answer = connection.getresponse()
    assert answer.status == 200 and b'resources' in answer.read()


def test_a_whole_run_over_tls(secure, ironic):
    machine = Machine(ironic, secure)
    machine.until_waiting()
    assert machine.status()['links'][0]['href'].startswith(secure.url + '/')
    answer = requests.post(secure.ramdisks + '/v1/continue', json=machine.document, timeout=60)
    assert answer.status_code == 200, answer.text
    machine.wait('finished')
    with pytest.raises(requests.RequestException):
        requests.get(secure.url.replace('https:', 'http:') + '/', timeout=5)


def test_files_are_read_again_on_sighup_and_connections_go_on(secure, authority, files):
    context = ssl.create_default_context(cafile=authority.path)
    old = http.client.HTTPSConnection('127.0.0.1', secure.port, context=context, timeout=20)
    go_on(old)
    first, socket = shown(secure.url), old.sock

    new = authority.sign(*files)
    assert new != first
    read_again(secure, 'A certificate was read again')
    assert [shown(secure.url), shown(secure.ramdisks)] == [new, new]
    go_on(old)
    assert old.sock is socket

    files[1].write_text('no key')
    read_again(secure, 'could not be read again')
    assert [shown(secure.url), shown(secure.ramdisks)] == [new, new]
    go_on(old)
    assert old.sock is socket


def test_a_certificate_that_can_not_be_used_stops_the_start(secure, files):
    secure.stop()
    files[0].write_text('no certificate')
    done = daemon.run('serve', '--config', secure.config)
    assert done.returncode == 1 and f'{files[0]} can not be used for TLS' in done.stderr
