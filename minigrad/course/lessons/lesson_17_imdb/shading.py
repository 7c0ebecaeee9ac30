"""Draw words as an SVG picture, shaded by their parts of a logit: blue for evidence of a good
review, orange for evidence of a bad one.
"""

from xml.sax.saxutils import escape

WIDTH, LINE, CHARACTER = 700, 44, 8.4  # in pixels; a 14 px monospace character is 8.4 pixels wide
BLUE, ORANGE = (0, 114, 178), (213, 94, 0)


def shade(rows, path):
    """Write a picture. `rows` contains tuples (title, words, parts). Each strong word has its part
    printed below it.
    """
    strongest = max(abs(part) for _, _, parts in rows for part in parts)
    drawn, y = [], 30
    for title, words, parts in rows:
        drawn.append(f'<text x="12" y="{y}" font-weight="bold">{escape(title)}</text>')
        x, y = 12.0, y + 30
        for word, part in zip(words, parts, strict=True):
            wide = CHARACTER * len(word) + 8
            if x + wide > WIDTH - 12:
                x, y = 12.0, y + LINE
            share = abs(part) / strongest
            red, green, blue = (
                round(255 - (255 - c) * 0.75 * share) for c in (BLUE if part > 0 else ORANGE)
            )
            drawn.append(
                f'<rect x="{x:.1f}" y="{y - 16}" width="{wide:.1f}" height="22" rx="3" '
                f'fill="rgb({red},{green},{blue})"/>'
                f'<text x="{x + 4:.1f}" y="{y}">{escape(word)}</text>'
            )
            if share > 0.25:
                drawn.append(
                    f'<text x="{x + wide / 2:.1f}" y="{y + 17}" class="part">{part:+.2f}</text>'
                )
            x += wide
        y += LINE + 12
    with open(path, "w", encoding="utf-8") as file:
        file.write(
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{y - 24}" '
            f'viewBox="0 0 {WIDTH} {y - 24}" font-size="14" '
            'font-family="DejaVu Sans Mono, Menlo, Consolas, monospace">\n'
            "<style>.part { font-size: 11px; text-anchor: middle }</style>\n"
            f'<rect width="100%" height="100%" fill="white"/>\n{chr(10).join(drawn)}\n</svg>\n'
        )
