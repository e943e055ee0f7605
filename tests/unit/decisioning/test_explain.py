from zhanggui.decisioning.explain import reason


def test_a_cap_of_a_channel_with_a_hyphen_is_said_in_words() -> None:
    assert reason("cap:push-app:2/7d", "zh") == "她在最近 7 天内已收到 2 条消息（push-app 渠道上限）"
    assert "on push-app" in reason("cap:push-app:2/7d", "en")
