"""kill -9 under load, round after round: whatever was answered with 2xx is found after the restart.

Each answer bears the id of its request, and the history names who asked for each step: so an answer is found, or not.
"""

import concurrent.futures
import os
import random
import time

import pytest
import requests

from daemon import wait_for

ROUNDS = int(os.environ.get('ROLLCALL_SOAK_ROUNDS', '10'))
FLEET, WORKERS = 24, 8

pytestmark = [pytest.mark.soak, pytest.mark.timeout(ROUNDS * 30 + 120)]


def act(machine, dice):
    """One random request that fits the machine's state, and what it was."""
    state = machine.state() if machine.begun else 'finished'
    if state == 'waiting':
        if dice.random() < 0.25:
            return 'abort', machine.abort()
        # No two alike: a repeated post would be none of the history's business.
        return 'callback', machine.callback(nonce=dice.random())
    if state in ('finished', 'error'):
        if machine.posted and dice.random() < 0.4:
            return 'reapply', machine.reapply()
        answer = machine.begin()
        machine.begun = machine.begun or answer.status_code == 202
        return 'start', answer
    return None, None


def work(fleet, stop, seed):
    """Asks until the daemon is gone; answers what was taken: kind, machine, request."""
    dice, taken = random.Random(seed), []
    while not stop.is_set():
        machine = dice.choice(fleet)
        try:
            kind, answer = act(machine, dice)
        except (requests.RequestException, AssertionError):
            continue
        if kind and answer.status_code < 300:
            machine.posted = machine.posted or kind == 'callback'
            taken.append((kind, machine, answer.headers['X-OpenStack-Request-ID']))
    return taken


class Stop:
    def __init__(self):
        self.said = False

    def is_set(self):
        return self.said


def one_round(rollcall, fleet, seed):
    dice, stop = random.Random(seed), Stop()
    with concurrent.futures.ThreadPoolExecutor(WORKERS) as pool:
        shares = [pool.submit(work, fleet[n::WORKERS], stop, seed * 100 + n) for n in range(WORKERS)]
        time.sleep(dice.uniform(0.3, 1.5))
        rollcall.kill()
        stop.said = True
        taken = [answer for share in shares for answer in share.result()]
    rollcall.start()
    return taken


def askers(machine):
    answer = machine.rollcall.get(machine.path('events'))
    assert answer.status_code == 200, answer.text
    return ' '.join(step['by'] or '' for step in answer.json()['events'])


def test_what_was_answered_is_found_after_each_of_many_crashes(rollcall, machines, database, capsys):
    fleet, seed = [machines() for _ in range(FLEET)], random.randrange(10 ** 6)
    for machine in fleet:
        machine.begun = machine.posted = False
    counts = {}
    for number in range(ROUNDS):
        taken = one_round(rollcall, fleet, seed + number)
        known = {machine: askers(machine) for machine in {machine for _, machine, _ in taken}}
        lost = [(kind, machine.uuid, asked) for kind, machine, asked in taken if asked not in known[machine]]
        assert lost == [], f'seed {seed}, round {number}'
        for kind, _, _ in taken:
            counts[kind] = counts.get(kind, 0) + 1
        for machine in fleet:
            if machine.begun:
                wait_for(lambda: machine.state() in ('waiting', 'finished', 'error'), 'every run to rest', 30)
    with capsys.disabled():
        print(f'\n{type(database).__name__}: {ROUNDS} crashes, {sum(counts.values())} answers with 2xx, none lost: {counts}')
    assert min(counts.get(kind, 0) for kind in ('start', 'callback', 'abort', 'reapply')) > 0, counts
