"""The names of one person at each part, in Korean."""

from __future__ import annotations

TEXTS: dict[str, str] = {
    "identity.line": "한 사람, 네 가지 이름입니다. 이름을 누르면 같은 사람인 이유가 표시됩니다.",
    "identity.username": "{value}",
    "identity.user": "Keycloak 사용자 {value}",
    "identity.entity": "Vault entity {value}",
    "identity.database": "데이터베이스 사용자 {value}",
    "identity.username.why": "표시용 이름입니다. 액세스 토큰의 claim `preferred_username`입니다(이메일 `{email}`). "
    "바뀔 수 있으므로 이 이름으로는 아무도 찾지 않습니다.",
    "identity.user.why": "Keycloak의 계정 ID, 즉 claim `sub`입니다. 세 토큰에서 모두 같으며, 이름이 바뀌어도 바뀌지 않습니다.",
    "identity.entity.why": "Entity는 한 사람에 대한 Vault의 기록입니다. 사용자 ID `{user_id}`가 그 alias이고(로그인 방식 `jwt/`), "
    "로그인 전에 미리 만들어졌으므로 Vault는 claim `sub`로 이 entity를 찾았습니다. 이름은 `{entity}`이고, Vault는 정책의 "
    "`{{{{identity.entity.name}}}}` 자리에 이 이름을 채웁니다.",
    "identity.database.why": "Vault가 이 로그인을 위해 만든 PostgreSQL 사용자입니다. 이름은 템플릿 "
    "`v-{{{{.RoleName}}}}-{{{{random 12}}}}-{{{{unix_time}}}}`를 따릅니다: 역할 `{role}`(정책이 요구하는 entity 이름), "
    "무작위 12자 `{random}`, 생성 시각 {at}.",
}
