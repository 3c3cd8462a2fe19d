-- One row per paid order under the judge rule asked for; below shop level only credited ones.
select
    c.shop_id,
    c.agent_id,
    t.team,
    c.day,
    c.order_id,
    c.buyer_id,
    c.status,
    c.paid_amount,
    c.units,
    c.refunded_amount
from credits as c
left join roster as t on t.shop_id = c.shop_id and t.agent_id = c.agent_id
where c.judge_rule = $judge_rule and ($level = 'shop' or c.status = 'credited')
