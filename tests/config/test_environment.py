"""The environment is read once, typed, and all its faults are named together."""

import stat
from pathlib import Path

import pytest

from entrepot.config.environment import Environment, MisconfiguredEnvironment
from entrepot.database.urls import DatabaseUrl, role_password

KEY = bytes(range(32))


def databases(tmp_path: Path, **variables: str) -> dict[str, DatabaseUrl]:
    environment = Environment(variables)
    found = environment.databases(secret_key=KEY, data_folder=tmp_path)
    environment.raise_faults()
    return {alias: DatabaseUrl.of_settings(settings) for alias, settings in found.items()}


def test_all_faults_are_named_at_once(tmp_path: Path) -> None:
    environment = Environment(
        {
            "ENTREPOT_DEBUG": "maybe",
            "ENTREPOT_WORKER_THREADS": "-4",
            "ENTREPOT_URL": "hub.example",
            "ENTREPOT_SECRET_KEYS": "short",
            "DATABASE_URL": "mysql://root:hunter2@db/hub",
            "ENTREPOT_MAIL_SERVICE": "pigeon",
            "ENTREPOT_SMTP_URL": "mail.example:25",
        }
    )

    flag = environment.flag("ENTREPOT_DEBUG", default=False)
    url = environment.url("ENTREPOT_URL", default="http://127.0.0.1:8000")
    environment.secret_keys("ENTREPOT_SECRET_KEYS", folder=tmp_path)
    environment.databases(secret_key=KEY, data_folder=tmp_path)
    environment.mail(sandbox=False)
    environment.smtp("ENTREPOT_SMTP_URL")
    with pytest.raises(MisconfiguredEnvironment) as caught:
        environment.raise_faults()

    assert (flag, url) == (False, "http://127.0.0.1:8000")
    assert [fault.split(":")[0] for fault in caught.value.faults] == [
        "ENTREPOT_DEBUG",
        "ENTREPOT_URL",
        "ENTREPOT_SECRET_KEYS",
        "DATABASE_URL",
        "ENTREPOT_WORKER_THREADS",
        "ENTREPOT_MAIL_SERVICE",
        "ENTREPOT_SMTP_URL",
    ]
    assert "hunter2" not in str(caught.value)


def test_an_environment_without_variables_is_complete(tmp_path: Path) -> None:
    environment = Environment({})

    assert environment.hosts("ENTREPOT_HOSTS", public_url="https://hub.example:8443") == [
        "hub.example",
        "localhost",
        "127.0.0.1",
        "[::1]",
    ]
    assert environment.mail(sandbox=False) == ("django.core.mail.backends.smtp.EmailBackend", {})
    assert environment.smtp("ENTREPOT_SMTP_URL") == ("localhost", 25, "", "", False, False)
    environment.raise_faults()


def test_a_key_is_made_once_and_kept_for_the_owner_only(tmp_path: Path) -> None:
    folder = tmp_path / "data"

    first = Environment({}).secret_keys("ENTREPOT_SECRET_KEYS", folder=folder)
    second = Environment({}).secret_keys("ENTREPOT_SECRET_KEYS", folder=folder)

    assert first == second
    assert [len(key) for key in first] == [32]
    assert stat.S_IMODE((folder / "secret_keys").stat().st_mode) == 0o600


def test_keys_are_read_newest_first_in_both_spellings(tmp_path: Path) -> None:
    hexadecimal = "00" * 32
    base64 = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="

    keys = Environment({"KEYS": f"{base64}, {hexadecimal}"}).secret_keys("KEYS", folder=tmp_path)

    assert keys == [KEY, bytes(32)]
    assert not (tmp_path / "secret_keys").exists()


def test_the_roles_urls_are_derived_from_the_owners(tmp_path: Path) -> None:
    found = databases(
        tmp_path, DATABASE_URL="postgres://ownér:p%40ss%2Fwörd@db.example:6432/hub?sslmode=require"
    )

    assert found["owner"].user == "ownér"
    assert found["owner"].password == "p@ss/wörd"
    for alias, role in (("default", "entrepot_app"), ("system", "entrepot_system")):
        url = found[alias]
        assert (url.user, url.password) == (role, role_password(KEY, role))
        assert (url.hosts, url.ports, url.name) == (("db.example",), ("6432",), "hub")
        assert url.options["sslmode"] == "require"
    assert found["default"].password != found["system"].password


def test_the_roles_urls_can_be_given(tmp_path: Path) -> None:
    found = databases(
        tmp_path,
        DATABASE_URL="postgresql://owner:a@db/hub",
        DATABASE_APP_URL="postgresql://hub_a:b@db/hub",
        DATABASE_SYSTEM_URL="postgresql://hub_s:c@db/hub",
    )

    assert (found["default"].user, found["default"].password) == ("hub_a", "b")
    assert (found["system"].user, found["system"].password) == ("hub_s", "c")


