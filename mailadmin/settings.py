"""All settings, read from the environment and the state directory; a wrong value stops the start with a sentence."""

import os
import re
import secrets
import socket
from base64 import urlsafe_b64encode
from collections.abc import Callable
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from celery.schedules import crontab
from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured
from psycopg2 import ProgrammingError
from psycopg2.extensions import parse_dsn

BASE_DIR = Path(__file__).resolve().parent.parent


def env_flag(name: str, default: bool = False) -> bool:
    """True for 1, false for 0; anything else stops the start."""
    value = os.environ.get(name, "1" if default else "0")
    if value not in ("0", "1"):
        raise ImproperlyConfigured(f"{name} is {value!r}. Set it to 1 or 0.")
    return value == "1"


def one_of(name: str, *values: str) -> str:
    """One of these values, the first where nothing is said; anything else stops the start."""
    value = os.environ.get(name, values[0])
    if value not in values:
        raise ImproperlyConfigured(f"{name} is {value!r}. Set it to one of: {', '.join(values)}.")
    return value


def host_and_port(name: str, default: str) -> tuple[str, int]:
    """`HOST:PORT`; anything else stops the start."""
    value = os.environ.get(name) or default
    host, _colon, port = value.rpartition(":")
    if not host or not port.isdecimal() or not 0 < int(port) < 65536:
        raise ImproperlyConfigured(f"{name} is {value!r}. Set it to HOST:PORT.")
    return host, int(port)


def secret_from_state(name: str, make: Callable[[], str] = lambda: secrets.token_urlsafe(48)) -> str:
    """The secret kept in the state directory (file mode 0600), made at first use."""
    path = STATE / name
    try:
        return path.read_text()
    except FileNotFoundError:
        STATE.mkdir(parents=True, exist_ok=True)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_text()
    with os.fdopen(descriptor, "w") as file:
        file.write(make())
    return path.read_text()


def database_from_url(url: str) -> dict[str, Any]:
    """Django's words for a libpq URL; libpq itself takes it apart, so every libpq option works."""
    try:
        parts = parse_dsn(url)
    except ProgrammingError as error:
        raise ImproperlyConfigured(f"DATABASE_URL is not a PostgreSQL URL: {error}".strip()) from error
    names = {"dbname": "NAME", "user": "USER", "password": "PASSWORD", "host": "HOST", "port": "PORT"}
    database: dict[str, Any] = {names[part]: value for part, value in parts.items() if part in names}
    database["OPTIONS"] = {part: value for part, value in parts.items() if part not in names}
    return database


def host_names(name: str) -> list[str]:
    """Names with a comma between them, or nothing. Patterns stop the start: links in mail carry the name under which
    somebody reached the panel, and with a pattern anybody chooses that name."""
    names = [part for part in os.environ.get(name, "").split(",") if part]
    pattern = next((part for part in names if part.startswith(("*", "."))), None)
    if pattern:
        raise ImproperlyConfigured(f"{name} has {pattern!r}. Name each host; a pattern would let in any name.")
    return names


def name_servers(value: str) -> list[tuple[str, int]]:
    """Addresses with a comma between them, each with a port where that is not 53: 192.0.2.1,[2001:db8::1]:5353"""
    found: list[tuple[str, int]] = []
    for part in filter(None, (part.strip() for part in value.split(","))):
        bracketed = re.fullmatch(r"\[(.+)\](?::(\d+))?|([0-9.]+):(\d+)|(.+)", part)
        address, port = ("", "")
        if bracketed:
            address = bracketed[1] or bracketed[3] or bracketed[5]
            port = bracketed[2] or bracketed[4] or "53"
        try:
            found.append((str(ip_address(address)), int(port)))
        except ValueError as error:
            raise ImproperlyConfigured(
                f"MAILADMIN_DNS_RESOLVERS has {part!r}. Take addresses, such as 192.0.2.1 or [2001:db8::1]:5353."
            ) from error
    return found


