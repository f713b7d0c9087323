"""A browser page that is looked after."""


def settled(page):
    """Wait until Streamlit has run the page to its end."""
    page.locator("[data-test-script-state=notRunning]").first.wait_for()


class Watched:
    """A browser page that writes down what it should not do."""

    def __init__(self, page):
        self.page, self.errors, self.foreign = page, [], []
        page.on(
            "console",
            lambda message: (
                self.errors.append(f"{message.text} {message.location}")
                if message.type == "error"
                else None
            ),
        )
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on(
            "request",
            lambda request: (
                self.foreign.append(request.url) if self._is_foreign(request.url) else None
            ),
        )

    @staticmethod
    def _is_foreign(url):
        return not url.startswith(("http://127.0.0.1:", "ws://127.0.0.1:", "data:", "blob:"))

    def visit(self, name):
        """Click through to a page, as a person does."""
        self.page.get_by_role("link", name=name).click()
        self.page.get_by_role("heading", name=name, level=1).wait_for()
