"""Absolute terms and forbidden promises: 广告法 9(3), 16-18, 28, with the contexts in which such words are lawful.

After the enforcement guideline of 2023 (广告绝对化用语执法指南): legitimate are self-comparison, tips of use, business
aims, times and quantities, names and standards. The list is open-ended; an operator may exempt a term with a reason.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from zhanggui.content.normal_text import normal
from zhanggui.content.settings import Exemption

VERSION = "2026.1"


@dataclass(frozen=True, kw_only=True)
class LegalFinding:
    """A phrase that must not go out."""

    rule: str
    """"absolute_term" or "forbidden_promise"."""
    law: str
    phrase: str


_ABSOLUTE_ZH = re.compile(
    r"最|国家级|世界级|宇宙级|全球级|顶级|顶尖|极品|极佳|极致|绝佳|绝无仅有|独一无二|无与伦比|无可比拟|史无前例|前无古人|空前绝后|前所未有"
    r"|举世无双|天下无双|万能|唯一|第一|首选|首席|销冠|冠军|之王|王者|霸主|领袖品牌|领导品牌|遥遥领先|全网低价|全网底价|史上|巅峰|登峰造极"
    r"|至尊|至臻|终极|完美无瑕|百分之百|100%|零风险|永久|永不|绝对|no\.1|填补国内空白|独家秘方|全国销量|世界领先|国际领先|国内领先|行业领先"
    r"|超越一切|胜过一切|无可替代|不可替代的品质|无人能及|无可匹敌|无敌|所向披靡|秒杀(?:同行|全场|一切)|碾压(?:同行|一切|对手)|冠绝|称霸|独步"
)
# Each takes away a hit that it covers.
_LAWFUL_ZH = re.compile(
    # times, places in a row, limits and quantities
    r"最近|最后|最终|最初|最早|最晚|最迟|最多|最少|最[快慢远近短长](?=[0-9一二两三四五六七八九十百半]|可|能|不超|的一[次班])|最高水温|最低水温"
    # where a thing is, which of one's own things, and how something is done
    r"|最(?=[上下里外前后左右内底中][面边层侧头方端部格排]|靠[近里外上下])|最[宽窄厚薄粗细长短高低]处|最[长短宽窄]边|最大声|最[小大]的(?:孩子|宝宝|娃|朋友|一[格层个只件]|那[格层个只件])|(?:把|将)最[重轻大小长短旧脏][^，。！？]{0,6}(?:放|装|收|摆|叠|留)"
    r"|最[短长小大](?:的)?(?:袖子|裤长|裙长|码|号|那[件款个])|最低(?=起订|起购|起批|消费|限|温|气温|工资)|最高(?=气温|温|限|法|人民|可)|最[大小低高长](?=承重|容量|尺寸|直径|功率|风力|档|音量|起订|起批|包装"
    r"|可|支持|载重|负荷|电压|电流|续航里程为|宽度|高度|厚度|水深|身高|体重|码|号)|最新(?=款|上架|到货|消息|一期|版|公告|活动|通知|资讯|鲜的一批)"
    # what the customer likes, or is told to do
    r"|(?:你|您|她|他|们|妈妈|爸爸|奶奶|爷爷|外婆|外公|姥姥|姥爷|妈|爸|宝宝|孩子|自己|大家|家人|人们|小朋友|老人)最|最(?:真实|美|好|美好|舒服|自在|放松|难忘|珍贵|年轻|初)的?(?:自己|年纪|年华|时光|时候|青春|样子|模样|陪伴|安排|回忆|你)|最爱|最喜欢|最想|最在意|最怕|最需要|最难忘|最思念|最熟悉"
    # tips of use and shelf life
    r"|最佳(?=食用|赏味|饮用|使用|观赏|口感期|冲泡|储存|保存|效果需|拍摄|入睡|观看|温度|水温|时间|期)|最好(?=在|先|用|不要|别|是在|提前|放|避|每|趁|搭|冷|干|手洗|分|于)"
    # self-comparison inside one shop, brand or series
    r"|(?:本店|我们店|小店|我店|店里|店内|本系列|系列中|系列里|我们家|自家|自有|本品牌|旗下|同系列|本季|今年店|产品线)[^，。！？,.!?]{0,8}?最[^，。！？,.!?]?|这一系列中最|店里卖得最"
    # business aims
    r"|(?:力争|努力|追求|争取|立志|希望|愿意?|尽力|致力于|目标是|只为|用心)[^，。！？,.!?]{0,10}?(?:最|第一|完美无瑕|极致|顶级|顶尖|首选|巅峰)|最大(?=努力|限度|程度)|顾客第一|客户第一|安全第一|质量第一|诚信第一|用户第一|健康第一"
    # ordinals and firsts that claim no rank
    r"|第一(?=遍|回|趟|桶|勺|圈|层|排|格|档|份|班|针|类|种|关|句|课|封|天|次|步|天|时间|眼|印象|季|章|代|件|杯|口|单|个|位顾客|周|期|批|页|行|人称|学期|颗|双|人民|课|站|年|阵|场|缕|片|本|餐|顿|声|名顾客|张|套|款|道|抹)"
    r"|唯一(?=编码|标识|编号|的你|的家人|识别|序列|要做|识别码|需要)|独一无二(?=的你|的编号|的编码|的礼物卡号|的祝福)"
    # names, standards, institutions, sports
    r"|国家级(?=非物质|非遗|自然保护|新区|期刊|森林|文物|湿地|风景|检测|实验室|运动员|大师|开发区)|(?:世界|奥运|全国|省|校|县|国际)[^，。！？]{0,4}?冠军|冠军(?=赛|杯|联赛|奖杯|同款是)|首席(?=小提琴|执行官|记者|代表)"
    r"|首选项|史上(?=的今天)|历史上|永久(?=性标记|地址|磁铁|居民|冻土|居留|链接|自行车|牌)|绝对(?=值|湿度|零度|路径|坐标)|终极(?=版攻略)|世界之王|国王者|王者荣耀|万能(?=充|胶|遥控|表|插|转换|钥匙)"
    r"|百分之百(?=棉|羊毛|亚麻|桑蚕丝|纯棉|果汁|聚酯|羊绒)|100%(?=棉|纯棉|羊毛|亚麻|桑蚕丝|果汁|聚酯|羊绒|cotton|wool|linen|silk|juice|polyester| 棉| 纯棉| 羊毛| cotton| wool| linen| silk| juice| polyester)"
)
_ABSOLUTE_EN = re.compile(
    r"\bbest\b|\b(?:#\s?1|number one|no\.1|no\. ?1)\b|#1|\bcheapest\b|\blowest[- ]price\w*|\bunbeatable\b|\bunrivall?ed\b|\bunmatched\b|\bunparalleled\b"
    r"|\bworld'?s? (?:finest|greatest|leading|class|favou?rite)|\bworld[- ](?:class|leading|beating)\b|\bfinest\b|\bgreatest\b|\bultimate\b|\bperfect\b|\bflawless\b|\bsupreme\b"
    r"|\bthe most \w+|\bthe only\b|\bonly \w+ (?:in the world|on the market)|\bfirst ever\b|\bnever before\b|\bsecond to none\b|\bnothing (?:beats|compares|comes close|else (?:beats|compares|comes close))\b|\bno (?:other|one else)[^.!?]{0,30} (?:compares?|comes? close|beats?)\b|\bin the world\b|\bleading brand\b|\bmarket leader\b|\b100%|\bonce in a lifetime\b"
)
_LAWFUL_EN = re.compile(
    r"\b(?:best (?:before|by|if used|regards|wishes|of luck|served|enjoyed|stored|kept|used|worn|friends?|man|practice)|at best|(?:try|do|doing|did|tried|trying) (?:our|my|your|their|its) (?:very )?best"
    r"|(?:you|they|we|she|he|kids|children) (?:\w+ )?(?:love|like|know|enjoy)s? best|fits? you best|suits? you best|works best (?:in|with|on|at|when)|taste[sd]? best|know best|best[- ]before|as best (?:we|you) can|all the best|makes? the best of"
    r"|hope to be the best|strive to be the best|perfect(?:ly)? (?:safe )?(?:timing|strangers?|square|pitch)|practice makes perfect|past perfect|nobody'?s perfect|the only thing (?:left|you need to|missing)"
    r"|the most (?:recent|of)|at (?:the )?most|our best[- ]?sell\w*|best in our (?:shop|range|store)|our (?:shop|store|range)'?s (?:best|finest|lowest|most)|our lowest price\w* (?:this|since)|our most \w+)\b"
    r"|100% (?:cotton|wool|linen|silk|polyester|juice|organic cotton|recycled|cashmere|leather|rye)"
)
_PROMISE = re.compile(
    # medical effects of ordinary goods (广告法 17), cosmetics as medicine
    r"治疗|治愈|疗效|预防(?:高血压|高血脂|糖尿病|癌|疾病|感冒|流感|脱发|近视|肥胖|衰老|中风|骨质)|降(?:三高|尿酸|火气|胆固醇)|(?:不|不再|告别|远离|摆脱)(?:感冒|生病|失眠|脱发|便秘|近视|疾病|三高|鼻炎)|百病|强身健体|补气血|活血化瘀|祛湿|调理(?:肠胃|内分泌|月经|体质)|根治|药效|处方|降血压|降血糖|降血脂|抗癌|防癌|抗病毒|杀灭?病毒|消炎|止痛|祛斑|祛痘|生发|减肥|瘦身|燃脂|排毒|壮阳|补肾|提高免疫力|增强免疫|延年益寿|返老还童|包治|药到病除|无副作用|增高"
    # returns of money and success (广告法 24, 25, 27)
    r"|保本|稳赚|包过|零风险|无效退款|包你满意|保证(?=有效|见效|治|瘦|成功|通过|升值|[^，。！？]{0,8}(?:提高|提分|考上|上岸|变白|长高|赚|涨|年轻))|日赚|躺赚"
    r"|\bcures?\b|\bheals?\b|\bhealing (?:power|properties|effect)|\banti-?aging\b|\blose weight\b|\bweight loss\b|\bburns? fat\b|\bdetox\w*|\bclinically (?:proven|tested)\b|\bboosts? (?:your )?immun\w*"
    r"|\bprevents? (?:cancer|disease|illness|colds?|flu)\b|\b(?:treats?|relieves?|eases?|soothes?|reduces?|ends?|stops?)(?: \w+)? (?:acne|pain|inflammation|anxiety|migraines?|disease|eczema|insomnia|arthritis)\b|\blowers? (?:your )?(?:blood pressure|cholesterol)\b|\bdoctor[- ]recommended\b|\bmiracle\b|\brisk[- ]free\b|\bno side effects\b"
    r"|\bguarantee[sd]?\b|\bmoney[- ]back\b|\bget rich\b"
)
_LAWFUL_PROMISE = re.compile(
    r"保证金|质保|处方(?=笺夹|药请)|减肥(?=不如|是件)|\bcure[ds]? (?:ham|meat|bacon|salmon|egg|for \d+ (?:months|weeks))|\bdry[- ]cured?\b|\bhead over heels\b|\bheel\b|\bguarantee card\b|\bcan(?:not|'t) guarantee\b|\bcure for (?:nothing|boredom|the mondays)|\bno cure\b"
    r"|不能治疗|不能代替药|不具有治疗|does not (?:treat|cure|prevent)[^.!?]*|not intended to (?:treat|cure|diagnose)[^.!?]*|止痛药请|消炎药请"
)


def check(text: str, *, exemptions: Sequence[Exemption] = ()) -> list[LegalFinding]:
    """Every absolute term and forbidden promise in a text of either language, seen through disguises."""
    plain = normal(text)
    for one in exemptions:
        plain = plain.replace(normal(one.term), " ")
    found = []
    # One text may mix the languages ("100%纯棉"): each lawful use counts for both.
    for rule, law, pattern, lawfuls in (
        ("absolute_term", "广告法 9(3)", _ABSOLUTE_ZH, (_LAWFUL_ZH, _LAWFUL_EN)),
        ("absolute_term", "广告法 9(3)", _ABSOLUTE_EN, (_LAWFUL_ZH, _LAWFUL_EN)),
        ("forbidden_promise", "广告法 16-18, 24-28", _PROMISE, (_LAWFUL_PROMISE,)),
    ):
        spared = [match.span() for lawful in lawfuls for match in lawful.finditer(plain)]
        found += [
            LegalFinding(rule=rule, law=law, phrase=match[0])
            for match in pattern.finditer(plain)
            if not any(start <= match.start() < end for start, end in spared)
        ]
    return found
