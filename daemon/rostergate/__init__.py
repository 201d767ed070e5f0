"""rostergate: an async SFTP daemon that school rosters pass through."""
