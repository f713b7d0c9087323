import threading
from itertools import count

import pytest

from scenelet.parallel import WAITING, cores, in_parallel


def test_results_come_in_the_order_of_the_items_and_each_is_counted():
    done = []
    squares = in_parallel(lambda number: number * number, range(500), lambda: done.append(1))
    assert list(squares) == [number * number for number in range(500)]
    assert len(done) == 500


def test_of_endless_items_only_a_few_hundred_are_in_flight():
    taken = []
    results = in_parallel(lambda number: number, (taken.append(1) or n for n in count()))
    assert [next(results) for _ in range(100)] == list(range(100))
    results.close()
    assert len(taken) <= 100 + 8 * (8 * cores() + 2)


def test_what_the_work_raises_comes_out_and_the_rest_is_not_begun():
    begun = []

    def work(number):
        begun.append(number)
        if number == 3:
            raise ValueError("the third")
        return number

    with pytest.raises(ValueError, match="the third"):
        list(in_parallel(work, range(100_000)))
    assert len(begun) < 10_000


def test_work_is_done_in_threads_of_its_own():
    names = set(in_parallel(lambda _: threading.current_thread().name, range(64)))
    assert threading.current_thread().name not in names


def test_what_waits_for_a_network_waits_at_once_however_few_the_cores():
    met = threading.Barrier(WAITING)
    assert len(list(in_parallel(lambda _: met.wait(20), range(WAITING), waits=True))) == WAITING
