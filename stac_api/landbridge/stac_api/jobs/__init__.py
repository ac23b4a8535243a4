"""Background jobs: the queue, and the errors after which a job is tried again."""
