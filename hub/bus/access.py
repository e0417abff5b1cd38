"""Who may do what on a secured cluster: one table of rules, and putting them onto a broker.

A principal is an agency (its connectors' user), or one of the hub's services. Everything not said here is denied: an
agency writes its own alerts and receipts, reads its own deliveries, and keeps its connectors' state; it sees no other
agency's topics, and none of the hub's. Names end in a dot where a prefix is allowed, as an agency's id has none: the
prefix of `customs` is no prefix of `customs-north`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, Literal, NamedTuple, cast

from kafka.admin import (
    ACL,
    ACLFilter,
    ACLOperation,
    ACLPermissionType,
    ACLResourcePatternType,
    ResourcePattern,
    ResourcePatternFilter,
    ResourceType,
    UserScramCredentialDeletion,
    UserScramCredentialUpsertion,
)
from kafka.errors import SecurityDisabledError

from hub.bus.topics import (
    ALERTS,
    CONNECTORS,
    CONTROL,
    DECISIONS,
    DELIVERIES,
    GUIDELINES,
    HOLDINGS,
    QUARANTINE,
    RECEIPTS,
)

MECHANISM: Final = "SCRAM-SHA-512"
ROUTERS: Final = "enlace-router"  # the group of every routing process: hub.router.GROUP
SCHEDULER: Final = "enlace-scheduler"  # it writes under one name: hub.scheduler.NAME

Kind = Literal["topic", "group", "transaction"]
Right = Literal["read", "write", "look", "settings"]

_OPERATIONS: Final[Mapping[Right, ACLOperation]] = {
    "read": ACLOperation.READ,
    "write": ACLOperation.WRITE,
    "look": ACLOperation.DESCRIBE,
    "settings": ACLOperation.DESCRIBE_CONFIGS,
}


class Rule(NamedTuple):
    """What may be done with `name` of this kind, or with every name that begins with it. `look`: that it is there, and its
    offsets; reading and writing include it. `settings`: how it is configured."""

    kind: Kind
    name: str
    rights: tuple[Right, ...]
    prefix: bool = False


class AccessError(Exception):
    """The cluster does not take a rule or a user. One line, with what to do."""


def user_of(agency: str) -> str:
    """The user of an agency's connectors: no agency's id can make it the user of a service."""
    return f"agency.{agency}"


def agency_of_user(user: str | None) -> str | None:
    """The agency whose user this is."""
    return user.removeprefix("agency.") if user and user.startswith("agency.") else None


def service_user(service: str) -> str:
    """The user of a service of the hub: router, scheduler, recorder, operator."""
    return f"hub.{service}"


def of_agency(agency: str) -> tuple[Rule, ...]:
    """What the user of an agency's connectors may do."""
    return (
        Rule("topic", ALERTS + agency, ("write",)),
        Rule("topic", RECEIPTS + agency, ("write",)),
        Rule("topic", DELIVERIES + agency, ("read",)),
        Rule("topic", CONNECTORS + agency, ("read", "write")),
        Rule("group", f"deliver.{agency}.", ("read",), prefix=True),
        Rule("transaction", f"publish.{agency}.", ("write",), prefix=True),
        Rule("transaction", f"deliver.{agency}.", ("write",), prefix=True),
    )


_EVERY_AGENCYS: Final = (ALERTS, DELIVERIES, RECEIPTS, CONNECTORS)
_LOOKS_AT_GROUPS: Final = (Rule("group", ROUTERS, ("look",)), Rule("group", "deliver.", ("look",), prefix=True))

# The hub's own users. An operator reads what the console and the commands show, and writes what a person may decide.
SERVICES: Final[dict[str, tuple[Rule, ...]]] = {
    "router": (
        Rule("topic", ALERTS, ("read",), prefix=True),
        Rule("topic", RECEIPTS, ("read",), prefix=True),
        Rule("topic", CONTROL, ("read",)),
        Rule("topic", GUIDELINES, ("read",)),
        Rule("topic", HOLDINGS, ("read", "write")),
        Rule("topic", DELIVERIES, ("write",), prefix=True),
        Rule("topic", DECISIONS, ("write",)),
        Rule("topic", QUARANTINE, ("write",)),
        Rule("group", ROUTERS, ("read",)),
        Rule("transaction", f"{ROUTERS}-", ("write",), prefix=True),
    ),
    "scheduler": (
        *(Rule("topic", name, ("read",)) for name in (HOLDINGS, GUIDELINES)),
        Rule("topic", CONTROL, ("write",)),
        Rule("transaction", SCHEDULER, ("write",)),
    ),
    "recorder": (
        *(Rule("topic", name, ("read",)) for name in (DECISIONS, QUARANTINE, GUIDELINES, HOLDINGS, CONTROL)),
        *(Rule("topic", name, ("read",), prefix=True) for name in _EVERY_AGENCYS),
        *_LOOKS_AT_GROUPS,
    ),
    "operator": (
        *(Rule("topic", name, ("read", "settings")) for name in (DECISIONS, QUARANTINE, HOLDINGS)),
        *(Rule("topic", name, ("read", "write", "settings")) for name in (CONTROL, GUIDELINES)),
        *(Rule("topic", name, ("read", "settings"), prefix=True) for name in _EVERY_AGENCYS),
        *_LOOKS_AT_GROUPS,
        Rule("transaction", "operator-", ("write",), prefix=True),
        Rule("transaction", "enlace-guidelines", ("write",)),
    ),
}


