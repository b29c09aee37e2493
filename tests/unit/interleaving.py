"""Several workers in threads of which one goes on at a time, and which may be killed: a seed picks who, and when.

So a run is reproducible, and every interleaving and every point at which a process can end can occur.
"""

import random
import threading
from collections.abc import Callable, Sequence

from local.inprocess.hooks import Killed, NoFaults

_of_thread = threading.local()  # the turns that it takes, and its number there


def pass_on() -> None:
    """To be called before and after each effect: may kill the worker, or lets another go on. Other threads pass."""
    turns: Turns | None = getattr(_of_thread, "turns", None)
    if turns is not None:
        turns.pass_on(_of_thread.number)


class Turns(NoFaults):
    """Also the hook of the fakes of `local.inprocess`."""

    def __init__(self, chance: random.Random, kill_rate: float = 0.0) -> None:
        self._chance, self._kill_rate = chance, kill_rate
        self._changed = threading.Condition()
        self._alive: list[int] = []
        self._turn: int | None = None

    def run(self, workers: Sequence[Callable[[], object]]) -> None:
        """Side by side until each has ended or was killed; any other error of one is raised here."""
        errors: list[BaseException] = []
        self._alive = list(range(len(workers)))
        self._pick()

        def live(number: int) -> None:
            _of_thread.turns, _of_thread.number = self, number
            try:
                self._wait(number)
                workers[number]()
            except Killed:
                pass
            except BaseException as error:  # noqa: BLE001 (raised again in the test's own thread)
                errors.append(error)
            finally:
                with self._changed:
                    self._alive.remove(number)
                    self._pick()

        threads = [threading.Thread(target=live, args=(number,)) for number in range(len(workers))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if errors:
            raise errors[0]

    def before(self, point: str) -> None:
        pass_on()

    def after(self, point: str) -> None:
        pass_on()

    def pass_on(self, number: int) -> None:
        with self._changed:
            if self._kill_rate and self._chance.random() < self._kill_rate:
                raise Killed
            self._pick()
        self._wait(number)

    def _wait(self, number: int) -> None:
        with self._changed:
            self._changed.wait_for(lambda: self._turn == number)

    def _pick(self) -> None:
        with self._changed:
            self._turn = self._chance.choice(self._alive) if self._alive else None
            self._changed.notify_all()
