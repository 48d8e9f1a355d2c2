"""Access to the views, and their links in Airflow's navigation."""

from collections.abc import Callable

from playwright.sync_api import expect

from tests.browser.conftest import Shop, Visitor

Visit = Callable[..., Visitor]

#: Whether a part of a link is wider than its room.
CUT = """
link => [link, ...link.querySelectorAll("*")].some(
  it => it.clientWidth && it.scrollWidth > it.clientWidth + 1)
"""


def test_view_without_a_login_redirects_to_the_login_page(shop: Shop, visit: Visit) -> None:
    page = visit(user=None).open("/ventas/vivo")
    page.wait_for_url("**/auth/login**")
    answer = page.context.request.get(f"{shop.settings.url('airflow')}/ventas/api/live")
    assert answer.status == 401


def test_views_are_in_airflows_navigation(shop: Shop, visit: Visit) -> None:
    page = visit().open("/")
    for name in ("Ventas", "Salud", "Consultas", "Reportes"):
        link = page.get_by_role("link", name=name, exact=True)
        expect(link).to_be_visible()
        assert not link.evaluate(CUT), name
