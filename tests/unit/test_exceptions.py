"""Semantics 12.3 and 12.4: the tree of errors and their messages."""

import pytest

from landbridge import exceptions as errors
from landbridge.catalog import AttributeValidationError, DeletedObjectError, UnsavedObjectError
from landbridge.errors import LandbridgeError
from landbridge.geo import errors as tile_errors

KNOWN = {
    400: errors.BadRequestError,
    401: errors.UnauthorizedError,
    403: errors.ForbiddenError,
    404: errors.NotFoundError,
    405: errors.MethodNotAllowedError,
    407: errors.ProxyAuthenticationRequiredError,
    409: errors.ConflictError,
    410: errors.GoneError,
    418: errors.ClientError,
    422: errors.ValidationError,
    429: errors.RateLimitError,
    449: errors.RetryWithError,
    500: errors.ServerError,
    503: errors.ServerError,
    504: errors.GatewayTimeoutError,
}


@pytest.mark.parametrize(("status", "kind"), KNOWN.items())
def test_each_status_has_its_error_12_3(status, kind):
    error = errors.from_response(status, b"", {}, "GET /x")
    assert type(error) is kind
    assert isinstance(error, errors.ClientError if status < 500 else errors.ServerError)
    assert (error.original_status if status >= 500 else error.status) == status
    assert "GET /x" in str(error)


def test_the_two_families_are_unrelated_12_3():
    assert errors.ClientError.__bases__ == errors.ServerError.__bases__ == (LandbridgeError,)
    assert issubclass(errors.ValidationError, errors.BadRequestError)
    assert issubclass(errors.OauthError, errors.AuthError)
    assert DeletedObjectError.__bases__ == UnsavedObjectError.__bases__ == (LandbridgeError,)
    assert issubclass(AttributeValidationError, ValueError)
    assert errors.ConfigError.__bases__ == (LandbridgeError,)


def test_errors_have_their_http_status_12_3():
    statuses = {name: getattr(getattr(errors, name), "status", None) for name in errors.__all__}
    del statuses["from_response"]
    assert statuses == {
        "AuthError": None,
        "BadRequestError": 400,
        "ClientError": None,
        "ConfigError": None,
        "ConflictError": 409,
        "ForbiddenError": 403,
        "GatewayTimeoutError": 504,
        "GoneError": 410,
        "LandbridgeError": None,
        "MethodNotAllowedError": 405,
        "NotFoundError": 404,
        "OauthError": None,
        "ProxyAuthenticationRequiredError": 407,
        "RateLimitError": 429,
        "RequestCancellationError": None,
        "RetryWithError": 449,
        "ServerError": 500,
        "UnauthorizedError": 401,
        "ValidationError": 422,
    }
    for name, status in statuses.items():
        if status is not None:
            family = errors.ClientError if status < 500 else errors.ServerError
            assert issubclass(getattr(errors, name), family)


def test_errors_of_tiles_are_value_errors_12_3():
    for name in ("InvalidLatLonError", "InvalidRowColError", "InvalidShapeError", "InvalidTileError"):
        assert issubclass(getattr(tile_errors, name), ValueError)


def test_the_error_of_a_proxy_has_its_challenge_12_3():
    error = errors.from_response(407, b"", {"proxy-authenticate": "Basic"}, "GET /x")
    assert error.proxy_authenticate == "Basic"


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b'{"code": "ConflictError", "description": "it exists"}', "it exists"),
        (b'{"code": "ConflictError", "description": ""}', "ConflictError"),
        (b'{"detail": "not here"}', "not here"),
        (b'{"detail": [{"loc": ["body", "name"], "msg": "is missing"}]}', "\n    body.name: is missing"),
        (
            b'{"errors": [{"title": "Invalid", "detail": "too long", "source": {"pointer": "/data/name"}}]}',
            "\n    Invalid: too long: name",
        ),
        (
            b'{"errors": [{"title": "A", "detail": "a"}, {"title": "B", "detail": "b"}]}',
            "\n    A: a\n    B: b",
        ),
        (b'{"errors": [{"status": "409"}], "message": "in use"}', "in use"),
        (b'{"errors": ["too long", {"detail": "no", "source": "name"}]}', "\n    too long\n    no: name"),
        (b'{"detail": ["too long", {"msg": "no"}]}', "\n    too long\n    no"),
        (b'["no", "object"]', "['no', 'object']"),
        (b"<html>oops</html>", "<html>oops</html>"),
    ],
)
def test_messages_are_readable_12_4(body, message):
    assert str(errors.from_response(400, body, {}, "GET /x")) == message


@pytest.mark.parametrize(("header", "seconds"), [("3", 3.0), ("nonsense", None), ("", None)])
def test_retry_after_12_3(header, seconds):
    assert errors.from_response(429, b"", {"retry-after": header}, "GET /x").retry_after == seconds


def test_retry_after_may_be_a_date_12_3():
    error = errors.from_response(429, b"", {"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"}, "GET /x")
    assert error.retry_after == 0