STATE = Path(os.environ.get("MAILADMIN_STATE") or BASE_DIR / "var").resolve()
IS_TEST = env_flag("MAILADMIN_TEST")
DEBUG = env_flag("MAILADMIN_DEBUG")
SECRET_KEY = secret_from_state("secret_key")
POSTFIX_PASSWORD = secret_from_state("postfix.password")
DOVECOT_PASSWORD = secret_from_state("dovecot.password")
# One Fernet key a line (32 random bytes). The first encrypts, all of them decrypt.
RELAY_PASSWORD_KEYS = secret_from_state(
    "relay_password_keys", lambda: urlsafe_b64encode(secrets.token_bytes(32)).decode()
)
# The same for private keys of DKIM. Lost, those are lost too: docs/dkim.md says how to keep a copy.
DKIM_SEALING_KEYS = secret_from_state("dkim_sealing_keys", lambda: urlsafe_b64encode(secrets.token_bytes(32)).decode())
# The same for secrets of TSIG keys, with which DNS records are published.
TSIG_SEALING_KEYS = secret_from_state("tsig_sealing_keys", lambda: urlsafe_b64encode(secrets.token_bytes(32)).decode())
OPENDKIM_PASSWORD = secret_from_state("opendkim.password")
ROLE_PREFIX = os.environ.get("MAILADMIN_ROLE_PREFIX", "")
OWN_NAMES = ["localhost", "127.0.0.1", "[::1]", socket.gethostname(), socket.getfqdn()]
ALLOWED_HOSTS = host_names("MAILADMIN_ALLOWED_HOSTS") or OWN_NAMES

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.postgres",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "pgtrigger",
    "pghistory",
    "axes",
    "csp",
    "django_htmx",
    "rest_framework",
    "drf_spectacular",
    "accounts",
    "jobs",
    "domains",
    "dns_records",
    "mailboxes",
    "lookup_tables",
    "restrictions",
    "mailservers",
    "takeover",
    "api",
    "mailadmin",
]

MIDDLEWARE = [
    "mailadmin.health.answer_first",
    "mailboxes.set_up_views.answer_programs",
    "dns_records.sts.answer_policy",
    "accounts.middleware.AddressBehindProxyMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "accounts.middleware.SessionOfWholePageMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "accounts.middleware.WholePageSignInMiddleware",
    "mailboxes.middleware.NewPasswordFirstMiddleware",
    "accounts.middleware.LanguageOfPersonMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "axes.middleware.AxesMiddleware",
    "domains.own_script.people_read_own_script",
]

ROOT_URLCONF = "mailadmin.urls"
WSGI_APPLICATION = "mailadmin.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": False,
        "OPTIONS": {
            "builtins": ["mailadmin.templatetags.house"],
            "libraries": {"house": "mailadmin.templatetags.house"},
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "django.template.context_processors.i18n",
                "mailadmin.context.house",
            ],
        },
    },
]

# Database. script/server starts a cluster of its own and sets DATABASE_URL where nobody else does.
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.postgresql",
        "CONN_MAX_AGE": 60,
        "CONN_HEALTH_CHECKS": True,
        **database_from_url(os.environ.get("DATABASE_URL", "postgresql://localhost/mailadmin")),
    }
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# People
AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "accounts.backends.PersonBackend",
    "mailboxes.backends.MailboxOwnerBackend",
]
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "takeover.admin_hashes.TakenOverHasher",
]
LEAST_PASSWORD = 10  # characters
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": LEAST_PASSWORD},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
# Of new passwords of mailboxes: BLF-CRYPT or ARGON2ID (mailboxes/credentials.py says what they cost).
PASSWORD_SCHEME = one_of("MAILADMIN_PASSWORD_SCHEME", "BLF-CRYPT", "ARGON2ID")
LOGIN_URL = "sign_in"
LOGIN_REDIRECT_URL = "overview"
LOGOUT_REDIRECT_URL = "sign_in"
AXES_FAILURE_LIMIT = 10
AXES_COOLOFF_TIME = 0.25  # hours
AXES_RESET_ON_SUCCESS = True
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_USERNAME_CALLABLE = "mailboxes.backends.name_to_count"
AXES_LOCKOUT_TEMPLATE = "accounts/locked_out.html"
AXES_ENABLE_ADMIN = False
AXES_SENSITIVE_PARAMETERS = ["username", "ip_address", "password", "current", "again"]  # it keeps what forms sent
AXES_VERBOSE = False

# Sessions, cookies and headers. Behind TLS the proxy says so by X-Forwarded-Proto.
BEHIND_PROXY = env_flag("MAILADMIN_BEHIND_PROXY")
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if BEHIND_PROXY else None
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = BEHIND_PROXY
SESSION_COOKIE_AGE = 12 * 3600
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF],
        "font-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
        "base-uri": [NONE],
    }
}
DATA_UPLOAD_MAX_MEMORY_SIZE = 2 * 1024 * 1024  # bytes; a pasted list of 1,000 destinations needs less than a tenth
# A file with passwords must not lie on a disk, not even for a moment: what is larger goes by the command import_csv.
FILE_UPLOAD_HANDLERS = ["django.core.files.uploadhandler.MemoryFileUploadHandler"]
FILE_UPLOAD_MAX_MEMORY_SIZE = 32 * 1024 * 1024  # bytes
CSRF_FAILURE_VIEW = "mailadmin.views.csrf_failure"

