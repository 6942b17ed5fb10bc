"""One message to many addresses: fairly, with retries, and never in the way of the next message.

Messages take turns, so that an alarm to one village does not wait behind one to a city; each host gets no more than
its share of the connections, so that a host that does not answer holds up nobody else.
"""

import asyncio
import zlib
from collections import Counter, deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Literal

import msgspec

from .http_post import Address, HttpPost, PostFailed, Reply

Result = Literal["delivered", "gone", "refused", "expired", "gave_up", "superseded"]


class FanOutSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """connections: posts at once; a_host: of these to one host. timeout_s: for one post.

    attempts: posts to one address at most; the first retry comes after first_delay_s, each next one factor times
    later up to max_delay_s, spread by up to a half so that retries do not come in waves.
    """

    connections: int = 200
    a_host: int = 100
    timeout_s: float = 10.0
    attempts: int = 6
    first_delay_s: float = 1.0
    factor: float = 2.0
    max_delay_s: float = 60.0

    def __post_init__(self) -> None:
        if min(self.connections, self.a_host, self.attempts) < 1:
            raise ValueError("connections, a_host, attempts: expected 1 or more")
        if min(self.timeout_s, self.first_delay_s, self.max_delay_s) <= 0.0 or self.factor < 1.0:
            raise ValueError("timeout_s, first_delay_s, max_delay_s: expected more than 0, and factor 1 or more")


