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
    "registry.entity.title": "이 사용자 ID의 entity 찾기",
    "registry.entity.why": "`sub` claim은 아무도 로그인하기 전에 만들어 둔 한 entity의 alias입니다. 정책은 그 entity의 "
    "이름을 기준으로 합니다.",
    "registry.credential.title": "이 사람의 자격 증명 읽기",
    "registry.credential.why": "경로에는 Vault가 채워 넣은 entity의 이름이 들어 있습니다. 다른 사람의 경로는 정책이 "
    "거부합니다.",
    "registry.account-refresh.title": "이 사람의 액세스 토큰 갱신",
    "registry.account-refresh.why": "본인이 연결한 계정의 액세스 토큰은 길어야 몇 시간입니다. 한 번에 복제본 하나가, 한 번만 쓸 수 있는 갱신 토큰을 새 "
    "토큰으로 바꾸어 Vault의 본인 경로에 적습니다.",
    "registry.credential-check.title": "보관한 것이 아직 유효한지 묻기",
    "registry.credential-check.why": "보관한 것은 Vault가 몇 초마다 확인해 주는 동안만 씁니다. 바뀌거나 없어진 자격 증명, 끝난 로그인은 쓰기 전에 "
    "알게 됩니다.",
    "registry.approval-question.title": "사람에게 먼저 확인",
    "registry.approval-question.why": "이 도구는 무언가를 변경합니다. 로그인한 사람에게 무엇을 어떤 자격 증명으로 하려는지 "
    "보여 주며, 승인하기 전에는 백엔드로 아무것도 보내지 않습니다.",
    "registry.approval.title": "한 번만 유효한 사람의 답",
    "registry.approval.why": "승인은 이 사람, 세션, 도구, 그리고 바로 이 인수에 묶이며 호출이 진행되기 전에 소진됩니다. "
    "어디에서 다시 보내도 아무것도 열지 못합니다.",
    "registry.backend.title": "이 사람으로 백엔드 호출",
    "registry.backend.why": "백엔드는 이 사람의 자격 증명을 보고 이 사람의 권한을 적용합니다.",
    "registry.person-exchange.title": "로그인 토큰을 Vault용으로 교환",
    "registry.person-exchange.why": "로그인 토큰은 Vault에서도 아무것도 열지 못합니다. 앱은 이 토큰을 audience가 `vault` 하나뿐인 "
    "토큰으로 교환합니다.",
    "registry.person-login.title": "이 사람으로 Vault에 로그인",
    "registry.person-login.why": "사람을 위한 역할은 로그인한 그 사람 본인의 것에 한해서만 앱이 들어갈 수 있게 합니다.",
    "registry.person-entity.title": "본인의 entity 찾기",
    "registry.person-entity.why": "`sub` claim은 한 entity의 alias이며, 사람을 위한 정책은 그 entity의 이름을 기준으로 합니다.",
    "registry.agent-certificate.title": "에이전트의 인증서 받기",
    "registry.agent-certificate.why": "키는 여기에서 만들어지고 밖으로 나가지 않습니다. Vault는 그 키의 인증서에 서명하면서 누구의 "
    "에이전트인지 직접 채워 넣으므로, 다른 사람의 에이전트 인증서는 아무도 받을 수 없습니다.",
    "registry.own-secret.title": "본인의 것 읽기",
    "registry.own-secret.why": "사람을 위한 정책에는 Vault가 채워 넣은 엔터티 이름이 들어 있습니다. 그래서 본인의 경로만 열리고 "
    "다른 모든 사람의 경로는 닫혀 있습니다.",
    "registry.mutual-tls.title": "TLS 핸드셰이크에서 양쪽 인증서 증명",
    "registry.mutual-tls.why": "서버와 에이전트가 각자의 인증서를 보이고, 그 키를 가지고 있음을 서로 증명합니다. 비밀 값은 "
    "전송되지 않습니다.",
    "registry.agent-token.title": "인증서로 토큰 받기",
    "registry.agent-token.why": "인증서는 어떤 에이전트이며 어떤 scope를 가질 수 있는지 말해 줍니다. 토큰은 인증서에 묶이며, `cnf`에 "
    "인증서의 지문이 들어 있습니다.",
    "registry.own-database.title": "데이터베이스 사용자로 연결",
    "registry.own-database.why": "데이터베이스는 Vault가 만든 이름과 비밀번호를 확인하고 그 사용자 한 명의 권한을 적용합니다.",
    "registry.mutual-tls-call.title": "비즈니스 서비스에 인증서 증명",
    "registry.mutual-tls-call.why": "토큰은 인증서에 묶여 있습니다. 토큰을 가진 쪽은 이 연결에서 그 키를 가지고 있음을 증명합니다.",
    "registry.agent-call.title": "에이전트로 비즈니스 서비스 호출",
    "registry.agent-call.why": "서명, 발급자, audience, 시각, 폐기 여부, 이 연결의 인증서, scope 순으로 확인합니다. 거부할 때는 "
    "어긋난 한 가지를 밝힙니다.",
    "registry.agent-revoke.title": "토큰 폐기",
    "registry.agent-revoke.why": "인증 서버는 폐기 사실을 모든 복제본에 알립니다. 이 토큰을 쓰는 다음 요청부터 거부됩니다.",
}
