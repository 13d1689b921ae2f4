"""Kubernetes manifests."""

import re
from typing import Any

import pytest
from kubernetes_validate.utils import validate

from tests.helpers.rendered import by_kind
from tools.combinations import Combination

# One process renders everything, to reuse compiled templates.
pytestmark = pytest.mark.xdist_group("rendering")


def test_kubernetes_accepts_the_manifests(deployed: list[tuple[Combination, list[Any]]]) -> None:
    for _, objects in deployed:
        for item in objects:
            # The package has no schemas for KEDA.
            if not item["apiVersion"].startswith("keda.sh/"):
                validate(item, "1.34", strict=True)


def test_pods_are_safe_and_have_time_to_stop(deployed: list[tuple[Combination, list[Any]]]) -> None:
    for answers, objects in deployed:
        named = {(item["kind"], item["metadata"]["name"].partition("-")[0]) for item in objects}
        assert {("ConfigMap", "settings"), ("PersistentVolumeClaim", "media")} <= named
        (settings,) = [item for item in objects if item["kind"] == "ConfigMap"]
        stop = float(settings["data"]["CELERY_WORKER_SOFT_SHUTDOWN_TIMEOUT"])
        pods = {
            item["metadata"]["name"]: item["spec"]["template"]["spec"]
            for item in objects
            if item["kind"] in ("Deployment", "Job")
        }
        expected = {"migrate", "web", "worker-default", "worker-slow"}
        expected |= {"beat"} if answers["scheduler"] != "none" else set()
        assert set(pods) == expected | ({"flower"} if answers["flower"] else set())
        for pod in pods.values():
            (container,) = pod["containers"]
            assert pod["terminationGracePeriodSeconds"] >= stop + 15
            assert container["image"].startswith("registry.example.com/")
            assert container["envFrom"] == [
                {"configMapRef": {"name": settings["metadata"]["name"]}},
                {"secretRef": {"name": "secrets"}},
            ]
            assert {"cpu", "memory"} <= container["resources"]["requests"].keys()
            assert container["securityContext"]["readOnlyRootFilesystem"]


def test_pods_are_probed_and_wait_for_the_tables(
    deployed: list[tuple[Combination, list[Any]]],
) -> None:
    for _, objects in deployed:
        found = by_kind(objects)
        deployments = {name: item for (kind, name), item in found.items() if kind == "Deployment"}
        for name, deployment in deployments.items():
            pod = deployment["spec"]["template"]["spec"]
            (container,) = pod["containers"]
            probe = container["livenessProbe"]
            if name in ("web", "flower"):
                assert probe["tcpSocket"]["port"] == "http"
                path = "/health/" if name == "web" else "/healthcheck"
                assert container["readinessProbe"]["httpGet"]["path"] == path
            else:
                assert "/tmp/alive" in probe["exec"]["command"][-1]
                # An outage of the broker may last as long.
                assert probe["periodSeconds"] * probe["failureThreshold"] >= 600
            (migrated,) = pod["initContainers"]
            assert "manage.py migrate --check" in migrated["command"][-1]
            assert migrated["image"] == container["image"]
            assert migrated["envFrom"] == container["envFrom"]
        budget = found["PodDisruptionBudget", "web"]["spec"]
        web = deployments["web"]["spec"]
        assert budget["selector"]["matchLabels"] == web["selector"]["matchLabels"]
        assert budget["maxUnavailable"] == 1


def test_uploads_are_mounted_only_where_they_are_used(
    deployed: list[tuple[Combination, list[Any]]],
) -> None:
    for _, objects in deployed:
        pods = {
            name: item["spec"]["template"]["spec"]
            for (kind, name), item in by_kind(objects).items()
            if kind in ("Deployment", "Job")
        }
        with_uploads = {name for name, pod in pods.items() if "claimName" in str(pod["volumes"])}
        assert with_uploads == {"web", "worker-default", "worker-slow"}


def test_environments_do_not_share_queues(
    deployed: list[tuple[Combination, list[Any]]],
) -> None:
    for production, staging in zip(deployed[::2], deployed[1::2], strict=True):
        prefixes = {
            item["data"]["QUEUE_PREFIX"]
            for _, objects in (production, staging)
            for item in objects
            if item["kind"] == "ConfigMap"
        }
        assert len(prefixes) == 2


def test_queues_scale_and_beat_does_not(deployed: list[tuple[Combination, list[Any]]]) -> None:
    # Separators between the prefix and the name of a queue.
    between = r"(:|\.|-|' \|\| '_)"
    for answers, objects in deployed:
        (settings,) = [item["data"] for item in objects if item["kind"] == "ConfigMap"]
        found = {
            (item["kind"], item["metadata"]["name"]): item["spec"]
            for item in objects
            if "spec" in item
        }
        for queue in ("default", "slow"):
            worker = f"worker-{queue}"
            scaled = found["ScaledObject", worker]
            assert scaled["scaleTargetRef"]["name"] == worker
            name = f"{settings['QUEUE_PREFIX']}{between}{queue}"
            metadata = [trigger["metadata"] for trigger in scaled["triggers"]]
            assert all(re.search(name, str(items)) for items in metadata)
            assert "replicas" not in found["Deployment", worker]
            assert (
                found["PodDisruptionBudget", worker]["selector"]["matchLabels"]
                == (found["Deployment", worker]["selector"]["matchLabels"])
            )
        if answers["scheduler"] != "none":
            beat = found["Deployment", "beat"]
            assert (beat["replicas"], beat["strategy"]["type"]) == (1, "Recreate")
            pod = beat["template"]["spec"]
            # Beat's file breaks on a network disk, such as the one for uploads.
            mounts = {m["mountPath"]: m["name"] for m in pod["containers"][0]["volumeMounts"]}
            local = {volume["name"] for volume in pod["volumes"] if "emptyDir" in volume}
            assert mounts["/tmp"] in local
