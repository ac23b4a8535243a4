"""Hrefs without signatures."""

import pytest

from landbridge.sources.unsigned_hrefs import without_signature, without_signatures

PLAIN = "https://account.blob.core.windows.net/naip/scene.tif"


@pytest.mark.parametrize(
    ("href", "expected"),
    [
        (f"{PLAIN}?st=2024&se=2025&sp=rl&sv=2021&sr=c&skoid=x&sktid=y&skt=1&sig=a%3D", PLAIN),
        (f"{PLAIN}?version=3&se=2025&sig=a", f"{PLAIN}?version=3"),
        ("https://b.s3.amazonaws.com/x?X-Amz-Date=1&X-Amz-Signature=2&x-amz-credential=3", "https://b.s3.amazonaws.com/x"),
        ("https://b.s3.amazonaws.com/x?AWSAccessKeyId=1&Signature=2&Expires=3", "https://b.s3.amazonaws.com/x"),
        ("https://storage.googleapis.com/b/x?X-Goog-Algorithm=1&X-Goog-Signature=2", "https://storage.googleapis.com/b/x"),
        ("https://user:word@x.invalid/a.tif", "https://x.invalid/a.tif"),
        ("https://x.invalid/a.tif?token=secret&page=2", "https://x.invalid/a.tif?page=2"),
        # Parameters of the file itself stay.
        ("https://x.invalid/wcs?service=WCS&version=2&se=5", "https://x.invalid/wcs?service=WCS&version=2&se=5"),
        ("s3://bucket/key@2.tif", "s3://bucket/key@2.tif"),
        ("/data/a?b@c.tif", "/data/a?b@c.tif"),
    ],
)  # fmt: skip
def test_signatures_are_removed(href, expected):
    assert without_signature(href) == expected
    assert without_signature(expected) == expected


def test_all_hrefs_of_a_document_lose_their_signatures():
    signed = f"{PLAIN}?sig=secret&se=2025"
    document = {
        "id": "x",
        "assets": {"a": {"href": signed, "alternate": {"s3": {"href": signed}}, "roles": ["data"]}},
        "links": [{"rel": "preview", "href": signed}, "odd"],
    }
    found = without_signatures(document)
    assert "secret" not in str(found)
    assert found["assets"]["a"]["alternate"]["s3"]["href"] == PLAIN
    assert found["assets"]["a"]["roles"] == ["data"]
    assert "secret" in str(document)
