"""CAP files that are damaged or made to do harm: refused or told, with no traceback and no value. All persons are invented."""

import tracemalloc
from collections.abc import Iterator
from io import BytesIO, RawIOBase
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.formats import cap, cap_xml, records
from connectors.formats.cap_record import REASONS, BadAlert, CapAlert
from tests.connectors.formats.test_cap import SAMPLES, SPACE, alert, info, read, refused

ATOM = "http://www.w3.org/2005/Atom"
LAUGHS = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
EVERY = "".join(path.read_text(encoding="latin-1") for path in sorted(Path(SAMPLES).glob("*.xml")))


def feed(*alerts: str) -> str:
    entries = "\n".join(f"<entry><content type='text/xml'>{each}</content></entry>" for each in alerts)
    return f"<feed xmlns='{ATOM}'>\n{entries}\n</feed>"


def codes(data: str | bytes, limits: cap.Limits | None = None) -> list[str]:
    return [each.code if isinstance(each, BadAlert) else each.identifier for each in read(data, limits)]


@pytest.mark.parametrize(
    "head",
    [
        f'<!DOCTYPE alert [<!ENTITY l0 "lol">{LAUGHS}]>',
        '<!DOCTYPE alert [<!ENTITY x SYSTEM "file:///etc/passwd">]>',
        '<!DOCTYPE alert [<!ENTITY % x SYSTEM "http://127.0.0.1/x.dtd"> %x;]>',
        '<!DOCTYPE alert SYSTEM "http://127.0.0.1/x.dtd">',
        "<!DOCTYPE alert>",
    ],
)
def test_document_types_and_entities_are_refused(head: str) -> None:
    assert refused(head + alert(identifier="&l9;" if "l9" in head else "A-1")) == [("xml-document-type", 1, "")]


def test_entities_in_escaped_text_of_a_feed_are_refused_too_and_the_others_go_on() -> None:
    inner = f'<!DOCTYPE alert [<!ENTITY l0 "lol">{LAUGHS}]>' + alert()
    escaped = inner.replace("&", "&amp;").replace("<", "&lt;")

    assert codes(feed(alert(identifier="B-1"), escaped, alert(identifier="B-3"))) == ["B-1", "xml-document-type", "B-3"]


@pytest.mark.parametrize(
    ("bad", "code"),
    [
        (alert("<x>" * 60 + "</x>" * 60), "xml-too-deep"),
        (alert("<x/>" * 30_000), "xml-too-many-elements"),
        (alert("<x>" + "A" * 4_100_000 + "</x>"), "xml-text-too-long"),
        (alert("<x " + " ".join(f'a{n}=""' for n in range(30_000)) + "/>"), "xml-too-many-elements"),
    ],
)
def test_an_alert_over_a_limit_is_one_error_and_the_others_go_on(bad: str, code: str) -> None:
    found = read(feed(alert(identifier="B-1"), bad, alert(identifier="B-3")))

    assert [each.code if isinstance(each, BadAlert) else each.identifier for each in found] == ["B-1", code, "B-3"]
    assert [each.line for each in found] == [2, 3, 4]


@pytest.mark.parametrize(
    ("document", "code"),
    [
        ("<a>" * 100_000, "xml-too-deep"),
        (alert().replace("<alert ", "<alert x='" + "A" * 3_000_000 + "' "), "xml-tag-too-long"),
        ("<!--" + "A" * 3_000_000, "xml-tag-too-long"),
        ('<?xml version="1.0" encoding="klingon"?>' + alert(), "xml-encoding"),
        ('<?xml version="1.0" encoding="shift_jis"?>' + alert(), "xml-encoding"),
        ("", "xml-not-well-formed"),
        ("no es XML", "xml-not-well-formed"),
        (alert() + alert(), "xml-not-well-formed"),
    ],
)
def test_a_file_that_cannot_be_read_ends_with_an_error(document: str, code: str) -> None:
    assert codes(document)[-1] == code


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "windows-1252", "iso-8859-1"])
def test_the_encodings_that_files_name_are_read(encoding: str) -> None:
    named = encoding.removesuffix("-sig")
    document = f'<?xml version="1.0" encoding="{named}"?>' + alert(info("Sustracción de Niño"))

    (found,) = read(document.encode(encoding))

    assert isinstance(found, CapAlert)
    assert found.infos[0].event == "Sustracción de Niño"


def test_limits_of_file_and_alerts_are_kept() -> None:
    small = cap.Limits(xml=cap_xml.Limits(document_bytes=100))
    few = cap.Limits(xml=cap_xml.Limits(records=2))

    assert codes(alert(), small) == ["file-too-large"]
    assert codes(feed(*[alert()] * 5), few) == ["A-1", "A-1", "xml-too-many-records"]


