"""A report in a browser without a screen: no complaint on its console, nothing wider than the page at 1280 and at 400
pixels, in light and in dark. With VJ_LOOK=FOLDER the screenshots stay there to be looked at."""

import os
import re
import shutil
import subprocess

from support import requirements
from support.vjvcr import TINY, Case, main

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
requirements.programs("gnuplot", CHROMIUM or "chromium")

SWEEP = TINY.replace("steps: 4", "steps: 2").replace("every: 2", "every: 1", 1) + """\
sweep:
  trials:
    an arm with quite a long name, as people give them when they have no time: {losses.variance.weight: 1}
    short: {losses.variance.weight: 100}
  parameters:
    losses.covariance.weight: {log: [0.1, 10], n: 2}
  seeds: 2
"""
# Runs when the page is drawn: tells the page around it what stands out, apart from what scrolls on its own.
MEASURE = """<script>
addEventListener("load", () => {
  const wide = document.documentElement.clientWidth, out = [];
  for (const e of document.body.querySelectorAll("*"))
    if (!e.closest(".scroll, pre, svg") && e.getBoundingClientRect().right > wide + 1) out.push(e.tagName);
  for (const text of document.querySelectorAll("svg text")) {
    const box = text.getBoundingClientRect(), picture = text.closest("svg").getBoundingClientRect();
    if (box.width && (box.left < picture.left - 2 || box.right > picture.right + 2 || box.bottom > picture.bottom + 2))
      out.push("text " + text.textContent);
  }
  parent.postMessage([innerWidth, document.documentElement.scrollWidth, wide, out.join(", ")].join("|"), "*");
});
</script>"""

# Browsers' windows have a least width; frames in them do not.
FRAME = """<!DOCTYPE html><title></title><script>addEventListener("message", e => document.title = e.data)</script>
<iframe src="measured.html" style="border:0;width:%dpx;height:3000px"></iframe>"""


class Look(Case):
    def browse(self, width, dark, *arguments, page="frame.html"):
        command = [CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars",
                   "--enable-logging=stderr", f"--user-data-dir={self.path('profile')}",
                   f"--window-size={width},3000", *arguments]
        if dark:
            command += ["--blink-settings=preferredColorScheme=0"]
        command.append("file://" + self.path("out", page))
        done = subprocess.run(command, capture_output=True, text=True, timeout=300)
        self.assertNotRegex(done.stderr, "CONSOLE", done.stderr)
        return done.stdout

    def test_nothing_is_cut_off_and_nothing_complains(self):
        self.write("sweep.yaml", SWEEP)
        self.succeed("sweep", "sweep.yaml", "-o", "out", seconds=500)
        self.succeed("report", "out")
        with open(self.path("out", "report.html"), encoding="utf-8") as file:
            text = file.read()
        self.write("out/measured.html", text.replace("</head>", MEASURE + "</head>"))
        for width, dark in ((1280, False), (400, False), (400, True)):
            self.write("out/frame.html", FRAME % width)
            dom = self.browse(1400, dark, "--dump-dom", "--virtual-time-budget=10000")
            inner, scroll, wide, out = re.search("<title>(.*?)</title>", dom).group(1).split("|")
            self.assertEqual(int(inner), width)
            self.assertLessEqual(int(scroll), width)
            self.assertEqual(out, "", f"at {width} pixels")
        if os.environ.get("VJ_LOOK"):
            os.makedirs(os.environ["VJ_LOOK"], exist_ok=True)
            for width, dark in ((1280, False), (1280, True), (400, False), (400, True)):
                name = f"report-{width}-{'dark' if dark else 'light'}.png"
                name = os.path.join(os.path.abspath(os.environ["VJ_LOOK"]), name)
                self.browse(width, dark, f"--screenshot={name}", page="report.html")


if __name__ == "__main__":
    main()
