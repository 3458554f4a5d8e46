"""A real browser for tests: chromium driven through chromedriver's plain HTTP interface, with nothing but the standard library."""

import base64
import contextlib
import json
import shutil
import socket
import subprocess
import time
import urllib.request

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
MISSING = not (CHROMIUM and DRIVER)
QUIET = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking")
QUIET += (
    "--disable-component-update",
    "--disable-sync",
    "--disable-extensions",
    "--disable-dev-shm-usage",
    "--hide-scrollbars",
    "about:blank",
)
# Straight to the driver, whatever proxy the environment names.
OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class Browser:
    """One headless window."""

    def __init__(self, profile, scripts=True):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.driver = subprocess.Popen([DRIVER, f"--port={self.port}"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.at = f"http://127.0.0.1:{self.port}"
        try:
            self.wait()
            settings = {} if scripts else {"prefs": {"profile.managed_default_content_settings.javascript": 2}}
            options = {"binary": CHROMIUM, "args": [*QUIET, f"--user-data-dir={profile}"]} | settings
            logs = {"browser": "ALL", "performance": "ALL"}
            wanted = {"browserName": "chrome", "goog:chromeOptions": options, "goog:loggingPrefs": logs}
            self.at += "/session/" + self.ask("/session", {"capabilities": {"alwaysMatch": wanted}})["sessionId"]
        except BaseException:
            self.driver.kill()
            self.driver.wait()
            raise

    def wait(self):
        for _ in range(200):
            with contextlib.suppress(OSError):
                self.ask("/status", None)
                return
            time.sleep(0.05)
        raise RuntimeError("chromedriver did not start")

    def ask(self, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.at + path, data, {"Content-Type": "application/json"})
        with OPENER.open(request, timeout=60) as reply:
            return json.load(reply)["value"]

    def open(self, path):
        self.ask("/url", {"url": path.resolve().as_uri()})

    def run(self, script, *args):
        """The value of a script's `return`."""
        return self.ask("/execute/sync", {"script": script, "args": list(args)})

    def cdp(self, command, **params):
        return self.ask("/goog/cdp/execute", {"cmd": command, "params": params})

    def log(self, kind="browser"):
        return self.ask("/se/log", {"type": kind})

    def requests(self):
        """Addresses the page asked for."""
        events = [json.loads(entry["message"])["message"] for entry in self.log("performance")]
        return [e["params"]["request"]["url"] for e in events if e["method"] == "Network.requestWillBeSent"]

    def size(self, width, height=900, mobile=False):
        self.cdp("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=mobile)

    def scheme(self, name):
        self.cdp("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": name}])

    def click(self, selector):
        """A real click, by the mouse, on the first element the selector finds."""
        found = self.ask("/element", {"using": "css selector", "value": selector})
        self.ask(f"/element/{next(iter(found.values()))}/click", {})

    def type(self, selector, words):
        found = self.ask("/element", {"using": "css selector", "value": selector})
        self.ask(f"/element/{next(iter(found.values()))}/value", {"text": words})

    def picture(self, path, whole=True):
        shot = self.cdp("Page.captureScreenshot", format="png", captureBeyondViewport=whole)
        path.write_bytes(base64.b64decode(shot["data"]))

    def until(self, script):
        """Wait, five seconds at most, for a script's `return` to be true."""
        ends = time.monotonic() + 5
        while not self.run(script):
            assert time.monotonic() < ends, script
            time.sleep(0.02)

    def words(self):
        """All words that are laid out."""
        nodes = self.cdp("DOMSnapshot.captureSnapshot", computedStyles=[])
        return " ".join(nodes["strings"][i] for page in nodes["documents"] for i in page["layout"]["text"] if i >= 0)

    def quiet(self, *pages):
        """Fail when there is anything in the console, or a request but for the files themselves."""
        assert self.log() == []
        asked = {url for url in self.requests() if not url.startswith(("chrome", "about:", "data:"))}
        assert asked <= {page.resolve().as_uri() for page in pages}
        assert self.run("return performance.getEntriesByType('resource').map((e) => e.name)") == []

    def close(self):
        with contextlib.suppress(Exception):
            OPENER.open(urllib.request.Request(self.at, method="DELETE"), timeout=10).close()
        self.driver.terminate()
        try:
            self.driver.wait(10)
        except subprocess.TimeoutExpired:
            self.driver.kill()
            self.driver.wait()


def colors(text):
    """(r, g, b) of a computed color."""
    return tuple(float(n) for n in text[text.index("(") + 1 : text.index(")")].split(",")[:3])


def contrast(one, other):
    """WCAG 2 contrast ratio of two colors."""

    def light(rgb):
        parts = [c / 255 / 12.92 if c / 255 <= 0.04045 else ((c / 255 + 0.055) / 1.055) ** 2.4 for c in rgb]
        return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]

    high, low = sorted((light(one), light(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)
