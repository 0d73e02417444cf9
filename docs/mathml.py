"""Formulas as MathML, made while building: browsers show it without a script from elsewhere."""

import re

from docutils import nodes
from docutils.utils.math import MathError
from docutils.utils.math.latex2mathml import tex2mathml
from sphinx.util import logging

# What the converter does not know, or puts elsewhere: an index behind an accent would stand under the letter, unless the
# accented letter is a group of two.
REWRITTEN = (
    (re.compile(r"\\(bar|dot|hat|tilde)\s*(\\[A-Za-z]+|\w|\{[^{}]*\})"), r"{{}\\\1{\2}}"),
    (re.compile(r"\\texttt\b"), r"\\mathtt"),
    (re.compile(r"\\[bB]ig(?![A-Za-z])"), ""),
)


def mathml(node, *, block):
    """MathML of a formula in TeX; a warning names the page of one that cannot be converted."""
    tex = node.astext()
    for pattern, replacement in REWRITTEN:
        tex = pattern.sub(replacement, tex)
    try:
        return tex2mathml(tex, as_block=block)
    except MathError as error:
        logging.getLogger(__name__).warning("formula %r: %s", node.astext(), error, location=node)
        return ""


def _inline(writer, node):
    writer.body.append(mathml(node, block=False))
    raise nodes.SkipNode


def _block(writer, node):
    writer.body.append(writer.starttag(node, "div", CLASS="formula"))
    writer.body.append(mathml(node, block=True))
    writer.body.append("</div>\n")
    raise nodes.SkipNode


def setup(app):
    app.add_html_math_renderer("mathml", inline_renderers=(_inline, None), block_renderers=(_block, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
