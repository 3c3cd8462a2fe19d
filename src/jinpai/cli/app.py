"""The commands. No logic here: read the options, call the API, show what came of it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from jinpai.cli.cohort_commands import add_cohorts
from jinpai.cli.console import note, print_json, progress
from jinpai.cli.explain_commands import decompose, explain_app
from jinpai.cli.forget_commands import add_forget
from jinpai.cli.health_commands import add_health
from jinpai.cli.jobs_commands import jobs_app
from jinpai.cli.lake_commands import lake_app
from jinpai.cli.options import (
    As,
    First,
    Last,
    Memory,
    Rule,
    Shop,
    Threads,
    Workspace,
    as_json,
    checked_memory,
)
from jinpai.cli.plan_commands import plan_app
from jinpai.cli.qc_backtest_commands import add_backtest
from jinpai.cli.qc_calibrate_commands import calibrate_app
from jinpai.cli.qc_cases_commands import add_cases
from jinpai.cli.qc_commands import qc_app
from jinpai.cli.qc_finding_commands import add_findings
from jinpai.cli.qc_review_commands import add_reviews
from jinpai.cli.report_commands import report
from jinpai.cli.score_commands import add_scoring
from jinpai.cli.serve_commands import add_serve, user_app
from jinpai.cli.setting_commands import settings_app
from jinpai.cli.simulate_commands import add_simulate
from jinpai.cli.spark_options import Conf, EngineName, Master, Scratch, cluster_of
from jinpai.cli.store_commands import store_app
from jinpai.cli.words import both, say
from jinpai.hints import shell_word

__all__ = ["app"]

app = typer.Typer(
    name="jinpai",
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help=both(
        "Jinpai: who sells, who helps and who answers late in a shop's customer service, from the"
        " files the shop can export.",
        "金牌：从店铺导出的文件算出客服绩效——谁在成交、谁在协助、谁回复得慢。",
    ),
    epilog=both(
        "jinpai demo                    # see it on a made-up shop\n"
        "jinpai init my-shop --shop-id s1 --shop-name NAME --platform taobao\n"
        "jinpai import my-shop exports/\n"
        "jinpai run my-shop\n"
        "jinpai metrics my-shop --by agent",
        "jinpai demo                    # 先看模拟店铺的演示\n"
        "jinpai init my-shop --shop-id s1 --shop-name 店名 --platform taobao\n"
        "jinpai import my-shop exports/\n"
        "jinpai run my-shop\n"
        "jinpai metrics my-shop --by agent",
    ),
)


@app.callback(invoke_without_command=True)
def _root(
    version: Annotated[
        bool, typer.Option("--version", help=both("Show the version", "显示版本号"))
    ] = False,
) -> None:
    if version:
        from jinpai import __version__

        typer.echo(f"jinpai {__version__}")
        raise typer.Exit


@app.command(
    help=both("Make a workspace for a shop.", "为店铺建立工作区。"),
    epilog=both(
        "jinpai init my-shop --shop-id s1 --shop-name 'Jin Pai' --platform taobao",
        "jinpai init my-shop --shop-id s1 --shop-name 金牌旗舰店 --platform taobao",
    ),
)
def init(
    workspace: Workspace,
    shop_id: Annotated[
        str,
        typer.Option(
            metavar="ID", help=both("The shop's id in every table", "店铺编号，写入每张表")
        ),
    ],
    shop_name: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            help=both(
                "The shop's name, as its chat accounts begin", "店铺名称，与客服账号前缀一致"
            ),
        ),
    ],
    platform: Annotated[
        str,
        typer.Option(metavar="NAME", help=both("Where it sells: taobao, …", "销售平台：taobao 等")),
    ],
    timezone: Annotated[
        str,
        typer.Option(
            metavar="ZONE", help=both("IANA time zone of its days", "店铺所在时区（IANA 名）")
        ),
    ] = "Asia/Shanghai",
    currency: Annotated[
        str,
        typer.Option(metavar="CODE", help=both("Currency of its amounts", "金额的币种")),
    ] = "CNY",
    lake: Annotated[
        str | None,
        typer.Option(
            metavar="URL",
            show_default=False,
            help=both(
                "Keep the tables in an object store, s3://BUCKET/PREFIX; default in the workspace",
                "把数据表放在对象存储 s3://桶名/前缀；默认放在工作区内",
            ),
        ),
    ] = None,
    lake_endpoint: Annotated[
        str | None,
        typer.Option(
            metavar="URL",
            show_default=False,
            help=both(
                "Address of the S3-compatible service; AWS_ENDPOINT_URL",
                "S3 兼容服务的地址；默认取 AWS_ENDPOINT_URL",
            ),
        ),
    ] = None,
    format_: As = "table",
) -> None:
    """Make a workspace."""
    from jinpai import workspace as api

    made = api.init(
        workspace,
        shop_id=shop_id,
        name=shop_name,
        platform=platform,
        timezone=timezone,
        currency=currency,
        lake=lake,
        lake_endpoint=lake_endpoint,
    )
    if as_json(format_):
        print_json({"workspace": str(made.root), "shop": vars(made.config.shop())})
        return
    word = shell_word(workspace)
    note(
        say(
            f"Workspace {workspace} is ready. Next: jinpai import {word} PATH...",
            f"工作区 {workspace} 已建好。下一步：jinpai import {word} 文件或文件夹",
        ),
        "green",
    )


@app.command(
    "import",
    help=both(
        "Import export files, folders and .zip archives: all or nothing. Formats are recognised by"
        " content. The same file again changes nothing.",
        "导入导出文件、文件夹或 .zip：要么全部生效，要么毫无改动。"
        "格式按内容自动识别，重复导入不会重复计数。",
    ),
    epilog=both(
        "jinpai import my-shop exports/ --dry-run\n"
        "jinpai import my-shop data.csv --mapping my.yaml    # any other format",
        "jinpai import my-shop exports/ --dry-run\n"
        "jinpai import my-shop data.csv --mapping my.yaml    # 其他格式",
    ),
)
def import_(
    workspace: Workspace,
    paths: Annotated[
        list[Path],
        typer.Argument(
            metavar="PATH...",
            show_default=False,
            help=both("Files, folders, .zip", "文件、文件夹、.zip"),
        ),
    ],
    source: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            show_default=False,
            help=both("Force one reader, such as taobao", "指定读取器，如 taobao"),
        ),
    ] = None,
    mapping: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            show_default=False,
            help=both(
                "Mapping file for formats Jinpai does not know", "映射文件，用于未内置的格式"
            ),
        ),
    ] = None,
    shop: Annotated[
        str | None,
        typer.Option(
            metavar="ID",
            show_default=False,
            help=both("Shop of rows that name none", "未写明店铺的行归入此店"),
        ),
    ] = None,
    option: Annotated[
        list[str] | None,
        typer.Option(
            metavar="KEY=VALUE",
            show_default=False,
            help=both("Reader option; may be repeated", "读取器选项，可重复"),
        ),
    ] = None,
    dry_run: Annotated[
        bool,
        typer.Option(
            "--dry-run",
            help=both("Change nothing; show what would happen", "不改动任何数据，只看会发生什么"),
        ),
    ] = False,
    strict: Annotated[
        bool,
        typer.Option(
            "--strict",
            help=both(
                "Exit 1 when rows are rejected (good rows are loaded all the same)",
                "有被拒收的行时退出码为 1（其余行照常导入）",
            ),
        ),
    ] = False,
    threads: Threads = None,
    memory: Memory = None,
    format_: As = "table",
) -> None:
    """Import files."""
    from jinpai.cli.imports import import_json, show_import
    from jinpai.workspace import Workspace as Opened

    limits: dict[str, Any] = {"memory": checked_memory(memory), "threads": threads}
    opened = Opened(workspace)
    with progress(say("Importing", "导入")) as advance:
        done = opened.import_files(
            paths,
            source=source,
            mapping=mapping,
            shop_id=shop,
            options=_pairs(option or []),
            dry_run=dry_run,
            strict=strict,
            progress=lambda rows, file: advance(rows, f"{rows:,}  {file}"),
            **{name: value for name, value in limits.items() if value is not None},
        )
    if as_json(format_):
        print_json(import_json(done))
    else:
        show_import(done, workspace)
    if not done.report.ok:
        raise typer.Exit(1)


def _pairs(options: list[str]) -> dict[str, str]:
    from jinpai.errors import UsageError

    pairs = dict[str, str]()
    for text in options:
        key, mark, value = text.partition("=")
        if not mark or not key.strip():
            raise UsageError(
                f"--option: '{text}' is not KEY=VALUE.",
                zh=f"--option：“{text}”不是 KEY=VALUE 的形式。",
            )
        pairs[key.strip()] = value.strip()
    return pairs


@app.command(
    help=both(
        "Make conversations, attribution and credits from what is loaded, and check the books."
        " Only what changed since the last run is computed again.",
        "根据已导入的数据生成会话、归属与业绩，并核对账目。只重新计算上次之后有变化的部分。",
    ),
    epilog=both(
        "jinpai run my-shop --as-of 2026-03-31",
        "jinpai run my-shop --as-of 2026-03-31",
    ),
)
def run(
    workspace: Workspace,
    as_of: Annotated[
        str | None,
        typer.Option(
            metavar="TIME",
            show_default=False,
            help=both(
                "See the data as it stood then (day or time); default the latest event",
                "按当时的数据计算（日期或时间）；默认最后一个事件",
            ),
        ),
    ] = None,
    full: Annotated[
        bool,
        typer.Option(
            "--full",
            help=both(
                "Compute everything again, not only what changed since the last run",
                "全部重新计算，而不只计算上次之后有变化的部分",
            ),
        ),
    ] = False,
    shop: Shop = None,
    threads: Threads = None,
    memory: Memory = None,
    engine: EngineName = "duckdb",
    master: Master = None,
    conf: Conf = None,
    scratch: Scratch = None,
    format_: As = "table",
) -> None:
    """Run the line."""
    from jinpai.cli.runs import run_json, show_run
    from jinpai.workspace import Workspace as Opened

    size = checked_memory(memory)
    given = {"--memory": memory, "--threads": threads}
    refused = [name for name, value in given.items() if value is not None]
    spark = cluster_of(engine, master, conf, scratch, refused)
    with progress(say("Running", "计算"), total=1.0) as advance:
        report = Opened(workspace).run(
            as_of=as_of,
            full=full,
            shop_id=shop,
            memory=size,
            threads=threads,
            spark=spark,
            on_step=lambda name, done, of: advance(done / max(of, 1), name),
        )
    if as_json(format_):
        print_json(run_json(report))
    else:
        show_run(report, workspace)


@app.command(
    help=both(
        "Show figures of the last run at any grain.", "查看最近一次计算的指标，可按任意维度。"
    ),
    epilog=both(
        "jinpai metrics my-shop --by agent\n"
        "jinpai metrics my-shop --metric sales_amount,reply_rate --by agent,day\n"
        "jinpai metrics my-shop --by agent,month --format xlsx --out march.xlsx",
        "jinpai metrics my-shop --by agent\n"
        "jinpai metrics my-shop --metric sales_amount,reply_rate --by agent,day\n"
        "jinpai metrics my-shop --by agent,month --format xlsx --out 三月.xlsx",
    ),
)
def metrics(
    workspace: Workspace,
    metric: Annotated[
        list[str] | None,
        typer.Option(
            metavar="CODE,...",
            show_default=False,
            help=both("Metric codes; all of them", "指标代码；默认全部"),
        ),
    ] = None,
    by: Annotated[
        list[str] | None,
        typer.Option(
            metavar="PART,...",
            show_default=False,
            help=both(
                "agent, team, product, day, week, month; stage, cause of dispute_share; the"
                " whole period",
                "agent 客服、team 团队、product 商品、day 日、week 周、month 月；"
                "dispute_share 另有 stage 环节、cause 原因；默认整段时间",
            ),
        ),
    ] = None,
    first: First = None,
    last: Last = None,
    trailing: Annotated[
        int,
        typer.Option(
            metavar="DAYS",
            min=0,
            show_default=False,
            help=both(
                "Each cell is the DAYS that end with its last day, such as 28 with --by day",
                "每格为截至其最后一日的若干天，如 --trailing 28 --by day",
            ),
        ),
    ] = 0,
    judge_rule: Rule = None,
    shop: Shop = None,
    format_: Annotated[
        Literal["table", "json", "csv", "parquet", "xlsx"],
        typer.Option("--format", help=both("Form of the output", "输出格式")),
    ] = "table",
    out: Annotated[
        Path | None,
        typer.Option(metavar="FILE", show_default=False, help=both("Write to a file", "写入文件")),
    ] = None,
) -> None:
    """Show figures."""
    from jinpai.cli.export import deliver
    from jinpai.cli.figures import say_outside
    from jinpai.workspace import Workspace as Opened

    opened = Opened(workspace)
    result = opened.ask(
        _codes(metric) or None,
        by=_codes(by),
        first=first,
        last=last,
        judge_rule=judge_rule,
        shop_id=shop,
        trailing=trailing,
    )
    if result.is_stale:
        note(
            say(
                "Data or settings changed since the last run; refresh with: "
                f"jinpai run {shell_word(workspace)}",
                f"上次计算之后数据或设置有改动；请重新计算：jinpai run {shell_word(workspace)}",
            )
        )
    say_outside(result.shops, first, last)
    deliver(opened, result, format_, out, chosen=bool(metric))


def _codes(options: list[str] | None) -> list[str]:
    parts = [part.strip() for text in options or [] for part in text.split(",")]
    return list(dict.fromkeys(part for part in parts if part))


add_cohorts(app)
app.add_typer(explain_app, name="explain")
app.command(
    help=both(
        "Split a difference in sales: more buyers, better conversion or dearer baskets?",
        "拆解客服销售额的差距：来自人数、转化率还是客单价？",
    ),
    epilog=both(
        "jinpai decompose my-shop --agent NAME --with team\n"
        "jinpai decompose my-shop --agent NAME --with previous --from 2026-03-16 --to 2026-03-30",
        "jinpai decompose my-shop --agent 客服 --with team\n"
        "jinpai decompose my-shop --agent 客服 --with previous --from 2026-03-16 --to 2026-03-30",
    ),
)(decompose)
app.command(
    help=both(
        "Write a period's report: one page that needs nothing else, or a workbook.",
        "生成一段时间的报告：一个自带一切的网页，或一份表格。",
    ),
    epilog=both(
        "jinpai report my-shop --from 2026-03-16 --to 2026-03-30 --out march.html\n"
        "jinpai report my-shop --out march.xlsx --lang zh",
        "jinpai report my-shop --from 2026-03-16 --to 2026-03-30 --out 三月.html\n"
        "jinpai report my-shop --out march.xlsx --lang en",
    ),
)(report)
app.add_typer(plan_app, name="plan")
app.add_typer(qc_app, name="qc")
add_findings(qc_app)
add_backtest(qc_app)
add_cases(qc_app)
add_reviews(qc_app)
qc_app.add_typer(calibrate_app, name="calibrate")
add_scoring(app)
app.add_typer(settings_app, name="settings")
app.add_typer(lake_app, name="lake")
app.add_typer(store_app, name="store")
add_forget(app)
add_health(app)
add_serve(app)
app.add_typer(user_app, name="user")
app.add_typer(jobs_app, name="jobs")
add_simulate(app)
