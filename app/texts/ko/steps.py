"""The steps' titles and reasons, in Korean."""

from __future__ import annotations

TEXTS: dict[str, str] = {
    "registry.login.title": "Keycloak에서 로그인",
    "registry.login.why": "비밀번호는 Keycloak 자체 페이지에 입력합니다. 앱은 일회용 코드를 받아, 요청한 프로그램이 "
    "자신이라는 증명(PKCE)과 함께 토큰으로 바꿉니다.",
    "registry.jwt.title": "액세스 토큰 확인",
    "registry.jwt.why": "서명, 발급자, 시각을 Keycloak의 공개 키로 검증합니다. claim은 이 사람이 누구인지 말해 줍니다.",
    "registry.server-token.title": "이 서버만을 위한 토큰 받기",
    "registry.server-token.why": "로그인 토큰으로는 어떤 도구도 열 수 없습니다. 앱은 이 토큰을 audience가 이 MCP 서버 "
    "하나뿐인 토큰으로 교환합니다.",
    "registry.mcp-request.title": "MCP 서버 호출",
    "registry.mcp-request.why": "요청에는 이 서버를 위한 토큰 하나만 실립니다.",
    "registry.bearer-check.title": "서버가 호출자를 확인",
    "registry.bearer-check.why": "서명, 발급자, 만료, audience(다른 서버가 아닌 이 서버), scope, 그리고 세션이 끝나지 "
    "않았는지를 확인합니다.",
    "registry.token-exchange.title": "Vault용 토큰으로 교환",
    "registry.token-exchange.why": "사용자의 토큰은 절대 그대로 전달하지 않습니다. 서버는 자기 이름으로 그 토큰을 Vault만 "
    "받아들이는 토큰으로 교환합니다.",
    "registry.vault-login.title": "이 서버를 통해 이 사람으로 Vault에 로그인",
    "registry.vault-login.why": "Vault는 서명을 직접 검증하고 audience가 `vault`이며 `azp`가 이 서버인지 확인합니다. 발급된 "
    "토큰은 이 사람과 이 서버가 모두 열 수 있는 것만 엽니다.",
    "registry.entity.title": "Vault가 호출자를 누구로 보는가",
    "registry.entity.why": "`sub` claim은 아무도 로그인하기 전에 만들어 둔 한 entity의 alias입니다. 정책은 그 entity의 "
    "이름을 기준으로 합니다.",
    "registry.credential.title": "이 사람의 자격 증명 읽기",
    "registry.credential.why": "경로에는 Vault가 채워 넣은 entity의 이름이 들어 있습니다. 다른 사람의 경로는 정책이 "
    "거부합니다.",
    "registry.backend.title": "이 사람으로 백엔드 호출",
    "registry.backend.why": "백엔드는 이 사람의 자격 증명을 보고 이 사람의 권한을 적용합니다.",
}
