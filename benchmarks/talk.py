"""Write session lines with realistic texts: what inspection reads, 60 % of the texts distinct.

    python benchmarks/talk.py OUT.arrow --messages 20000000 [--seed 7]

What is said is put together from the simulated shop's phrases (simulate/phrases.yaml) by where in
a conversation it is said: hellos, questions, answers, offers, farewells, with products, numbers,
sizes and second thoughts. A third is said as it stands, again and again, as people do. Same seed
and DuckDB version, same rows.
"""

from __future__ import annotations

import argparse
import time
from importlib.resources import files
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import yaml

SLICE = 40_000  # sessions made at once
AGENTS, DAYS = 200, 60

BUYER_HEADS = [
    *(
        "",
        "",
        "",
        "亲，",
        "那个，",
        "请问",
        "你好，",
        "想问下",
        "还有，",
        "麻烦问下，",
        "嗯，",
        "老板，",
    )
]
AGENT_HEADS = [
    *(
        "",
        "",
        "亲，",
        "亲亲，",
        "您好，",
        "好的，",
        "嗯嗯，",
        "是这样的，",
        "帮您看了下，",
        "在的，",
    )
]
BUYER_FACTS = [
    *("身高{n}体重{m}", "订单尾号{n}", "大概{m}块以内", "拍了{m}件", "房间{m}平", "床是{n}乘{m}的"),
    *("等了{m}天了", "家里{m}口人", "手机尾号{n}", "在{m}楼", "看中{item}", "上次买的{item}"),
    *("{m}号前要用", "图{m}那个"),
]
AGENT_FACTS = [
    *(
        "{item}现在{price}元",
        "订单尾号{n}",
        "满{n}减{m}",
        "大概{m}天到",
        "{n}以内都可以的",
        "还有{m}件",
    ),
    *("优惠{m}元", "尺寸是{n}乘{m}的", "今天{m}点前付款当天发", "{m}天内可退换", "编号{n}"),
    *("参考{item}", "已经帮您登记了{n}"),
]
BUYER_TAILS = [
    *(
        "",
        "",
        "",
        "？",
        "呢",
        "吗？",
        "谢谢",
        "，急用",
        "，麻烦了",
        "啊",
        "~",
        "，谢谢啦",
        "。",
        "，可以吗",
    )
]
AGENT_TAILS = [
    *(
        "",
        "",
        "哦",
        "呢",
        "的哦~",
        "，亲",
        "，您看可以吗",
        "，有问题随时找我",
        "。",
        "，感谢支持",
        "呀",
    ),
    "，请放心",
]

MADE = """
with sessions as (
  select v, 4 + pick(v, 1, 16) as length, pick(v, 2, {agents}) as a,
         1767200000000000 + pick(v, 3, {days} * 86400) * 1000000 as opens
  from range($first, $last) as t(v)
), turns as (
  select v, a, opens, length, i, v * 32 + i as m,
         case when i = 0 then 'buyer' when i = 1 then 'agent'
              when pick(v * 32 + i, 4, 100) < 48 then 'buyer' else 'agent' end as role,
         opens + i * 9000000 + pick(v * 32 + i, 5, 9000) * 1000 as at_us
  from sessions, unnest(range(length)) as t(i)
), said as (
  select *,
         case when role = 'buyer'
              then case when i = 0 then say({buyer_hello}, m, 6)
                        when i = length - 1 then say({buyer_end}, m, 6) else say({buyer}, m, 6) end
              else case when i = 1 then say({agent_hello}, m, 6)
                        when i >= length - 2 then say({agent_end}, m, 6) else say({agent}, m, 6) end
         end as core,
         pick(m, 7, 100) as kind
  from turns
), put as (
  select *,
         case when kind < 33 or i = 0 and kind < 60 then core
              when role = 'buyer'
              then say({buyer_heads}, m, 8) || core || '，' || say({buyer_facts}, m, 9)
                || say({buyer_tails}, m, 10)
              else say({agent_heads}, m, 8) || core || '，' || say({agent_facts}, m, 9)
                || say({agent_tails}, m, 10) end as blank
  from said
)
select 'bench' as shop_id, 'b' || lpad(v::varchar, 9, '0') as buyer_id, 'a' || a as agent_key,
       opens as start_us, max(at_us) over (partition by v) as end_us,
       make_date((opens // 86400000000)::integer) as day, 1::bigint as session_no,
       'both' as agent_role, 1800000000000000 as as_of_us, role, at_us, i::bigint as place,
       'm' || m as line_id, 'text' as kind,
       replace(replace(replace(replace(replace(replace(replace(replace(replace(blank,
         '{{item}}', say({items}, m, 11)),
         '{{price}}', pick(m, 12, 700)::varchar),
         '{{n}}', (100 + pick(m, 13, 9900))::varchar),
         '{{m}}', (1 + pick(m, 14, 99))::varchar),
         '{{days}}', (2 + pick(m, 15, 6))::varchar),
         '{{order}}', pick(m, 16, 10000)::varchar),
         '{{agent}}', say({names}, a, 17)),
         '{{colleague}}', say({names}, m, 18)),
         '{{product}}', pick(m, 19, 900)::varchar) as text,
       null::varchar as product_id, null::varchar as category, null::varchar as attributes,
       null::bigint as paid_us, null::bigint as closed_us
from put
union all by name
select 'bench' as shop_id, 'b' || lpad(v::varchar, 9, '0') as buyer_id, '' as agent_key,
       -1 as start_us, -1 as end_us, 1800000000000000 as as_of_us, 'order' as role,
       opens + 60000000 as at_us, 0 as place, '47' || v as line_id,
       case when pick(v, 20, 10) < 8 then opens + 300000000 end as paid_us
from sessions where pick(v, 21, 3) = 0
order by buyer_id, start_us, agent_key, at_us, place, line_id
"""


