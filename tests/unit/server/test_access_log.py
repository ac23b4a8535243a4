"""Uvicorn's access log hides what lets anybody repeat a request."""

import logging

from landbridge.stac_api.http.access_log import hide_signatures


def test_signatures_are_hidden_and_the_rest_stays(caplog, monkeypatch):
    logger = logging.getLogger("uvicorn.access")
    monkeypatch.setattr(logger, "filters", [])
    hide_signatures()
    hide_signatures()
    assert len(logger.filters) == 1
    with caplog.at_level(logging.INFO, "uvicorn.access"):
        for path in ("/blobs/uploads/1?expires=9&signature=s3cr3t&for=lb", "/search?q=signature"):
            logger.info('%s - "%s %s HTTP/%s" %d', "127.0.0.1:1", "PUT", path, "1.1", 201)
    assert caplog.messages == [
        '127.0.0.1:1 - "PUT /blobs/uploads/1?expires=9&signature=REDACTED&for=lb HTTP/1.1" 201',
        '127.0.0.1:1 - "PUT /search?q=signature HTTP/1.1" 201',
    ]
