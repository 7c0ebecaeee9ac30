"""Somebody who knows a page only from its accessibility tree, as with a screen reader, and acts with the
keyboard.
"""

from selenium.webdriver.common.action_chains import ActionChains

from minigrad.course.checking import quiz

from .reader import CONTROL, ENTER


class Listener:
    """A learner, as in test_course.py. Of the page, it reads nothing but roles, names and states. It
    finds a control by its role and name, moves the focus there, and presses keys.
    """

    def __init__(self, reader):
        self.reader, self.wait = reader, reader.wait

    def nodes(self):
        """The nodes of the accessibility tree in the order in which they are read."""
        tree = self.reader.command("Accessibility.getFullAXTree")["nodes"]
        by_id = {node["nodeId"]: node for node in tree}

        def read(node):
            yield node
            for child in node.get("childIds", ()):
                if child in by_id:
                    yield from read(by_id[child])

        return [node for node in read(tree[0]) if not node["ignored"]]

    def find(self, role, name):
        """The first node with this role and a name that begins like this, or None."""
        return next(self.all(role, name), None)

    def all(self, role, name=""):
        for node in self.nodes():
            if text(node, "role") == role and text(node, "name").startswith(name):
                yield node

    def offers(self, role, name):
        """Whether there is a node with this role and exactly this name. Faster than `find`."""
        page = self.reader.command("DOM.getDocument", depth=0)["root"]["nodeId"]
        query = {"nodeId": page, "role": role, "accessibleName": name}
        found = self.reader.command("Accessibility.queryAXTree", **query)["nodes"]
        return any(not node["ignored"] for node in found)

    def heard(self, role, name=""):
        """The texts inside the nodes with this role and name."""
        texts: dict[str, str] = {}
        inside: dict[str, str] = {}
        for node in self.nodes():
            key = inside.get(node.get("parentId"))
            if text(node, "role") == role and text(node, "name").startswith(name):
                key = node["nodeId"]
                texts[key] = ""
            if key:
                inside[node["nodeId"]] = key
                if text(node, "role") == "StaticText":
                    texts[key] += text(node, "name")
        return [*texts.values()]

    def focus(self, node):
        """Move the focus to a control, as a screen reader does for its user."""
        self.reader.command("DOM.getDocument")
        self.reader.command("DOM.focus", backendNodeId=node["backendDOMNodeId"])

    def press(self, label):
        self.choose("button", label)

    def choose(self, role, name, key=ENTER):
        """Press a key at a control, when it is there."""
        self.focus(self.wait(lambda: self.find(role, name)))
        self.reader.press(key)

    def follow(self, name):
        """Follow the last link with this name, after those in the side bar, to another page."""
        before = self.title
        self.wait(lambda: self.find("link", name))
        *_, last = (link for link in self.all("link", name) if text(link, "name") == name)
        self.focus(last)
        self.reader.press(ENTER)
        self.wait(lambda: self.title not in ("", before))

    @property
    def title(self):
        return text(self.nodes()[0], "name")

    def open(self, one):
        """Open a lesson from the course's page, and answer its questions."""
        self.reader.visit("course.html")
        self.follow(one.title)
        assert one.title in self.title
        self.wait(lambda: self.find("textbox", "Your code: lesson"))
        assert len(self.answer()) >= len(quiz.read(one))  # and some of earlier lessons

    def write(self, code):
        """Replace the whole file, as dictation or an input method does."""
        self.focus(self.wait(lambda: self.find("textbox", "Your code: lesson")))
        chain = ActionChains(self.reader.driver)
        chain.key_down(CONTROL).send_keys("a").key_up(CONTROL).perform()
        self.reader.command("Input.insertText", text=code)

    def check(self):
        """Press Check. Returns what is said at the end."""
        self.press("Check")
        self.wait(lambda: self.offers("button", "Stop"))
        self.wait(lambda: not self.offers("button", "Stop"))
        return self.heard("status", "What the check says")[0]

    def answer(self):
        """Answer each question with its first choice, or with 0. Returns what is said about each."""
        for choice in self.all("radio", "a)"):
            self.focus(choice)
            self.reader.press(" ")
        for field in self.all("textbox", "Your answer"):
            self.focus(field)
            self.reader.press("0")
        for button in [*self.all("button", "Answer")]:
            self.focus(button)
            self.reader.press(ENTER)
        said = self.heard("status")
        return [one for one in said if one.startswith(("✓", "✗"))]

    def drawn(self):
        """The number of graphs below the verdict."""
        return len([*self.all("Iframe", "your graph")])


def text(node, field):
    return str(node.get(field, {}).get("value", ""))
