"""A headless Chromium, driven by the protocol of WebDriver (w3.org/TR/webdriver2). Standard library only."""

import atexit
import base64
import json
import pathlib
import shutil
import subprocess
import urllib.error
import urllib.request

from harness import TARGET, scratch, wait_for

FLAGS = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage", "--window-size=900,700")
# What names an element in the protocol's JSON.
ELEMENT = "element-6066-11e4-a52e-4f735466cecf"


def programs():
    """Chromium and its driver, or None."""
    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None), shutil.which("chromedriver")
    return found if all(found) else None


class Browser:
    """One window, with nothing of any other."""

    def __init__(self):
        browser, driver = programs()
        work = scratch("browser")
        log = (work / "driver.log").open("w")
        self.process = subprocess.Popen([driver, "--port=0"], stdout=log, stderr=subprocess.STDOUT)
        atexit.register(self.end)
        port = wait_for("chromedriver says where it listens", lambda: self._port(work / "driver.log"))
        self.url = f"http://127.0.0.1:{port}"
        options = {"binary": browser, "args": [*FLAGS, f"--user-data-dir={work / 'profile'}"]}
        wanted = {"alwaysMatch": {"browserName": "chrome", "goog:chromeOptions": options, "timeouts": {"script": 120000}}}
        told = self.ask("POST", "/session", {"capabilities": wanted})
        self.version = f"{told['capabilities']['browserName']} {told['capabilities']['browserVersion']}"
        self.url += f"/session/{told['sessionId']}"

    @staticmethod
    def _port(log):
        words = log.read_text().split(" was started successfully on port ")
        return words[1].split(".")[0].strip() if len(words) > 1 else None

    def ask(self, method, path, body=None):
        data = None if method == "GET" else json.dumps(body or {}).encode()
        request = urllib.request.Request(self.url + path, data, {"Content-Type": "application/json"}, method=method)
        try:
            with urllib.request.urlopen(request, timeout=180) as answer:
                return json.load(answer)["value"]
        except urllib.error.HTTPError as error:
            raise AssertionError(json.load(error)["value"]["message"].split("\n")[0]) from None

    def visit(self, url, file):
        """Opens the page, and chooses a file there as a person does."""
        self.ask("POST", "/url", {"url": url})
        wait_for("the page is ready", lambda: self.ask("GET", "/title") == "ready")
        field = self.ask("POST", "/element", {"using": "css selector", "value": "#file"})[ELEMENT]
        self.ask("POST", f"/element/{field}/value", {"text": str(file)})

    def call(self, function, *arguments):
        """Calls a function of the page and waits for what it promises."""
        script = ("const [name, given, done] = arguments;"
                  "window[name](...given).then(value => done({ value }), error => done({ error: String(error) }));")
        told = self.ask("POST", "/execute/async", {"script": script, "args": [function, list(arguments)]})
        assert "error" not in told, f"{function}: {told['error']}"
        return told["value"]

    def picture(self, name):
        """Keeps what the window shows, in the target directory."""
        path = pathlib.Path(TARGET) / name
        path.write_bytes(base64.b64decode(self.ask("GET", "/screenshot")))
        return path

    def end(self):
        if self.process.poll() is None:
            try:
                self.ask("DELETE", "")
            except (AssertionError, OSError):
                pass
            self.process.terminate()
            self.process.wait(20)