@dataclass(frozen=True, slots=True)
class Job:
    """One post of a message. key: the subscriber. make: headers and body, called anew for each attempt.

    about: what the message is about; a newer job of the same key about the same replaces one that still waits.
    """

    key: str
    address: Address
    make: Callable[[], tuple[dict[str, str], bytes]]
    about: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a job. `gone`: the subscriber asked for no more (404, 410). `superseded`: a newer message about
    the same was sent in its place. reason: of the last failure. size: bytes of the body delivered."""

    key: str
    result: Result
    attempts: int
    reason: str = ""
    size: int = 0


@dataclass(slots=True, eq=False)
class _Batch:
    deadline: float
    done: "asyncio.Future[list[Outcome]]"
    tell: Callable[[Outcome], None] | None = None
    waiting: dict[str, deque[tuple[Job, int]]] = field(default_factory=dict)
    left: int = 0
    outcomes: list[Outcome] = field(default_factory=list)


class FanOut:
    """Sends batches of jobs over `post`. counts: posts by result and by reason of failure; failures: the latter alone,
    with the jobs that were given up."""

    def __init__(self, post: HttpPost, settings: FanOutSettings) -> None:
        self.counts: Counter[str] = Counter()
        self.failures: Counter[str] = Counter()
        self._post, self._settings = post, settings
        self._batches: deque[_Batch] = deque()
        self._busy: Counter[str] = Counter()
        self._newest: dict[tuple[str, str], tuple[Job, int]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def submit(
        self, jobs: Iterable[Job], valid_s: float, tell: Callable[[Outcome], None] | None = None
    ) -> "asyncio.Future[list[Outcome]]":
        """Starts a batch on the running loop; the future gives an outcome per job once none is left.

        tell: called with each outcome as it comes.
        valid_s: a job that could not be delivered in this time is given up (an old alert is worse than none).
        """
        loop = asyncio.get_running_loop()
        batch = _Batch(loop.time() + valid_s, loop.create_future(), tell)
        for job in jobs:
            batch.waiting.setdefault(job.address.origin, deque()).append((job, 1))
            batch.left += 1
            if job.about:
                _, open_jobs = self._newest.get((job.key, job.about), (job, 0))
                self._newest[job.key, job.about] = (job, open_jobs + 1)
        if not batch.left:
            batch.done.set_result([])
            return batch.done
        self._batches.append(batch)
        self._start()
        return batch.done

    async def close(self) -> None:
        """Stops; what is not delivered is given up."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for batch in self._batches:
            batch.done.cancel()
        self._batches.clear()
        await self._post.close()

    def _start(self) -> None:
        while len(self._tasks) < self._settings.connections:
            found = self._next()
            if found is None:
                return
            task = asyncio.get_running_loop().create_task(self._work(*found))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    def _next(self) -> tuple[_Batch, Job, int] | None:
        """The next job of the batch whose turn it is, to a host that has a connection to spare."""
        for _ in range(len(self._batches)):
            batch = self._batches[0]
            self._batches.rotate(-1)
            for origin, queue in batch.waiting.items():
                if queue and self._busy[origin] < self._settings.a_host:
                    self._busy[origin] += 1
                    job, attempt = queue.popleft()
                    return batch, job, attempt
        return None

    async def _work(self, batch: _Batch, job: Job, attempt: int) -> None:
        """Posts jobs one after another until none can be taken."""
        while True:
            origin = job.address.origin
            try:
                await self._attempt(batch, job, attempt)
            finally:
                self._busy[origin] -= 1
            found = self._next()
            if found is None:
                return
            batch, job, attempt = found

    async def _attempt(self, batch: _Batch, job: Job, attempt: int) -> None:
        loop = asyncio.get_running_loop()
        if loop.time() >= batch.deadline:
            self._finish(batch, job, Outcome(job.key, "expired", attempt - 1))
            return
        if job.about and self._newest[job.key, job.about][0] is not job:
            self._finish(batch, job, Outcome(job.key, "superseded", attempt - 1))
            return
        size = 0
        try:
            headers, body = job.make()
            size = len(body)
            reply = await self._post.post(job.address, headers, body)
            reason = "" if 200 <= reply.status < 300 else f"status_{reply.status}"
        except PostFailed as error:
            reply, reason = Reply(0), str(error)
        if not reason:
            self._finish(batch, job, Outcome(job.key, "delivered", attempt, size=size))
            return
        self.counts[reason] += 1
        self.failures[reason] += 1
        if reply.status in (404, 410):
            self._finish(batch, job, Outcome(job.key, "gone", attempt, reason))
        elif reason == "private_network" or (300 <= reply.status < 500 and reply.status not in (408, 425, 429)):
            self._finish(batch, job, Outcome(job.key, "refused", attempt, reason))
        elif attempt >= self._settings.attempts:
            self._finish(batch, job, Outcome(job.key, "gave_up", attempt, reason))
        else:
            delay_s = self._delay_s(job.key, attempt, reply.retry_after_s)
            if loop.time() + delay_s >= batch.deadline:
                self._finish(batch, job, Outcome(job.key, "expired", attempt, reason))
            else:
                loop.call_later(delay_s, self._again, batch, job, attempt + 1)

    def _delay_s(self, key: str, attempt: int, asked_s: float | None) -> float:
        settings = self._settings
        delay_s = min(settings.first_delay_s * settings.factor ** (attempt - 1), settings.max_delay_s)
        spread = zlib.crc32(f"{key} {attempt}".encode()) / 2**32
        return max(delay_s * (1.0 + spread / 2.0), asked_s or 0.0)

    def _again(self, batch: _Batch, job: Job, attempt: int) -> None:
        batch.waiting[job.address.origin].append((job, attempt))
        self._start()

    def _finish(self, batch: _Batch, job: Job, outcome: Outcome) -> None:
        self.counts[outcome.result] += 1
        if outcome.result in ("expired", "gave_up", "refused"):
            self.failures[outcome.result] += 1
        if job.about:
            newest, open_jobs = self._newest.pop((job.key, job.about))
            if open_jobs > 1:
                self._newest[job.key, job.about] = (newest, open_jobs - 1)
        batch.outcomes.append(outcome)
        if batch.tell is not None:
            batch.tell(outcome)
        batch.left -= 1
        if batch.left == 0:
            self._batches.remove(batch)
            if not batch.done.done():
                batch.done.set_result(batch.outcomes)
