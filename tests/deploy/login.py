"""Confirms a code at an OpenID provider's pages, as a person does in a browser."""

from __future__ import annotations

from html.parser import HTMLParser
from urllib.parse import urljoin

import httpx

_MOST_PAGES = 12


class _Forms(HTMLParser):
    """First form of a page: its address, and the values of its fields."""

    def __init__(self) -> None:
        super().__init__()
        self.action: str | None = None
        self.fields: dict[str, str] = {}

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        given = dict(attributes)
        if tag == "form" and self.action is None:
            self.action = given.get("action") or ""
        elif tag in ("input", "button") and self.action is not None and given.get("name"):
            self.fields.setdefault(given["name"] or "", given.get("value") or "")


def confirm(address: str, user: str, code: str) -> None:
    """Fill in all pages from an address on, until one has no form."""
    answers = {"login": user, "password": "any", "user_code": code}
    with httpx.Client(follow_redirects=True, timeout=30) as browser:
        page = browser.get(address)
        for _ in range(_MOST_PAGES):
            forms = _Forms()
            forms.feed(page.raise_for_status().text)
            if forms.action is None:
                return
            fields = {name: answers.get(name, value) for name, value in forms.fields.items()}
            fields.pop("abort", None)
            page = browser.post(urljoin(str(page.url), forms.action), data=fields)
    raise AssertionError(f"The pages at {address} do not end.")
