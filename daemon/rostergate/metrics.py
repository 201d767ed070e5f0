"""The metrics: every one that is kept, by name.

Rule 1: names follow Prometheus's conventions (https://prometheus.io/docs/practices/naming/): base units, `_total` for
what only grows.
Rule 2: a label's values are few and ours: codes, keys of the settings, stages. Never a district, an address, a file's
name or a cell's value.
Rule 3: nobody else's metrics are among them: the registry is our own.
"""

from __future__ import annotations

from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

CONTENT_TYPE: Final = CONTENT_TYPE_LATEST
REGISTRY: Final = CollectorRegistry(auto_describe=True)
ProcessCollector(registry=REGISTRY)

_MILLISECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
_MINUTES: Final = (0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 15.0, 60.0, 300.0, 900.0)


def _counter(name: str, what: str, *labels: str) -> Counter:
    return Counter(f"rostergate_{name}", what, labels, registry=REGISTRY)


def _gauge(name: str, what: str) -> Gauge:
    return Gauge(f"rostergate_{name}", what, registry=REGISTRY)


def _histogram(name: str, what: str, buckets: tuple[float, ...], *labels: str) -> Histogram:
    return Histogram(f"rostergate_{name}", what, labels, buckets=buckets, registry=REGISTRY)


# The gate
LOGINS_ACCEPTED: Final = _counter("logins_accepted_total", "Logins that succeeded, by password or key.", "how")
LOGINS_REFUSED: Final = _counter("logins_refused_total", "Logins that failed, by password or key.", "how")
CONNECTIONS_REFUSED: Final = _counter("connections_refused_total", "Connections turned away before the login.", "why")
LIMITS_REACHED: Final = _counter(
    "limits_reached_total", "Times a limit was reached, by its key in the settings.", "limit"
)
CONNECTIONS_OPEN: Final = _gauge("connections_open", "Connections, logged in or not.")
SESSIONS_OPEN: Final = _gauge("sessions_open", "SFTP sessions.")
UPLOADS_COMMITTED: Final = _counter("uploads_committed_total", "Files that arrived whole.")
UPLOADS_REFUSED: Final = _counter("uploads_refused_total", "Requests of a session that were refused, by reason.", "why")
UPLOADED_BYTES: Final = _counter("uploaded_bytes_total", "Bytes received in files.")
PASSWORD_SECONDS: Final = _histogram(
    "password_check_seconds", "Seconds from asking for a password's check to its answer.", _MILLISECONDS
)
LOOP_DELAY_SECONDS: Final = _histogram(
    "event_loop_delay_seconds", "Seconds by which the event loop was late, looked at ten times a second.", _MILLISECONDS
)

# The road
DELIVERIES_DECIDED: Final = _counter("deliveries_decided_total", "Deliveries by what became of them.", "outcome")
STAGE_SECONDS: Final = _histogram("delivery_stage_seconds", "Seconds a delivery took, by stage.", _MINUTES, "stage")
DISTRICTS_LATE: Final = _gauge("districts_late", "Districts whose delivery has not come when it usually has.")
DISTRICTS_SILENT: Final = _gauge("districts_silent", "Districts of which nothing has come for mail.silent_days.")
PLANS_HELD: Final = _gauge("plans_held", "Plans that wait for a person.")
SETS_STUCK: Final = _gauge("sets_stuck", "Uploads with which the daemon cannot go on; `rostergate status` tells why.")
QUEUE_DELIVERIES: Final = _gauge("queue_deliveries", "Sealed deliveries that wait to be decided.")
QUEUE_SECONDS: Final = _gauge("queue_oldest_seconds", "Age of the oldest of them since it was sealed, 0 without any.")
DISK_EXHAUSTED: Final = _gauge(
    "state_disk_exhausted", "1 while uploads are refused because the disk of the state folder is nearly full, else 0."
)
DISK_FREE_BYTES: Final = _gauge("state_disk_free_bytes", "Bytes free on the disk of the state folder.")

# Mail
MAILS: Final = _counter("mails_total", "Tries to send mail by what became of them.", "outcome")
MAIL_WAITING: Final = _gauge("mail_waiting", "Mail that is to be sent, perhaps again.")
MAIL_SECONDS: Final = _gauge("mail_oldest_seconds", "Age of the oldest of it since it was written, 0 without any.")


def page() -> bytes:
    """Return all of them as Prometheus's text format has it."""
    return generate_latest(REGISTRY)
