"""The embedded stack: a private PostgreSQL cluster and the API beside it, started on first use.

`stack.up` starts or joins it, `control.down` stops it, `control.status` describes it; the same as
commands: `python -m landbridge.stac_api.embedded up|down|status`.

Nothing is imported here: joining a running stack has to cost milliseconds.
"""
