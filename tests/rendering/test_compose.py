"""Containers, in development and in production."""

import subprocess
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.helpers.rendered import PINNED, PRODUCTION, Composed
from tools.combinations import Combination
from tools.generate import generate
from tools.services import services

# One process renders all, since it keeps what it has compiled.
pytestmark = pytest.mark.xdist_group("rendering")


def test_containers_are_those_that_the_answers_need(composed: list[Composed]) -> None:
    for answers, development, production in composed:
        servers = set(services(answers))
        ours = {"migrate", "web", "worker"}
        ours |= {"beat"} if answers["scheduler"] != "none" else set()
        ours |= {"flower"} if answers["flower"] else set()
        assert development.keys() == ours | servers
        # Amazon runs it there.
        assert production.keys() == ours | servers - {"sqs"}


def test_containers_start_in_order_and_start_again(composed: list[Composed]) -> None:
    for _, *both in composed:
        for found in both:
            servers = {name for name in found if "build" not in found[name]}
            assert {found[name]["restart"] for name in servers} <= {"unless-stopped"}
            assert all("test" in found[name]["healthcheck"] for name in servers)
            migrate = found["migrate"]
            assert migrate["restart"] == "no"
            waits_for = migrate.get("depends_on", {})
            assert {name: wait["condition"] for name, wait in waits_for.items()} == dict.fromkeys(
                servers, "service_healthy"
            )
            for name in found.keys() - servers - {"migrate"}:
                assert found[name]["restart"] == "unless-stopped"
                assert [*found[name]["depends_on"]] == ["migrate"]
                wait = found[name]["depends_on"]["migrate"]
                assert wait["condition"] == "service_completed_successfully"


def test_one_image_serves_all_processes_and_servers_have_exact_versions(
    composed: list[Composed],
) -> None:
    for _, *both in composed:
        for found in both:
            images = {name: service["image"] for name, service in found.items()}
            ours = {image for name, image in images.items() if "build" in found[name]}
            assert len(ours) == 1
            assert all(PINNED.search(image) for image in {*images.values()} - ours)


def test_in_development_web_server_and_worker_follow_changes_of_the_code(
    composed: list[Composed],
) -> None:
    for _, development, _ in composed:
        assert "runserver" in development["web"]["command"]
        assert development["worker"]["command"][0] == "watchfiles"
        for name in ("web", "worker"):
            assert development[name]["build"]["target"] == "development"
            assert "/app" in {volume["target"] for volume in development[name]["volumes"]}


def test_in_production_containers_have_limits_and_no_server_is_open(
    composed: list[Composed],
) -> None:
    for _, _, production in composed:
        for name, service in production.items():
            assert {"mem_limit", "cpus", "logging"} <= service.keys()
            ports = service.get("ports", [])
            assert {port["host_ip"] for port in ports} <= {"127.0.0.1"}
            assert bool(ports) == (name in ("web", "flower"))
            assert {volume["type"] for volume in service["volumes"]} == {"volume"}
            if "build" in service:
                assert "target" not in service["build"]
                assert service["cap_drop"] == ["ALL"]
                assert "DJANGO_SETTINGS_MODULE" not in service["environment"]


def test_servers_keep_what_they_have(composed: list[Composed]) -> None:
    folders = {
        "redis": "/data",
        "rabbitmq": "/var/lib/rabbitmq",
        "postgresql": "/var/lib/postgresql",
    }
    seen = set()
    for _, development, production in composed:
        for found in (development, production):
            for name in folders.keys() & found.keys():
                (volume,) = found[name]["volumes"]
                assert (volume["type"], volume["target"]) == ("volume", folders[name])
            if "redis" in found:
                command = " ".join(found["redis"]["command"])
                assert "--appendonly yes --maxmemory-policy noeviction" in command
            if "rabbitmq" in found:
                assert "-management" in found["rabbitmq"]["image"]
                assert found["rabbitmq"]["hostname"] == "rabbitmq"
        if "rabbitmq" in development:
            ports = {port["target"] for port in development["rabbitmq"]["ports"]}
            assert ports == {5672, 15672}
        seen |= production.keys() & folders.keys()
    assert seen == folders.keys()


