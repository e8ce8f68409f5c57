"""Makes demo.svg and mail.svg, the pictures of the README, from what the demo prints and from one of its mails.

    target/debug/demo | python3 docs/images/make.py
"""

import pathlib
import re
import sys
import textwrap
from xml.sax.saxutils import escape

HERE = pathlib.Path(__file__).parent
MAILS = HERE.parents[1] / "target/demo/mails.txt"
# Of one character, in pixels, and how many characters a line of a mail may have: a mail program breaks lines, too.
WIDTH, HEIGHT, MARGIN, COLUMNS = 7.2, 17, 20, 112


def bill(printed):
    """The bill and *In short*, which come before the days."""
    return printed[printed.index("The bill of the week") : printed.index("\nDay by day")].rstrip().splitlines()


def mail(mails):
    """The first warning about one notebook by the policy's working hours, without the foot."""
    warnings = (one for one in re.split(r"^-{100}\n", mails, flags=re.MULTILINE) if "\nWILL BE STOPPED\n" in one)
    first = next(one for one in warnings if one.count("\n* notebook instance ") == one.count("\n* ") == 1 and "the policy's" in one)
    lines = re.sub(r" +\(function=.*\)$", "", first.split("\n-- \n")[0], flags=re.MULTILINE).rstrip().splitlines()
    return [part for line in lines for part in broken(line)]


def broken(line):
    indent = " " * (len(line) - len(line.lstrip()) + 4)
    return textwrap.wrap(line, COLUMNS, subsequent_indent=indent, break_on_hyphens=False) or [""]


def is_heading(line, below):
    return line.startswith("Subject:") or (line.isupper() and "│" not in line) or set(below) == {"="}


def svg(title, lines):
    width = max(map(len, lines)) * WIDTH + 2 * MARGIN
    height = len(lines) * HEIGHT + 2 * MARGIN
    rows = []
    for number, (line, below) in enumerate(zip(lines, [*lines[1:], ""])):
        # The length is given, so that columns stand below each other in whatever font there is.
        length = f'textLength="{len(line) * WIDTH:.1f}" lengthAdjust="spacingAndGlyphs"'
        weight = ' font-weight="bold"' if is_heading(line, below) else ""
        if line:
            rows.append(f'<text x="{MARGIN}" y="{MARGIN + (number + 0.75) * HEIGHT:.1f}" {length}{weight} xml:space="preserve">{escape(line)}</text>')
    return "\n".join([
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{height}" viewBox="0 0 {width:.0f} {height}" role="img">',
        f"<title>{escape(title)}</title>",
        f'<rect x="0.5" y="0.5" width="{width - 1:.0f}" height="{height - 1}" rx="8" fill="#ffffff" stroke="#8c959f"/>',
        '<g font-family="ui-monospace, Menlo, Consolas, DejaVu Sans Mono, monospace" font-size="12" fill="#1f2328">',
        *rows,
        "</g>",
        "</svg>\n",
    ])  # fmt: skip


if __name__ == "__main__":
    (HERE / "demo.svg").write_text(svg("The bill of the demo's week", bill(sys.stdin.read())))
    (HERE / "mail.svg").write_text(svg("A mail of the demo", mail(MAILS.read_text())))
