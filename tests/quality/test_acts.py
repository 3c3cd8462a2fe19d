"""Acts: patterns, traditional characters, placeholders, hostile patterns and texts."""

from __future__ import annotations

import time
from pathlib import Path
from typing import get_args

import pyarrow as pa
import pytest

from jinpai.errors import UsageError
from jinpai.quality.acts.patterns import Role, load_acts, shipped_acts
from jinpai.quality.acts.scan import Scanner

# Written for this test, not while writing the patterns.
SAYS = {
    ("agent", "greeting"): ["亲，您好呀", "歡迎光臨本店"],
    ("agent", "ask_want"): ["亲想看什么款式呢", "请问您平时穿多大尺码"],
    ("agent", "ask_why"): ["是送朋友还是自用呢", "请问主要用于什么场合"],
    ("agent", "recommend_also"): ["给亲推荐一下新款", "您也可以看看这款外套"],
    ("agent", "stock_no"): ["这个颜色已经卖完了", "暫時缺貨"],
    ("agent", "stock_yes"): ["这款有现货的哦", "庫存充足"],
    ("agent", "apology"): ["实在抱歉", "不好意思让您久等了"],
    ("agent", "closing"): ["祝您购物愉快", "感谢您的支持", "期待您的再次光临"],
    ("agent", "no_answer_stub"): ["请稍等一下", "我帮您查一下"],
    ("agent", "off_platform_contact"): ["加我微信聊", "加我\u200b微\u200b信聊", "扫我的二维码"],
    ("agent", "insult"): ["你脑子有病吧", "滚！"],
    ("agent", "dunning"): ["看到订单还没有付款呢", "喜欢的话尽快拍下哦"],
    ("buyer", "ask_price"): ["这个多少钱", "運費怎麼算呢"],
    ("buyer", "ask_stock"): ["黑色还有货吗", "什么时候有货"],
    ("buyer", "ask_size"): ["我165的身高穿多大", "尺码偏大吗"],
    ("buyer", "ask_logistics"): [
        "什么时候发货",
        "快递到哪了",
        "送货前能先打个电话吗",
        "你们从哪个仓库发货",
        "周末送不送",
        "走陆运还是空运",
        "东西怎么还在路上",
        "我想换个收货人",
        "到上海几天",
        "好久能收到呢",
        "周二送货吧",
        "能不能催一下快递",
        "还能配送么",
        "有单号了吗",
        "可以寄到国外吗",
        "新疆能发吗",
        "什麼時候出貨",
        "寄了吗",
        "西藏发不发",
        "我的货呢",
        "地址能换吗",
        "为什么分两个包裹",
        "明天几点来取件",
        "配送站的电话",
        "能改一下时间和地点吗",
        "是邮寄吗",
        "包裹想拦截",
        "这个快递什么情况",
        "包裹能去取了吗",
        "两个一起寄可以吗",
        "抓紧给发过来吧",
        "为什么还不从杭州发呢",
        "不会不送了吧",
        "能不能今天送",
        "地址可以换一下吗",
        "取件码是多少",
        "清关要多久",
        "改到长江路三号",
        "发票什么时候寄出",
        "能让物业代收吗",
        "快的话几天",
        "这个快递员电话多少",
        "过几天再发可以吗",
        "漏发的给我补发",
        "为什么放到自提柜了",
        "我的手机到哪了",
    ],
    ("buyer", "ask_refund"): [
        "我要退货",
        "申請退款",
        "坏了能上门修吗",
        "钱退到哪里了",
        "再不处理我就退货了",
        "寄回来检测需要多久",
        "售后电话是多少",
        "修好了没有",
        "如果有问题给我修吗",
        "修一下多少钱",
        "少发了怎么补",
        "你们负责赔偿吗",
        "全国联保吗",
        "在哪修",
        "取消后退款到哪",
        "来取货吗",
        "过了质保期了吗",
        "售后处理到哪一步了",
        "到账要不要通知的呢",
        "门店不给换",
        "@某某客服 手机摔了一下，" + "屏幕坏了" * 15 + "，还能修吗",
    ],
    ("buyer", "complaint"): [
        "客服一直联系不到",
        "收到的和图片不一致",
        "桌面上有个黑点",
        "换了电池也不行",
        "客服电话永远占线",
        "为什么又拒绝退款",
        "这不是我拍的",
        "师傅表示无能为力",
        "型号不对",
        "冰箱不制冷了",
        "说了跟没说一样",
        "以后再也不来买了",
        "第三次报修了",
    ],
    ("buyer", "anger"): [
        "又踢皮球",
        "骗人的店",
        "从没见过这么差的店",
        "良心被狗吃了",
        "听不懂人话吗",
        "要你们何用",
        "一直没有人联系我！！",
        "你们造吗",
        "真够效率的",
        "问了管啥用",
        "无力吐槽",
        "说好的服务呢",
        "至于这样么",
        "把客户当猴耍",
        "我真佩服你们营业厅",
        "你们还能再慢点吗",
        "这样糊弄用户",
        "你自己信么",
        "反正也不缺我一个用户",
        "一直断网没人来修！！",
        "再也不会买了",
        "架子真大",
        "敢不敢再慢点",
    ],
    ("buyer", "bargain"): ["能便宜点吗", "给我打个折呗"],
    ("buyer", "thanks"): ["谢谢你", "多謝"],
    ("buyer", "threat_bad_review"): ["再不发就给你差评"],
    ("buyer", "courtesy_close"): ["好的，谢谢", "知道了。", "好的👌"],
}


