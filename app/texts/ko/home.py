"""The home page and the health of every part, in Korean."""

from __future__ import annotations

TEXTS: dict[str, str] = {
    "home.title": "나를 대신해 일하는 원격 도구",
    "home.lead": "**도구는 어떻게 다른 누구도 아닌 나로서 동작할까요?** "
    "로그인은 한 번만 합니다. 이후 각 MCP 서버는 Jira, GitHub, PostgreSQL에서 *본인의* 자격 증명만 사용하며 다른 사람의 것은 사용하지 "
    "않습니다. 모든 단계는 실제로 일어난 그대로 표시됩니다.",
    "home.open-tools": "MCP 도구 열기",
    "home.who": "현재 사용자",
    "home.who.nobody": "로그인하지 않았습니다. 위의 버튼을 누르면 Keycloak 로그인 페이지로 이동합니다.",
    "home.health": "모두 정상인가요?",
    "home.health.checking": "모든 구성 요소를 확인하는 중 …",
    "home.health.all": "구성 요소 {count}개가 모두 정상입니다.",
    "home.health.some": "구성 요소 {count}개 중 {down}개를 점검해야 합니다.",
    "home.health.up": "정상",
    "home.health.down": "중단",
    "home.health.again": "다시 확인",
    "health.keycloak": "Keycloak",
    "health.keycloak.fix": "아무도 로그인할 수 없습니다. `./demo status`를 확인한 다음 `./demo logs keycloak`을 보십시오.",
    "health.vault": "Vault",
    "health.vault.fix": "자격 증명을 새로 가져올 수 없습니다. `./demo status`를 확인한 다음 `./demo logs openbao`를 보십시오.",
    "health.state": "공유 상태",
    "health.state.fix": "PostgreSQL의 `mcp_state`에 연결할 수 없어 서버가 요청을 거부합니다. `./demo logs postgres`를 보십시오.",
    "health.mcp": "{server} MCP 서버",
    "health.mcp.fix": "이 서버의 도구를 사용할 수 없습니다. `./demo logs mcp-{server}`를 보십시오.",
}
