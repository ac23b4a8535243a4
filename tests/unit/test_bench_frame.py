"""The frame of the benchmarks."""

import json
from itertools import cycle

import pytest

from bench.frame import Contest, Job, Peer, in_fresh_process, run


def rows_of(*contest, **options):
    ended = []

    def prepare():
        yield Contest(*contest, **options)
        ended.append(True)

    rows = run(Job("a job", "a group", prepare), print)
    assert ended == [True]
    return rows


def test_a_row_holds_the_medians_and_their_ratio():
    ours, theirs = cycle([9.0, 1.0, 2.0]), cycle([5.0, 4.0, 90.0])
    (row,) = rows_of(lambda: next(ours), [Peer("peer", lambda: next(theirs), aim=2)], runs=3, warm_up=False)
    assert json.loads(row.to_json()) == {
        "job": "a job",
        "ours": 2.0,
        "peer": "peer",
        "theirs": 5.0,
        "ratio": 2.5,
        "aim": 2.0,
    }
    assert row.met


def test_the_sides_take_turns_after_a_warm_up():
    order = []
    rows_of(lambda: order.append("ours"), [Peer("peer", lambda: order.append("theirs"))], runs=3)
    assert order == ["ours", "theirs", "ours", "theirs", "theirs", "ours", "ours", "theirs"]


def test_a_figure_may_stand_for_a_peer():
    missed, met = rows_of(lambda: 0.4, [Peer("aim", 0.3), Peer("least", 0.8, aim=2)], runs=1)
    assert not missed.met
    assert missed.ratio == pytest.approx(0.75)
    assert met.met


def test_a_measure_that_returns_nothing_is_timed():
    (row,) = rows_of(lambda: sum(range(1000)) and None, [Peer("aim", 1.0)], runs=1)
    assert 0 < row.ours < 1


def test_a_job_that_fails_still_cleans_up():
    ended = []

    def prepare():
        try:
            yield Contest(lambda: 1 / 0, [Peer("aim", 1.0)])
        finally:
            ended.append(True)

    with pytest.raises(ZeroDivisionError):
        run(Job("a job", "a group", prepare), print)
    assert ended == [True]


def test_a_fresh_process_prints_its_figure():
    assert in_fresh_process("print('loading'); print(0.25)")() == 0.25
