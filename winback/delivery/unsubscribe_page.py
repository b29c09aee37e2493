"""The public pages behind an unsubscribe link: small, without scripts, readable by a screen reader."""

from html import escape

_STYLE = """
:root { color-scheme: light dark; }
body { margin: 0; font: 1.125rem/1.6 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif;
  background: #eef1ec; color: #17211c; }
main { max-width: 30rem; margin: 12vh auto 2rem; padding: 2.25rem 2rem; background: #fff; border-radius: 12px; }
h1 { font-size: 1.6rem; line-height: 1.25; margin: 0 0 .75rem; }
p { margin: 0 0 1.25rem; }
button { font: inherit; font-weight: 600; padding: .8rem 1.6rem; border: 0; border-radius: 8px;
  background: #1f6f54; color: #fff; cursor: pointer; }
button:focus-visible { outline: 3px solid #0b3d2c; outline-offset: 3px; }
@media (prefers-color-scheme: dark) { body { background: #121815; color: #e7eee9; } main { background: #1c2521; }
  button { background: #7fd1b0; color: #0d1a14; } button:focus-visible { outline-color: #e7eee9; } }
"""


def asking_page(shop: str) -> str:
    """Asks; its button POSTs to the very same address."""
    return _page(
        "Unsubscribe?",
        f"<p>Press the button to get no more messages from {escape(shop)} at this address.</p>"
        '<form method="post"><button type="submit">Unsubscribe</button></form>',
    )


def done_page(shop: str) -> str:
    return _page(
        "You are unsubscribed",
        f'<p role="status">{escape(shop)} will send no more messages to this address. '
        "A message that is on its way at this moment may still arrive.</p>",
    )


def missing_page() -> str:
    return _page(
        "There is no page here", "<p>The link may have been cut short. Please use it as it stands in the message.</p>"
    )


def _page(title: str, content: str) -> str:
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1"><meta name="robots" content="noindex">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head>"
        f"<body><main><h1>{escape(title)}</h1>{content}</main></body></html>"
    )