@pytest.mark.parametrize(
    ("text", "hosts", "ports"),
    [
        ("postgresql://u:p@h1:5433,h2/hub", ("h1", "h2"), ("5433", "5432")),
        ("postgresql://u:p@[2001:db8::1]:5433/hub", ("2001:db8::1",), ("5433",)),
        ("postgresql://u:p@/hub?host=/run/postgresql", ("/run/postgresql",), ("5432",)),
        ("postgresql:///hub?host=a,b&port=1,2", ("a", "b"), ("1", "2")),
    ],
)
def test_an_url_of_several_hosts_or_a_socket_is_read_and_written(
    text: str, hosts: tuple[str, ...], ports: tuple[str, ...]
) -> None:
    url = DatabaseUrl.parse(text)

    assert (url.hosts, url.ports, url.name) == (hosts, ports, "hub")
    assert DatabaseUrl.parse(str(url)) == url
    assert DatabaseUrl.of_settings(url.settings()) == url


def test_without_an_url_it_is_the_embedded_server_of_the_data_folder(tmp_path: Path) -> None:
    before = databases(tmp_path)
    (tmp_path / "postgres").mkdir()
    (tmp_path / "postgres" / "port").write_text("40123\n")
    after = databases(tmp_path)

    assert before["default"].user == "entrepot_app"
    assert after["default"].ports == ("40123",)
    assert after["system"].options["sslmode"] == "disable"  # it has none, and would be asked twice
    assert after["owner"].hosts == ("127.0.0.1",)


def test_pools_fit_the_worker_and_the_owner_has_none(tmp_path: Path) -> None:
    found = Environment({"ENTREPOT_WORKER_THREADS": "12"}).databases(
        secret_key=KEY, data_folder=tmp_path
    )

    assert found["default"]["OPTIONS"]["pool"]["max_size"] == 14
    assert found["system"]["OPTIONS"]["pool"]["max_size"] == 14
    assert "pool" not in found["owner"]["OPTIONS"]
    assert {settings["CONN_MAX_AGE"] for settings in found.values()} == {0}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("smtp://mail.example", ("mail.example", 25, "", "", False, False)),
        ("smtp://me:s%3Acret@mail.example", ("mail.example", 587, "me", "s:cret", True, False)),
        ("smtps://me:x@mail.example", ("mail.example", 465, "me", "x", False, True)),
        ("smtp://mail.example:2525", ("mail.example", 2525, "", "", False, False)),
    ],
)
def test_a_mail_server_is_one_url(
    text: str, expected: tuple[str, int, str, str, bool, bool]
) -> None:
    environment = Environment({"ENTREPOT_SMTP_URL": text})

    assert environment.smtp("ENTREPOT_SMTP_URL") == expected
    environment.raise_faults()


def test_a_mail_service_names_what_it_lacks() -> None:
    complete = Environment({"ENTREPOT_MAIL_SERVICE": "Postmark", "ENTREPOT_MAIL_SERVER_TOKEN": "t"})
    lacking = Environment({"ENTREPOT_MAIL_SERVICE": "mailjet", "ENTREPOT_MAIL_API_KEY": "k"})

    backend, settings = complete.mail(sandbox=False)
    lacking.mail(sandbox=False)

    assert (backend, settings) == (
        "anymail.backends.postmark.EmailBackend",
        {"POSTMARK_SERVER_TOKEN": "t"},
    )
    complete.raise_faults()
    with pytest.raises(MisconfiguredEnvironment, match="ENTREPOT_MAIL_SECRET_KEY: mailjet needs"):
        lacking.raise_faults()


def test_in_the_sandbox_no_mail_leaves_whatever_the_service_is() -> None:
    environment = Environment({"ENTREPOT_MAIL_SERVICE": "postmark"})

    assert environment.mail(sandbox=True) == (
        "entrepot.notifications.mailbox.MailboxBackend",
        {},
    )
    environment.raise_faults()


def test_half_of_a_first_connection_is_named_with_what_it_lacks() -> None:
    environment = Environment({"WOOCOMMERCE_URL": "https://laden.example", "PRODIGI_API_KEY": "k"})

    environment.check_first_connections()
    with pytest.raises(MisconfiguredEnvironment) as caught:
        environment.raise_faults()

    [fault] = caught.value.faults
    assert fault == (
        "WooCommerce: set WOOCOMMERCE_CONSUMER_KEY and WOOCOMMERCE_CONSUMER_SECRET too, or none of"
        " its variables"
    )
