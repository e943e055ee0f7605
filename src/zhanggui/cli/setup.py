"""What `zhanggui check` says is set up, line by line. Decides nothing."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from zhanggui.cli.output import either, errors, padded, say, show

if TYPE_CHECKING:
    from zhanggui.access import ApiKey
    from zhanggui.engine.engine import Setup


def show_setup(setup: "Setup") -> None:
    """A line for each thing that is set up, in the operator's language."""
    english = {"en": "English", "zh": "Chinese"}
    chinese = {"en": "英文", "zh": "中文"}
    model = either(
        f"{setup.model} for {', '.join(english[language] for language in setup.model_languages)}; "
        "the other languages are written from templates",
        f"{setup.model} 写{'、'.join(chinese[language] for language in setup.model_languages)}，其余使用模板",
    )
    if not (setup.model and setup.model_languages):
        model = either("none, all from templates", "没有，全部使用模板")
    none, comma = either("none", "没有"), either(", ", "、")
    secret = (
        either("is set", "已设置")
        if setup.secret_given
        else either("is not set: one in the database is used", "没有设置：使用数据库里的密钥")
    )
    shop = either(
        f"{setup.name} ({setup.currency}, {setup.language}, {setup.time_zone})",
        f"{setup.name}（{setup.currency}，{setup.language}，{setup.time_zone}）",
    )
    channels = [either(f"{name} ({kind})", f"{name}（{kind}）") for name, kind in setup.channels.items()]
    for label, value in (
        (either("shop", "店铺"), shop),
        (either("database", "数据库"), setup.database),
        (either("model", "模型"), model),
        (either("channels", "渠道"), comma.join(channels) or none),
        (either("campaigns", "活动"), comma.join(setup.campaigns) or none),
        (either("secret", "密钥"), f"{setup.secret_env} {secret}"),
    ):
        show(f"{padded(label, 12)}{value}")
    for problem in setup.problems:
        show(either(problem.english, problem.chinese), to=errors)


def warn_of_keys(keys: "Sequence[ApiKey]") -> None:
    """A warning for each write key that a server may send with."""
    for key in keys:
        say(
            f"warning: something other than a web page sends with the write key {key.key_id} ({key.label}), or did before "
            "there were server keys; if that is a server of yours, its events are believed less than they could be: make "
            "it a key of its own (`zhanggui key create LABEL --scope server`)",
            f"警告：网页以外的程序正用写入密钥 {key.key_id}（{key.label}）发送事件，或在有服务器密钥之前这样用过；"
            "如果那是你自己的服务器，它的事件得不到应有的信任：请另建一把密钥（`zhanggui key create 名称 --scope server`）",
        )
