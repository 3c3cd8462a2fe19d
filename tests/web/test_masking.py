"""What identifies a person is hidden, and ordinary talk is not."""

from __future__ import annotations

import pytest

from jinpai.web.masking import hide


@pytest.mark.parametrize(
    ("text", "hidden"),
    [
        ("电话13812341234", "13812341234"),
        ("138 1234 1234 这个号", "138 1234 1234"),
        ("座机0571-88123456", "88123456"),
        ("身份证330106199001011234", "19900101"),
        ("发我邮箱 wang.xm@example.com", "wang.xm"),
        ("收货人：王小明", "小明"),
        ("我叫李雷", "李雷"),
        ("地址：幸福里小区3幢201", "幸福里"),
        ("浙江省杭州市西湖区文三路12号3幢201室", "文三路"),
        ("文一市文三路　12　号　3　幢", "幢"),
        ("邮箱wang.xm@example.com", "wang.xm"),
        ("寄到上海市浦东新区张江镇祖冲之路 99 弄 5 号", "祖冲之"),
    ],
)
def test_it_is_hidden(text: str, hidden: str) -> None:
    assert hidden not in str(hide(text))


@pytest.mark.parametrize(
    "text",
    [
        "这款沙发有货吗",
        "订单4512000000000064000什么时候发货", "客厅 180cm 宽，放得下吗", "好的，谢谢",
        "满300减50，今天最后一天", "质量怎么样", "", "The chair is 120 cm wide",
    ],
)  # fmt: skip
def test_ordinary_talk_stays(text: str) -> None:
    assert hide(text) == text


@pytest.mark.parametrize("part", ["a.", "市", "好", "1", "姓名 ", "地址:", "a@", "@a."])
def test_a_megabyte_that_almost_tells_is_looked_through(part: str) -> None:
    """Looking back and forth would take hours."""
    text = part * (1_000_000 // len(part.encode()))
    assert hide(text) is not None


def test_nothing_stays_nothing() -> None:
    assert hide(None) is None