@pytest.fixture(scope="module")
def scanner() -> Scanner:
    return Scanner(shipped_acts())


@pytest.mark.parametrize(("act", "texts"), SAYS.items())
def test_acts_are_told(scanner: Scanner, act: tuple[Role, str], texts: list[str]) -> None:
    role, code = act
    assert [code in scanner.codes(role, text) for text in texts] == [True] * len(texts)


@pytest.mark.parametrize(
    ("role", "text"), [("agent", ""), ("agent", "四十二"), ("buyer", "蓝色的"), ("buyer", "。")]
)
def test_nothing_is_told_of_nothing(scanner: Scanner, role: Role, text: str) -> None:
    assert scanner.codes(role, text) == ()


def test_masks_of_an_array(scanner: Scanner) -> None:
    masks = scanner.scan("buyer", pa.array(["什么时候发货", None, "", "我要退货，谢谢"]))
    assert masks.type == pa.uint64()
    told = [
        {name for bit, name in enumerate(scanner.names("buyer")) if mask >> bit & 1}
        for mask in masks.to_pylist()
    ]
    assert told == [{"ask_logistics"}, set(), set(), {"ask_refund", "thanks"}]


def test_exclusions(scanner: Scanner) -> None:
    assert "off_platform_contact" not in scanner.codes("agent", "请不要加微信交易")
    assert "stock_yes" not in scanner.codes("agent", "没有货")
    assert "insult" not in scanner.codes("agent", "滚筒洗衣机可以滚动截屏")
    assert "ask_refund" not in scanner.codes("buyer", "软件一直闪退怎么办")
    assert "complaint" not in scanner.codes("buyer", "外观无任何划痕")


@pytest.mark.parametrize(
    "text",
    [
        "五天了还没到",
        "今天都没有送到",
        "钱退到哪里了",
        "忘改地址了",
        "一直没发货",
        "要多久才能寄回来",
        "快递显示已签收",
        "好几天前就派送了",
        "从来没有这么慢的物流",
        "我的快递还在路上",
        "送货来的时候我拒收",
        "我直接送到自提点就可以吧",
        "好几天了",
        "活动什么时候到",
        "退货寄顺丰可以吗",
        "安装师傅几点到",
        "地址修改过",
        "我的退款怎么还没到",
        "骚扰电话怎么拦截",
        "这个版本怎么还不更新",
        "合约什么时候到期",
        "包裹里面有价格吗",
        "页面显示今天送达",
        "手机一直没动静",
        "半天没发现入口",
        "先打网点的电话联系",
        "到货了再说",
        "会送小礼物吗",
        "订单号发给你了",
        "今天发票能发吗",
        "优惠券什么时候发",
        "审核到哪了",
        "发票寄回去了",
    ],
)
def test_delivery_is_asked_for(scanner: Scanner, text: str) -> None:
    """That it is late is a complaint alone; how money arrives is no matter of delivery."""
    assert "ask_logistics" not in scanner.codes("buyer", text)


@pytest.mark.parametrize(
    "text",
    [
        "我已经申请退款了",
        "昨天退了一件",
        "我不退了",
        "没有保修卡",
        "差价是多少",
        "取消订单吧",
        "不是要退货",
        "这条短信怎么退订",
        "发票抬头能换吗",
        "兑换码怎么用",
        "软件闪退",
        "宽带什么时候修好",
        "售后服务态度真好",
        "想寄回老家",
        "电池能换吗",
        "往退后一点的地方放",
        "帮我换个师傅",
        "我知道退款了",
        "明天几点来取件",
        "是否能退差价",
        "没有买运费险",
        "@某某客服 宽带报修了，" + "没有人来" * 15 + "，修理慢",
    ],
)
def test_returns_are_asked_for(scanner: Scanner, text: str) -> None:
    """What was done, or is so, asks for nothing; nor does a price that fell, or an order undone."""
    assert "ask_refund" not in scanner.codes("buyer", text)


