"""Formulas as MathML, made while building: browsers show it without a script from elsewhere."""

import re

from docutils import nodes
from docutils.utils.math.latex2mathml import tex2mathml

# An index behind an accent would stand under the letter: a group of two keeps them apart.
ACCENTED = re.compile(r"\\(bar|dot|hat|tilde)\s*(\\[A-Za-z]+|\w|\{[^{}]*\})")


def mathml(tex, *, block):
    """MathML of a formula in TeX."""
    return tex2mathml(ACCENTED.sub(r"{{}\\\1{\2}}", tex).replace(r"\texttt", r"\mathtt"), as_block=block)


def _inline(writer, node):
    writer.body.append(mathml(node.astext(), block=False))
    raise nodes.SkipNode


def _block(writer, node):
    writer.body.append(writer.starttag(node, "div", CLASS="formula"))
    writer.body.append(mathml(node.astext(), block=True))
    writer.body.append("</div>\n")
    raise nodes.SkipNode


def setup(app):
    app.add_html_math_renderer("mathml", inline_renderers=(_inline, None), block_renderers=(_block, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