def test_containers_have_time_to_stop_and_tell_whether_they_are_well(
    composed: list[Composed],
) -> None:
    for _, *both in composed:
        for found in both:
            assert found["migrate"]["healthcheck"]["disable"]
            ours = {name for name in found if "build" in found[name]} - {"migrate"}
            for name in ours:
                assert found[name]["init"]
                # More than a worker takes, CELERY_WORKER_SOFT_SHUTDOWN_TIMEOUT.
                assert found[name]["stop_grace_period"] == "40s"
                assert "/data" in {volume["target"] for volume in found[name]["volumes"]}
            asked = {name: str(found[name].get("healthcheck", {}).get("test")) for name in ours}
            # By what the image says.
            assert asked.pop("web") == "None"
            assert "/healthcheck" in asked.pop("flower", "/healthcheck")
            assert all("/tmp/alive" in test for test in asked.values())


def test_beat_keeps_its_file_where_it_may_write(
    composed: list[Composed], deployed: list[tuple[Combination, list[Any]]]
) -> None:
    commands = [
        (answers, "/data", " ".join(found["beat"]["command"]))
        for answers, *both in composed
        for found in both
        if answers["scheduler"] != "none"
    ]
    commands += [
        (answers, "/tmp", " ".join(item["spec"]["template"]["spec"]["containers"][0]["command"]))
        for answers, objects in deployed
        for item in objects
        if (item["kind"], item["metadata"]["name"]) == ("Deployment", "beat")
    ]
    assert {folder for _, folder, _ in commands} == {"/data", "/tmp"}
    for answers, folder, command in commands:
        # It has none where the schedule is in the database.
        has_file = f"--schedule {folder}/celerybeat-schedule" in command
        assert has_file == (answers["scheduler"] == "settings")
        assert ("--schedule" in command) == has_file


def test_in_production_sqs_is_asked_as_seldom_as_costs_least(composed: list[Composed]) -> None:
    asked = {
        production["worker"]["environment"]["SQS_WAIT_TIME"]
        for answers, _, production in composed
        if answers["broker"] == "sqs"
    }
    assert asked == {"20"}


def test_in_production_processes_have_the_passwords_that_servers_want(
    composed: list[Composed],
) -> None:
    seen: set[str] = set()
    for _, _, production in composed:
        given = production["worker"]["environment"]
        if "redis" in production:
            *_, wanted = production["redis"]["command"]
            urls = {given.get("CELERY_BROKER_URL"), given.get("CELERY_RESULT_BACKEND")}
            assert wanted in {urlsplit(url).password for url in urls if url}
            assert production["redis"]["environment"]["VALKEYCLI_AUTH"] == wanted
        if "rabbitmq" in production:
            server = production["rabbitmq"]["environment"]
            url = urlsplit(given["CELERY_BROKER_URL"])
            assert url.username == server["RABBITMQ_DEFAULT_USER"]
            assert url.password == server["RABBITMQ_DEFAULT_PASS"]
        if "postgresql" in production:
            server = production["postgresql"]["environment"]
            url = urlsplit(given["DATABASE_URL"])
            assert url.username == "app"
            assert url.password == server["POSTGRES_PASSWORD"]
        seen |= production.keys()
    assert {"redis", "rabbitmq", "postgresql"} <= seen


def test_compose_refuses_to_start_without_a_password(tmp_path: Path) -> None:
    project = generate({"broker": "rabbitmq", "database": "postgresql"}, tmp_path)
    env = project / ".env"
    lines = env.read_text(encoding="utf-8").splitlines()
    passwords = [line for line in lines if "_PASSWORD=" in line]
    assert len(passwords) == 3
    for password in passwords:
        env.write_text("\n".join(line for line in lines if line != password))
        refused = subprocess.run(
            ["docker-compose", *PRODUCTION, "config"],
            cwd=project,
            capture_output=True,
            text=True,
            check=False,
        )
        assert refused.returncode
        name, _, _ = password.partition("=")
        assert f"{name} is missing a value: set it in .env" in refused.stderr
