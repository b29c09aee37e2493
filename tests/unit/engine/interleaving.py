"""Several workers in threads of which one goes on at a time: at each call's begin and end a seed picks who is next."""

import random
import threading
from collections.abc import Callable, Sequence

from local.inprocess.hooks import NoFaults


class Turns(NoFaults):
    """The hook of all fakes. Outside of `run` it lets everybody pass."""

    def __init__(self, seed: int) -> None:
        self._chance = random.Random(seed)
        self._changed = threading.Condition()
        self._alive: list[int] = []
        self._turn: int | None = None

    def run(self, workers: Sequence[Callable[[], None]]) -> None:
        """Side by side until each has ended; an error of one is raised here."""
        errors: list[BaseException] = []
        self._alive = list(range(len(workers)))
        self._turn = self._chance.choice(self._alive)

        def live(number: int) -> None:
            try:
                self._wait(number)
                workers[number]()
            except BaseException as error:  # noqa: BLE001 (raised again in the test's own thread)
                errors.append(error)
            finally:
                with self._changed:
                    self._alive.remove(number)
                    self._pick()

        threads = [threading.Thread(target=live, args=(number,), name=str(number)) for number in self._alive]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if errors:
            raise errors[0]

    def before(self, point: str) -> None:
        self._pass_on()

    def after(self, point: str) -> None:
        self._pass_on()

    def _pass_on(self) -> None:
        name = threading.current_thread().name
        if not name.isdigit() or int(name) not in self._alive:
            return
        with self._changed:
            self._pick()
        self._wait(int(name))

    def _wait(self, number: int) -> None:
        with self._changed:
            self._changed.wait_for(lambda: self._turn == number)

    def _pick(self) -> None:
        self._turn = self._chance.choice(self._alive) if self._alive else None
        self._changed.notify_all()
