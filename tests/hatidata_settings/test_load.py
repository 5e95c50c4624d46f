"""Where a setting comes from, and what the operator reads when it is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hatidata_settings import Settings, SettingsError, load_settings
from hatidata_settings.load import environment_name
from hatidata_settings.settings import RULES


def _home(folder: Path, config: str) -> Path:
    (folder / "config.toml").write_text(config, encoding="utf-8")
    return folder


def _faults(home: Path, environ: dict[str, str] | None = None, **overrides: object) -> tuple[str, ...]:
    with pytest.raises(SettingsError) as caught:
        load_settings(home, environ or {}, overrides)
    return caught.value.faults


def test_an_empty_home_has_the_defaults(tmp_path: Path) -> None:
    assert load_settings(tmp_path, {}, {}) == Settings(home=tmp_path)


def test_the_contract_ports_are_the_defaults(tmp_path: Path) -> None:
    settings = load_settings(tmp_path, {}, {})

    ports = (settings.http_port, settings.mcp_port, settings.flight_port)
    assert ports == (5439, 5440, 8815)
    assert (settings.health_port, settings.metrics_port) == (8816, 9090)


def test_the_file_beats_the_default(tmp_path: Path) -> None:
    assert load_settings(_home(tmp_path, "http_port = 1"), {}, {}).http_port == 1


def test_the_environment_beats_the_file(tmp_path: Path) -> None:
    home = _home(tmp_path, "http_port = 1")

    assert load_settings(home, {"HATIDATA_HTTP_PORT": "2"}, {}).http_port == 2


def test_an_override_beats_the_environment(tmp_path: Path) -> None:
    assert load_settings(tmp_path, {"HATIDATA_HTTP_PORT": "2"}, {"http_port": 3}).http_port == 3


def test_an_override_of_none_was_not_given(tmp_path: Path) -> None:
    assert load_settings(tmp_path, {"HATIDATA_HTTP_PORT": "2"}, {"http_port": None}).http_port == 2


@pytest.mark.parametrize(("word", "value"), [("true", True), ("1", True), ("NO", False), ("off", False)])
def test_a_variable_says_yes_or_no_in_words(tmp_path: Path, word: str, value: bool) -> None:
    assert load_settings(tmp_path, {"HATIDATA_DEV_MODE": word}, {}).dev_mode is value


def test_a_path_of_the_file_hangs_on_the_home(tmp_path: Path) -> None:
    home = _home(tmp_path, 'duckdb_path = "data/x.duckdb"')

    assert load_settings(home, {}, {}).database == str(tmp_path / "data/x.duckdb")


def test_a_path_of_a_variable_hangs_on_the_current_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    assert load_settings(tmp_path / "h", {"HATIDATA_DUCKDB_PATH": "x.db"}, {}).database == str(
        tmp_path / "x.db"
    )


def test_a_database_in_memory_is_not_a_path(tmp_path: Path) -> None:
    assert load_settings(tmp_path, {"HATIDATA_DUCKDB_PATH": ":memory:"}, {}).database == ":memory:"


def test_empty_places_are_under_the_home(tmp_path: Path) -> None:
    settings = load_settings(tmp_path, {}, {})

    assert settings.database == str(tmp_path / "warehouse.duckdb")
    assert settings.temp_folder == tmp_path / "run" / "tmp"
    assert settings.spool_folder == tmp_path / "run" / "spool"


def test_data_directories_are_separated_as_in_path(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    variable = f"{tmp_path / 'a'}:{tmp_path / 'b'}"

    settings = load_settings(tmp_path, {"HATIDATA_DATA_DIRECTORIES": variable}, {})

    assert settings.data_directories == (str(tmp_path / "a"), str(tmp_path / "b"))


def test_a_lower_ceiling_lowers_the_default_time_out(tmp_path: Path) -> None:
    assert load_settings(tmp_path, {"HATIDATA_QUERY_TIMEOUT_SECS": "5"}, {}).default_timeout_ms == 5000


def test_reports_every_fault_of_every_source_at_once(tmp_path: Path) -> None:
    home = _home(tmp_path, 'http_port = "x"\nduckdb_thread = 1\n')

    faults = _faults(home, {"HATIDATA_FLIGHT_PORT": "99999"}, batch_bytes=1)

    assert faults == (
        "config.toml: http_port: 'x' is not an integer",
        "config.toml: duckdb_thread: unknown setting; did you mean duckdb_threads?",
        "HATIDATA_FLIGHT_PORT: 99999 is not between 0 and 65535",
        "--batch-bytes: 1 is not between 1024 and 2500000",
    )


def test_a_misspelt_variable_names_the_nearest(tmp_path: Path) -> None:
    faults = _faults(tmp_path, {"HATIDATA_DUCKDB_THREAD": "1"})

    assert faults == ("HATIDATA_DUCKDB_THREAD: unknown variable; did you mean HATIDATA_DUCKDB_THREADS?",)


def test_variables_of_clients_are_left_alone(tmp_path: Path) -> None:
    names = ("HOME", "API_KEY", "PORT", "USER", "CLOUD_KEY")

    settings = load_settings(tmp_path, {f"HATIDATA_{name}": "anything" for name in names}, {})

    assert settings == load_settings(tmp_path, {}, {})


def test_variables_of_others_are_left_alone(tmp_path: Path) -> None:
    settings = load_settings(tmp_path, {"PATH": "/bin", "OTHER_HATIDATA_X": "1"}, {})

    assert settings == load_settings(tmp_path, {}, {})


def test_a_table_is_an_unknown_setting(tmp_path: Path) -> None:
    assert _faults(_home(tmp_path, "[motors.a]\nx = 1")) == ("config.toml: motors: unknown setting",)


@pytest.mark.parametrize(
    ("config", "fault"),
    [
        ("dev_mode = 1", "dev_mode: 1 is not true or false"),
        ("http_port = true", "http_port: True is not an integer"),
        ("http_port = 1.5", "http_port: 1.5 is not an integer"),
        ("host = 3", "host: 3 is not a string"),
        ('data_directories = "x"', "data_directories: 'x' is not a list of strings"),
        ('log_format = "xml"', "log_format: 'xml' is none of auto, json, text"),
        ("query_timeout_secs = 0", "query_timeout_secs: 0 is not between 1 and 86400"),
        ("batch_bytes = 2500001", "batch_bytes: 2500001 is not between 1024 and 2500000"),
    ],
)
def test_refuses_a_value_of_the_wrong_type_or_size(tmp_path: Path, config: str, fault: str) -> None:
    assert _faults(_home(tmp_path, config)) == (f"config.toml: {fault}",)


def test_a_file_that_is_not_toml_names_the_line(tmp_path: Path) -> None:
    (fault,) = _faults(_home(tmp_path, "host = \n"))

    assert fault.startswith("config.toml: ")
    assert "line 1" in fault


def test_a_file_that_is_not_utf_8_is_a_fault(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_bytes(b"host = '\xff'")

    assert _faults(tmp_path) == ("config.toml: is not UTF-8",)


def test_a_folder_in_place_of_the_file_is_a_fault(tmp_path: Path) -> None:
    (tmp_path / "config.toml").mkdir()

    assert _faults(tmp_path) == ("config.toml: cannot be read: Is a directory",)


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.4", "::", "example.com"])
def test_dev_mode_needs_a_loopback_host(tmp_path: Path, host: str) -> None:
    assert _faults(tmp_path, dev_mode=True, host=host) == (
        f"dev_mode: asks for no credentials, so it needs a loopback host, not {host!r}",
    )


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "::1", "localhost"])
def test_dev_mode_is_fine_on_a_loopback_host(tmp_path: Path, host: str) -> None:
    assert load_settings(tmp_path, {}, {"dev_mode": True, "host": host}).dev_mode


def test_two_services_cannot_share_a_port(tmp_path: Path) -> None:
    assert _faults(tmp_path, http_port=8815) == ("flight_port: 8815 is also http_port",)


def test_ports_that_the_system_chooses_do_not_clash(tmp_path: Path) -> None:
    settings = load_settings(tmp_path, {}, {"http_port": 0, "mcp_port": 0})

    assert (settings.http_port, settings.mcp_port) == (0, 0)


def test_tls_needs_a_certificate_and_a_key(tmp_path: Path) -> None:
    assert _faults(tmp_path, tls=True) == (
        "tls_cert: is missing, and tls is on",
        "tls_key: is missing, and tls is on",
    )


def test_a_client_authority_without_tls_is_a_fault(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").touch()

    faults = _faults(tmp_path, client_ca=str(tmp_path / "ca.pem"))

    assert faults == ("client_ca: means nothing while tls is off",)


def test_a_default_time_out_above_the_ceiling_is_a_fault(tmp_path: Path) -> None:
    faults = _faults(tmp_path, default_timeout_ms=6000, query_timeout_secs=5)

    assert faults == ("default_timeout_ms: is above query_timeout_secs",)


def test_a_missing_data_directory_is_a_fault(tmp_path: Path) -> None:
    missing = tmp_path / "none"

    faults = _faults(tmp_path, data_directories=[str(missing)])

    assert faults == (f"data_directories: {missing} is not a folder",)


def test_every_setting_has_its_variable() -> None:
    assert environment_name("duckdb_path") == "HATIDATA_DUCKDB_PATH"
    assert len({environment_name(key) for key in RULES}) == len(RULES)


@given(st.sampled_from(sorted(RULES)), st.text(max_size=40))
def test_any_text_of_any_variable_is_either_taken_or_a_fault(key: str, text: str) -> None:
    told = ""
    settings = None
    try:
        settings = load_settings(Path("/nowhere"), {environment_name(key): text}, {})
    except SettingsError as refused:
        told = str(refused)

    assert settings is not None or environment_name(key) in told or key in told


@pytest.mark.parametrize(
    "endpoint",
    ["127.0.0.1:4317", "http://collector", "grpc://collector:4317", "http://user:word@collector:4317"],
)
def test_refuses_a_collector_that_no_trace_can_reach(tmp_path: Path, endpoint: str) -> None:
    faults = _faults(tmp_path, {"HATIDATA_OTEL_ENDPOINT": endpoint})

    assert faults == ("otel_endpoint: is not http:// or https:// with a host and a port",)


def test_traces_without_their_packages_are_a_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    environ = {"HATIDATA_OTEL_ENDPOINT": "http://127.0.0.1:4317"}
    load_settings(tmp_path, environ, {})
    monkeypatch.setattr("hatidata_settings.load.EXPORTER", "opentelemetry_is_not_here.exporter")

    assert _faults(tmp_path, environ) == (
        "otel_endpoint: needs OpenTelemetry: pip install 'hatidata-agent[otel]'",
    )


def test_reads_the_addresses_of_balancers(tmp_path: Path) -> None:
    settings = load_settings(tmp_path, {"HATIDATA_TRUSTED_PROXIES": "10.0.0.0/8, fd00::1,"}, {})

    assert settings.proxies == ("10.0.0.0/8", "fd00::1")
    assert _faults(tmp_path, {"HATIDATA_TRUSTED_PROXIES": "10.0.0.0/8,balancer"}) == (
        "trusted_proxies: 'balancer' is neither an address nor a network",
    )


def test_a_shared_secret_must_be_there(tmp_path: Path) -> None:
    missing = tmp_path / "token"
    found = _faults(tmp_path, gateway_token_file=str(missing))
    missing.write_text("ab" * 32)

    assert found == (f"gateway_token_file: {missing} is not a file",)
    assert load_settings(tmp_path, {}, {"gateway_token_file": str(missing)}).gateway_token == missing
