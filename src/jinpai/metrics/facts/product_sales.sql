-- One row per (credited sale, item): the sale's amount shared over its items.
select
    c.shop_id,
    c.agent_id,
    t.team,
    l.product_id,
    c.day,
    c.order_id,
    l.sub_order_id,
    c.buyer_id,
    l.amount,
    l.units
from credits as c
inner join sale_lines as l on l.shop_id = c.shop_id and l.order_id = c.order_id
left join roster as t on t.shop_id = c.shop_id and t.agent_id = c.agent_id
where c.judge_rule = $judge_rule and c.status = 'credited' and $level is not null
