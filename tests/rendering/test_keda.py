"""KEDA's scalers and their credentials."""

import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from tests.helpers.rendered import Generated, by_kind
from tools.combinations import Combination

# One process renders everything, to reuse compiled templates.
pytestmark = pytest.mark.xdist_group("rendering")


def only(required: str, **properties: object) -> dict[str, object]:
    """Return the schema of an object with only these properties."""
    return {
        "type": "object",
        "required": required.split(),
        "properties": properties,
        "additionalProperties": False,
    }


# Schemas of KEDA's keda.sh/v1alpha1, from https://keda.sh/docs/latest/reference/.
TEXT = {"type": "string"}
COUNT = {"type": "integer", "minimum": 0}
SCALED_OBJECT = only(
    "scaleTargetRef triggers",
    advanced={"type": "object"},
    cooldownPeriod=COUNT,
    fallback={"type": "object"},
    idleReplicaCount=COUNT,
    initialCooldownPeriod=COUNT,
    maxReplicaCount=COUNT,
    minReplicaCount=COUNT,
    pollingInterval=COUNT,
    scaleTargetRef=only("name", apiVersion=TEXT, envSourceContainerName=TEXT, kind=TEXT, name=TEXT),
    triggers={
        "type": "array",
        "minItems": 1,
        "items": only(
            "type metadata",
            authenticationRef=only("name", kind=TEXT, name=TEXT),
            metadata={"type": "object", "additionalProperties": TEXT},
            metricType={"enum": ["AverageValue", "Value", "Utilization"]},
            name=TEXT,
            type=TEXT,
            useCachedMetrics={"type": "boolean"},
        ),
    },
)
TRIGGER_AUTHENTICATION = only(
    "",
    podIdentity=only(
        "provider",
        provider={"enum": ["aws", "aws-eks", "azure-workload", "gcp", "none"]},
        identityOwner={"enum": ["keda", "workload"]},
        roleArn=TEXT,
    ),
    secretTargetRef={
        "type": "array",
        "minItems": 1,
        "items": only("parameter name key", parameter=TEXT, name=TEXT, key=TEXT),
    },
)
# Schemas of each scaler's parameters, in its metadata or its authentication.
SCALERS = Path(__file__).with_name("scalers")


def test_keda_accepts_its_objects(deployed: list[tuple[Combination, list[Any]]]) -> None:
    for _, objects in deployed:
        login = by_kind(objects)["TriggerAuthentication", "broker"]["spec"]
        jsonschema.validate(login, TRIGGER_AUTHENTICATION)
        secret = {item["parameter"]: item["key"] for item in login.get("secretTargetRef", [])}
        scaled = [item["spec"] for item in objects if item["kind"] == "ScaledObject"]
        assert len(scaled) == 2
        for spec in scaled:
            jsonschema.validate(spec, SCALED_OBJECT)
            for trigger in spec["triggers"]:
                assert trigger["authenticationRef"]["name"] == "broker"
                schema = json.loads(
                    (SCALERS / f"{trigger['type']}.json").read_text(encoding="utf-8")
                )
                jsonschema.validate(trigger["metadata"] | secret, schema)


def test_kedas_credentials_are_in_the_secret_of_the_guide(
    deployed: list[tuple[Combination, list[Any]]], pairs: list[Generated]
) -> None:
    folders = [pair.folder for pair in pairs if (pair.folder / "deploy/kubernetes").exists()]
    # Each project has two overlays.
    for (_, objects), folder in zip(deployed[::2], folders, strict=True):
        guide = (folder / "docs" / "deploy.md").read_text(encoding="utf-8")
        _, _, listed = guide.partition("Write `secrets.env`")
        secret = set(re.findall("^ +([A-Z_]+)=", listed.split("```")[1], re.MULTILINE))
        login = by_kind(objects)["TriggerAuthentication", "broker"]["spec"]
        assert {item["key"] for item in login.get("secretTargetRef", [])} <= secret
