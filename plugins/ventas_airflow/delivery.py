"""Delivery of alerts to the e-mail server or webhook of Airflow connection `ventas_alerts`."""

from __future__ import annotations

import html
import logging
from typing import TYPE_CHECKING

import requests
from airflow.providers.smtp.hooks.smtp import SmtpHook
from airflow.sdk import Connection
from airflow.sdk.exceptions import (
    AirflowException,
    AirflowNotFoundException,
    AirflowRuntimeError,
)

from include.names import ALERTS_CONNECTION

if TYPE_CHECKING:
    from collections.abc import Sequence

log = logging.getLogger(__name__)

#: Seconds to wait for an answer of the webhook or of the e-mail server.
_TIMEOUT = 10


def deliver(subject: str, text: str) -> bool:
    """Send a message once, without retries, and return whether it was accepted; raise nothing.

    A connection of type `smtp` sends an e-mail. A connection of any other type posts
    `{"text": …}` to a webhook, the format of Slack, Google Chat and Mattermost. Without the
    connection, the message is only logged. An error is logged without its text, which may hold
    the webhook's address, a secret.
    """
    try:
        connection = Connection.get(ALERTS_CONNECTION)
        if connection.conn_type == "smtp":
            _mail(recipients(connection), subject, text)
        else:
            _post(webhook_url(connection), text)
    except AirflowNotFoundException:
        log.info(
            "There is no connection %s, so the alert is only logged: %s", ALERTS_CONNECTION, text
        )
        return False
    except (OSError, ValueError, AirflowException, AirflowRuntimeError) as error:
        status = error.response.status_code if isinstance(error, requests.HTTPError) else ""
        log.warning(
            "The alert could not be delivered by connection %s (%s %s): check it. The alert: %s",
            ALERTS_CONNECTION,
            type(error).__name__,
            status,
            text,
        )
        return False
    log.info("The alert was delivered by connection %s: %s", ALERTS_CONNECTION, subject)
    return True


def webhook_url(connection: Connection) -> str:
    """Return a webhook's address: schema, host, port, and the password as its secret path."""
    host = connection.host or ""
    url = host if "://" in host else f"{connection.schema or 'https'}://{host}"
    if connection.port:
        url = f"{url}:{connection.port}"
    return f"{url.rstrip('/')}/{connection.password.lstrip('/')}" if connection.password else url


def recipients(connection: Connection) -> list[str]:
    """Return the recipients of the e-mail: the extra `to`, a list or a text with commas.

    Raises:
        ValueError: the extra names no recipient.
    """
    to: str | Sequence[str] = connection.extra_dejson.get("to") or ()
    found = [address.strip() for address in (to.split(",") if isinstance(to, str) else to)]
    if not found:
        raise ValueError(f"connection {ALERTS_CONNECTION} has no recipients: set 'to' in its extra")
    return found


class _PromptSmtpHook(SmtpHook):
    """The provider's SMTP hook, without its time-out of 30 seconds and its five retries."""

    @property
    def timeout(self) -> int:
        """Seconds to wait for each answer of the server."""
        return _TIMEOUT

    @property
    def smtp_retry_limit(self) -> int:
        return 0


def _mail(to: list[str], subject: str, text: str) -> None:
    content = "<br>\n".join(html.escape(line) for line in text.splitlines())
    with _PromptSmtpHook(ALERTS_CONNECTION) as hook:
        hook.send_email_smtp(to=to, subject=subject, html_content=content)


def _post(url: str, text: str) -> None:
    # A redirect would send the message to an address that the connection does not name.
    answer = requests.post(url, json={"text": text}, timeout=_TIMEOUT, allow_redirects=False)
    answer.raise_for_status()
    if answer.is_redirect:
        raise ValueError("the webhook redirects: put its final address into the connection")