class Endless(RawIOBase):
    """A feed of alerts that is never held whole."""

    def __init__(self, alerts: int) -> None:
        self._parts = self._made(alerts)
        self._left = b""

    def _made(self, alerts: int) -> Iterator[bytes]:
        yield f"<feed xmlns='{ATOM}'>".encode()
        one = f"<entry><content>{alert(info(more='<description>' + 'A' * 15_000 + '</description>'))}</content></entry>"
        for _ in range(alerts):
            yield one.encode()
        yield b"</feed>"

    def read(self, size: int = -1, /) -> bytes:
        while len(self._left) < size and (part := next(self._parts, None)):
            self._left += part
        taken, self._left = self._left[:size], self._left[size:]
        return taken


def test_a_large_feed_is_read_in_little_memory() -> None:
    tracemalloc.start()
    count = sum(isinstance(each, CapAlert) for each in cap.read(Endless(200)))  # type: ignore[arg-type]
    peak_bytes = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert count == 200  # 3 MB
    assert peak_bytes < 1_500_000


def test_a_truncated_feed_gives_its_whole_alerts_and_an_error() -> None:
    whole = feed(alert(identifier="B-1"), alert(identifier="B-2"))
    first = whole.index("</content>")
    for cut in range(0, len(whole) - 1, 9):
        found = codes(whole[:cut])
        assert found[-1] == "xml-not-well-formed", cut
        assert ("B-1" in found) == (cut >= first + len("</content></entry>")), cut


def test_nothing_yielded_shows_a_personal_value() -> None:
    secret = "ZZSECRETZZ"
    text = (SAMPLES / "two_languages_1.2.xml").read_text()
    document = alert("").split("<identifier>", maxsplit=1)[0]
    hostile = [
        text.replace("XIOMARA", secret).replace("Colón", secret).replace("PAN-AMBER", secret).replace("104", secret),
        alert(status=secret),
        alert(info(secret)),
        alert(info(more=f"<{secret}>{secret}</{secret}><onset>{secret}</onset><description>{secret}</description>")),
        alert(info(more=f"<area><areaDesc>{secret}</areaDesc><polygon>{secret}</polygon></area>")),
        alert(f"<references>{secret}</references>" + info(), identifier=secret, sender=secret),
        document + f"<{secret}>{secret}",
        f"<!DOCTYPE {secret}><{secret}/>",
        f"<{secret} xmlns='{secret}'/>",
        feed(f"<{secret}/>", f"&lt;{secret}"),
    ]

    for found in (item for each in hostile for item in read(each)):
        shown = repr(found) + str(found) + (found.reason if isinstance(found, BadAlert) else "")
        assert secret not in shown


def known(found: CapAlert | BadAlert) -> bool:
    return isinstance(found, CapAlert) or found.code in REASONS or found.code in records.REASONS


@settings(max_examples=40)
@given(st.integers(0, len(EVERY) - 1), st.integers(0, 30), st.text(max_size=4))
def test_any_damage_gives_alerts_or_errors(at: int, length: int, text: str) -> None:
    for path in SAMPLES.glob("*.xml"):
        whole = path.read_bytes()
        start = at % len(whole)
        found = read(whole[:start] + text.encode("utf-8", "surrogatepass") + whole[start + length :])
        assert found
        assert all(known(each) for each in found)


@given(st.binary(max_size=200))
def test_any_bytes_give_alerts_or_errors(data: bytes) -> None:
    found = read(data)

    assert found
    assert all(known(each) for each in found)


names = st.sampled_from(
    ["alert", "info", "area", "resource", "event", "eventCode", "value", "valueName", "sent", "polygon"]
)
trees = st.recursive(
    st.tuples(names, st.sampled_from(["", "x", "CAE", "2026-05-04T16:00:00Z", "9,9 9,9 9,9 9,9"])).map(
        lambda pair: f"<{pair[0]}>{pair[1]}</{pair[0]}>"
    ),
    lambda inner: st.tuples(names, st.lists(inner, max_size=5)).map(
        lambda pair: f"<{pair[0]}>{''.join(pair[1])}</{pair[0]}>"
    ),
    max_leaves=10,
)


@settings(max_examples=25)
@given(st.lists(trees, max_size=3), st.booleans())
def test_any_elements_give_an_alert_or_an_error(inside: list[str], in_header: bool) -> None:
    body = "".join(inside)
    found = read(alert(body + info()) if in_header else alert(info(more=body)))

    assert len(found) == 1
    assert known(found[0])


def test_elements_of_another_name_space_are_not_taken_for_those_of_cap() -> None:
    found = read(alert(f'<identifier xmlns="urn:x">Z-9</identifier>{info()}'))

    assert [each.identifier for each in found if isinstance(each, CapAlert)] == ["A-1"]
    assert SPACE in alert()


def test_a_stream_of_bytes_is_read_in_blocks() -> None:
    assert isinstance(next(cap.read(BytesIO(alert().encode()))), CapAlert)
