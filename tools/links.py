"""Ask every outside address that the built pages link to whether it still answers.

    .venv/bin/python -m tools.links            of _build/html; fails where an address is gone
    .venv/bin/python -m tools.links --list     only lists them, without a network

Inner links are no matter of the network: the tests follow them. An address that refuses to be read by a
program, or is busy, is named but does not fail.
"""

import argparse
import html
import http.client
import re
import sys
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
AT_ONCE = 4
SECONDS = 20
GONE = (404, 410)
NOT_ASKED = re.compile(r"https?://(localhost|127\.0\.0\.1|github\.com/set--me|colab\.research\.google\.com/github/set--me|mybinder\.org/v2/gh/set--me)")
"""Addresses of the reader's own machine, and of the repository while it has none."""


def main(arguments: list[str] | None = None) -> int:
    """Ask them all; return 1 where one is gone or nothing could be reached."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--site", type=Path, default=ROOT / "_build" / "html")
    parser.add_argument("--list", action="store_true", help="only list the addresses")
    options = parser.parse_args(arguments)
    found = addresses(options.site)
    if not found:
        print(f"{options.site} links nowhere, or is not built: make book", file=sys.stderr)
        return 1
    if options.list:
        print("\n".join(found))
        return 0
    with ThreadPoolExecutor(AT_ONCE) as pool:
        answers = dict(zip(found, pool.map(ask, found), strict=True))
    bad = {address: said for address, said in answers.items() if said != "there"}
    for address, said in bad.items():
        print(f"{said}: {address}, on {', '.join(found[address][:3])}")
    gone = [address for address, said in bad.items() if said.startswith("gone")]
    silent = sum(said.startswith("no answer") for said in bad.values())
    print(f"{len(found)} addresses: {len(found) - len(bad)} there, {len(gone)} gone, {silent} without an answer.")
    return bool(gone or silent == len(found))


def addresses(site: Path) -> dict[str, list[str]]:
    """Each outside address that pages link to, and these pages.

    Parameters
    ----------
    site : folder of built pages
    """
    found: dict[str, list[str]] = {}
    for page in sorted(site.rglob("*.html")):
        name = page.relative_to(site).as_posix()
        if name.startswith("_static/"):
            continue
        for link in re.findall(r'<a\b[^>]*\bhref="(https?://[^"#]+)', page.read_text(encoding="utf-8")):
            address = html.unescape(link)
            if not NOT_ASKED.match(address):
                pages = found.setdefault(address, [])
                pages += [name] if name not in pages else []
    return dict(sorted(found.items()))


def ask(address: str, seconds: float = SECONDS) -> str:
    """Whether an address is `there`, `gone`, refuses (`refused`) or gives `no answer`; the last three with the reason."""
    said = "no answer"
    for method in ("HEAD", "GET"):  # Some servers know no HEAD.
        request = urllib.request.Request(address, method=method, headers={"User-Agent": "Mozilla/5.0 (link check)"})
        try:
            with urllib.request.urlopen(request, timeout=seconds):
                return "there"
        except urllib.error.HTTPError as error:
            said = f"gone ({error.code})" if error.code in GONE else f"refused ({error.code})"
        except (OSError, ValueError, http.client.HTTPException) as error:
            return f"no answer ({getattr(error, 'reason', error)})"
    return said


if __name__ == "__main__":
    sys.exit(main())
