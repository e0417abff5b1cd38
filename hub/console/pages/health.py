"""Is the console alive, is it ready, and its metrics: for machines. No page needs them, and they tell no more than that."""

from __future__ import annotations

from prometheus_client import CONTENT_TYPE_LATEST
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from starlette.responses import JSONResponse, Response

from ..ask import Ask, NoSuchThing
from ..cluster import Unreachable


def health(_ask: Ask) -> Response:
    """The process answers."""
    return JSONResponse({"status": "ok"})


def ready(ask: Ask) -> Response:
    """Whether database and cluster can be used; 503 if one cannot."""
    checks = {"database": _database(ask), "cluster": _cluster(ask)}
    good = all(checks.values())
    told = {name: "ok" if each else "failed" for name, each in checks.items()}
    return JSONResponse({"status": "ok" if good else "failed", "checks": told}, 200 if good else 503)


def _database(ask: Ask) -> bool:
    try:
        with ask.reading() as db:
            db.execute(text("SELECT 1"))
    except SQLAlchemyError:
        return False
    return True


def _cluster(ask: Ask) -> bool:
    try:
        ask.house.cluster.answers()
    except Unreachable:
        return False
    return True


def metrics(ask: Ask) -> Response:
    """For those addresses that the settings name; for others there is no such page."""
    allowed = {each.strip() for each in ask.house.settings.metrics_from.split(",")}
    if ask.address not in allowed:
        raise NoSuchThing
    return Response(ask.house.metrics.text(), media_type=CONTENT_TYPE_LATEST)
