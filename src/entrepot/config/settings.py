"""Every setting of the process, read from the environment once.

`docs/settings.md` lists each variable; a test fails when one is missing there. Faults are gathered
and reported together, so that a person repairs a configuration in one go.
"""

from pathlib import Path

from entrepot.config.environment import Environment
from entrepot.config.packages import folder_of

environment = Environment()

DATA_FOLDER = environment.folder("ENTREPOT_DATA", default=Path("data"))
DEBUG = environment.flag("ENTREPOT_DEBUG", default=False)
PUBLIC_URL = environment.url("ENTREPOT_URL", default="http://127.0.0.1:8000")
SANDBOX = environment.flag("ENTREPOT_SANDBOX", default=False)
HASTE = environment.haste(sandbox=SANDBOX)
SECRET_KEYS = environment.secret_keys("ENTREPOT_SECRET_KEYS", folder=DATA_FOLDER)
SECRET_KEY = SECRET_KEYS[0].hex()
SECRET_KEY_FALLBACKS = [key.hex() for key in SECRET_KEYS[1:]]

ALLOWED_HOSTS = environment.hosts("ENTREPOT_HOSTS", public_url=PUBLIC_URL)
CSRF_TRUSTED_ORIGINS = [PUBLIC_URL]
USES_TLS = PUBLIC_URL.startswith("https://")
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SESSION_COOKIE_SECURE = USES_TLS
CSRF_COOKIE_SECURE = USES_TLS
CSRF_FAILURE_VIEW = "entrepot.dashboard.session.outlived_form"
SECURE_HSTS_SECONDS = 31_536_000 if USES_TLS else 0
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"

# Three database roles, one database. `owner` migrates; `default` is the app role that sees one
# merchant at a time; `system` serves the edge, claims and upkeep. See entrepot/database/roles.py.
USES_EMBEDDED_DATABASE = not environment.text("DATABASE_URL", default="")
DATABASES = environment.databases(secret_key=SECRET_KEYS[-1], data_folder=DATA_FOLDER)
DATABASE_ROUTERS = ["entrepot.database.router.ScopeRouter"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# Lower rooms first: a room's migrations may name only rooms above it in this list.
ROOMS = [
    "entrepot.database",
    "entrepot.events",
    "entrepot.access",
    "entrepot.connections",
    "entrepot.inbox",
    "entrepot.obligations",
    "entrepot.deadletters",
    "entrepot.attempts",
    "entrepot.catalog",
    "entrepot.customers",
    "entrepot.orders",
    "entrepot.payments",
    "entrepot.routing",
    "entrepot.fulfillment",
    "entrepot.notifications",
    "entrepot.monitoring",
    "entrepot.intake",
    "entrepot.tasks",
    "entrepot.api",
    "entrepot.dashboard",
    "entrepot.tracking_page",
]
INSTALLED_APPS = [
    "unfold.apps.BasicAppConfig",
    "entrepot.config.administration.Configuration",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django_htmx",
    "django_otp",
    "django_otp.plugins.otp_totp",
    "django_otp.plugins.otp_static",
    "axes",
    "anymail",
    *ROOMS,
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "entrepot.config.static.StaticFiles",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django_otp.middleware.OTPMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "axes.middleware.AxesMiddleware",
]
ROOT_URLCONF = "entrepot.config.urls"
ASGI_APPLICATION = "entrepot.config.asgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

AUTH_USER_MODEL = "access.User"
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "django.contrib.auth.backends.ModelBackend",
]
AUTH_PASSWORD_VALIDATORS = [
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 10},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
LOGIN_URL = "/sign-in/"
LOGIN_REDIRECT_URL = "/"
LOGOUT_REDIRECT_URL = "/sign-in/"
# People of these roles set up a second factor before they see anything.
SECOND_FACTOR_ROLES = environment.text("ENTREPOT_SECOND_FACTOR_ROLES", default="").split()
AXES_FAILURE_LIMIT = 10
AXES_COOLOFF_TIME = 0.25
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]

LANGUAGE_CODE = "en"
USE_I18N = True
TIME_ZONE = "UTC"
USE_TZ = True

