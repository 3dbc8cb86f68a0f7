"""The operator token of an installed hub: root's alone, known to the page's service, and nowhere else."""

from __future__ import annotations

import json

import httpx
import pytest

from tests.systemd.installed_hub import COMMAND, Hub

PUSH = "archstats-push.service"
FILE = "/etc/archstats/operator-token"
FROM_A_PROXY = {"x-forwarded-for": "192.0.2.9"}
"""Makes a request one of another machine."""

pytestmark = pytest.mark.timeout(300)  # the first test also boots the hub


def change(hub: Hub, token: str | None) -> int:
    """Register an archer from another machine; returns the status."""
    headers = FROM_A_PROXY if token is None else {**FROM_A_PROXY, "authorization": f"Bearer {token}"}
    return httpx.post(f"{hub.url}/api/v0/archer", json={"name": "Kim"}, headers=headers, timeout=60).status_code


def test_the_installed_token_is_what_changes_need(hub: Hub) -> None:
    hub.until_healthy()
    assert hub.lab.run("stat", "-c", "%a %U", FILE).strip() == "600 root"
    token = hub.lab.run("cat", FILE).strip()
    assert [change(hub, given) for given in (None, f"{token}x", token)] == [401, 401, 201]
    shown = json.loads(hub.lab.run(COMMAND, "address", "--operator", "--json").splitlines()[-1])
    assert shown["page"] == f"{hub.url}/#operator={token}"
    assert token not in hub.lab.run(COMMAND, "address", "--json")
    assert token not in hub.lab.run("ps", "axwwe", "-o", "args")
    assert token not in hub.lab.run("journalctl", "--no-pager", "-o", "json")


def test_a_hub_without_its_token_serves_and_refuses_changes(hub: Hub) -> None:
    hub.until_healthy()
    hub.lab.run("mv", FILE, f"{FILE}.away")
    try:
        hub.lab.run("systemctl", "restart", PUSH)
        hub.until_healthy()
        assert change(hub, "x" * 43) == 403
    finally:
        hub.lab.run("mv", f"{FILE}.away", FILE)
        hub.lab.run("systemctl", "restart", PUSH)
    hub.until_healthy()
    assert change(hub, None) == 401
