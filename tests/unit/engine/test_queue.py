"""The queue in memory does to its messages what SQS may do to them."""

import random
from datetime import timedelta

from local.inprocess.clock import SimulatedClock
from local.inprocess.hooks import NoFaults
from local.inprocess.queue import Disorder, MemoryQueue
from local.inprocess.scenario import START

VISIBILITY = timedelta(minutes=6)


def a_queue(clock: SimulatedClock, **settings: object) -> MemoryQueue:
    return MemoryQueue("sends", clock.wall, random.Random(1), VISIBILITY, **settings)  # type: ignore[arg-type]


def test_a_message_is_hidden_by_its_delay_and_while_somebody_has_it() -> None:
    clock = SimulatedClock(START)
    queue = a_queue(clock)
    queue.put("one", delay=30)
    assert queue.receive() == []
    clock.pass_by(30)
    (message,) = queue.receive()
    assert queue.receive() == []
    clock.pass_by(VISIBILITY)
    (again,) = queue.receive()
    assert (again.body, again.receives) == ("one", 2)
    queue.delete(again)
    clock.pass_by(VISIBILITY)
    assert queue.receive() == []
    assert queue.empty
    assert message is again


def test_a_message_that_was_received_too_often_goes_to_the_dead_letters() -> None:
    clock = SimulatedClock(START)
    queue = a_queue(clock, max_receives=2)
    queue.put("one")
    for _ in range(3):
        queue.receive()
        clock.pass_by(VISIBILITY)
    assert [message.body for message in queue.dead] == ["one"]
    assert queue.next_visible_at is None


def test_in_disorder_messages_come_twice_and_in_any_order_and_none_is_missing() -> None:
    clock = SimulatedClock(START)
    queue = a_queue(clock, disorder=Disorder(duplicated=0.5, shuffled=True))
    for number in range(50):
        queue.put(str(number))
    received = []
    while (visible_at := queue.next_visible_at) is not None:
        clock.move_to(visible_at)
        for message in queue.receive():
            received.append(message.body)
            queue.delete(message)
    assert set(received) == {str(number) for number in range(50)}
    assert len(received) > 50
    assert received != sorted(received, key=int)


def test_parts_of_a_batch_that_were_not_taken_are_named() -> None:
    class LeavesThree(NoFaults):
        def left_over(self, point: str, count: int) -> int:
            return 3

    queue = a_queue(SimulatedClock(START), hook=LeavesThree())
    entries = [{"Id": str(number), "MessageBody": str(number)} for number in range(5)]
    answer = queue.send_message_batch(QueueUrl="sends", Entries=entries)
    assert [one["Id"] for one in answer["Failed"]] == ["2", "3", "4"]
    assert [message.body for message in queue.receive()] == ["0", "1"]