@pytest.mark.parametrize(
    "text",
    [
        "我妈的电话",
        "两个颜色有区别吗",
        "什么时候发货???",
        "垃圾袋有吗",
        "谢谢你们！！！",
        "我找到客服了",
        "丢失信号",
        "有毛衣吗",
        "手机很用心[呵呵]",
        "急急急！！求帮助，谢谢",
        "我投诉的是霸王条款",
        "忍不住想买",
        "快递有几百个",
    ],
)
def test_calm_words_are_no_anger(scanner: Scanner, text: str) -> None:
    assert not {"anger", "insult"} & set(scanner.codes("buyer", text))


@pytest.mark.parametrize(
    "text",
    ["能不能用别的卡", "毕竟便宜些", "我找到客服了", "你们的哪个型号有这个功能?", "怎么取消订单"],
)
def test_questions_are_no_complaints(scanner: Scanner, text: str) -> None:
    assert "complaint" not in scanner.codes("buyer", text)


def test_spans_point_into_the_text_as_it_is(scanner: Scanner) -> None:
    text = "亲，加\u200b我微\u200b信"
    (span,) = scanner.spans("agent", text, "off_platform_contact")
    assert text[span.start : span.end] == "加\u200b我微\u200b信"
    assert scanner.spans("agent", text, "insult") == []


def test_every_pattern_can_match_alone(scanner: Scanner) -> None:
    """Every pattern compiles, and every act has a name in both languages."""
    for act in shipped_acts():
        assert act.role in get_args(Role)
        assert act.zh
        assert act.en
        scanner.spans(act.role, "x", act.code)
    assert len({act.name for act in shipped_acts()}) == len(shipped_acts())


def own(path: Path, text: str) -> Path:
    path.write_text(text, "utf-8")
    return path


def test_a_shop_adds_words_acts_and_placeholders(tmp_path: Path) -> None:
    path = own(
        tmp_path / "acts.yaml",
        "placeholders: {agent_no: '金牌{n}号'}\n"
        "agent:\n  greeting: {any: ['哈喽哈喽']}\n"
        "  mentions_gift: {zh: 提到赠品, en: Mentions a gift, any: ['赠品']}\n",
    )
    scanner = Scanner(*load_acts(path))
    assert "greeting" in scanner.codes("agent", "金牌8号到")
    assert "greeting" in scanner.codes("agent", "哈喽哈喽")
    assert "greeting" in scanner.codes("agent", "您好")
    assert "mentions_gift" in scanner.codes("agent", "有贈品哦")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("agent: {greeting: {any: ['(a']}}", "agent.greeting: '\\(a' is no pattern"),
        ("agent: {greeting: {any: ['(?=a)']}}", "is no pattern"),
        ("agent: {greeting: {any: ['a{999}{999}{999}']}}", "is no pattern"),
        ("agent: {greeting: {any: ['{nobody}']}}", "no shorthand {nobody}"),
        ("agent: {new: {any: ['a']}}", "zh: Field required"),
        ("agent: {'x y': {zh: a, en: b, any: ['a']}}", "code"),
        ("robot: {}", "robot"),
        (
            "buyer: {" + ", ".join(f"a{n}: {{zh: a, en: b, any: [a]}}" for n in range(60)) + "}",
            "64 acts",
        ),
        ("[1", "acts.yaml"),
        ("- a", "acts.yaml"),
        ("agent: {greeting: {any: ['" + "a" * 3000 + "']}}", "2000 characters"),
    ],
)
def test_bad_files_are_explained(tmp_path: Path, text: str, problem: str) -> None:
    with pytest.raises(UsageError, match=problem):
        load_acts(own(tmp_path / "acts.yaml", text))


def test_hostile_patterns_and_texts_cost_little(tmp_path: Path) -> None:
    path = own(tmp_path / "a.yaml", "buyer: {thanks: {any: ['(a+)+$', '(a|aa)+$', '(.*a){20}b']}}")
    scanner = Scanner(*load_acts(path))
    began = time.process_time()
    for text in (
        "a" * 10_000_000 + "!",
        "谢\u202e\u200b" * 1_000_000,
        "<b>" * 1_000_000,
        "\ud800谢",
    ):
        scanner.codes("buyer", text)
        scanner.codes("agent", text)
    # Seconds where a backtracking engine would need longer than the universe has.
    assert time.process_time() - began < 30
