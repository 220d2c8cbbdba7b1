"""The Login relay page, in Korean."""

from __future__ import annotations

TEXTS: dict[str, str] = {
    "nav.relay": "로그인 릴레이",
    "nav.relay.help": "브라우저가 없는 챗봇이 사용자 본인의 로그인을 받습니다",
    "action.relay": "채팅에서 링크로 로그인",
    "relay.title": "로그인 릴레이",
    "relay.lead": "**브라우저가 없는 챗봇은 어떻게 나로서 동작할까요?** "
    "챗봇에는 로그인에 쓸 브라우저가 없습니다. 챗봇이 링크를 보내면 Keycloak 자체 페이지에서 로그인하고, 챗봇은 "
    "사용자 본인의 토큰을 받아 Vault에 보관합니다.",
    "relay.linked": "데모 챗봇이 {since}부터 {username}(으)로 동작합니다.",
    "relay.ended": "챗봇에 새 로그인이 필요합니다.",
    "relay.nobody": "아직 이 채팅에 로그인한 사람이 없습니다. 챗봇은 사용자 이름으로 아무것도 할 수 없습니다.",
    "relay.failed": "마지막 로그인이 완료되지 않았습니다.",
    "relay.get.lead": "채팅에 *로그인해 줘*라고 쓰면 챗봇이 릴레이에 링크를 요청합니다.",
    "relay.get": "로그인 링크 받기",
    "relay.chat-says": "챗봇이 채팅에 쓰는 내용",
    "relay.chat-text": "이 링크를 브라우저에서 열고 다음 코드를 입력하십시오.",
    "relay.code": "코드",
    "relay.open": "링크 열기",
    "relay.warn": "링크는 한 번만 쓸 수 있습니다. 내 채팅에만 표시되는 코드가 없으면 아무것도 연결하지 못합니다. 다른 사람의 링크를 받은 "
    "사람이 그 사람의 채팅에 로그인되는 일은 없습니다.",
    "relay.ask": "챗봇에게 묻기",
    "relay.ask.label": "이 Jira 이슈를 보여 줘",
    "relay.ask.do": "보내기",
    "relay.holds": "챗봇이 가진 것",
    "relay.offline-token": "오프라인 토큰",
    "relay.vault-path": "Vault에 보관, 버전 {version}: {path}",
    "relay.refreshed-at": "마지막 갱신",
    "relay.access-token": "액세스 토큰",
    "relay.refresh": "지금 갱신",
    "relay.revoke": "Keycloak에서 폐기",
    "relay.revoke.help": "Keycloak에서 오프라인 세션을 끝냅니다. 챗봇에는 알리지 않으며, 챗봇은 갱신할 때 알게 됩니다.",
    "relay.refreshed": "챗봇이 새 액세스 토큰을 받았고, Vault에는 최신 오프라인 토큰이 있습니다.",
    "relay.revoked": "Keycloak에서 오프라인 세션이 끝났습니다. 지금 갱신하면 챗봇이 알게 됩니다.",
    "relay.trace.none": "단계가 진행되는 대로 여기에 나타납니다.",
    "relay.away": "챗봇이 응답하지 않습니다.",
    "relay.away.fix": "`./demo status`로 실행 여부를, `./demo logs chatbot`으로 이유를 확인하십시오.",
    "relay.refused": "챗봇이 거부했습니다.",
    "relay.qr": "휴대전화용 같은 링크",
    "relay.qr.local": "같은 링크입니다. 릴레이에 이 컴퓨터 밖에서 닿는 주소가 있으면 휴대전화로도 열 수 있습니다.",
    "relay.signing-in": "링크를 사용했습니다. 다른 탭의 Keycloak에서 로그인하면 이 페이지가 따라갑니다.",
    "relay.expired": "마지막 링크의 시간이 지났습니다. 새 링크를 받으십시오.",
    "relay.get.again": "다시 로그인하거나 다른 사람으로 로그인",
    "relay.trace.of": "{action} · correlation id `{id}`",
}
