"""Access rights on SQS."""

import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import quote
from urllib.request import Request, urlopen

import boto3  # type: ignore[import-untyped]
import pytest

from tests.helpers.make import run
from tests.helpers.running import use_all
from tools.generate import generate
from tools.servers.server import HOST
from tools.servers.sqs import SQS
from tools.trial.processes import python

OWN = ["my_shop-default", "my_shop-slow"]
MAKE_QUEUES = {"sqs:CreateQueue", "sqs:ListQueues"}


class Account:
    """An AWS account on a moto server."""

    def __init__(self, server: SQS) -> None:
        self._address = f"http://{HOST}:{server.port}"

    def client(self, service: str) -> Any:
        keys = {"aws_access_key_id": "root", "aws_secret_access_key": "root"}
        return boto3.client(service, "us-east-1", endpoint_url=self._address, **keys)

    def queues(self) -> list[str]:
        urls = self.client("sqs").list_queues().get("QueueUrls", [])
        return sorted(url.rpartition("/")[2] for url in urls)

    def login(self, rights: set[str]) -> str:
        """Create a user with these rights, and return its key in URL form."""
        iam = self.client("iam")
        # On AWS, rights include batches. In moto, each batch is a separate right.
        actions = [*rights, *(f"{right}Batch" for right in rights)]
        statement = {"Effect": "Allow", "Action": actions, "Resource": "*"}
        policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        iam.create_user(UserName="my_shop")
        iam.put_user_policy(UserName="my_shop", PolicyName="queues", PolicyDocument=policy)
        key = iam.create_access_key(UserName="my_shop")["AccessKey"]
        return f"{quote(key['AccessKeyId'], '')}:{quote(key['SecretAccessKey'], '')}"

    def require_rights(self, required: bool) -> None:
        after = b"0" if required else b"inf"
        address = f"{self._address}/moto-api/reset-auth"
        urlopen(Request(address, after, {"Content-Type": "text/plain"})).close()


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    answers = {"project_slug": "my_shop", "broker": "sqs", "result_backend": "django-db"}
    project = generate(answers | {"demo": False}, tmp_path_factory.mktemp("project"))
    run(project, "uv", "sync", "--quiet")
    run(project, python(project), "manage.py", "migrate", "--verbosity", "0")
    return project


@pytest.mark.exhaustive
@pytest.mark.parametrize("makes_queues", [True, False])
def test_a_role_needs_no_more_rights_than_the_docs_say(
    makes_queues: bool, project: Path, tmp_path: Path
) -> None:
    text = (project / "docs/broker.md").read_text()
    said = re.findall(r"The role of your processes.*?`\.", text, re.DOTALL)
    rights = set(re.findall(r"sqs:\w+", said[0]))
    assert rights > MAKE_QUEUES
    with SQS(tmp_path / "sqs") as server:
        account = Account(server)
        # Short, so that leases are renewed once a second.
        variables = {"SQS_WAIT_TIME": "1", "TASK_LEASE": "6"}
        if not makes_queues:
            rights -= MAKE_QUEUES
            sqs = account.client("sqs")
            urls = [sqs.create_queue(QueueName=name)["QueueUrl"] for name in OWN]
            variables["SQS_QUEUES"] = urls[0].removesuffix(f"/{OWN[0]}")
        variables["CELERY_BROKER_URL"] = f"sqs://{account.login(rights)}@{HOST}:{server.port}"
        account.require_rights(True)
        use_all(project, tmp_path / "log", **variables)
        assert "AccessDenied" not in (tmp_path / "log").read_text()
        account.require_rights(False)
        assert account.queues() == OWN
