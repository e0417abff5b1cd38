"""A browser in miniature for tests of the console: signs in, keeps cookies, fills forms with their token."""

from __future__ import annotations

import re
from typing import Any

from starlette.applications import Starlette
from starlette.testclient import TestClient

from hub.console.app import create_app
from tests.console.world import PASSWORD, World

ORIGIN = "http://127.0.0.1:8630"
HEADERS = {"origin": ORIGIN, "accept-language": "en"}


class Visitor:
    def __init__(self, app: Starlette, language: str = "en") -> None:
        self.client = TestClient(app, base_url=ORIGIN, follow_redirects=False, raise_server_exceptions=True)
        self.client.headers.update({**HEADERS, "accept-language": language})

    def get(self, path: str, **query: Any) -> Any:
        return self.client.get(path, params=query or None)

    def token(self, path: str) -> str:
        page = self.get(path).text
        found = re.search(r'name="token" value="([0-9a-f]{64})"', page)
        assert found, f"no form on {path}"
        return found[1]

    def post(self, path: str, form: str = "/account", **fields: Any) -> Any:
        """Posts with the token of the page `form`, as its form would."""
        return self.client.post(path, data={"token": self.token(form), **fields})

    def sign_in(self, name: str, password: str = PASSWORD) -> Any:
        return self.post("/sign-in", "/sign-in", name=name, password=password)


def visitor(world: World, name: str | None = None, language: str = "en") -> Visitor:
    """Somebody at the console; signed in, if a name is given."""
    made = Visitor(create_app(world.house), language)
    if name:
        answer = made.sign_in(name)
        assert answer.status_code == 303, answer.text
    return made
