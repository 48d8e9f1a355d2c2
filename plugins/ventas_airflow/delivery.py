"""Where alerts go: to whatever the Airflow connection `ventas_alerts` names, if there is one."""

from __future__ import annotations

import html
import logging
from typing import TYPE_CHECKING, Final

import requests
from airflow.providers.smtp.hooks.smtp import SmtpHook
from airflow.sdk import Connection
from airflow.sdk.exceptions import (
    AirflowException,
    AirflowNotFoundException,
    AirflowRuntimeError,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

log = logging.getLogger(__name__)

CONNECTION: Final = "ventas_alerts"

#: Seconds that whoever receives alerts has to answer.
_TIMEOUT = 10


def deliver(subject: str, text: str) -> bool:
    """Send a message, once, and return whether it was taken; nothing is raised.

    A connection of type `smtp` sends an e-mail, and one of any other type posts `{"text": …}` to a
    webhook, which Slack, Google Chat and Mattermost take. Without a connection there is only the
    log. An error is told without its text, which may hold the webhook's address: that is a secret.
    """
    try:
        connection = Connection.get(CONNECTION)
        if connection.conn_type == "smtp":
            _mail(recipients(connection), subject, text)
        else:
            _post(webhook_url(connection), text)
    except AirflowNotFoundException:
        log.info("No hay conexión %s: el aviso queda en este registro. %s", CONNECTION, text)
        return False
    except (OSError, ValueError, AirflowException, AirflowRuntimeError) as error:
        status = error.response.status_code if isinstance(error, requests.HTTPError) else ""
        log.warning(
            "El aviso no se pudo entregar por la conexión %s (%s %s): revisarla. %s",
            CONNECTION,
            type(error).__name__,
            status,
            text,
        )
        return False
    log.info("Aviso entregado por la conexión %s: %s", CONNECTION, subject)
    return True


def webhook_url(connection: Connection) -> str:
    """The address of a webhook: schema, host and port, and what is secret of it as the password."""
    host = connection.host or ""
    url = host if "://" in host else f"{connection.schema or 'https'}://{host}"
    if connection.port:
        url = f"{url}:{connection.port}"
    return f"{url.rstrip('/')}/{connection.password.lstrip('/')}" if connection.password else url


def recipients(connection: Connection) -> list[str]:
    """Who gets the e-mail: the extra `to`, a list or a text with commas.

    Raises:
        ValueError: there is none.
    """
    to: str | Sequence[str] = connection.extra_dejson.get("to") or ()
    found = [one.strip() for one in (to.split(",") if isinstance(to, str) else to)]
    if not found:
        raise ValueError(f"connection {CONNECTION} has no recipients in its extra 'to'")
    return found


class _PromptSmtpHook(SmtpHook):
    """The provider's hook, which would wait for half a minute and try five times more."""

    @property
    def timeout(self) -> int:
        """Seconds for each answer of the server."""
        return _TIMEOUT

    @property
    def smtp_retry_limit(self) -> int:
        """Tries after the first."""
        return 0


def _mail(to: list[str], subject: str, text: str) -> None:
    content = "<br>\n".join(html.escape(line) for line in text.splitlines())
    with _PromptSmtpHook(CONNECTION) as hook:
        hook.send_email_smtp(to=to, subject=subject, html_content=content)


def _post(url: str, text: str) -> None:
    # A redirect would hand the message to a place that nobody has named.
    answer = requests.post(url, json={"text": text}, timeout=_TIMEOUT, allow_redirects=False)
    answer.raise_for_status()
    if answer.is_redirect:
        raise ValueError("a webhook that redirects")
