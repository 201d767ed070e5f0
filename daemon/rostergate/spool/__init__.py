"""The spool: inboxes, sealed deliveries and reports on disk."""
