"""Compose files for development and production."""

import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.helpers.rendered import PINNED, PRODUCTION, Composed
from tools.combinations import Combination, every
from tools.generate import facts, generate
from tools.servers import SERVERS
from tools.services import services

# One process renders everything, to reuse compiled templates.
pytestmark = pytest.mark.xdist_group("rendering")


def in_production(answers: Combination) -> set[str]:
    """Return the servers that also run in production. Stand-ins do not."""
    return {service.name for service in facts(answers).own_servers}


def test_only_the_needed_containers_run(composed: list[Composed]) -> None:
    for answers, development, production in composed:
        servers = set(services(answers))
        ours = {"migrate", "web", "worker"}
        ours |= {"beat"} if answers["scheduler"] != "none" else set()
        ours |= {"flower"} if answers["flower"] else set()
        assert development.keys() == ours | servers
        assert production.keys() == ours | in_production(answers)


def test_containers_start_in_order_and_restart(composed: list[Composed]) -> None:
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


def test_in_development_web_server_and_worker_reload(
    composed: list[Composed],
) -> None:
    for _, development, _ in composed:
        assert "runserver" in development["web"]["command"]
        assert development["worker"]["command"][:3] == ["python", "-m", "scripts.reload"]
        for name in ("web", "worker"):
            assert development[name]["build"]["target"] == "development"
            assert "/app" in {volume["target"] for volume in development[name]["volumes"]}


def test_in_production_containers_have_limits_and_servers_are_not_exposed(
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


def test_servers_keep_their_data(composed: list[Composed]) -> None:
    seen = set()
    for answers, *both in composed:
        servers = in_production(answers)
        for found in both:
            for name in servers:
                (volume,) = found[name]["volumes"]
                assert (volume["type"], volume["source"]) == ("volume", name)
        seen |= servers
    assert seen == {name for name, server in SERVERS.items() if server.durable}


def test_containers_have_time_to_stop_and_health_checks(
    composed: list[Composed],
) -> None:
    for _, *both in composed:
        for found in both:
            assert found["migrate"]["healthcheck"]["disable"]
            ours = {name for name in found if "build" in found[name]} - {"migrate"}
            for name in ours:
                assert found[name]["init"]
                # Longer than CELERY_WORKER_SOFT_SHUTDOWN_TIMEOUT.
                assert found[name]["stop_grace_period"] == "40s"
                assert "/data" in {volume["target"] for volume in found[name]["volumes"]}
            asked = {name: str(found[name].get("healthcheck", {}).get("test")) for name in ours}
            # The web server's check is in the image.
            assert asked.pop("web") == "None"
            assert "/healthcheck" in asked.pop("flower", "/healthcheck")
            assert all("/tmp/alive" in test for test in asked.values())


def test_beat_keeps_its_file_in_a_writable_folder(
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
        # A schedule in the database needs no file.
        has_file = f"--schedule {folder}/celerybeat-schedule" in command
        assert has_file == (answers["scheduler"] == "settings")
        assert ("--schedule" in command) == has_file


def test_compose_refuses_to_start_without_a_password(tmp_path: Path) -> None:
    rows = every("broker", "result_backend", "database")
    answers = max(rows, key=lambda row: len(in_production(row)))
    project = generate({**answers, "docker": True}, tmp_path)
    env = project / ".env"
    lines = env.read_text(encoding="utf-8").splitlines()
    passwords = [line for line in lines if "_PASSWORD=" in line]
    assert len(passwords) == len(in_production(answers)) > 1
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