def texts() -> dict[str, list[str]]:
    """Return what is said, by who says it and when."""
    data: dict[str, Any] = yaml.safe_load(
        files("jinpai.simulate").joinpath("phrases.yaml").read_text("utf-8")
    )
    topics = [*data["presale"].values(), *data["aftersale"].values()]
    asked = [text for topic in topics for text in topic["ask"]]
    answered = [text for topic in topics for text in topic["answer"]]
    return {
        "items": [product["title"] for product in data["products"]],
        "names": data["agent_names"],
        "buyer_hello": data["buyer_hello"],
        "buyer": [
            *asked, *data["buyer_detail"], *data["buyer_hesitate"], *data["buyer_impatient"],
            *data["second_opinion"], *data["buyer_angry"], *data["buyer_accept"],
        ],
        "buyer_end": [*data["buyer_leave"], *data["buyer_fine"], *data["buyer_accept"]],
        "agent_hello": [*data["agent_hello"], *data["agent_hello"], *data["transfer_in"]],
        "agent": [
            *answered, *data["agent_ask"], *data["agent_recommend"], *data["agent_push"],
            *data["second_answer"], *data["dunning"], *data["agent_sorry"], data["link"],
        ],
        "agent_end": [*data["agent_thanks"], *data["agent_push"], *data["transfer_out"]],
        "buyer_heads": BUYER_HEADS,
        "agent_heads": AGENT_HEADS,
        "buyer_facts": BUYER_FACTS,
        "agent_facts": AGENT_FACTS,
        "buyer_tails": BUYER_TAILS,
        "agent_tails": AGENT_TAILS,
    }  # fmt: skip


def generate(out: Path, messages: int, seed: int = 7) -> int:
    """Write about so many messages, and the orders among them; return the rows."""
    con = duckdb.connect(config={"memory_limit": "2GB", "threads": 2})
    con.execute(
        f"create macro pick(n, salt, span) as (hash(n * 1000 + salt + {seed}) % span)::bigint"
    )
    con.execute("create macro say(list, n, salt) as list[1 + pick(n, salt, len(list))]")
    known = {name: "'" + "','".join(said) + "'" for name, said in texts().items()}
    sql = MADE.format(
        agents=AGENTS, days=DAYS, **{name: f"[{said}]" for name, said in known.items()}
    )
    writer: pa.ipc.RecordBatchFileWriter | None = None
    rows, first = 0, 0
    sessions = round(messages / 11.5)
    while first < sessions:
        bound = {"first": first, "last": min(first + SLICE, sessions)}
        table = con.sql(sql, params=bound).to_arrow_table()
        if writer is None:
            options = pa.ipc.IpcWriteOptions(compression="lz4")
            writer = pa.ipc.new_file(str(out), table.schema, options=options)
        writer.write_table(table.combine_chunks(), max_chunksize=1 << 17)
        rows, first = rows + table.num_rows, first + SLICE
    if writer:
        writer.close()
    return rows


def main() -> None:
    """Read the arguments and write the file."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("out", type=Path)
    parser.add_argument("--messages", type=int, default=2_000_000)
    parser.add_argument("--seed", type=int, default=7)
    given = parser.parse_args()
    began = time.perf_counter()
    rows = generate(given.out, given.messages, given.seed)
    print(f"{rows:,} rows in {time.perf_counter() - began:.1f} s")


if __name__ == "__main__":
    main()