def allow(admin: Any, user: str, rules: Iterable[Rule]) -> None:
    """Puts the rules onto the cluster; what is there already stays. Raises AccessError."""
    _create(admin, [acl for rule in rules for acl in _acls(user, rule, ACLPermissionType.ALLOW)])


def suspend(admin: Any, user: str) -> None:
    """From now on the user may do nothing, whatever else is allowed, on connections that are open too."""
    _create(admin, _everything_denied(user))


def resume(admin: Any, user: str) -> None:
    """Takes back suspend()."""
    _delete(admin, [_filter(user, permission=ACLPermissionType.DENY)])


def forget(admin: Any, user: str) -> None:
    """The user's rules and password end. A suspended user stays nobody: without a password nobody comes in as it."""
    _delete(admin, [_filter(user)])
    gone = admin.alter_user_scram_credentials([_made(UserScramCredentialDeletion, user, MECHANISM)])
    error = gone.get(user)
    if error and "not exist" not in error and "non-existent" not in error:
        raise AccessError(f"the password of {user} cannot be removed: {error}")


def set_password(admin: Any, user: str, password: str) -> None:
    """Makes the user, or gives it another password. Raises AccessError."""
    error = admin.alter_user_scram_credentials(
        [_made(UserScramCredentialUpsertion, user, MECHANISM, password, iterations=8192)]
    ).get(user)
    if error:
        raise AccessError(f"user {user} cannot be made: {error}")


def has_password(admin: Any, user: str) -> bool:
    found = admin.describe_user_scram_credentials([user]).get(user, {})
    return bool(found.get("credential_infos"))


def suspended(admin: Any, user: str) -> bool:
    return any(acl.permission_type == ACLPermissionType.DENY for acl in _rules(admin, user))


def rules_of(admin: Any, user: str) -> list[str]:
    """Each rule as a line for a person, sorted."""
    return sorted(
        f"{acl.permission_type.name.lower()} {acl.operation.name.lower()} {acl.resource_pattern.resource_type.name.lower()} "
        f"{acl.resource_pattern.resource_name}"
        f"{'*' if acl.resource_pattern.pattern_type == ACLResourcePatternType.PREFIXED else ''}"
        for acl in _rules(admin, user)
    )


def is_secured(admin: Any) -> bool:
    """Whether the cluster has an authorizer: without one every client may do everything."""
    try:
        admin.describe_acls(_filter(None))
    except SecurityDisabledError:
        return False
    return True


_KINDS: Final = {
    "topic": ResourceType.TOPIC,
    "group": ResourceType.GROUP,
    "transaction": ResourceType.TRANSACTIONAL_ID,
}


def _acls(user: str, rule: Rule, permission: ACLPermissionType) -> Iterator[Any]:
    pattern = _made(
        ResourcePattern,
        _KINDS[rule.kind],
        rule.name,
        ACLResourcePatternType.PREFIXED if rule.prefix else ACLResourcePatternType.LITERAL,
    )
    for right in rule.rights:
        yield _made(ACL, f"User:{user}", "*", _OPERATIONS[right], permission, pattern)


def _everything_denied(user: str) -> list[Any]:
    return [
        _made(
            ACL,
            f"User:{user}",
            "*",
            ACLOperation.ALL,
            ACLPermissionType.DENY,
            _made(ResourcePattern, kind, "*", ACLResourcePatternType.LITERAL),
        )
        for kind in _KINDS.values()
    ]


def _filter(user: str | None, permission: ACLPermissionType = ACLPermissionType.ANY) -> Any:
    anything = _made(ResourcePatternFilter, ResourceType.ANY, None, ACLResourcePatternType.ANY)
    return _made(ACLFilter, f"User:{user}" if user else None, None, ACLOperation.ANY, permission, anything)


def _rules(admin: Any, user: str) -> Sequence[Any]:
    found, _ = admin.describe_acls(_filter(user))
    return cast(Sequence[Any], found)


def _create(admin: Any, acls: Sequence[Any]) -> None:
    failed = admin.create_acls(acls)["failed"]
    if failed:
        raise AccessError(f"the cluster takes no access rules ({failed[0].__name__}): has it an authorizer?")


def _delete(admin: Any, filters: Sequence[Any]) -> None:
    for _, _, error in admin.delete_acls(filters):
        if error.errno:
            raise AccessError(f"access rules cannot be removed ({error.__name__})")


def _made(kind: Callable[..., Any], *given: Any, **named: Any) -> Any:
    """The library has no types."""
    return kind(*given, **named)
