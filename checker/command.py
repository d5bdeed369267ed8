"""Files and the command line (section 8)."""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import stat
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple, cast

from checker.claims import FORMATS, check_at
from checker.numbers import BITS, Invalid, Undecided, require
from checker.reading import MAX_EXPONENT, Json, as_object

MAX_BYTES = 256 * 2**20


class BadInput(Exception):  # noqa: N818
    """The file holds no certificate at all."""


class Result(NamedTuple):
    """The answer about one certificate."""

    valid: bool  # whether the evidence proves the claim
    claim: str  # in one sentence; empty if it was not proved
    reason: str  # why it is invalid; empty if it is valid


def check(certificate: dict[str, Any]) -> Result:
    """Checks a certificate that was read from JSON (section 8). Never raises."""
    reason = ""
    try:
        fields = as_object(
            certificate, "format", "claim", "problem", "proof", "global_proof", "digest"
        )
        require(fields["format"] in FORMATS, "unknown format")
        rest = {key: value for key, value in fields.items() if key != "digest"}
        text = json.dumps(rest, sort_keys=True, separators=(",", ":"), allow_nan=False)
        digest = hashlib.sha256(text.encode("ascii")).hexdigest()
        require(fields["digest"] == digest, "the digest differs: the file was changed")
        for bits in BITS:
            try:
                return Result(True, check_at(fields, bits), "")
            except Undecided as error:
                reason = str(error)
    except Invalid as error:
        reason = str(error)
    except Exception as error:  # whatever goes wrong, nothing was proved
        reason = f"the check failed ({type(error).__name__})"
    return Result(False, "", reason or "not proved")


def check_file(path: str | Path) -> Result:
    """Checks one file; raises `BadInput` if it cannot be read or holds no certificate."""

    def unique(pairs: list[tuple[str, object]]) -> Json:
        found = dict(pairs)
        if len(found) != len(pairs):
            raise BadInput("a key occurs twice in one object")
        return found

    def refuse(text: str) -> object:
        raise BadInput(f"the number {text[:30]} is neither an integer nor in a string")

    def integer(text: str) -> int:
        if len(text) > 4000:
            raise BadInput("an integer is too long")
        return int(text)

    try:
        info = Path(path).stat()
        if not stat.S_ISREG(info.st_mode):
            raise BadInput("not a regular file")
        if info.st_size > MAX_BYTES:
            raise BadInput("larger than 256 MiB")
        text = Path(path).read_bytes().decode("utf-8")
        found = json.loads(text, object_pairs_hook=unique, parse_float=refuse,
                           parse_constant=refuse, parse_int=integer)  # fmt: skip
    except OSError as error:
        raise BadInput(f"cannot be read ({error.strerror or type(error).__name__})") from None
    except (RecursionError, MemoryError):
        raise BadInput("nested too deeply or too large for this machine") from None
    except ValueError as error:
        raise BadInput(f"not JSON ({' '.join(str(error).split())[:80]})") from None
    if not isinstance(found, dict) or str(cast("Json", found).get("format")) not in FORMATS:
        raise BadInput('not a certificate: no "format": "spurious-certificate/1" or "...2"')
    for match in re.finditer(r'"[+-]?[0-9.]+[eE][+-]?([0-9]+)"', text):
        if len(match[1]) > 9 or int(match[1]) > MAX_EXPONENT:
            raise BadInput(f"the exponent of {match[0][:30]} is too large")
    return check(cast("Json", found))


def main(argv: Sequence[str] | None = None) -> int:
    """The command line; returns the exit status."""
    parser = argparse.ArgumentParser(prog="spurious_checker", description="Check certificates.")
    parser.add_argument("certificates", nargs="+", metavar="CERTIFICATE")
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    options = parser.parse_args(argv)
    status = 0
    for path in options.certificates:
        start, bad = time.perf_counter(), False
        try:
            result = check_file(path)
        except BadInput as error:
            result, bad = Result(False, "", str(error)), True
        seconds = round(time.perf_counter() - start, 6)
        status = max(status, 2 if bad else 0 if result.valid else 1)
        if options.json:
            line = json.dumps({"file": path, **result._asdict(), "seconds": seconds})
        else:
            answer = "valid" if result.valid else "bad input" if bad else "invalid"
            line = f"{path}: {answer}: {result.claim or result.reason}"
            line = "".join(c if c.isprintable() else ascii(c)[1:-1] for c in line)
            line = line.encode("ascii", "backslashreplace").decode()
        print(line, file=sys.stderr if bad and not options.json else sys.stdout)
    return status


if __name__ == "__main__":
    sys.exit(main())
