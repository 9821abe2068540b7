"""Texts for the formats of the document, which no schema can describe: what the daemon says it
always takes. Each counts its bytes, as the daemon does."""

import unicodedata

import schemathesis
from hypothesis import strategies as st

# Letters, digits, marks, punctuation and symbols of all scripts, as far as they stand in NFC, are
# seen and mean nothing in a path.
CHARACTERS = st.characters(
    categories=("Lu", "Ll", "Lt", "Lm", "Lo", "Nd", "Nl", "No", "Pc", "Pd", "Ps", "Pe", "Po",
                "Sm", "Sc", "So"),
    exclude_characters="/,\u115f\u1160\u2800\u3164\uffa0\U0001d159",
)


def fits(least, most):
    def check(text):
        size = len(text.encode("utf-8", "surrogatepass"))
        return least <= size <= most and unicodedata.is_normalized("NFC", text)

    return check


def texts(least, most):
    return st.text(CHARACTERS, min_size=least, max_size=most).filter(fits(least, most))


SEGMENTS = texts(1, 60).filter(lambda segment: segment not in (".", ".."))
NAMES = st.lists(SEGMENTS, min_size=1, max_size=2).map("/".join).filter(fits(1, 128))
HOSTS = st.from_regex(r"\A[a-z][a-z0-9-]{0,20}[a-z](\.[a-z]{2,10}){0,2}\Z")
ADDRESSES = st.ip_addresses().map(str) | HOSTS

# Most names that are asked for should be known.
KNOWN = st.sampled_from(["steady", "team/api", "one", "two", "gone"])

schemathesis.openapi.format("lastbeat-name", KNOWN | NAMES)
schemathesis.openapi.format("lastbeat-address", ADDRESSES)
schemathesis.openapi.format("lastbeat-text", texts(0, 64))
schemathesis.openapi.format("lastbeat-query", texts(0, 200))
schemathesis.openapi.format(
    "lastbeat-tags", st.lists(texts(1, 20), min_size=1, max_size=4).map(",".join)
)
