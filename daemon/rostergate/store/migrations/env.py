"""What alembic runs: every migration in the transaction of the connection that it was given.

`rostergate.store.upgrade` is the only caller. Nothing is printed, and the logging configuration stays as it is.
A new migration is a new file in versions/, written by hand; a test compares the outcome with `schema.metadata`.
"""

from alembic import context

from rostergate.store.schema import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    transactional_ddl=True,
    render_as_batch=True,  # SQLite changes a column by making its table anew
)
with context.begin_transaction():
    context.run_migrations()
