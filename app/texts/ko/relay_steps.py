"""The login link's steps: titles and reasons, in Korean."""

from __future__ import annotations

TEXTS: dict[str, str] = {
    "registry.relay-link.title": "로그인 링크 요청",
    "registry.relay-link.why": "챗봇에는 자체 브라우저가 없습니다. 챗봇은 한 사용자, 하나의 콜백, 이후 이동할 하나의 주소에 묶인 "
    "링크를 릴레이에 요청하며, 요청은 챗봇 자신의 비밀 값으로 서명합니다.",
    "registry.relay-code.title": "채팅에 표시된 코드 입력",
    "registry.relay-code.why": "다른 사람의 링크를 전달받은 사람은 그 채팅의 코드를 본 적이 없습니다. 전달된 링크는 아무것도 "
    "연결하지 못합니다.",
    "registry.relay-redeem.title": "코드를 오프라인 토큰으로 교환",
    "registry.relay-redeem.why": "사용자는 Keycloak 자체 페이지에서 로그인했습니다. 릴레이는 state, 브라우저, nonce를 확인하고 "
    "일회용 코드를 증명(PKCE)과 함께 토큰으로 바꿉니다. `offline_access` scope 덕분에 refresh token은 세션보다 오래 유지됩니다.",
    "registry.relay-callback.title": "서명하여 토큰 전달",
    "registry.relay-callback.why": "챗봇이 등록한 콜백으로만 보내며 다른 곳으로는 보내지 않습니다. 리다이렉트는 따라가지 않습니다.",
    "registry.chat-verify.title": "서명, 시각, nonce 확인",
    "registry.chat-verify.why": "변조되었거나 너무 오래되었거나 두 번 보낸 메시지는 읽기 전에 거부합니다.",
    "registry.chat-store.title": "오프라인 토큰을 Vault에 보관",
    "registry.chat-store.why": "챗봇은 자기 자신(AppRole)으로 Vault에 로그인하고 자신의 디스크에는 아무것도 두지 않습니다. 다시 시작한 "
    "뒤에도 토큰은 그대로 있습니다.",
    "registry.chat-secret.title": "챗봇 자신의 비밀 값 읽기",
    "registry.chat-secret.why": "Keycloak이 챗봇을 알아보는 비밀 값도 Vault에 있습니다. 필요할 때 읽고 어디에도 보관하지 않습니다.",
    "registry.chat-refresh.title": "액세스 토큰 갱신",
    "registry.chat-refresh.why": "만료 1분 전이나 서버가 401로 응답할 때 갱신하며, 새 refresh token이 Vault의 이전 토큰을 대체합니다.",
    "registry.chat-exchange.title": "이 서버만을 위한 토큰 받기",
    "registry.chat-exchange.why": "챗봇의 토큰으로는 어떤 도구도 열 수 없습니다. audience가 이 MCP 서버 하나뿐인 토큰으로 교환합니다.",
    "registry.chat-tool.title": "이 사람으로 도구 호출",
    "registry.chat-tool.why": "여기서부터는 앱과 똑같습니다. 서버가 토큰을 교환하고 Vault에 로그인하여 이 사람의 자격 증명을 읽습니다.",
}
