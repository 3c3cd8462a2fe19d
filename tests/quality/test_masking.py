"""Masks: what must not leave the shop, in the forms people write it in. All of it is made up."""

from __future__ import annotations

import time

import pytest

from jinpai.quality.masking import personal, unnamed

TOLD = {
    "我叫王小明，电话 138-1234 5678": "我叫[姓名]，电话 [手机号]",
    "收件人李四电话13912345678": "收件人[姓名]电话[手机号]",
    "寄到浙江省杭州市西湖区文三路88号3栋1单元502室": "寄到[地址]",
    "加我微信：abc_12345": "加我微信：[账号]",
    "身份证33010219900101123X": "身份证[证件号]",
    "邮箱 a.b@example.com": "邮箱 [邮箱]",
    "订单号 4512000000000001000": "订单号 [单号]",
    "看看 item.htm?id=700000000101": "看看 item.htm?id=[单号]",
    "一三八一二三四五六七八": "[数字]",
    "１３８１２３４５６７８": "[手机号]",
    "电话0571-88886666": "电话[电话]",
}
PLAIN = ["这款尺寸是120x200", "在路上了，今天到市区", "满200减20，3天到", "明天能到北京市吗"]


@pytest.mark.parametrize("text", TOLD)
def test_masked(text: str) -> None:
    masked = unnamed(text)
    for word in ("王小明", "李四", "1234", "文三路", "abc_", "example", "一三八", "８８", "8888"):
        assert word not in masked
    assert personal(text)
    assert personal(masked) == ()
    if text != "寄到浙江省杭州市西湖区文三路88号3栋1单元502室":  # 寄到 goes with the address
        assert masked == TOLD[text]


@pytest.mark.parametrize("text", PLAIN)
def test_left_alone(text: str) -> None:
    assert unnamed(text) == text
    assert personal(text) == ()


def test_names_that_are_given() -> None:
    assert unnamed("小雨你好，我是阿岚", ["小雨", "阿岚"]) == "[姓名]你好，我是[姓名]"
    assert personal("小雨你好", ["小雨"]) == ("姓名",)


def test_long_texts_are_cut_and_cost_little() -> None:
    began = time.process_time()
    for piece in ("省市区", "一", "1 ", "中", "a.", "微信"):
        assert len(unnamed(piece * 100_000)) <= 2001
    assert time.process_time() - began < 20
