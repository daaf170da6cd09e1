"""Serve the built book to this machine's browser: `make serve`, or `make serve PORT=8001`."""

import argparse
import functools
import sys
import webbrowser
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

PAGES = Path(__file__).resolve().parent.parent / "_build" / "html"


class Handler(SimpleHTTPRequestHandler):
    """Serve files, each asked for anew, so that a rebuilt page is the one that is seen."""

    def end_headers(self) -> None:
        self.send_header("Cache-Control", "no-cache")
        super().end_headers()

    def log_message(self, *message) -> None:
        """Say nothing about each request."""


def main() -> str | None:
    """Serve until interrupted; return a complaint where that cannot start."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("port", nargs="?", type=int, default=8000)
    port = parser.parse_args().port
    if not (PAGES / "index.html").exists():
        return "There is no book to serve yet: `make book` builds it."
    try:
        server = ThreadingHTTPServer(
            ("127.0.0.1", port), functools.partial(Handler, directory=str(PAGES))
        )
    except OSError as error:
        return f"Port {port} cannot be used ({error.strerror}): name another, `make serve PORT={port + 1}`."
    address = f"http://127.0.0.1:{port}/"
    print(f"The book is at {address} (Ctrl-C stops).", flush=True)
    with server:
        webbrowser.open(address)  # Returns False, and harms nobody, where there is no browser.
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            return None


if __name__ == "__main__":
    sys.exit(main())
