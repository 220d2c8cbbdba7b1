"""What each claim of a JWT means, in Korean."""

from __future__ import annotations

TEXTS: dict[str, str] = {
    "claim.sub": "Keycloak에서 이 사람을 가리키는 ID입니다. Vault에서 이 ID의 alias는 단 하나의 entity로 이어집니다.",
    "claim.preferred_username": "화면에 표시할 이름입니다.",
    "claim.email": "이 사람의 이메일 주소입니다.",
    "claim.email_verified": "Keycloak이 이메일 주소의 소유를 확인했는지 나타냅니다.",
    "claim.name": "이 사람의 전체 이름입니다.",
    "claim.given_name": "이 사람의 이름입니다.",
    "claim.family_name": "이 사람의 성입니다.",
    "claim.iss": "토큰을 발급한 곳입니다. 다른 곳에서 발급한 토큰은 거부됩니다.",
    "claim.aud": "토큰을 받아들일 수 있는 대상입니다. 여기에 이름이 없으면 거부합니다.",
    "claim.azp": "토큰을 받은 프로그램입니다.",
    "claim.scope": "토큰으로 할 수 있는 일입니다.",
    "claim.exp": "이 시각이 지나면 토큰은 쓸모가 없어집니다.",
    "claim.iat": "토큰이 만들어진 시각입니다.",
    "claim.nbf": "이 시각 전에는 토큰이 아직 유효하지 않습니다.",
    "claim.auth_time": "이 사람이 마지막으로 비밀번호를 입력한 시각입니다.",
    "claim.sid": "로그인 세션입니다. 세션이 끝나면 이 ID를 가진 모든 토큰이 거부됩니다.",
    "claim.jti": "토큰 고유의 일련번호입니다.",
    "claim.typ": "토큰의 종류입니다. Bearer는 액세스 토큰이며 ID 토큰은 거부됩니다.",
    "claim.acr": "본인 확인의 강도입니다.",
    "claim.realm_access": "realm 전체에서의 역할입니다.",
    "claim.resource_access": "개별 프로그램에서의 역할입니다.",
    "claim.allowed-origins": "브라우저에서 이 토큰을 보낼 수 있는 웹 페이지입니다.",
}
