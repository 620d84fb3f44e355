"""A report read back: its tables, its pictures, and what it refers to."""

import re
import xml.etree.ElementTree as ElementTree
from html.parser import HTMLParser

VOID = {"meta", "link", "img", "br", "input"}
CLOSED_BY_OTHERS = {"tr", "td", "th", "thead", "tbody"}  # HTML lets their ends be left out


class Page(HTMLParser):
    """tables: id -> rows, each a list of (text, [values of its <data> elements]). data: id -> value of a <data>."""

    def __init__(self, path):
        super().__init__()
        with open(path, encoding="utf-8") as file:
            self.text = file.read()
        self.tables, self.data, self.open, self.references, self.figures, self.ids = {}, {}, [], [], 0, []
        self.table = self.cell = None
        self.feed(self.text)
        self.close()
        assert not self.open, f"left open: {self.open}"
        self.pictures = [ElementTree.fromstring(svg) for svg in re.findall(r"<svg .*?</svg>", self.text, re.S)]

    def handle_starttag(self, tag, attributes):
        found = dict(attributes)
        self.references += [found[key] for key in ("src", "href", "xlink:href", "data", "poster") if found.get(key)]
        if "id" in found:
            self.ids.append(found["id"])
        if tag not in VOID and tag not in CLOSED_BY_OTHERS:
            self.open.append(tag)
        if tag == "table":
            self.table = self.tables[found["id"]] = []
        elif tag == "tr":
            self.table.append([])
        elif tag in ("td", "th"):
            self.cell = ["", []]
            self.table[-1].append(self.cell)
        elif tag == "data":
            if "id" in found:
                self.data[found["id"]] = float(found["value"])
            if self.cell is not None:
                self.cell[1].append(float(found["value"]))
        elif tag == "figure":
            self.figures += 1

    def handle_startendtag(self, tag, attributes):
        self.handle_starttag(tag, attributes)
        if tag not in VOID and tag not in CLOSED_BY_OTHERS:
            self.open.pop()

    def handle_endtag(self, tag):
        if tag in VOID or tag in CLOSED_BY_OTHERS:
            return
        assert self.open and self.open[-1] == tag, f"</{tag}> closes {self.open[-3:]}"
        self.open.pop()
        if tag == "table":
            self.table = self.cell = None

    def handle_data(self, text):
        if self.cell is not None:
            self.cell[0] += text

    def rows(self, table):
        """The table's rows below its headings: heading -> (text, values); a list of them."""
        headings = [cell[0].strip() for cell in self.tables[table][0]]
        return [dict(zip(headings, ((cell[0].strip(), cell[1]) for cell in row))) for row in self.tables[table][1:]]
