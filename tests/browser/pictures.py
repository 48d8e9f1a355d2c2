"""Take the pictures of the documentation: `python -m tests.browser.pictures` while a stack runs.

While a window sells, it takes those of the live page; later, those of the closed page, of the last
report, and of the window's tasks in Airflow's grid. `./ventas demo` gives both.
"""

import io
import os
from typing import Final, NamedTuple

from PIL import Image
from playwright.sync_api import Error

from include.stack import airflow
from include.stack.settings import ROOT, Settings
from tests.browser.conftest import Visitor, launched

FOLDER: Final = ROOT / "docs" / "images"

MOST_SECONDS: Final = 20
"""Seconds to wait for the content of a picture."""


class Picture(NamedTuple):
    """A picture of a page.

    Attributes:
        path: path of the page in Airflow.
        ready: selector of what is there when the picture can be taken.
        size: width and height, in pixels.
        user: the user who looks.
        language: language of the page.
        follow: selector of a link on the page at `path` that leads to the picture's page.
    """

    path: str
    ready: str
    size: tuple[int, int]
    user: str = airflow.VIEWER
    language: str = "es"
    follow: str = ""


#: The grid with its tasks, once Airflow has loaded its own texts.
GRID: Final = 'body:has-text("Apagar la VM"):has-text("Inicio"):not(:has-text("dagDetails"))'

#: The live page with its chart and its findings.
LIVE: Final = ".board:has(.main-svg):has(.verdict:not(:empty))"

PICTURES: Final = {
    "live": Picture("/ventas/vivo", LIVE, (1440, 1500)),
    "live-en": Picture("/ventas/vivo", LIVE, (1440, 1500), language="en"),
    "closed": Picture("/ventas/vivo", ".closed .kpi", (1440, 560), airflow.USER),
    "report": Picture("/ventas/reportes", ".figures", (800, 1130), follow=".reports a"),
    "grid": Picture("/dags/sales_window", GRID, (1280, 860), airflow.USER),
}


def main() -> None:
    settings = Settings.from_environment(os.environ)
    with launched() as browser:
        for name, picture in PICTURES.items():
            width, height = picture.size
            viewport = {"width": width, "height": height}
            visitor = Visitor(browser, settings, picture.user, viewport=viewport)
            visitor.context.set_default_timeout(1000 * MOST_SECONDS)
            kept = f"localStorage.setItem('ventas.language', '{picture.language}')"
            visitor.context.add_init_script(kept)
            try:
                page = visitor.open(picture.path)
                if picture.follow:
                    page.goto(page.locator(picture.follow).first.evaluate("link => link.href"))
                page.locator(picture.ready).first.wait_for()
            except Error:
                print(f"{name}: not to be seen now")
                continue
            page.wait_for_timeout(500)  # bars grow
            shot = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
            shot.quantize(256, dither=Image.Dither.NONE).save(FOLDER / f"{name}.png", optimize=True)
            print(f"{name}: {FOLDER / name}.png")
            visitor.context.close()


if __name__ == "__main__":
    main()