STATIC_URL = "/static/"
# Of ninja's package only the files of its page are needed, and not its import in every process.
STATICFILES_DIRS = [
    (name, folder / "static" / name) for name in ("ninja",) if (folder := folder_of(name))
]
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = DEBUG

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'self'"],
        "img-src": ["'self'", "data:"],
        "frame-ancestors": ["'none'"],
        "form-action": ["'self'"],
        "base-uri": ["'none'"],
    },
}
# The colours are those of entrepot.css: accent, ink and line.
UNFOLD = {
    "SITE_TITLE": "Entrepot",
    "SITE_HEADER": "Entrepot",
    "SITE_SUBHEADER": "entrepot.dashboard.configuration.subheader",
    "SITE_URL": "/",
    "SITE_FAVICONS": [
        {"rel": "icon", "type": "image/svg+xml", "href": "/static/entrepot.svg"},
    ],
    "STYLES": ["/static/entrepot-configuration.css"],
    "SCRIPTS": ["/static/entrepot-configuration.js"],
    "SHOW_HISTORY": False,
    "SHOW_VIEW_ON_SITE": False,
    "BORDER_RADIUS": "4px",
    "COLORS": {
        "primary": {
            "50": "#f0f8f8",
            "100": "#e0f0f1",
            "200": "#b9dde1",
            "300": "#8ccbd2",
            "400": "#63c6d1",
            "500": "#0a7d8a",
            "600": "#0a626d",
            "700": "#084f58",
            "800": "#0a4048",
            "900": "#12323a",
            "950": "#04262b",
        },
        "base": {
            "50": "#f5f7f6",
            "100": "#eef1f0",
            "200": "#dde3e1",
            "300": "#b3c0bc",
            "400": "#94a39f",
            "500": "#5b6965",
            "600": "#46544f",
            "700": "#28322f",
            "800": "#1b2424",
            "900": "#151c1c",
            "950": "#0d1313",
        },
    },
    "SIDEBAR": {"navigation": "entrepot.dashboard.configuration.navigation"},
}

SANDBOX_MAIL = environment.text("ENTREPOT_SANDBOX_MAIL", default="") if SANDBOX else ""
EMAIL_BACKEND, EMAIL_SETTINGS = environment.mail(sandbox=SANDBOX)
ANYMAIL = EMAIL_SETTINGS
DEFAULT_FROM_EMAIL = environment.text("ENTREPOT_MAIL_FROM", default="entrepot@localhost")
SERVER_EMAIL = DEFAULT_FROM_EMAIL
EMAIL_HOST, EMAIL_PORT, EMAIL_HOST_USER, EMAIL_HOST_PASSWORD, EMAIL_USE_TLS, EMAIL_USE_SSL = (
    environment.smtp("ENTREPOT_SANDBOX_MAIL" if SANDBOX_MAIL else "ENTREPOT_SMTP_URL")
)
ALERT_MAIL = environment.text("ENTREPOT_ALERT_MAIL", default="")
ALERT_WEBHOOK_URL = environment.text("ENTREPOT_ALERT_WEBHOOK_URL", default="")

# The most that one webhook may weigh; larger bodies are answered 413 before they are read.
WEBHOOK_BODY_LIMIT = environment.number("ENTREPOT_WEBHOOK_BODY_LIMIT", default=2 * 1024 * 1024)
DATA_UPLOAD_MAX_MEMORY_SIZE = 10 * 1024 * 1024
WORKER_THREADS = environment.number("ENTREPOT_WORKER_THREADS", default=16)
ALLOW_PRIVATE_ADDRESSES = environment.flag("ENTREPOT_ALLOW_PRIVATE_ADDRESSES", default=SANDBOX)

LOGGING_CONFIG = "entrepot.config.logging.configure"
LOGGING = {
    "level": environment.text("ENTREPOT_LOG_LEVEL", default="info"),
    "format": environment.text("ENTREPOT_LOG_FORMAT", default="json"),
}

environment.check_first_connections()
environment.raise_faults()