# The API (api/)
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["api.authentication.ByToken", "api.authentication.BySessionToLook"],
    "DEFAULT_PERMISSION_CLASSES": ["api.access.MayUse"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["api.parsing.PlainJSON"],
    "DEFAULT_THROTTLE_CLASSES": ["api.authentication.PerToken"],
    "DEFAULT_SCHEMA_CLASS": "api.schema.HouseSchema",
    "EXCEPTION_HANDLER": "api.problems.answer_problem",
    "UNAUTHENTICATED_USER": None,
    "UNICODE_JSON": True,
}
API_REQUESTS_A_MINUTE = 1200  # of one token
API_WRONG_TOKENS_A_MINUTE = 20  # from one address
SPECTACULAR_SETTINGS = {
    "OAS_VERSION": "3.1.1",
    "TITLE": "mailadmin",
    "VERSION": "1",
    "DESCRIPTION": "What the pages and the commands do, for programs. See docs/api.md.",
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "SERVE_INCLUDE_SCHEMA": False,
    "ENUM_GENERATE_CHOICE_DESCRIPTION": False,
    "POSTPROCESSING_HOOKS": [],
}

# Mail that the panel sends itself (jobs/mail.py, mailboxes/recovery.py). By default to the mail server of this machine.
EMAIL_HOST, EMAIL_PORT = host_and_port("MAILADMIN_SMTP", "localhost:25")
EMAIL_TIMEOUT = 30  # seconds
DEFAULT_FROM_EMAIL = os.environ.get("MAILADMIN_MAIL_FROM") or f"mailadmin@{socket.getfqdn()}"

# Languages
LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("ja", "日本語"), ("zh-hant", "繁體中文")]
LANGUAGE_COOKIE_SAMESITE = "Lax"
LOCALE_PATHS = [BASE_DIR / "locale"]
FORMAT_MODULE_PATH = "mailadmin.formats"
USE_I18N = True
USE_TZ = True
TIME_ZONE = os.environ.get("TZ") or "UTC"
USE_THOUSAND_SEPARATOR = True

# Static files
STATIC_URL = "/static/"
STATIC_ROOT = STATE / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        # The test server does not serve hashed names.
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if IS_TEST
        else "whitenoise.storage.CompressedManifestStaticFilesStorage"
    },
}

# Celery. The Job row is the queue, the broker only wakes the worker (jobs/services.py).
CELERY_BROKER_URL = os.environ.get("CELERY_BROKER_URL", "filesystem://")
if CELERY_BROKER_URL == "filesystem://":
    CELERY_BROKER_URL = "filesystem://localhost"  # kombu warns at each connection where no host is named
    CELERY_BROKER_TRANSPORT_OPTIONS = {
        "data_folder_in": str(STATE / "broker"),
        "data_folder_out": str(STATE / "broker"),
        "control_folder": str(STATE / "broker-control"),
        "polling_interval": 0.2,
    }
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TIMEZONE = TIME_ZONE
CELERY_BEAT_SCHEDULE_FILENAME = str(STATE / "beat-schedule")
CELERY_BEAT_SCHEDULE: dict[str, dict[str, Any]] = {
    "sweep the jobs": {"task": "jobs.sweep", "schedule": 5.0, "options": {"expires": 10}},
    "check the aliases": {
        "task": "mailboxes.start_alias_report",
        "schedule": crontab(hour=3, minute=17),
        "options": {"expires": 3600},
    },
    "warn owners of full mailboxes": {
        "task": "mailboxes.warn_owners",
        "schedule": 120.0,
        "options": {"expires": 120},
    },
    "send the welcome mails": {
        "task": "mailboxes.send_welcome_mails",
        "schedule": 10.0,
        "options": {"expires": 10},
    },
    "follow the DKIM keys": {"task": "dns_records.follow_dkim_keys", "schedule": 60.0, "options": {"expires": 50}},
    "rotate the DKIM keys": {
        "task": "dns_records.rotate_dkim_keys",
        "schedule": crontab(minute=23),
        "options": {"expires": 3600},
    },
    "purge passwords of relays": {
        "task": "lookup_tables.purge_passwords",
        "schedule": crontab(hour=3, minute=37),
        "options": {"expires": 3600},
    },
    "check the DNS records": {
        "task": "dns_records.start_check",
        "schedule": crontab(hour=4, minute=17),
        "options": {"expires": 3600},
    },
}

# DNS (dns_records/authoritative.py): who says which servers are authoritative, and the port at which those answer.
DNS_RESOLVERS = name_servers(os.environ.get("MAILADMIN_DNS_RESOLVERS", ""))
DNS_PORT = 53  # tests have all of theirs at another one

# History: one context a service call; statement triggers see bulk changes at no cost.
PGHISTORY_APPEND_ONLY = False
PGHISTORY_ADMIN_ALL_EVENTS = False

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s: %(message)s"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["stderr"], "level": "INFO" if not IS_TEST else "WARNING"},
    # The sweeper runs every few seconds; what a job did stands in its row.
    "loggers": {name: {"level": "WARNING"} for name in ("celery.app.trace", "celery.beat", "celery.worker.strategy")},
}
