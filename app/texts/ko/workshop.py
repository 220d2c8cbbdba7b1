"""The Workshop page, in Korean."""

from __future__ import annotations

TEXTS: dict[str, str] = {
    "nav.workshop": "워크숍",
    "nav.workshop.help": "실제 서버로 스스로 확인하는 실습",
    "workshop.title": "워크숍",
    "workshop.lead": "**직접 해 보면 전체는 어떻게 동작할까요?** "
    "로그인부터 로그아웃까지 한 단계씩 진행합니다. 각 실습은 실제 서버에 물어 확인하며, 직접 체크하는 상자는 없습니다. "
    "언제든 나갔다가 이어서 할 수 있습니다.",
    "workshop.progress": "{all}개 중 {done}개 완료",
    "workshop.all-done": "모두 마쳤습니다. 누가 무엇을 확인했는지 이제 직접 본 그대로 말할 수 있습니다.",
    "workshop.check": "확인",
    "workshop.checking": "서버에 묻는 중…",
    "workshop.answer-first": "먼저 답을 입력하십시오.",
    "workshop.no-answer": "서버가 응답했지만 요청한 내용이 아닙니다.",
    "workshop.done-at": "{at}에 완료했습니다.",
    "workshop.done": "완료",
    "workshop.half": "절반 완료",
    "workshop.how": "확인한 방법",
    "workshop.sign-in.title": "로그인하고 받은 것 확인하기",
    "workshop.sign-in.do": "Keycloak에서 로그인했고, 앱은 어떤 도구도 열지 못하는 토큰을 가지고 있습니다. 확인을 누르면 앱이 Keycloak에 "
    "Jira 서버만 받아들이는 토큰으로 바꿔 달라고 요청합니다.",
    "workshop.sign-in.done": "Keycloak이 {since}에 시작한 {username} 님의 세션을 알고 있으며, audience가 `{audience}` 하나뿐인 "
    "토큰을 주었습니다.",
    "workshop.entity.title": "Vault가 나를 누구로 보는지 찾기",
    "workshop.entity.do": "**MCP 도구**에서 아무 서버나 불러오고 5단계 *이 사용자 ID의 entity 찾기*를 여십시오. entity의 id는 무엇입니까?",
    "workshop.entity.id": "Entity id",
    "workshop.entity.unknown": "Jira 서버가 Vault까지 가지 못했습니다.",
    "workshop.entity.wrong": "Vault의 entity id가 아닙니다.",
    "workshop.entity.sub": "그것은 Keycloak의 id, 즉 `sub` claim입니다. Vault의 entity에는 자체 id가 있고 `sub`는 그 alias입니다.",
    "workshop.entity.done": "맞습니다. Vault는 entity `{entity}`(id `{id}`)로 봅니다. 정책은 그 이름을 기준으로 하며, 다른 사람의 "
    "로그인은 그 entity로 이어지지 않습니다.",
    "workshop.database.title": "내 데이터베이스 사용자 찾기",
    "workshop.database.do": "**MCP 도구**에서 *PostgreSQL*을 불러오고 `query` 도구로 다음을 실행하십시오. 데이터베이스에서 나는 누구입니까?",
    "workshop.database.user": "데이터베이스 사용자",
    "workshop.database.name": "그것은 여기에서 쓰는 이름이며 데이터베이스는 그 이름을 모릅니다. 결과 행을 보십시오.",
    "workshop.database.wrong": "데이터베이스는 다른 이름으로 알고 있습니다. 지금 다시 실행해 보십시오.",
    "workshop.database.done": "맞습니다: `{user}`. Vault가 이 사람만을 위해 이 사람의 권한으로 만들었고, lease가 끝나면 삭제합니다.",
    "workshop.others.title": "Vault에 다른 사람의 비밀 요청하기",
    "workshop.others.do": "누구의 Jira 자격 증명을 원하십니까? 자신의 모든 권한으로 Vault에 로그인하여 요청합니다. **격리** 페이지는 모두의 것을 요청해 봅니다.",
    "workshop.others.whose": "누구의 것(사용자 이름)",
    "workshop.others.own": "본인입니다. 다른 사람을 고르십시오.",
    "workshop.others.no-name": "그런 이름을 가진 사람은 없습니다.",
    "workshop.others.opened": "열렸습니다. 있어서는 안 되는 일입니다. 진행자에게 알리십시오.",
    "workshop.others.done": "거부되었습니다. 정책은 `secret/data/users/{me}/*`만 열며 {other}에 대해서는 말하지 않습니다. Vault는 그런 "
    "비밀이 있는지조차 알려 주지 않습니다.",
    "workshop.bob.title": "{partner}의 실패 보기",
    "workshop.bob.do": "시크릿 창에서 {partner}(으)로 로그인하고(비밀번호는 카드에 있습니다. bob은 `bob123`) "
    "*Jira*를 불러오십시오. 한 단계가 빨간색입니다. Vault가 어느 경로에서 {partner}의 것을 "
    "찾지 못했습니까?",
    "workshop.bob.path": "Vault 경로",
    "workshop.bob.nobody": "데모 사용자 중에 bob이 없습니다.",
    "workshop.bob.nobody.fix": "처음에는 `init/users.yaml`에 있습니다. `./demo init`으로 되살릴 수 있습니다.",
    "workshop.bob.has": "지금은 {partner}에게 Jira 자격 증명이 있습니다. 다음 실습에서 다시 없애십시오.",
    "workshop.bob.wrong": "Vault가 찾지 못한 경로는 다른 곳입니다. 빨간 단계와 Jira 서버의 카드에 적혀 있습니다.",
    "workshop.bob.done": "맞습니다. 토큰은 유효했고 Vault는 {partner}을(를) 들여보냈지만 `{path}`에는 아무것도 "
    "없습니다. Jira로는 아무것도 보내지 않았습니다.",
    "workshop.give.title": "{partner}에게 Jira 자격 증명을 주고 동작하는 것 보기",
    "workshop.give.do": "{partner}의 계정은 Jira에 있지만 그 토큰을 Vault에 넣은 사람은 없습니다. 본인은 넣을 수 "
    "있습니다. Vault의 `partner` 정책이 `secret/data/users/<짝>/jira`를 "
    "쓰기만 하도록 열어 주며 읽기는 허용하지 않습니다. 저장하고 확인한 뒤 {partner}(으)로 "
    "*Jira*를 다시 불러오십시오.",
    "workshop.give.missing": "Vault의 `{path}`에는 아직 {partner}의 것이 없습니다.",
    "workshop.give.refused": "{partner}에게 자격 증명이 생겼지만 호출은 실패했습니다. {reason}",
    "workshop.give.done": "호출이 {partner}(으)로서 `{issue}`를 가져왔습니다. 서버를 다시 시작하거나 알린 사람은 "
    "없습니다. 다음 호출이 Vault에서 자격 증명을 찾았습니다.",
    "workshop.give.store": "나로서 Vault에 저장",
    "workshop.give.take-back": "다시 없애기",
    "workshop.give.stored": "Vault의 `{path}`에 {partner}의 Jira 토큰이 있습니다. 본인이 썼지만 읽을 수는 없습니다.",
    "workshop.give.there": "`{path}`에 이미 있습니다. 다시 저장하려면 먼저 없애십시오.",
    "workshop.give.taken": "Vault에 {partner}의 Jira 토큰이 더 이상 없습니다. 아직 가지고 있는 서버도 5초 안에 "
    "알게 됩니다.",
    "workshop.give.nobody": "자격 증명을 저장해 줄 짝이 없습니다.",
    "workshop.give.nobody.fix": "alice와 `./demo people add`로 만든 사람에게는 짝이 있습니다. "
    "`init/users.yaml`의 `partner:`로 정할 수 있습니다.",
    "workshop.room.at": "위치",
    "workshop.room.stuck": "막힌 곳",
    "workshop.room.failed": "{number}번: {tries}회 실패, {minutes}분 전",
    "workshop.projector": "프로젝터",
    "workshop.projector.help": "벽에 띄울 화면입니다. 시간, 실습별 완료 인원, 공개한 답을 보여 주며 이름은 나오지 않습니다.",
    "workshop.projector.done": "완료: {all}명 중 {done}명, 여기: {here}명",
    "workshop.timer": "타이머(분)",
    "workshop.timer.start": "모두에게 시작",
    "workshop.timer.stop": "없애기",
    "workshop.answers": "답을 공개할 실습",
    "workshop.answers.none": "없음",
    "workshop.answers.help": "10초 안에 모두의 해당 실습에 표시됩니다.",
    "workshop.answers.show": "이대로 공개",
    "workshop.sign-in.answer": "*확인*만 누르면 됩니다.",
    "workshop.entity.answer": "**MCP 도구**에서 *Jira*를 불러오고, 추적에서 5단계의 entity를 찾는 메시지를 누르십시오. "
    "*entity* 뒤에 있는 id입니다. 2단계의 `sub`가 아닙니다.",
    "workshop.database.answer": "**MCP 도구**에서 *PostgreSQL*을 불러오고 `query` 도구에 문장을 붙여 넣어 "
    "실행하십시오. 이름은 `v-`로 시작합니다.",
    "workshop.others.answer": "`bob`이나 `alice`처럼 다른 사람의 사용자 이름을 입력하십시오. Vault가 403으로 거부합니다.",
    "workshop.bob.answer": "`secret/data/users/{partner}/jira`",
    "workshop.give.answer": "*나로서 Vault에 저장*을 누른 뒤 *확인*을 누르십시오.",
    "workshop.revoke.answer": "**Vault 토큰**에서 이름이 `workshop`인 토큰을 만들고 돌아와 *확인*을 누르십시오. "
    "그곳에서 폐기한 뒤 여기에서 다시 *확인*을 누르십시오.",
    "workshop.suspend.answer": "서버가 중지된 동안 *확인*, 다시 서비스하면 한 번 더 *확인*을 누르십시오.",
    "workshop.broken.answer": "무엇을 바꾸든 Jira MCP 서버가 알아챕니다. 무엇보다 먼저 모든 토큰을 확인합니다.",
    "workshop.audit.answer": "**감사 로그**에서 마지막 동작을 여십시오. `/jira`로 끝나는 본인의 경로와 서버 *Jira*가 "
    "있는 줄의 요청 id입니다.",
    "workshop.chat.answer": "**로그인 릴레이**에서 링크를 요청해 열고, 채팅에 표시된 코드를 입력해 로그인하십시오. 그곳에서 챗봇이 "
    "이슈를 가져오게 하고 여기에서 *확인*을 누르십시오.",
    "workshop.connect.answer": "**내 비밀**에서 계정 옆의 *연결*을 누르고 모의 제공자에서 로그인해 동의하십시오. "
    "*확인*을 누르고, *…에서 보기*를 눌러 그곳에서 로그인한 뒤 취소하십시오. 돌아와 그 서버의 도구를 실행하고 *확인*을 누르십시오. "
    "끝으로 다시 연결하고 *확인*을 누르십시오.",
    "workshop.sign-out.answer": "**MCP 도구**에서 도구를 불러오고 *확인*을 누른 뒤, 위쪽의 *로그아웃*을 누르고 다시 로그인해 "
    "여기에서 *확인*을 누르십시오.",
    "workshop.revoke.title": "토큰을 만들고 회수하기",
    "workshop.revoke.do": "**Vault 토큰**에서 이름이 `workshop`인 토큰을 만들고 확인하십시오. 그런 다음 그곳에서 폐기하고 다시 확인하십시오.",
    "workshop.revoke.none": "이름이 `{name}`인 살아 있는 토큰이 없습니다.",
    "workshop.revoke.found": "Vault가 accessor `{accessor}`로 알고 있습니다. 이제 폐기하고 다시 확인하십시오.",
    "workshop.revoke.lives": "아직 살아 있습니다: `{accessor}`.",
    "workshop.revoke.done": "Vault는 더 이상 `{accessor}`를 모릅니다. 그 토큰의 사본을 가진 사람은 아무것도 가지지 않은 것입니다.",
    "workshop.suspend.title": "모두에 대해 MCP 서버 멈추기",
    "workshop.suspend.do": "이 실습은 모두에 대해 서버를 멈추므로 함께 합니다. 모두가 여기까지 오면 진행자가 *참가자* 페이지에서 "
    "한 서버를 중지합니다. 멈춘 동안 확인하고, 다시 서비스하면 한 번 더 확인하십시오. 자신의 컴퓨터에서 "
    "한다면:",
    "workshop.suspend.serving": "모든 서버가 서비스하고 있습니다.",
    "workshop.suspend.stopped": "{server}이(가) 거부합니다: {reason} 이제 다시 서비스하게 하고 확인하십시오.",
    "workshop.suspend.still": "{server}은(는) 아직 중지되어 있습니다.",
    "workshop.suspend.done": "{server}이(가) 다시 서비스합니다. 중지된 동안에는 누구에게도 동작하지 않았고, 가지고 있던 Vault 토큰은 "
    "폐기되었습니다.",
    "workshop.broken.title": "토큰 망가뜨리기",
    "workshop.broken.do": "Jira 서버용 자신의 토큰에서 무엇을 바꿀지 고르십시오. 실제로 보냅니다. 누가 먼저 알아챕니까? **공격 실험실**에는 마흔 가지가 더 있습니다.",
    "workshop.broken.part": "바꿀 것",
    "workshop.broken.layer": "알아채는 곳",
    "workshop.broken.part.signature": "서명의 한 글자",
    "workshop.broken.part.name": "토큰 속 이름을 bob으로",
    "workshop.broken.part.algorithm": "서명 없이 `alg: none`",
    "workshop.broken.part.server": "그대로: GitHub 서버용으로는 올바른 토큰",
    "workshop.broken.layer.app": "앱",
    "workshop.broken.layer.keycloak": "Keycloak",
    "workshop.broken.layer.mcp": "Jira MCP 서버",
    "workshop.broken.layer.vault": "Vault",
    "workshop.broken.layer.jira": "Jira",
    "workshop.broken.through": "HTTP {status}. 거부되어야 하는데 그렇지 않았습니다. 진행자에게 알리십시오. {reason}",
    "workshop.broken.wrong": "그곳이 아닙니다. 한 곳에서 더 나아가지 못했고, 그곳의 응답은 HTTP {status}: {reason}",
    "workshop.broken.done": "맞습니다. 서버가 무엇보다 먼저 스스로 확인합니다. HTTP {status}: {reason}",
    "workshop.audit.title": "Vault 자체 로그에서 읽기",
    "workshop.audit.do": "**MCP 도구**에서 *Jira*를 불러온 뒤 **감사 로그**를 보십시오. 마지막 동작을 열고 Jira 서버가 본인의 자격 증명을 읽은 줄을 "
    "찾으십시오. 그 줄의 요청 id는 무엇입니까?",
    "workshop.audit.request": "요청 id",
    "workshop.audit.none": "본인에 관한 줄 중에 그 id를 가진 것은 없습니다.",
    "workshop.audit.another": "본인의 줄이지만 `{path}`에 관한 것입니다.",
    "workshop.audit.done": "맞습니다. {at}에 {server} 서버가 본인을 위해 `{path}`를 읽었습니다. Vault가 직접 적은 것이며, 어떤 서버도 줄을 "
    "남기지 않고 본인을 대신할 수 없습니다.",
    "workshop.chat.title": "챗봇이 나로서 동작하게 하기",
    "workshop.chat.do": "**로그인 릴레이**에서 링크로 채팅에 로그인하고 챗봇이 이슈를 가져오게 하십시오.",
    "workshop.chat.none": "이 채팅에 로그인한 사람이 없습니다.",
    "workshop.chat.other": "챗봇이 본인이 아니라 {username}(으)로 동작하고 있습니다.",
    "workshop.chat.linked": "챗봇이 본인으로 동작할 수 있습니다. 이제 이슈를 가져오게 하십시오.",
    "workshop.chat.done": "챗봇이 자체 로그인으로 {username}(으)로서 이슈를 가져왔습니다. 그 로그인은 여기에서 로그아웃해도 폐기할 때까지 "
    "이어집니다.",
    "workshop.connect.title": "도구가 내 계정을 쓰게 하고 끝내기",
    "workshop.connect.do": "**내 비밀**에서 계정을 연결하고(모의 제공자에서 이메일과 비밀번호로) 확인하면 허용 내용이 어디에 있는지 알려 줍니다. 그런 다음 "
    "제공자에서 취소하고 그 서버의 도구를 실행한 뒤 확인하십시오. 저장된 자격 증명이 있으면 도구가 그것을 써서 알아채지 못하므로 *연결 끊기*를 누르십시오. "
    "끝으로 다시 연결하고 한 번 더 확인하십시오.",
    "workshop.connect.nothing": "연결된 계정이 없습니다.",
    "workshop.connect.noted": "{title}이(가) {account}(으)로 연결되었습니다. 허용 내용은 `{path}`에 있습니다. 도구의 서버는 본인을 위해 읽을 수 있고 이 앱은 "
    "읽을 수 없습니다. 이제 끝내고 확인하십시오.",
    "workshop.connect.lives": "Vault가 아는 한 {title}은(는) 아직 연결되어 있습니다.",
    "workshop.connect.revoked": "그 호출에서 서버가 {title}이(가) 연결을 끝낸 것을 알아챘습니다. 쓸 수 없는 토큰은 Vault에서 사라졌고 이유만 남았습니다. "
    "이제 다시 연결하고 확인하십시오.",
    "workshop.connect.ended": "연결을 끝냈습니다. Vault는 그 모든 버전을 파기했습니다. 이제 {title}을(를) 다시 연결하고 확인하십시오.",
    "workshop.connect.again": "{title}이(가) 아직 다시 연결되지 않았습니다.",
    "workshop.connect.done": "맞습니다. {title}이(가) {account}(으)로 다시 연결되었습니다. 새 허용 내용은 같은 경로에 있고, 이전 것은 제공자에서도 Vault에서도 "
    "쓸 수 없습니다.",
    "workshop.sign-out.title": "로그아웃하고 아무것도 남기지 않기",
    "workshop.sign-out.do": "**MCP 도구**에서 도구를 불러오고 확인하면 보관 중인 것을 셉니다. 그런 다음 로그아웃하고 다시 로그인하여 한 번 더 "
    "확인하십시오.",
    "workshop.sign-out.nothing": "지금은 보관 중인 것이 없습니다. 먼저 도구를 불러오십시오.",
    "workshop.sign-out.noted": "이 세션을 위해 보관 중인 Vault 토큰: {count}개. 이제 로그아웃하고 다시 로그인하여 확인하십시오.",
    "workshop.sign-out.same": "아직 같은 세션입니다. 먼저 로그아웃하십시오.",
    "workshop.sign-out.lives": "그 세션은 끝나지 않았습니다. 아직 열려 있는 곳에서 로그아웃하십시오.",
    "workshop.sign-out.left": "세션은 끝났고 Vault 토큰 {count}개를 폐기하는 중입니다. 다시 확인하십시오.",
    "workshop.sign-out.done": "아무것도 남지 않았습니다. 세션은 Keycloak과 모든 서버에서 끝났고, Vault 토큰({count}개)은 데이터베이스 "
    "사용자와 함께 폐기되었습니다.",
    "workshop.room": "참가자",
    "workshop.room.nobody": "아직 시작한 사람이 없습니다.",
    "workshop.room.who": "이름",
    "workshop.room.done": "완료",
    "workshop.room.last": "마지막",
    "workshop.reset": "초기화",
    "workshop.reset.whose": "누구의 진행 상황입니까?",
    "workshop.reset.everybody": "모두",
    "workshop.reset.do": "진행 상황 지우기",
    "workshop.reset.help": "모두를 고르면 서버 중지도 모두 해제하고 타이머와 답도 없앱니다. 짝을 위해 저장한 것은 그대로 있습니다. "
    "6번 실습에서 다시 없앨 수 있습니다.",
    "workshop.reset.done": "{count}명의 진행 상황을 지웠습니다.",
}
