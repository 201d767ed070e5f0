"""The composition root: opens everything, joins the rooms, says when the daemon is ready and when it has drained."""
