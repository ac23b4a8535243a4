"""Uploads of the files of folders, as one image each or several: in parallel, and resumable at any point."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from queue import SimpleQueue
from threading import Event, Lock, Semaphore, Thread
from typing import TYPE_CHECKING, Any, Final, TypeVar

from landbridge.cli.images.upload_journal import Entry, SourceFile

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from landbridge.catalog import ImageUpload
    from landbridge.catalog.client.client import CatalogClient
    from landbridge.cli.file_names import Scene
    from landbridge.cli.images.upload_journal import Journal
    from landbridge.raster.runtime.progress import Progress

__all__ = ["FolderUpload", "Outcome"]

T = TypeVar("T")

_GROUP: Final = 200  # names that one request looks for
# Uploads that the service has not processed yet. More would only wait there.
_MOST_WAITING: Final = 100
_POLL: Final = 30  # seconds; the service answers earlier if the upload ends
# Seconds for which a busy or unreachable service is asked again.
_PATIENCE: Final = 900.0
_LONGEST_PAUSE: Final = 30.0


@dataclass(slots=True)
class Outcome:
    """Numbers of images of a run, and the reasons of failures."""

    stored: int = 0
    there: int = 0
    failures: list[tuple[str, str]] = field(default_factory=list)
    _lock: Lock = field(default_factory=Lock)

    def add(self, *, stored: int = 0, there: int = 0, failure: tuple[str, str] | None = None) -> None:
        """Count images. Any thread may call this."""
        with self._lock:
            self.stored += stored
            self.there += there
            self.failures += [failure] if failure else []

    def as_document(self) -> dict[str, Any]:
        """Return the numbers and the reasons as JSON."""
        failed = [{"image": image, "reason": reason} for image, reason in self.failures]
        return {"uploaded": self.stored, "there": self.there, "failed": failed}

    def __str__(self) -> str:
        return f"{self.stored} images uploaded, {self.there} there already, {len(self.failures)} failed"


class FolderUpload:
    """Sends images in several threads, and follows their processing in another.

    The service is the back pressure: while it has many uploads to process, none are sent, and a request that
    it has no time for (429, 503) is sent again later.
    """

    def __init__(
        self,
        client: CatalogClient,
        product_id: str,
        journal: Journal,
        *,
        values: Mapping[str, Any],
        overwrite: bool,
        senders: int,
        progress: Progress,
    ) -> None:
        self._client, self._product_id = client, product_id
        self._journal, self._values = journal, values
        self._overwrite, self._senders, self._progress = overwrite, senders, progress
        self._waiting = Semaphore(_MOST_WAITING)
        self._sent: SimpleQueue[tuple[Entry, Any] | None] = SimpleQueue()
        self._stopped = Event()
        self._outcome = Outcome()

    def run(self, scenes: Sequence[Scene]) -> Outcome:
        """Upload images, and return what became of them after their processing."""
        follower = Thread(target=self._follow, name="landbridge-uploads", daemon=True)
        follower.start()
        try:
            for start in range(0, len(scenes), _GROUP):
                self._send_group(scenes[start : start + _GROUP])
        except BaseException:
            self._stopped.set()
            raise
        finally:
            self._sent.put(None)
        follower.join()
        return self._outcome

    def _send_group(self, scenes: Sequence[Scene]) -> None:
        from landbridge.cli.item_loader import existing_ids

        names = [scene.name for scene in scenes if scene.name not in self._journal.entries]
        known: set[str] = set()
        if names and not self._overwrite:
            known = self._patiently(lambda: existing_ids(self._client, self._product_id, names))
        with ThreadPoolExecutor(self._senders, thread_name_prefix="landbridge-send") as pool:
            sending = [pool.submit(self._try_to_send, scene) for scene in scenes if scene.name not in known]
            self._end(there=len(scenes) - len(sending))
            try:
                for one in sending:
                    one.result()
            except BaseException:
                self._stopped.set()
                pool.shutdown(cancel_futures=True)
                raise

    def _end(self, **numbers: Any) -> None:
        """Count images that need nothing more."""
        self._outcome.add(**numbers)
        self._progress.update(numbers.get("stored", 0) + numbers.get("there", 0) + ("failure" in numbers))

    def _try_to_send(self, scene: Scene) -> None:
        from landbridge.exceptions import BadRequestError, ConflictError

        if self._stopped.is_set():
            return
        self._waiting.acquire()
        try:
            upload = self._send(scene)
        except (BadRequestError, ConflictError, OSError, ValueError) as error:
            self._waiting.release()
            self._end(failure=(scene.name, str(error)))
            return
        except BaseException:
            self._waiting.release()
            raise
        if upload is None:
            self._waiting.release()
            self._end(there=1)
        else:
            self._sent.put((self._journal.entries[scene.name], upload))

    def _send(self, scene: Scene) -> ImageUpload | None:
        """Send an image's files and submit them; None if that was done in an earlier run, to the end."""
        known = self._journal.entries.get(scene.name)
        if known is not None and known.state == "success" and not self._has_changed(known, scene):
            return None
        files = [SourceFile.of(path) for path in scene.hrefs]
        earlier = self._earlier_upload(known, files)
        if earlier is not None and earlier.status != "transferring":
            self._journal.write(Entry(scene.name, "submitted", earlier.id, known.files if known else ()))
            return earlier
        entry = Entry(scene.name, "starting", files=tuple(file.hashed() for file in files))
        return self._transfer(scene, entry, earlier)

    def _has_changed(self, known: Entry, scene: Scene) -> bool:
        """Return whether an image that was stored has other files now; ValueError without --overwrite."""
        same = [file.path for file in known.files] == list(scene.hrefs)
        if same and all(file.is_unchanged() for file in known.files):
            return False
        if self._overwrite:
            return True
        raise ValueError("Its files have changed since they were uploaded; give --overwrite to replace it.")

    def _earlier_upload(self, known: Entry | None, files: Sequence[SourceFile]) -> ImageUpload | None:
        """Return the upload that an earlier run has begun for these files and that has not failed."""
        if known is None or known.state not in ("starting", "announced", "submitted"):
            return None
        found = self._patiently(lambda: self._uploads_of(known))
        wanted = [(file.path, file.size) for file in files]
        for upload in found:
            same = [(file.path, file.size) for file in known.files] == wanted
            if upload.status in ("success", "pending", "running") and (same or upload.status != "success"):
                return upload
            if upload.status == "transferring":
                if same and all(file.is_unchanged() for file in known.files):
                    return upload
                self._patiently(upload.cancel)
        return None

    def _uploads_of(self, known: Entry) -> list[ImageUpload]:
        from landbridge.catalog import ImageUpload

        if known.upload:
            found = ImageUpload.get(known.upload, client=self._client)
            return [] if found is None else [found]
        # The process ended between the request and its answer.
        image_id = f"{self._product_id}:{known.image}"
        records = self._client.get("/uploads", {"image_id": image_id, "events": "false"})["uploads"]
        uploads = (ImageUpload.get(record["id"], client=self._client) for record in reversed(records))
        return [upload for upload in uploads if upload is not None]

    def _transfer(self, scene: Scene, entry: Entry, earlier: ImageUpload | None) -> ImageUpload:
        """Announce an upload, unless an earlier run has, send the files and submit them."""
        from landbridge.catalog import Image
        from landbridge.catalog.stac.uploads import upload_path
        from landbridge.catalog.transfer import upload as steps

        image = Image(
            product_id=self._product_id,
            name=scene.name,
            acquired=scene.acquired,
            client=self._client,
            **self._values,
        )
        with ExitStack() as opened:
            parts = steps.parts_of(scene.hrefs, opened)
            if earlier is None:
                self._journal.write(entry)
                record = self._patiently(
                    lambda: steps.announce(image, parts, overwrite=self._overwrite),
                    otherwise=lambda: self._announced_after_all(entry),
                )
            else:
                record = {"id": earlier.id}
            entry = Entry(entry.image, "announced", str(record["id"]), entry.files)
            self._journal.write(entry)
            self._patiently(lambda: steps.send_parts(self._client, record, parts))
            if any(SourceFile.of(file.path).modified != file.modified for file in entry.files):
                self._patiently(lambda: self._client.post(f"{upload_path(entry.upload)}/cancel"))
                raise ValueError("Its files have changed while they were sent; upload it again.")
            upload = self._patiently(lambda: steps.submit(self._client, record))
        self._journal.write(Entry(entry.image, "submitted", upload.id, entry.files))
        return upload

    def _announced_after_all(self, entry: Entry) -> Mapping[str, Any] | None:
        """Return the record of a request whose answer was lost."""
        found = (one for one in self._uploads_of(entry) if one.status == "transferring")
        return next(({"id": one.id} for one in found), None)

    def _follow(self) -> None:
        """Wait for the end of each upload, in the order in which they were sent."""
        while (sent := self._sent.get()) is not None and not self._stopped.is_set():
            entry, upload = sent
            try:
                failure = self._patiently(lambda upload=upload: _reason_of_failure(upload))  # type: ignore[misc]
            except Exception as error:  # noqa: BLE001 - of one upload; the others go on
                failure = f"{type(error).__name__}: {error}"
                state = entry.state
            else:
                state = "failure" if failure else "success"
            self._journal.write(Entry(entry.image, state, entry.upload, entry.files))
            self._waiting.release()
            if failure:
                self._end(failure=(entry.image, failure))
            else:
                self._end(stored=1)

    def _patiently(self, call: Callable[[], T], otherwise: Callable[[], T | None] | None = None) -> T:
        """Return the result of a request; repeat it while the service is busy or away.

        `otherwise` returns the result of a request whose answer was lost, if it had an effect.
        """
        from landbridge.exceptions import RateLimitError, ServerError

        begin, pause, attempts = time.monotonic(), 1.0, 0
        while True:
            try:
                found = otherwise() if otherwise and attempts else None
                return call() if found is None else found
            except (RateLimitError, ServerError) as error:
                if time.monotonic() - begin > _PATIENCE or self._stopped.is_set():
                    raise
                wait = getattr(error, "retry_after", None) or pause
            attempts += 1
            self._stopped.wait(min(wait, _LONGEST_PAUSE))
            pause = min(pause * 2, _LONGEST_PAUSE)


def _reason_of_failure(upload: ImageUpload) -> str:
    """Wait for the end of an upload, and return why it failed; empty if it succeeded."""
    while True:
        try:
            upload.wait_for_completion(timeout=_POLL, warn_transient_errors=False)
            break
        except TimeoutError:
            continue
    if upload.status == "success":
        return ""
    messages = [event.message for event in upload.events or [] if event.severity in ("ERROR", "CRITICAL")]
    return str(messages[-1]) if messages else f"Its upload {upload.id} has ended: {upload.status}."
