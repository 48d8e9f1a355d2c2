"""Login with Google accounts (OpenID Connect) instead of passwords, for Airflow's FAB auth manager.

Airflow reads this file if ``AIRFLOW__FAB__CONFIG_FILE`` names it. The client's id and secret are in
the environment of the API server.
"""

import os
import re

from flask_appbuilder.const import AUTH_OAUTH

AUTH_TYPE = AUTH_OAUTH

#: A person who logs in for the first time can see everything and change nothing. An administrator
#: gives the role `User`, which may trigger windows, or another one.
AUTH_USER_REGISTRATION = True
AUTH_USER_REGISTRATION_ROLE = "Viewer"

OAUTH_PROVIDERS = [
    {
        "name": "google",
        "icon": "fa-google",
        "token_key": "access_token",
        # FAB compares the end of the e-mail address with each of these patterns.
        "whitelist": ["@" + re.escape(os.environ["VENTAS_LOGIN_DOMAIN"])],
        "remote_app": {
            "client_id": os.environ["VENTAS_LOGIN_CLIENT_ID"],
            "client_secret": os.environ["VENTAS_LOGIN_CLIENT_SECRET"],
            "server_metadata_url": "https://accounts.google.com/.well-known/openid-configuration",
            "api_base_url": "https://www.googleapis.com/oauth2/v2/",
            "client_kwargs": {"scope": "openid email profile"},
        },
    }
]
